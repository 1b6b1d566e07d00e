"""Which paths are secret: patterns, and a judge of names as tools and commands spell them.

A pattern without a slash fits any part of a path; one that ends with a slash fits a folder and all below it; one with a
slash inside fits these parts one after another, from the root on if it begins with `/` or `~`.  Letters' case does not
count.  Allowed wins over denied.  A name is judged twice: as it is written, and as what it leads to.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase, translate

from .shellwords import Name

DENY = (
    *(".env", ".env.*", ".envrc", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".ssh/", ".aws/", ".gnupg/", ".azure/", ".password-store/"),
    *(".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", ".git-credentials", ".vault-token"),
    *(".docker/config.json", ".kube/config", "credentials.json", ".credentials.json", ".config/gh/", ".config/gcloud/"),
    *(".cargo/credentials*", ".gem/credentials", ".terraform.d/credentials*", ".claude.json"),
)
ALLOW = (".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "id_*.pub")
OWN = (
    *("secrets.json", "guard.json", "settings*.json", "spec.json", "leg-*.json", "start-*.json", "exit*.json"),
    *("tell-*", "told-*", "child-*", "asks.jsonl", "stop", "lock", "filed", "stream.jsonl", "output.log"),
)
"""Files of the run folder that steer the run or hold its raw text."""
EXAMPLES = (".env.local", ".env.production", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")
"""Names that patterns with a wildcard are about: does a person's own wildcard mean one of them?"""

_WILD = re.compile(r"[*?\[]")
_LETTER = re.compile(r"[^*?\[\]!^]")
MANY = 20_000
"""Looks at the disk for one command: more are not made, and the command is denied."""


class Patterns:
    """A run's own patterns."""

    __slots__ = ("allow", "deny")

    def __init__(self, deny: tuple[str, ...], allow: tuple[str, ...]) -> None:
        self.deny = deny
        self.allow = allow


class _Rules:
    """Some patterns, ready to be looked up."""

    __slots__ = ("_any", "_paths", "_single")

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._single = [item.rstrip("/") for item in patterns if "/" not in item.rstrip("/") and item.strip("/")]
        self._paths = [item for item in patterns if "/" in item.rstrip("/")]
        self._any = re.compile("|".join(translate(item.casefold()) for item in self._single) or r"(?!)")

    def find(self, parts: list[str]) -> tuple[str, str] | None:
        """The pattern that fits and the part it fits; parts are casefolded, the first is "" for an absolute path."""
        for part in parts:
            if self._any.match(part):
                fits = (item for item in self._single if fnmatchcase(part, item.casefold()))
                return next(fits, part), part
        for item in self._paths:
            if _follows(parts, item):
                return item, parts[-1]
        return None


def _follows(parts: list[str], pattern: str) -> bool:
    rooted = pattern.startswith(("/", "~"))
    wanted = [part.casefold() for part in os.path.expanduser(pattern).split("/") if part]
    given = [part for part in parts if part]
    if rooted and parts[:1] != [""]:
        return False
    starts = (0,) if rooted else range(len(given) - len(wanted) + 1)
    return any(
        len(given) >= at + len(wanted) and all(map(fnmatchcase, given[at : at + len(wanted)], wanted)) for at in starts
    )


class Judge:
    """Says of names whether they are secret, seen from the folders a command may be in."""

    def __init__(self, patterns: Patterns, cwd: str, run: str = "") -> None:
        own = {folder.rstrip("/") for folder in (run, os.path.realpath(run)) if run}
        mine = tuple(f"{folder}/{name}" for folder in sorted(own) for name in OWN)
        self._deny = _Rules((*DENY, *mine, *patterns.deny))
        self._allow = _Rules((*ALLOW, *patterns.allow))
        self._added = patterns.deny
        plain = (item.casefold().rstrip("/") for item in (*DENY, *patterns.deny) if not _WILD.search(item))
        self._examples = (*(item for item in plain if "/" not in item), *EXAMPLES)
        self._folders = [cwd]
        self._looks = 0

    def enter(self, folder: str) -> None:
        """The command may go on in `folder`."""
        for base in tuple(self._folders):
            path = os.path.normpath(os.path.join(base, os.path.expanduser(folder)))
            if path not in self._folders and len(self._folders) < 8:
                self._folders.append(path)

    def path(self, text: str) -> str | None:
        """The pattern that makes a tool's path or glob secret; None when none does."""
        return self.judge(Name(text.removeprefix("file://"), hidden=True, listed=False))

    def judge(self, name: Name) -> str | None:
        """The pattern that makes `name` secret, or what it leads to; None when none does."""
        text = os.path.expanduser(name.text)
        if not text or len(text) > 4_096 or "\0" in text:
            return None
        parts = _parts(text)
        if (found := self._spelled(text, parts, name)) is not None:
            return found
        if _WILD.search(text):
            return self._wild(text, parts, name)
        return self._real(text)

    def _spelled(self, text: str, parts: list[str], name: Name) -> str | None:
        found = self._deny.find(parts)
        if found is None or self._allow.find(parts) is not None:
            return None
        pattern, part = found
        if pattern.startswith("*.") and pattern not in self._added:
            # `item.key` and `process.env` are code far more often than files.
            likely = not name.code and not part.startswith(".") and pattern != "*.env"
            if not likely and not self._there(text):
                return None
        return f"pattern `{pattern}`"

    def _there(self, text: str) -> bool:
        return "/" in text or any(os.path.lexists(os.path.join(base, text)) for base in self._folders)

    def _real(self, text: str) -> str | None:
        for base in self._folders:
            self._looks += 1
            if self._looks > MANY:
                return "there are too many names in this command to look at them all"
            path = os.path.join(base, text)
            # What is not there yet may be made below a folder that is a link.
            if "/" not in text and not os.path.lexists(path):
                continue
            for full in (os.path.normpath(path), os.path.realpath(path)):
                parts = _parts(full)
                if (found := self._deny.find(parts)) is not None and self._allow.find(parts) is None:
                    return f"it leads to `{full}`, pattern `{found[0]}`"
        return None

    # --- wildcards

    def _wild(self, text: str, parts: list[str], name: Name) -> str | None:
        for part in parts:
            letters = len(_LETTER.findall(part)) if _WILD.search(part) else 0
            if letters < (2 if part.startswith(".") else 3):
                continue
            for example in self._examples:
                seen = name.hidden or part.startswith(".") or not example.startswith(".")
                if seen and fnmatchcase(example, part) and self._allow.find([part]) is None:
                    return f"it can mean `{example}`"
        if name.unknown or not name.listed:
            return None
        for base in self._folders:
            for path in self._expand(os.path.join(base, text)):
                parts = _parts(path)
                found = self._deny.find(parts)
                if found is not None and self._allow.find(parts) is None:
                    return f"it means `{path}`, pattern `{found[0]}`"
                if os.path.islink(path) and (leads := self._real(path)) is not None:
                    return leads
        return "there are too many files for this wildcard to look at them all" if self._looks > MANY else None

    def _expand(self, path: str) -> list[str]:
        """The files that a shell would put in the place of `path`."""
        found = [""]
        for part in path.split("/"):
            if _WILD.search(part):
                found = [f"{folder}{name}/" for folder in found for name in self._list(folder, part)]
            else:
                found = [f"{folder}{part}/" for folder in found]
        return [item.rstrip("/") for item in found if item.strip("/")]

    def _list(self, folder: str, part: str) -> list[str]:
        """What in `folder` fits `part`; each counts as a look, and after too many there is nothing more."""
        if self._looks > MANY:
            return []
        try:
            names = [name for name in os.listdir(folder or "/") if _fits(name, part)]
        except OSError:
            names = []
        self._looks += 1 + len(names)
        return names


def _fits(name: str, part: str) -> bool:
    return (part.startswith(".") or not name.startswith(".")) and fnmatchcase(name, part)


def _parts(path: str) -> list[str]:
    """Casefolded, without what leads nowhere; the first is "" for an absolute path."""
    first, *rest = path.casefold().split("/")
    return [first, *(part for part in rest if part not in ("", "."))] if first != "." else [
        part for part in rest if part not in ("", ".")
    ]  # fmt: skip
