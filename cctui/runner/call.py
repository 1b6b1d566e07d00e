"""Calls one Python function for a task: ``PYTHON call.py RUN_DIR module:function``, in the task's folder.

What it returns is put as JSON into RUN_DIR/result.json, whole or not at all, and printed as the last line; what it
raises is told there too.  Exit code 0: it returned; 1: it raised, or returned what JSON cannot hold; 2: there is no
such function.  It adds nothing to the import path but the task's own folder, and passes no arguments.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import io
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from collections.abc import Callable
    from typing import Any

RAISED, MISSING = 1, 2
RESULT = "result.json"


class NotFound(Exception):
    """There is no such module or function; the text says which."""


class NoJson(Exception):
    """The result cannot be written as JSON; the text says why."""


def find(name: str) -> Callable[[], Any]:
    """The function `module:function` stands for; its module is imported."""
    module_name, colon, path = name.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module_name.split("."), *path.split("."))):
        raise NotFound(f"`{name}` is no name of a function: write module:function.")
    try:
        value: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # One that the module itself imports is the module's own trouble.
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise
        raise NotFound(f"There is no module `{error.name}` here ({os.getcwd()}).") from None
    done = module_name
    for part in path.split("."):
        if not hasattr(value, part):
            raise NotFound(f"`{done}` has no `{part}`.")
        value, done = getattr(value, part), f"{done}.{part}"
    if not callable(value):
        raise NotFound(f"`{name}` is no function, but of type {type(value).__name__}.")
    return value  # type: ignore[no-any-return]


def as_json(value: Any) -> str:
    def refuse(inner: Any) -> Any:
        raise NoJson(f"The result holds a value of type {type(inner).__name__}, which JSON cannot hold.")

    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=refuse)
    except TypeError:
        raise NoJson(f"The result, of type {type(value).__name__}, has keys that JSON cannot hold.") from None
    except (ValueError, RecursionError) as error:
        raise NoJson(f"The result, of type {type(value).__name__}, cannot be written as JSON: {error}.") from None


async def _awaited(value: Any) -> Any:
    return await value


def outcome(name: str) -> str:
    """The result of calling `name`, as JSON."""
    value = find(name)()
    return as_json(asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value)


def _store(folder: str, text: str) -> None:
    """`text` as result.json, atomically and for the owner alone."""
    path = os.path.join(folder, RESULT)
    draft = os.path.join(folder, f".{RESULT}.{os.getpid()}.tmp")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        os.fsync(fd)
    os.rename(draft, path)


def _failed(folder: str, error: str) -> None:
    _store(folder, json.dumps({"ok": False, "error": error}, ensure_ascii=False))


def main(argv: list[str]) -> int:
    if len(argv) != 3:
        print("usage: call.py RUN_DIR module:function", file=sys.stderr)
        return MISSING
    folder = os.path.abspath(argv[1])
    own = os.path.dirname(os.path.abspath(__file__))
    # In place of our own folder: its names must not stand before the task's.
    sys.path[:] = [os.getcwd(), *(path for path in sys.path if path != own)]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as JSON writes what no encoding has
    try:
        text = outcome(argv[2])
    except NotFound as error:
        _failed(folder, str(error))
        print(f"cctui: {error}", file=sys.stderr)
        return MISSING
    except NoJson as error:
        _failed(folder, str(error))
        print(f"cctui: {error}", file=sys.stderr)
        return RAISED
    except SystemExit as error:
        _failed(folder, f"SystemExit: {error.code}")
        print(f"cctui: the function ended the program itself (SystemExit: {error.code})", file=sys.stderr)
        return RAISED
    except BaseException as error:
        _failed(folder, f"{type(error).__name__}: {error}")
        raise
    _store(folder, f'{{"ok": true, "result": {text}}}')
    print(text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
