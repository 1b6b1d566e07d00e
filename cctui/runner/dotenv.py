"""The values of a folder's .env files that must not be seen in notes or on screens.

It reads only files that lie directly in the folder, a bounded part of each, and passes over what it cannot read.  What
it returns is for `redact`; it never writes, logs or prints a value.
"""

from __future__ import annotations

import os
import re
import stat

FILES, BYTES, VALUES = 64, 64 * 1024, 200
SHORTEST = 8
EXAMPLES = (".example", ".sample", ".template", ".dist", ".defaults")

_WORDS = frozenset((
    "development", "production", "staging", "testing", "disabled", "enabled", "undefined", "localhost", "required",
    "optional", "changeme", "password", "postgres", "postgresql", "anonymous", "username",
))  # fmt: skip

# Text, compiled when first used: most folders have no .env file.
_LINE = r"[ \t]*+(?:export[ \t]++)?([A-Za-z_][A-Za-z0-9_.-]{0,127})[ \t]*+=[ \t]*+([^\n]*)"
_SECRET_NAME = r"(?i)secret|token|pass|pwd|private|salt|credential"
_LIKELY_NAME = r"(?i)key|auth|dsn|cookie|signature|webhook"
_WORDY = r"[A-Za-z][A-Za-z _./:+-]*"
_NUMBER = r"[0-9.,:_ +-]+"
_PATH = r"[~.]{0,2}/[\w.@/-]*"
_HOST = r"[\w.-]{1,255}\.[a-z]{2,12}(?::\d{1,5})?(?:/[\w./-]*)?"
_LOCAL = r"(?i)[a-z][a-z0-9+.-]{0,20}://(?:localhost|127\.[0-9.]{1,12}|0\.0\.0\.0|\[::1\]|host\.docker\.internal)"
_ADDRESS = r"(?i)[a-z][a-z0-9+.-]{0,20}://[\w.:-]{1,255}(?:/[A-Za-z_.~/-]{0,200})?"
_RANDOM = r"(?<![A-Za-z0-9_-])(?=[A-Za-z_-]*+[0-9])(?=[0-9_-]*+[A-Za-z])[A-Za-z0-9_-]{16,}"


def env_values(folder: str) -> tuple[str, ...]:
    """The secret-looking values in `folder`'s ``.env``, ``.env.*`` and ``*.env`` files, each once.

    At least eight characters, and no plain word, number, path or address without a password.  At most 200.
    """
    found: dict[str, None] = {}
    for name in _names(folder):
        for key, value in _pairs(_read(os.path.join(folder, name))):
            if _is_secret(key, value, folder):
                found[value] = None
            if len(found) >= VALUES:
                return tuple(found)
    return tuple(found)


def _names(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    wanted = (name for name in names if name == ".env" or name.startswith(".env.") or name.endswith(".env"))
    return sorted(name for name in wanted if not name.endswith(EXAMPLES))[:FILES]


def _read(path: str) -> str:
    """The file's beginning; empty when it cannot be read or is no ordinary file (a pipe would never end)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        return os.read(fd, BYTES).decode("utf-8", "replace").removeprefix("\ufeff")
    except OSError:
        return ""
    finally:
        os.close(fd)


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = (re.match(_LINE, line) for line in text.replace("\r", "\n").split("\n"))
    return [(match[1], _unquoted(match[2].strip())) for match in lines if match]


def _unquoted(value: str) -> str:
    quote = value[:1]
    if quote in ("'", '"', "`") and (end := value.find(quote, 1)) > 0:
        return value[1:end]
    return re.split(r"[ \t]#", value, maxsplit=1)[0].rstrip()


def _is_secret(key: str, value: str, folder: str) -> bool:
    if len(value) < SHORTEST or value.casefold() in _WORDS or "\ufffd" in value:
        return False
    if "://" in value:
        return "@" in value or not (re.match(_LOCAL, value) or re.fullmatch(_ADDRESS, value))
    likely = re.search(_LIKELY_NAME, key) is not None and not value.isalpha()
    if likely or re.search(_SECRET_NAME, key):
        return not os.path.exists(os.path.join(folder, os.path.expanduser(value)))
    plain = any(re.fullmatch(pattern, value) for pattern in (_WORDY, _NUMBER, _PATH, _HOST))
    return not plain or (not value.startswith(("/", "~", ".")) and re.search(_RANDOM, value) is not None)
