"""The git program, asked in the same way whoever asks and whatever is configured.

Promises: every call ends within its time limit, with all it started; nothing of the caller's git environment, no hook,
no pager, editor, prompt or file system monitor takes part; a lock that somebody else holds is waited for, for a few
seconds.  Names go in and come out as bytes, separated by NUL: any name a file can have works.  It never asks the
network for anything by itself.  Synchronous; any thread.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

Word = str | bytes

LIMIT = 30.0
"""Seconds a call may take when nothing else is said."""
LOCK_SECONDS = 4.0
"""How long somebody else's lock is waited for."""
_PAUSE = 0.1
_SAID = 400
"""Characters of git's own words that a sentence of ours repeats."""

_ALWAYS = (
    *("-c", "core.quotepath=off", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"),
    *("-c", "core.safecrlf=false", "-c", "core.pager=cat", "-c", "submodule.recurse=false"),
    *("-c", "user.name=cctui", "-c", "user.email=cctui@localhost"),
)
_TEMPORARY = ("-c", "core.splitIndex=false")
"""A temporary index must not leave a shared half of itself in the repository."""
_LOCKED = re.compile(
    r"Unable to create '([^']*)': File exists"
    r"|could not lock config file (.*?): File exists"
    r"|failed to read (\S*)/commondir"  # another git is in the middle of adding a worktree
)
_DUBIOUS = re.compile(r"dubious ownership in repository at '([^']*)'")
_NO_REPOSITORY = "not a git repository"


class GitError(Exception):
    """git could not do what was asked; the text says what it said, or what to do."""

    def __init__(self, text: str, said: str = "") -> None:
        super().__init__(text)
        self.said = said
        """git's own words; empty when it did not get to speak."""


def environment() -> dict[str, str]:
    """The caller's, without anything of git's: a hook that started us would otherwise turn us to its own repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSH_ASKPASS"))}
    return kept | {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": ":",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }


@dataclass(frozen=True, slots=True)
class Git:
    """git in one folder."""

    folder: str
    index: str | None = None
    """A temporary index in place of the person's."""
    deadline: float | None = None
    """By the monotonic clock: no call goes on after it."""
    lock: int | None = None
    """An open file that git keeps open, too: what is locked by it stays locked while git works, whatever ends us."""

    def with_index(self, path: str) -> Git:
        return replace(self, index=path)

    def run(
        self, *words: Word, stdin: bytes | None = None, limit: float = LIMIT, accept: Sequence[int] = (0,)
    ) -> bytes:
        """What it put out; GitError unless its exit code is one of `accept`."""
        patience = time.monotonic() + LOCK_SECONDS
        while True:
            code, out, said = self._once(words, stdin, limit)
            if code in accept:
                return out
            if not _LOCKED.search(said) or time.monotonic() >= patience:
                raise self._error(words, code, said)
            time.sleep(_PAUSE)

    def line(self, *words: Word, limit: float = LIMIT) -> str:
        """One value, as a path or a name: without the line end, whatever bytes it is made of."""
        return os.fsdecode(self.run(*words, limit=limit).removesuffix(b"\n"))

    def found(self, *words: Word) -> str | None:
        """The same, or None where git says by its exit code 1 that there is no such thing."""
        out = self.run(*words, accept=(0, 1))
        return os.fsdecode(out.removesuffix(b"\n")) or None

    def holds(self, *words: Word) -> bool:
        """A question that git answers by exit code 0 or 1."""
        code, _, said = self._once(words, None, LIMIT)
        if code not in (0, 1):
            raise self._error(words, code, said)
        return code == 0

    def items(
        self, *words: Word, stdin: bytes | None = None, limit: float = LIMIT, accept: Sequence[int] = (0,)
    ) -> list[bytes]:
        """What it put out, split at NUL."""
        return [item for item in self.run(*words, stdin=stdin, limit=limit, accept=accept).split(b"\0") if item]

    def start_of(self, *words: Word, size: int, limit: float = LIMIT) -> tuple[bytes, bool]:
        """The first `size` bytes it puts out, and whether there was more."""
        with self._started(words, None, subprocess.DEVNULL) as process:
            alarm = _Alarm(process, self._seconds(limit))
            try:
                data = process.stdout.read(size + 1) if process.stdout else b""
                more = len(data) > size
                code = 0 if more else process.wait()
            finally:
                late = alarm.rang()
                _end(process)
        if late:
            raise self._late(words, limit)
        if code != 0:
            raise self._error(words, code, "")
        return data[:size], more

    # --- one call ----------------------------------------------------------------------------------------------------

    def _seconds(self, limit: float) -> float:
        return limit if self.deadline is None else min(limit, self.deadline - time.monotonic())

    def _once(self, words: Sequence[Word], stdin: bytes | None, limit: float) -> tuple[int, bytes, str]:
        seconds = self._seconds(limit)
        if seconds <= 0:
            raise self._late(words, limit)
        with self._started(words, stdin, subprocess.PIPE) as process:
            try:
                out, err = process.communicate(stdin, timeout=seconds)
            except subprocess.TimeoutExpired:
                raise self._late(words, limit) from None
            finally:
                _end(process)
        return process.returncode, out, err.decode("utf-8", "replace")

    def _started(self, words: Sequence[Word], stdin: bytes | None, errors: int) -> subprocess.Popen[bytes]:
        extra = {} if self.index is None else {"GIT_INDEX_FILE": self.index}
        argv = ["git", "-C", self.folder, *_ALWAYS, *(() if self.index is None else _TEMPORARY), *words]
        try:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment() | extra,
                pass_fds=() if self.lock is None else (self.lock,),
                start_new_session=True,
            )
        except FileNotFoundError:
            raise GitError("The program git is not installed, or not on the PATH.") from None
        except OSError as error:
            raise GitError(f"git cannot be started: {error.strerror}.") from error

    def _late(self, words: Sequence[Word], limit: float) -> GitError:
        bound = f" (more than {limit:g} s)" if self.deadline is None else ""
        return GitError(f"git {_name(words)} took too long in {self.folder}{bound}.")

    def _error(self, words: Sequence[Word], code: int, said: str) -> GitError:
        if locked := _LOCKED.search(said):
            path = locked[1] or (f"{locked[2]}.lock" if locked[2] else locked[3])
            advice = "wait until that has ended; if no git runs there, remove the file"
            return GitError(f"Another git holds the lock {path}: {advice}.", said)
        if dubious := _DUBIOUS.search(said):
            advice = f"if you trust it: git config --global --add safe.directory {dubious[1]}"
            return GitError(f"git refuses {dubious[1]} since it belongs to somebody else; {advice}", said)
        return GitError(f"git {_name(words)} in {self.folder}: {_spoken(said) or f'exit code {code}'}", said)


class _Alarm:
    """Ends a process that is read from when its time is over."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._over = threading.Event()
        self._process = process
        self._timer = threading.Timer(max(seconds, 0), self._ring)
        self._timer.daemon = True
        self._timer.start()

    def _ring(self) -> None:
        self._over.set()
        _end(self._process)

    def rang(self) -> bool:
        """Stop the clock; whether it was too late for that."""
        self._timer.cancel()
        return self._over.is_set()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of it stays: git's own children (filters, the git of a submodule) are in its session."""
    if process.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)


def _name(words: Sequence[Word]) -> str:
    """The subcommand."""
    plain = (os.fsdecode(word) for word in words)
    for word in plain:
        if word == "-c":
            next(plain, None)
        elif not word.startswith("-"):
            return word
    return ""


def _spoken(said: str) -> str:
    """What git complained of: its own hints are for somebody at a prompt."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    grave = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
    return " ".join(line.removeprefix("fatal: ").removeprefix("error: ") for line in grave)[:_SAID]


# --- finding a repository --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Repository:
    """The work tree that a folder lies in."""

    top: str
    """Its uppermost folder; absolute, links resolved."""
    below: str
    """The folder inside it: empty for `top` itself, else ``sub/folder``."""
    private: str
    """Where git keeps what belongs to this work tree alone: index, HEAD, a merge under way."""
    lock: int | None = None

    @property
    def git(self) -> Git:
        return Git(self.top, lock=self.lock)


def find(folder: str, lock: int | None = None) -> Repository | None:
    """None for a folder that is missing or in no work tree; GitError when git will not say."""
    if not Path(folder).is_dir():
        return None
    git = Git(folder)
    try:
        if git.line("rev-parse", "--is-inside-work-tree") != "true":
            return None
        top, below = git.line("rev-parse", "--show-toplevel"), git.line("rev-parse", "--show-prefix")
        return Repository(top, below.removesuffix("/"), git.line("rev-parse", "--absolute-git-dir"), lock)
    except GitError as error:
        if _NO_REPOSITORY in error.said:
            return None
        raise


def head(git: Git) -> str | None:
    """The commit that is checked out; None before the first."""
    return commit(git, "HEAD")


def commit(git: Git, name: str) -> str | None:
    return git.found("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")


def branch(git: Git) -> str | None:
    """Short name of the branch that is checked out; None when a commit is, without one."""
    full = git.found("symbolic-ref", "--quiet", "HEAD")
    return None if full is None else full.removeprefix("refs/heads/")


_UNDER_WAY: Mapping[str, str] = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}


def under_way(private: str) -> str | None:
    """The word for what git was told to do and has not finished in a work tree."""
    return next((word for name, word in _UNDER_WAY.items() if os.path.lexists(Path(private, name))), None)
