"""Worktrees of our own: one per run, on a branch of its own, made whole or not at all, and taken away without loss.

Promises: nothing here touches the person's work tree, index or branches; a worktree goes away in one rename first, so
half a worktree is never mistaken for changed work; a branch is deleted only while it points to the commit the caller
has seen.  Submodules are filled from what is on this machine; the network is never asked.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from cctui.adapters.git import LOCK_SECONDS, Git, GitError, commit, find
from cctui.adapters.snapshot import Scene, submodules

CHECKOUT = 300.0
"""Seconds that filling a new worktree may take."""
LISTING = 60.0
MOST_FILES = 2_000
MOST_BYTES = 500 * 1024 * 1024
"""What may be carried over in all."""
INCLUDE = ".worktreeinclude"
_NOT_A_WORKTREE = "is not a working tree"
_NOT_LOCKED = "is not locked"
_LOCAL_ONLY = ("-c", "protocol.allow=never", "-c", "protocol.file.allow=always")
_PAUSE = 0.1


def branch_name(task: str, run_id: str) -> str:
    """``cctui/TASK-RUNID``, with what git allows in a name."""
    plain = re.sub(r"[^\w.-]+|\.\.+", "-", task).strip("-.")
    short = plain.encode("utf-8", "ignore")[:100].decode("utf-8", "ignore")
    return f"cctui/{short or 'task'}-{run_id}"


def add(git: Git, path: Path, branch: str, base: str) -> None:
    """A worktree at `path` on the new branch `branch` from the commit `base`, kept from being pruned."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Two steps that can each be tried again; `-b` would find its own branch at the second try.
    git.run("update-ref", f"refs/heads/{branch}", base, "")
    git.run("worktree", "add", "--quiet", str(path), branch, limit=CHECKOUT)
    git.run("worktree", "lock", "--reason", f"cctui run {path.name}", str(path))


def unlock(git: Git, path: Path) -> None:
    try:
        git.run("worktree", "unlock", str(path))
    except GitError as error:
        if _NOT_LOCKED not in error.said and _NOT_A_WORKTREE not in error.said:
            raise


def gone(path: Path) -> Path:
    """Where a worktree lies that is on its way out."""
    return path.with_name(f".{path.name}.gone")


def remove(git: Git, path: Path) -> None:
    """Take the worktree at `path` away with all that is in it; whatever of that is done already stays done."""
    if os.path.lexists(path):
        shutil.rmtree(gone(path), ignore_errors=True)
        path.rename(gone(path))
    _forget_torn(git, path.name)
    try:
        # Twice: it is locked.
        git.run("worktree", "remove", "--force", "--force", str(path))
    except GitError as error:
        if _NOT_A_WORKTREE not in error.said:
            raise
    if gone(path).exists():
        shutil.rmtree(gone(path))


def _forget_torn(git: Git, name: str) -> None:
    """git's own note of a worktree of ours that was cut off while it was made: with it every listing of worktrees
    fails, the person's too, and no command of git takes it away."""
    note = Path(git.line("rev-parse", "--path-format=absolute", "--git-common-dir"), "worktrees", name)
    pointer = note / "commondir"
    if note.is_dir() and (not pointer.exists() or pointer.stat().st_size == 0):
        shutil.rmtree(note)


def remove_branch(git: Git, branch: str, tip: str) -> bool:
    """Delete `branch` if it still points to `tip` and no work tree has it checked out; whether it is gone."""
    ref = f"refs/heads/{branch}"
    if (now := commit(git, ref)) is None:
        return True
    used = f"branch {ref}".encode() in git.run("worktree", "list", "--porcelain").splitlines()
    if now != tip or used:
        return False
    git.run("update-ref", "-d", ref, tip)
    return True


def free_index(private: str) -> None:
    """Wait until nobody changes the index of the work tree whose git folder is `private`; GitError if that lasts."""
    lock, patience = Path(private, "index.lock"), time.monotonic() + LOCK_SECONDS
    while lock.exists():
        if time.monotonic() >= patience:
            advice = "wait until that has ended; if no git runs there, remove the file"
            raise GitError(f"Another git holds the lock {lock}: {advice}.")
        time.sleep(_PAUSE)


# --- what git would leave behind -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Carried:
    """What was copied into a worktree."""

    files: dict[str, str]
    """Path relative to the top → fingerprint of the copy."""
    trouble: tuple[str, ...] = ()


def carry(scene: Scene, target: Path, *, env: bool) -> Carried:
    """Copy the untracked files that .worktreeinclude names (with `env`, all .env* files, too) into `target`."""
    top = Path(scene.repo.top)
    left, files, room = 0, dict[str, str](), MOST_BYTES
    trouble: list[str] = []
    for path in _named(scene, env=env):
        source, copy = top / path, target / path
        try:
            size = source.lstat().st_size
            if len(files) >= MOST_FILES or size > room:
                left += 1
                continue
            # A link on the way would lead out of the worktree; a file that is there came with the commit.
            if os.path.realpath(copy.parent) != str(copy.parent) or os.path.lexists(copy):
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
            files[path] = fingerprint(copy)
            room -= size
        except OSError as error:
            trouble.append(f"{path} could not be copied: {error.strerror}")
    if left:
        trouble.append(f"{left} files that {INCLUDE} names were not copied: more than {MOST_FILES:,} files or 500 MB")
    return Carried(files, tuple(trouble))


def _named(scene: Scene, *, env: bool) -> list[str]:
    """Sorted, relative to the top."""
    listing = ("ls-files", "-z", "--others", "--ignored")
    found: set[bytes] = set()
    if Path(scene.repo.top, INCLUDE).is_file():
        found.update(scene.git.items(*listing, f"--exclude-from={INCLUDE}", limit=LISTING))
    if env:
        listed = scene.git.items(*listing, "--exclude=.env*", limit=LISTING)
        found.update(path for path in listed if path.rpartition(b"/")[2].startswith(b".env"))
    return sorted(os.fsdecode(path) for path in found if not path.endswith(b"/") and scene.counts(path))


def fingerprint(path: Path) -> str:
    """Changes with the content of a file, or with where a link points; OSError when it cannot be read."""
    if path.is_symlink():
        return f"link {os.fspath(path.readlink())}"
    with path.open("rb") as file:
        digest = blake2b(digest_size=16)
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def unchanged(top: Path, carried: Iterable[tuple[str, str]]) -> frozenset[bytes]:
    """The carried files that are as they were carried."""
    found = set()
    for path, mark in carried:
        try:
            if fingerprint(top / path) == mark:
                found.add(os.fsencode(path))
        except OSError:
            continue
    return frozenset(found)


def fill_submodules(source: Path, git: Git) -> list[str]:
    """Check out, in the worktree of `git`, the submodules that `source` has, from its copies; what did not work."""
    trouble: list[str] = []
    for path, linked in submodules(git):
        inner = source / path
        if not os.path.lexists(inner / ".git"):
            continue  # nobody has filled it there, either
        try:
            _fill(git, path, linked, inner)
        except GitError as error:
            trouble.append(f"the submodule {path} is empty: {error}")
            continue
        trouble += fill_submodules(inner, _inside(git, path))
    return trouble


def _fill(git: Git, path: str, linked: str, inner: Path) -> None:
    there = find(str(inner))
    if there is None or commit(there.git, linked) is None:
        raise GitError(f"its commit {linked[:9]} is not on this machine")
    name = _submodule_name(git, path)
    flags = (*_LOCAL_ONLY, "-c", f"submodule.{name}.url={there.private}", "-c", f"submodule.{name}.active=true")
    words = ("submodule", "--quiet", "update", "--checkout", "--no-recommend-shallow", "--", path)
    git.run(*flags, *words, limit=CHECKOUT)
    address = there.git.found("config", "remote.origin.url")
    if address is not None:
        _inside(git, path).run("remote", "set-url", "origin", address)


def _inside(git: Git, path: str) -> Git:
    return replace(git, folder=str(Path(git.folder, path)))


def _submodule_name(git: Git, path: str) -> str:
    listed = git.items("config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$", accept=(0, 1))
    for entry in listed:
        key, _, value = entry.partition(b"\n")
        if os.fsdecode(value) == path:
            return os.fsdecode(key).removeprefix("submodule.").removesuffix(".path")
    raise GitError("it has no name in .gitmodules")
