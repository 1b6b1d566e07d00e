"""Where a command was typed: its root and config, the engine if one runs, and how its answer is printed.

Promises: data goes to stdout, everything else to stderr; with ``--json`` stdout is one object, also when it failed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cctui import __version__
from cctui.cli.ask import AskError, Session, begin
from cctui.places import Places, PlacesError, find_places

if TYPE_CHECKING:
    from cctui.config import Value
    from cctui.core.settings import Settings

OK, FAILED, USAGE, NOT_FOUND, INVALID, LIMIT, LOCKED, MISSING, AGAIN, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 7, 75, 130
CODES = """\
Exit codes: 0 ok · 1 refused or failed · 2 usage · 3 not found or nothing to do · 4 invalid task or config ·
5 limit reached · 6 another engine holds the lock · 7 a needed program is missing · 75 try again · 130 interrupted"""

Reply = dict[str, Any]
"""{data, errors, code}, as `core.answer` makes it."""


class Fail(Exception):
    """A command that ends with a sentence on stderr and an exit code."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.message = text
        self.code = code


class Here:
    def __init__(self, root: str | None = None, config: str | None = None, as_json: bool = False) -> None:
        self.root = root
        self.json = as_json
        self.environ = dict(os.environ)
        if config:
            self.environ["CCTUI_CONFIG"] = str(Path(config).absolute())
        if root:
            self.environ["CCTUI_ROOT"] = str(Path(root).expanduser().absolute())

    @cached_property
    def places(self) -> Places:
        """Raises Fail (4) for a config or a root that cannot be used."""
        cwd = Path.cwd()
        try:
            first = find_places(self.root, self.environ, cwd)
            if self.root or self.environ.get("CCTUI_ROOT") or not first.config.exists():
                return first
            return find_places(self.root, self.environ, cwd, configured_root(first.config))
        except PlacesError as error:
            raise Fail(str(error), INVALID) from None

    @cached_property
    def configured(self) -> tuple[Settings, dict[str, Value]]:
        """The settings and where each came from.  Raises Fail (4)."""
        from cctui.config import ConfigError, load

        try:
            return load(self.places.config, self.environ, {})
        except ConfigError as error:
            raise Fail(str(error), INVALID) from None

    @property
    def settings(self) -> Settings:
        return self.configured[0]

    def session(self) -> Session | None:
        """A conversation with the running engine, None when there is none.  Raises Fail."""
        try:
            return begin(str(self.places.socket), __version__)
        except AskError as error:
            raise Fail(str(error)) from None

    def answer(self, verb: str, /, **args: Any) -> Reply:
        """What the engine, or without one the disk, has to say."""
        session = self.session()
        if session is None:
            from cctui.cli import offline

            return offline.answer(self, verb, args)
        with session:
            return {"engine": True, **self.asked(session, "answer", verb=verb, args=args)}

    def order(self, command_name: str, /, **parts: Any) -> Reply:
        """Have a command carried out: by the engine, or without one by ourselves under its lock."""
        command = {"$": command_name, **parts}
        session = self.session()
        if session is None:
            from cctui.cli import offline

            return offline.order(self, command)
        with session:
            return self.asked(session, "order", command=command)

    def text(self, path: str) -> str:
        """A task file's text, by its path below ROOT/tasks.  Raises Fail."""
        session = self.session()
        if session is None:
            from cctui.cli import offline

            return offline.text(self, path)
        with session:
            return str(self.asked(session, "text", what=path)["text"])

    @staticmethod
    def asked(session: Session, what: str, /, **parts: Any) -> Reply:
        try:
            return session.do(what, **parts)
        except AskError as error:
            raise Fail(str(error)) from None

    # --- answers out -------------------------------------------------------------------------------------------------

    def put(self, reply: Reply, human: Callable[[Any], str]) -> None:
        """Print an answer and end with its exit code when that is not 0."""
        code = int(reply.get("code", OK))
        errors = [str(error) for error in reply.get("errors", ())]
        if self.json:
            self.frame(reply.get("data"), errors)
        elif code == OK and (text := human(reply.get("data"))):
            print(text)
        for error in errors:
            say(error)
        if code != OK:
            raise SystemExit(code)

    @staticmethod
    def frame(data: Any, errors: list[str]) -> None:
        """The one object that --json puts on stdout."""
        print(json.dumps({"schema": 1, "data": data, "errors": errors}, ensure_ascii=False))

    def fail(self, error: Fail) -> NoReturn:
        """End with a Fail's sentence and code; with --json also as an object."""
        self.put({"data": None, "errors": [error.message], "code": error.code}, str)
        raise SystemExit(error.code)


def say(text: str) -> None:
    """Narration: stderr, never stdout."""
    print(f"{program()}: {text}", file=sys.stderr)


def program() -> str:
    """The name under which we were called."""
    # Whoever has parsed a command line has click; the app has not, and starts a tenth sooner for it.
    click = sys.modules.get("click")
    context = click.get_current_context(silent=True) if click else None
    name = (context.find_root().info_name if context else None) or Path(sys.argv[0]).name
    return "cctui" if "__main__" in name or name.startswith("python") else name


def configured_root(config: Path) -> str | None:
    """The `root` of a config file, without reading the rest of it.  Raises Fail (4)."""
    import tomllib

    try:
        found = tomllib.loads(config.read_text(encoding="utf-8")).get("root")
    except (OSError, ValueError) as error:
        raise Fail(f"{config}: {error}", INVALID) from None
    if found is not None and not isinstance(found, str):
        raise Fail(f"{config}: root: must be text, found {found!r}", INVALID)
    return found or None
