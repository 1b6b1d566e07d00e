"""The whole state of a work tree as a git tree, and the way back to one.

`stage` reads a work tree (tracked and untracked files, not ignored ones) into a temporary index; `keep` makes a commit
of it that a ref of ours holds, shaped like a stash; `restore` makes the work tree as such a tree says.

Promises: reading touches neither the person's index nor their files, HEAD, branches or stash; cctui's own files, when
they lie in the work tree, are in a tree as they are in HEAD and are never read, changed or removed; ignored files are
never touched.  Files come back as git checks them out: its rules for line ends and filters apply.  What lies inside of
submodules and other repositories is not git's to tell here: `elsewhere` names them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cctui.adapters.git import Git, GitError, Repository, commit, head

LONG = 600.0
"""Seconds for a call that may have to read or write everything there is."""
MOST_FILES = 20_000
"""Untracked files a snapshot takes."""
MOST_BYTES = 100 * 1024 * 1024
"""Size up to which it takes one of them."""
_RULES = b".gitignore"
_DURABLE = ("-c", "core.fsync=objects,reference", "-c", "core.fsyncMethod=batch")


@dataclass(frozen=True, slots=True)
class Scene:
    """A work tree, and what in it is not to be looked at.  Paths are relative to its top."""

    repo: Repository
    own: tuple[bytes, ...] = ()
    """cctui's own files and folders."""
    passed_over: frozenset[bytes] = frozenset()
    """Untracked files that do not count; a folder ends with a slash."""
    deadline: float | None = None
    """By the monotonic clock."""
    lasting: bool = False
    """What is read survives a power cut: it is going to be kept."""

    @property
    def git(self) -> Git:
        return replace(self.repo.git, deadline=self.deadline)

    def others(self) -> list[bytes]:
        """Pathspecs for everything but our own files."""
        return [b"--", *(b":(top,exclude,literal)" + path for path in self.own)]

    def counts(self, path: bytes) -> bool:
        if any(_within(path, own) for own in self.own):
            return False
        if not self.passed_over or path in self.passed_over:
            return path not in self.passed_over
        folders = (path[: at + 1] for at in range(len(path)) if path[at : at + 1] == b"/")
        return not any(folder in self.passed_over for folder in folders)


@dataclass(frozen=True, slots=True)
class State:
    """What was found."""

    tree: str
    """Of the whole work tree."""
    index: str | None
    """Of the person's index; None: it cannot be written, with a merge under way."""
    every: bool = True
    """All untracked files are in it, but those in `left_out`."""
    left_out: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Change:
    status: bytes
    mode: bytes
    object: bytes
    path: bytes


# --- reading ---------------------------------------------------------------------------------------------------------


def stage(
    scene: Scene, index: Path, *, like: str | None = None, most: int | None = None, largest: int | None = None
) -> State:
    """Read the work tree into the temporary index at `index`.

    Files that the tree or commit `like` holds are read even where they are ignored by now; of more than `most`
    untracked files none is read, and none that is larger than `largest` bytes."""
    with contextlib.suppress(FileNotFoundError):  # before the first `git add` there is none
        # With its time stamp: by that git tells which entries it cannot trust.
        shutil.copy2(Path(scene.repo.private, "index"), index)
    git = scene.git.with_index(str(index))
    staged = _tree_or_none(git)
    flags = _DURABLE if scene.lasting else ()
    git.run(*flags, "add", "--update", limit=LONG)
    found = git.items("ls-files", "-z", "--others", "--exclude-standard", limit=LONG)
    counting = [path for path in found if scene.counts(path)]
    every = most is None or len(counting) <= most
    wanted, left_out = _fitting(scene.repo.top, counting if every else (), largest)
    if like is not None:
        wanted += _hidden(scene, git, like)
    git.run(*flags, "update-index", "--add", "--remove", "-z", "--stdin", stdin=_lines(wanted), limit=LONG)
    _ours_as_in_head(scene, git)
    return State(git.line("write-tree"), staged, every, tuple(left_out))


def _tree_or_none(git: Git) -> str | None:
    try:
        return git.line("write-tree")
    except GitError as error:
        if not error.said:
            raise
        return None


def _fitting(top: str, paths: Iterable[bytes], largest: int | None) -> tuple[list[bytes], list[bytes]]:
    """What can be read, and what cannot: other repositories, huge files, files closed to us."""
    fit: list[bytes] = []
    rest: list[bytes] = []
    for path in paths:
        full = os.path.join(os.fsencode(top), path)  # noqa: PTH118  bytes
        try:
            size = os.lstat(full).st_size
        except OSError:
            continue  # it vanished
        readable = os.path.islink(full) or os.access(full, os.R_OK)  # noqa: PTH114  bytes
        fits = not path.endswith(b"/") and (largest is None or size <= largest) and readable
        (fit if fits else rest).append(path)
    return fit, rest


def _hidden(scene: Scene, git: Git, like: str) -> list[bytes]:
    """What lies where `like` has files and is still not in the index: it has become ignored."""
    gone = git.items("diff-index", "--cached", "-z", "--no-renames", "--diff-filter=D", "--name-only", like,
                     *scene.others())  # fmt: skip
    found = {there for path in gone for there in _in_the_way(Path(scene.repo.top), path)}
    return [os.fsencode(path.relative_to(scene.repo.top)) for path in sorted(found)]


def _in_the_way(top: Path, path: bytes) -> Iterable[Path]:
    """The files that lie at `path`, below it, or in place of one of its folders."""
    there = top
    for part in Path(os.fsdecode(path)).parts:
        there /= part
        if there.is_symlink() or there.is_file():
            return [there]
    return _files_below(there) if there.is_dir() else []


def _files_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for entry in folder.iterdir():
        if entry.name == ".git":
            raise GitError(f"The repository {folder} lies where a file was: move it away.")
        if entry.is_dir() and not entry.is_symlink():
            found += _files_below(entry)
        else:
            found.append(entry)
    return found


def _ours_as_in_head(scene: Scene, git: Git) -> None:
    if not scene.own:
        return
    specs = [b"--", *(b":(top,literal)" + path for path in scene.own)]
    git.run("update-index", "--force-remove", "-z", "--stdin", stdin=_lines(git.items("ls-files", "-z", *specs)))
    if (here := head(git)) is not None:
        listed = git.items("ls-tree", "-r", "-z", here, *specs)
        git.run("update-index", "-z", "--index-info", stdin=_lines(listed))


def elsewhere(scene: Scene) -> list[str]:
    """Repositories inside of the work tree that hold work which no commit here keeps: changed submodules, and
    untracked repositories."""
    found = scene.git.items("ls-files", "-z", "--others", "--exclude-standard", limit=LONG)
    nested = [path for path in found if path.endswith(b"/") and scene.counts(path)]
    changed = [path for path, linked in submodules(scene.git) if _changed(Path(scene.repo.top, path), linked)]
    return sorted([*(os.fsdecode(path) for path in nested), *changed])


def submodules(git: Git) -> list[tuple[str, str]]:
    """Path and recorded commit of each submodule in the index."""
    entries = (entry.partition(b"\t") for entry in git.items("ls-files", "-z", "--stage"))
    return [
        (os.fsdecode(path), about.split()[1].decode()) for about, _, path in entries if about.startswith(b"160000 ")
    ]


def _changed(folder: Path, linked: str) -> bool:
    """It has files that differ, or commits that are neither recorded nor came with it."""
    if not os.path.lexists(folder / ".git"):
        return False
    git = Git(str(folder))
    if git.items("status", "--porcelain", "-z", "--ignore-submodules=none", limit=LONG):
        return True
    if head(git) is None:
        return False
    known = [linked] if commit(git, linked) is not None else []
    return bool(git.line("rev-list", "--max-count=1", "HEAD", "--branches", "--not", "--remotes", *known))


# --- keeping ---------------------------------------------------------------------------------------------------------


def keep(scene: Scene, state: State, ref: str, subject: str, parents: Sequence[str], *, fresh: bool = False) -> str:
    """The commit that `ref` now holds; with `fresh` it must not have been there."""
    git = scene.git
    if state.index is not None:
        parents = (*parents, _commit(git, state.index, f"{subject}: what was staged", parents[:1]))
    made = _commit(git, state.tree, subject, parents)
    git.run(*_DURABLE, "update-ref", "-m", subject, ref, made, *([""] if fresh else []))
    return made


def _commit(git: Git, tree: str, subject: str, parents: Sequence[str]) -> str:
    flags = [word for parent in dict.fromkeys(parents) for word in ("-p", parent)]
    return git.line(*_DURABLE, "commit-tree", tree, *flags, "-m", subject)


# --- comparing -------------------------------------------------------------------------------------------------------


def nothing(git: Git) -> str:
    """The tree that holds no file."""
    return os.fsdecode(git.run("hash-object", "-t", "tree", "--stdin", stdin=b"").removesuffix(b"\n"))


def differing(git: Git, before: str, after: str, but: Sequence[bytes]) -> int:
    """How many files differ; a file that was only moved counts once."""
    return len(git.items("diff-tree", "-r", "-z", "-M", "--name-only", before, after, *but, limit=LONG))


def patch(git: Git, before: str, after: str, but: Sequence[bytes], size: int) -> tuple[bytes, bool]:
    """As `git diff` would show it, at most `size` bytes; and whether there was more."""
    flags = ("-r", "-p", "-M", "--no-color", "--no-ext-diff", "--no-textconv")
    return git.start_of("diff-tree", *flags, before, after, *but, size=size, limit=LONG)


# --- going back ------------------------------------------------------------------------------------------------------


def restore(scene: Scene, index: Path, target: str, *, every: bool) -> int:
    """Make the work tree as in the tree or commit `target`; how many files that changed.

    `index` is what `stage` made of the work tree just now.  Files that `target` does not hold go away, unless its own
    rules ignore them; without `every` they all stay.  GitError, with nothing changed, when a file in the way is not in
    `index`."""
    git = scene.git.with_index(str(index))
    changes = _changes(scene, git, target)
    back = [change for change in changes if change.status != b"D"]
    extra = [change.path for change in changes if change.status == b"D"] if every else []
    # A file is new only if the rules of that time did not ignore it: those rules come back first.
    rules = [path for path in extra if path.rpartition(b"/")[2] == _RULES]
    _go(git, index, rules, back)
    kept = {change.path for change in _changes(scene, git, target)}
    extra = [path for path in extra if path in kept]
    ignored = _ignored(git, extra)
    new = [path for path in extra if path not in ignored]
    _go(git, index, new, [])
    return len(back) + len(rules) + len(new)


def _ignored(git: Git, paths: Sequence[bytes]) -> set[bytes]:
    """Those the rules that lie in the work tree ignore, in the index or not."""
    here = b"./"  # without it a name like ``:(top)x`` would be read as more than a name
    named = _lines(here + path for path in paths)
    found = git.items("check-ignore", "--no-index", "-z", "--stdin", stdin=named, accept=(0, 1)) if paths else []
    return {path.removeprefix(here) for path in found}


def _changes(scene: Scene, git: Git, target: str) -> list[_Change]:
    """What leads from the index to `target`."""
    raw = git.items("diff-tree", "-r", "-z", "--no-renames", git.line("write-tree"), f"{target}^{{tree}}",
                    *scene.others(), limit=LONG)  # fmt: skip
    found = []
    for about, path in zip(raw[::2], raw[1::2], strict=True):
        _, mode, _, name, status = about.split()
        found.append(_Change(status, mode, name, path))
    return found


def _go(git: Git, index: Path, gone: Sequence[bytes], back: Sequence[_Change]) -> None:
    """Change index and work tree together: git refuses as a whole when that would lose a file it does not know."""
    if not gone and not back:
        return
    wanted = index.with_name(f"{index.name}.wanted")
    shutil.copy2(index, wanted)
    other = git.with_index(str(wanted))
    other.run("update-index", "--force-remove", "-z", "--stdin", stdin=_lines(gone))
    entries = (b"%s %s\t%s" % (change.mode, change.object, change.path) for change in back)
    other.run("update-index", "-z", "--index-info", stdin=_lines(entries))
    now, then = git.line("write-tree"), other.line("write-tree")
    git.run("read-tree", "--no-sparse-checkout", "-m", "-u", now, then, limit=LONG)


def _lines(paths: Iterable[bytes]) -> bytes:
    return b"".join(path + b"\0" for path in paths)


def _within(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder + b"/")
