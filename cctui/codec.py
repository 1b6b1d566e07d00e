"""Values of the core as JSON data and back: driven by the dataclasses' own type hints, defaults left out.

A value whose type the reader cannot know (the top one, a member of a union) carries its class name under ``$``.
Decoding checks every type and raises CodecError; it never builds anything but the core's own vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from cctui.core import forecast, settings, world
from cctui.core.world import World

TAG = "$"


class CodecError(ValueError):
    """Data that is not a value of the core: what was found, and where."""


class Coder(NamedTuple):
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def encode(value: Any) -> Any:
    """A dataclass of the core as JSON data with its class name."""
    kind: Any = type(value)
    return {TAG: kind.__name__, **_coder(kind).encode(value)}


def decode(data: Any) -> Any:
    """What `encode` made."""
    try:
        return _tagged(vocabulary())(data)
    except RecursionError:  # commands may hold commands
        raise CodecError("nested too deeply") from None


def encode_field(name: str, value: Any) -> Any:
    """One top-level field of the World."""
    return _hinted(World, name).encode(value)


def decode_field(name: str, data: Any) -> Any:
    if name not in get_type_hints(World):
        raise CodecError(f"the World has no field {name!r}")
    return _hinted(World, name).decode(data)


def dumps(data: Any) -> str:
    """One line of the wire."""
    return json.dumps(data, separators=(",", ":"))


@cache
def vocabulary() -> dict[str, type]:
    """Every dataclass that may cross the wire, by name."""
    found = {**vars(settings), **vars(world), **vars(forecast)}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and is_dataclass(kind)}


# --- coders ----------------------------------------------------------------------------------------------------------


@cache
def _coder(hint: Any) -> Coder:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _union(tuple(get_args(hint)))
    if origin is tuple:
        return _tuple(get_args(hint))
    if origin is frozenset:
        return _frozenset(_coder(get_args(hint)[0]))
    if origin is Mapping or origin is dict:
        return _mapping(_coder(get_args(hint)[1]))
    if isinstance(hint, type):
        return _class(hint)
    raise CodecError(f"no coder for {hint!r}")


def _class(kind: type) -> Coder:
    if is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, Enum):
        return Coder(lambda value: value.value, _checked(kind, kind))
    if kind is datetime:
        return Coder(datetime.isoformat, _checked(datetime, _moment))
    if kind is float:
        return Coder(lambda value: value, _float)
    if kind is str:
        return Coder(str, _plain(str))  # a member of a StrEnum is text, too
    if kind in (int, bool):
        return Coder(lambda value: value, _plain(kind))
    raise CodecError(f"no coder for {kind!r}")


@cache
def _hinted(kind: type, name: str) -> Coder:
    return _coder(get_type_hints(kind)[name])


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _dataclass(kind: type) -> Coder:
    names = [field.name for field in fields(kind)]
    defaults = {field.name: _default(field) for field in fields(kind)}
    # Looked up at the first use: a type may hold itself (an effect that holds a failed effect).
    parts = cache(lambda: [(name, defaults[name], _hinted(kind, name)) for name in names])
    known = frozenset(names)

    def encoded(value: Any) -> dict[str, Any]:
        made = {}
        for name, default, part in parts():
            held = getattr(value, name)
            if held is not default and (default is MISSING or held != default):
                made[name] = part.encode(held)
        return made

    def decoded(data: Any) -> Any:
        if not isinstance(data, dict):
            raise CodecError(f"{kind.__name__} must be an object, not {type(data).__name__}")
        given = data.keys() - {TAG}
        if unknown := given - known:
            raise CodecError(f"{kind.__name__} has no field {min(unknown)!r}")
        try:
            return kind(**{name: part.decode(data[name]) for name, _, part in parts() if name in given})
        except TypeError:
            absent = [name for name, default, _ in parts() if default is MISSING and name not in given]
            raise CodecError(f"{kind.__name__} needs {', '.join(absent)}") from None

    return Coder(encoded, decoded)


def _union(kinds: tuple[Any, ...]) -> Coder:
    some = [kind for kind in kinds if kind is not NoneType]
    if len(some) == 1:
        inner = _coder(some[0])
        return Coder(
            lambda value: None if value is None else inner.encode(value),
            lambda data: None if data is None else inner.decode(data),
        )
    classes = {kind.__name__: kind for kind in some}
    tagged = _tagged(classes)
    return Coder(
        lambda value: None if value is None else encode(value),
        lambda data: None if data is None and NoneType in kinds else tagged(data),
    )


def _tagged(classes: Mapping[str, type]) -> Callable[[Any], Any]:
    def decoded(data: Any) -> Any:
        name = data.get(TAG) if isinstance(data, dict) else None
        if not isinstance(name, str) or name not in classes:
            raise CodecError(f"nothing known is called {name!r}")
        return _coder(classes[name]).decode(data)

    return decoded


def _tuple(kinds: tuple[Any, ...]) -> Coder:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        one = _coder(kinds[0])
        return Coder(
            lambda value: [one.encode(entry) for entry in value],
            lambda data: tuple(one.decode(entry) for entry in _list(data)),
        )
    parts = [_coder(kind) for kind in kinds]
    return Coder(
        lambda value: [part.encode(entry) for part, entry in zip(parts, value, strict=True)],
        lambda data: tuple(part.decode(entry) for part, entry in zip(parts, _list(data, len(parts)), strict=True)),
    )


def _frozenset(one: Coder) -> Coder:
    return Coder(
        lambda value: [one.encode(entry) for entry in sorted(value)],
        lambda data: frozenset(one.decode(entry) for entry in _list(data)),
    )


def _mapping(one: Coder) -> Coder:
    def decoded(data: Any) -> Any:
        if not isinstance(data, dict):
            raise CodecError(f"a mapping must be an object, not {type(data).__name__}")
        return {name: one.decode(entry) for name, entry in data.items()}

    return Coder(lambda value: {name: one.encode(entry) for name, entry in value.items()}, decoded)


def _list(data: Any, length: int | None = None) -> list[Any]:
    if not isinstance(data, list) or (length is not None and len(data) != length):
        raise CodecError(f"a list{f' of {length}' if length else ''} is needed, not {type(data).__name__}")
    return data


def _plain(kind: type) -> Callable[[Any], Any]:
    def decoded(data: Any) -> Any:
        if type(data) is not kind:
            raise CodecError(f"{kind.__name__} is needed, not {type(data).__name__}")
        return data

    return decoded


def _float(data: Any) -> float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise CodecError(f"a number is needed, not {type(data).__name__}")
    return data


def _moment(data: str) -> datetime:
    moment = datetime.fromisoformat(data)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset")
    return moment


def _checked(kind: type, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decoded(data: Any) -> Any:
        if not isinstance(data, str):
            raise CodecError(f"{kind.__name__} is text, not {type(data).__name__}")
        try:
            return make(data)
        except ValueError as error:
            raise CodecError(f"not a {kind.__name__}: {data!r} ({error})") from None

    return decoded
