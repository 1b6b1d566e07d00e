"""The git program as the adapter asks it: bounded, undisturbed, and with words a person can act on."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from cctui.adapters import git as program
from cctui.adapters.git import Git, GitError
from tests.adapters.repos import Repo, new_repo
from tests.waiting import at_last


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = new_repo(tmp_path / "repo")
    repo.write("a.txt", "one\n")
    repo.write("sub/b.txt", "two\n")
    repo.commit()
    return repo


def alive(mark: str) -> list[str]:
    """Processes whose command line holds `mark`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except OSError:
            continue
        if mark.encode() in words:
            found.append(entry.parent.name)
    return found


def test_finding_the_work_tree_a_folder_lies_in(repo: Repo, tmp_path: Path) -> None:
    top = program.find(str(repo.top))
    assert top == program.Repository(str(repo.top), "", str(repo.top / ".git"))
    (tmp_path / "link").symlink_to(repo.top / "sub")
    below = program.find(str(tmp_path / "link"))
    assert below is not None and (below.top, below.below) == (str(repo.top), "sub"), "links are resolved"
    repo.git("worktree", "add", "--quiet", str(tmp_path / "side"))
    side = program.find(str(tmp_path / "side"))
    assert side is not None and side.private == str(repo.top / ".git/worktrees/side")


@pytest.mark.parametrize("name", ["with space", "line\nbreak", "é", os.fsdecode(b"latin-\xe9"), "-rf", "trailing "])
def test_a_repository_may_have_any_name(tmp_path: Path, name: str) -> None:
    repo = new_repo(tmp_path / name)
    repo.write(f"{name}/x", "x\n")
    found = program.find(str(repo.top / name))
    assert found is not None and (found.top, found.below) == (str(repo.top), name)


def test_what_is_checked_out(repo: Repo, tmp_path: Path) -> None:
    git = Git(str(repo.top))
    assert (program.head(git), program.branch(git)) == (repo.head, "main")
    repo.git("checkout", "--quiet", "--detach")
    assert (program.head(git), program.branch(git)) == (repo.head, None)
    empty = Git(str(new_repo(tmp_path / "empty").top))
    assert (program.head(empty), program.branch(empty)) == (None, "main")
    assert program.commit(git, "refs/heads/nothing") is None


def test_the_callers_environment_takes_no_part(monkeypatch: pytest.MonkeyPatch, repo: Repo, tmp_path: Path) -> None:
    repo.git("config", "alias.show-env", "!env")
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_PARAMETERS", "GIT_TRACE", "SSH_ASKPASS"):
        monkeypatch.setenv(name, "nonsense")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("HARMLESS", "kept")
    seen = dict(line.split("=", 1) for line in Git(str(repo.top)).line("show-env").splitlines() if "=" in line)
    assert "nonsense" not in seen.values()
    wanted = {"GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "GIT_EDITOR": ":", "LC_ALL": "C", "HARMLESS": "kept"}
    assert {name: seen.get(name) for name in wanted} == wanted


def test_no_hook_and_no_monitor_is_run(repo: Repo, tmp_path: Path) -> None:
    mark = tmp_path / "was here"
    script = f"#!/bin/sh\ntouch '{mark}'\n"
    repo.write(".git/hooks/pre-commit", script, 0o755)
    repo.git("config", "core.fsmonitor", str(repo.write(".git/monitor", script, 0o755)))
    git = Git(str(repo.top))
    git.run("status")
    git.run("commit", "--quiet", "--allow-empty", "--message", "x")
    assert not mark.exists()


def test_a_call_that_takes_too_long_ends_with_all_it_started(repo: Repo, tag: str) -> None:
    repo.git("config", "alias.sleep", f"!sh -c 'sleep 60; : {tag}'")
    begun = time.monotonic()
    with pytest.raises(GitError, match=r"git sleep took too long in .* \(more than 0.5 s\)"):
        Git(str(repo.top)).run("sleep", limit=0.5)
    with pytest.raises(GitError, match=r"took too long"):
        Git(str(repo.top)).start_of("sleep", size=10, limit=0.5)
    assert time.monotonic() - begun < 20
    assert at_last(lambda: not alive(tag))


def test_nothing_is_started_after_the_deadline(repo: Repo) -> None:
    git = Git(str(repo.top), deadline=time.monotonic() - 1)
    with pytest.raises(GitError, match=r"took too long"):
        git.run("status")


def test_a_lock_is_waited_for(repo: Repo) -> None:
    lock = repo.top / ".git/index.lock"
    lock.touch()
    timer = threading.Timer(0.4, lock.unlink)
    timer.start()
    Git(str(repo.top)).run("read-tree", "HEAD")
    timer.join()


def test_a_lock_that_stays_is_named(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "LOCK_SECONDS", 0.3)
    lock = repo.top / ".git/index.lock"
    lock.touch()
    with pytest.raises(GitError, match=rf"Another git holds the lock {lock}: .* remove the file"):
        Git(str(repo.top)).run("read-tree", "HEAD")
    assert lock.exists()


def test_git_says_what_is_wrong_without_its_hints(repo: Repo) -> None:
    with pytest.raises(GitError) as caught:
        Git(str(repo.top)).run("-c", "advice.detachedHead=true", "checkout", "nowhere")
    text = f"git checkout in {repo.top}: pathspec 'nowhere' did not match any file(s) known to git"
    assert str(caught.value) == text


def test_somebody_elses_repository(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    real = program.environment
    monkeypatch.setattr(program, "environment", lambda: real() | {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    with pytest.raises(GitError, match=rf"git config --global --add safe.directory {repo.top}$"):
        program.find(str(repo.top))


def test_no_git(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitError, match=r"The program git is not installed"):
        program.find(str(repo.top))


def test_answers_by_exit_code(repo: Repo) -> None:
    git, first = Git(str(repo.top)), repo.head
    second = repo.commit("second")
    assert git.holds("merge-base", "--is-ancestor", first, second)
    assert not git.holds("merge-base", "--is-ancestor", second, first)
    with pytest.raises(GitError):
        git.holds("merge-base", "--is-ancestor", first, "f" * 40)


def test_the_start_of_a_long_answer(repo: Repo) -> None:
    repo.write("long", "x" * 5_000_000)
    repo.commit()
    git = Git(str(repo.top))
    assert git.start_of("cat-file", "blob", "HEAD:a.txt", size=100) == (b"one\n", False)
    assert git.start_of("cat-file", "blob", "HEAD:long", size=100) == (b"x" * 100, True)
    with pytest.raises(GitError, match=r"git cat-file in"):
        git.start_of("cat-file", "blob", "HEAD:missing", size=100)


def test_a_temporary_index_leaves_nothing_in_the_repository(repo: Repo, tmp_path: Path) -> None:
    repo.git("config", "core.splitIndex", "true")
    repo.git("update-index", "--split-index")
    before = {path: path.read_bytes() for path in (repo.top / ".git").iterdir() if path.is_file()}
    git = Git(str(repo.top)).with_index(str(tmp_path / "index"))
    git.run("read-tree", "HEAD")
    repo.write("c.txt", "three\n")
    git.run("update-index", "--add", "-z", "--stdin", stdin=b"c.txt\0")
    assert git.items("ls-files", "-z") == [b"a.txt", b"c.txt", b"sub/b.txt"]
    assert {path: path.read_bytes() for path in (repo.top / ".git").iterdir() if path.is_file()} == before


@pytest.mark.parametrize("word", ["merge", "cherry-pick", "revert", "rebase"])
def test_what_is_under_way(repo: Repo, word: str) -> None:
    repo.git("checkout", "--quiet", "-b", "other")
    repo.write("a.txt", "other\n")
    repo.commit()
    if word != "revert":
        repo.git("checkout", "--quiet", "main")
    repo.write("a.txt", "main\n")
    repo.commit()
    assert program.under_way(str(repo.top / ".git")) is None
    repo.git(word, *(["--no-edit", "HEAD^"] if word == "revert" else ["other"]), check=False)
    assert program.under_way(str(repo.top / ".git")) == word
