"""Runs in place: the snapshot touches nothing, and the way back brings everything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cctui.adapters import git as program
from cctui.adapters import snapshot, treefile, workspace
from cctui.adapters.git import Git
from cctui.adapters.workspace import WorkspaceError
from cctui.core.world import Changes, Mode
from tests.adapters.repos import (
    LOCAL,
    NO_SNAPSHOT,
    RUN,
    Desk,
    Killed,
    Repo,
    cut_at,
    desk,
    furnished,
    havoc,
    new_repo,
)

SNAPSHOT, SAVED = f"refs/cctui/snapshots/{RUN}", f"refs/cctui/saved/{RUN}"


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return furnished(tmp_path / "repo")


def personal(repo: Repo) -> dict[str, object]:
    """What no snapshot may touch, down to the bytes of the index."""
    return repo.looks() | {"index": (repo.top / ".git/index").read_bytes(), "stash": repo.git("stash", "list")}


# --- the snapshot ----------------------------------------------------------------------------------------------------


def test_a_snapshot_touches_nothing_and_holds_everything(at: Desk, repo: Repo) -> None:
    before = personal(repo)
    tree = at.workspace().prepare(at.spec(repo.top))
    assert personal(repo) == before
    assert tree is not None
    assert (tree.repo, tree.folder, tree.base) == (str(repo.top), str(repo.top), repo.head)
    assert (tree.branch, tree.worktree, tree.snapshot, tree.trouble) == ("main", None, SNAPSHOT, "")
    held = set(repo.git("ls-tree", "-r", "--name-only", SNAPSHOT).splitlines())
    assert held == set(repo.files()) - {"noise.log", "build/out"}
    assert repo.held(SNAPSHOT, "both.txt") == "staged, then changed"
    assert repo.held(f"{SNAPSHOT}^2", "both.txt") == "staged", "what was staged is the second parent, as in a stash"
    assert repo.git("rev-parse", f"{SNAPSHOT}^1") == repo.head
    assert repo.git("log", "-1", "--format=%an %ae", SNAPSHOT) == "cctui cctui@localhost"


def test_it_works_where_git_knows_no_name(at: Desk, repo: Repo) -> None:
    (Path.home() / ".gitconfig").unlink()
    assert at.workspace().prepare(at.spec(repo.top)) is not None
    assert SNAPSHOT in repo.refs


def test_asking_twice_gives_the_first_answer(at: Desk, repo: Repo) -> None:
    spaces, spec = at.workspace(), at.spec(repo.top)
    first, kept = spaces.prepare(spec), repo.git("rev-parse", SNAPSHOT)
    repo.write("kept.txt", "later\n")
    repo.commit("later")
    assert spaces.prepare(spec) == first == spaces.read(RUN)
    assert repo.git("rev-parse", SNAPSHOT) == kept
    assert spaces.folder(spec) == str(repo.top)


@pytest.mark.parametrize("case", ["read-only", "switched off"])
def test_no_snapshot_is_taken_without_need(at: Desk, repo: Repo, case: str) -> None:
    if case == "read-only":
        tree = at.workspace().prepare(at.spec(repo.top, mode=Mode.READ_ONLY))
    else:
        tree = at.workspace(NO_SNAPSHOT).prepare(at.spec(repo.top))
    assert tree is not None and tree.base == repo.head
    assert (tree.snapshot, tree.trouble, repo.refs) == (None, "", [])
    with pytest.raises(WorkspaceError, match=r"no snapshot to go back to"):
        at.workspace().rollback(RUN)


@pytest.mark.parametrize("case", ["plain folder", "bare", "inside .git", "missing"])
def test_outside_of_a_work_tree_there_is_no_tree(at: Desk, tmp_path: Path, case: str) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    if case == "bare":
        new_repo(folder, "--bare")
    elif case == "inside .git":
        folder = new_repo(folder).top / ".git"
    elif case == "missing":
        folder = tmp_path / "missing"
    spaces, spec = at.workspace(), at.spec(folder)
    assert spaces.prepare(spec) is None
    assert spaces.read(RUN) is None and spaces.measure(RUN) is None
    assert spaces.finish(spec, failed=True) is None
    assert spaces.folder(spec) == str(folder)
    for ask in (spaces.diff, spaces.rollback):
        with pytest.raises(WorkspaceError, match=r"worked in no git folder"):
            ask(RUN)


def test_a_repository_git_refuses_is_explained_and_stops_no_run(
    at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = program.environment
    monkeypatch.setattr(program, "environment", lambda: real() | {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and tree.snapshot is None
    assert f"git config --global --add safe.directory {repo.top}" in tree.trouble
    with pytest.raises(WorkspaceError, match=r"belongs to somebody else"):
        at.workspace().prepare(at.spec(repo.top, run_id="other", worktree=True))


def test_a_snapshot_that_cannot_be_taken_is_told(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "SNAPSHOT_SECONDS", 0.0)
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and tree.snapshot is None
    assert "no snapshot: git" in tree.trouble and "took too long" in tree.trouble
    assert repo.refs == []


def test_too_many_and_too_large_files_stay_out_and_stay(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MOST_BYTES", 1000)
    repo.write("huge.bin", "x" * 1001)
    before = repo.looks()
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and tree.trouble == "not in the snapshot: huge.bin"
    repo.write("huge.bin", "small now")
    repo.write("agent.txt", "new")
    assert at.workspace().measure(RUN) == Changes(files=1), "what is not in the snapshot is not counted"
    at.workspace().rollback(RUN)
    assert (repo.top / "huge.bin").read_text() == "small now"
    repo.write("huge.bin", "x" * 1001)
    assert repo.looks() == before


def test_with_too_many_untracked_files_none_is_removed(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MOST_FILES", 2)
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and "no untracked files are in the snapshot" in tree.trouble
    repo.write("kept.txt", "agent\n")
    repo.write("agent.txt", "agent\n")
    repo.commit("all of it")
    assert at.workspace().measure(RUN) == Changes(1, 5), "the commit brought the untracked ones in"
    at.workspace().rollback(RUN)
    assert (repo.top / "kept.txt").read_text() == "kept as committed\n"
    assert (repo.top / "new.txt").exists() and (repo.top / "agent.txt").exists()


def test_a_file_changed_in_the_same_tick_as_the_index_is_seen(at: Desk, tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    repo.git("config", "core.trustctime", "false")
    file, moment = repo.write("racy.txt", "one"), 1_700_000_000_000_000_000
    os.utime(file, ns=(moment, moment))
    repo.commit()
    os.utime(repo.top / ".git/index", ns=(moment, moment))
    file.write_text("two")
    os.utime(file, ns=(moment, moment))
    at.workspace().prepare(at.spec(repo.top))
    assert repo.held(SNAPSHOT, "racy.txt") == "two"


def test_nothing_of_the_callers_git_takes_part(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    other = new_repo(repo.top.with_name("other"))
    for name, value in {"GIT_DIR": other.top / ".git", "GIT_WORK_TREE": other.top, "GIT_INDEX_FILE": "x"}.items():
        monkeypatch.setenv(name, str(value))
    tree = at.workspace().prepare(at.spec(repo.top))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name)
    assert tree is not None and tree.repo == str(repo.top)
    assert SNAPSHOT in repo.refs and other.refs == []


# --- going back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("commits", [False, True], ids=["uncommitted", "committed"])
def test_a_rollback_brings_everything_back_and_keeps_what_it_undoes(at: Desk, repo: Repo, commits: bool) -> None:
    before = repo.looks()
    spaces, spec = at.workspace(), at.spec(repo.top)
    spaces.prepare(spec)
    havoc(repo)
    after, agent = repo.files(), ""
    if commits:
        agent = repo.commit("by the agent")
    said = spaces.rollback(RUN)
    assert repo.looks() == before
    assert SAVED in said and ("main is back at" in said) == commits
    repo.git("update-ref", "-d", SNAPSHOT)
    if commits:
        repo.git("merge-base", "--is-ancestor", agent, SAVED)
    repo.git("checkout", "--quiet", "--force", "--detach", SAVED)
    repo.git("clean", "--quiet", "--force", "-d")
    assert repo.files() == after, "the saved ref holds the state that was replaced"


def test_what_was_undone_can_be_put_back_as_a_stash(at: Desk, tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    repo.write("a.txt", "one\n")
    repo.commit()
    at.workspace().prepare(at.spec(repo.top))
    repo.write("a.txt", "two\n")
    at.workspace().rollback(RUN)
    assert repo.git("status", "--porcelain") == ""
    repo.git("stash", "apply", "--quiet", SAVED)
    assert (repo.top / "a.txt").read_text() == "two\n"


def test_rolling_back_twice(at: Desk, repo: Repo) -> None:
    spaces = at.workspace()
    spaces.prepare(at.spec(repo.top))
    havoc(repo)
    first = spaces.rollback(RUN)
    repo.write("kept.txt", "written after the rollback\n")
    again = spaces.rollback(RUN)
    assert again == f"It was rolled back already. {first}"
    assert (repo.top / "kept.txt").read_text() == "written after the rollback\n"
    assert repo.refs == [SAVED, SNAPSHOT]


def test_a_taken_name_is_not_taken_again(at: Desk, repo: Repo) -> None:
    at.workspace().prepare(at.spec(repo.top))
    repo.git("update-ref", SAVED, "HEAD")
    taken = repo.git("rev-parse", SAVED)
    havoc(repo)
    assert f"{SAVED}-2" in at.workspace().rollback(RUN)
    assert repo.git("rev-parse", SAVED) == taken


def test_ignored_files_stay_whatever_the_rules_became(at: Desk, repo: Repo) -> None:
    """The agent un-ignores a secret and ignores what was tracked: neither is lost."""
    secret = repo.write("build/secret", "mine\n")
    before = repo.looks()
    at.workspace().prepare(at.spec(repo.top))
    repo.write(".gitignore", "kept.txt\nnew.txt\n")
    repo.write("deep/.gitignore", "er/\nout/\n")
    repo.write("deep/out/new.txt", "by the agent\n")
    repo.git("add", "--force", "deep/out/new.txt")
    repo.git("rm", "--quiet", "--cached", "kept.txt")
    repo.write("kept.txt", "by the agent\n")
    repo.write("new.txt", "by the agent\n")
    repo.git("add", "--all")
    at.workspace().rollback(RUN)
    assert secret.read_text() == "mine\n"
    assert repo.looks() == before
    assert repo.held(SAVED, "new.txt") == "by the agent", "hidden by the new rules, and saved all the same"


def test_another_branch_stays_checked_out(at: Desk, repo: Repo) -> None:
    base, files = repo.head, repo.files()
    at.workspace().prepare(at.spec(repo.top))
    repo.git("checkout", "--quiet", "-b", "elsewhere")
    tip = repo.commit("on another branch")
    changes = at.workspace().measure(RUN)
    said = at.workspace().rollback(RUN)
    assert "elsewhere stays checked out, main was before" in said
    assert (repo.head, repo.git("rev-parse", "main")) == (tip, base)
    assert repo.files() == files
    assert changes == Changes(commits=1, files=0), "its only commit holds what was there before"


def test_the_past_of_another_branch_is_not_counted(at: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = new_repo(tmp_path / "clean")
    repo.commit("first")
    repo.git("checkout", "--quiet", "-b", "older")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2019-12-31T12:00:00Z")
    repo.git("commit", "--quiet", "--allow-empty", "--message", "long ago")
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    repo.git("checkout", "--quiet", "main")
    at.workspace().prepare(at.spec(repo.top))
    repo.git("checkout", "--quiet", "older")
    assert at.workspace().measure(RUN) == Changes()
    repo.git("commit", "--quiet", "--allow-empty", "--message", "by the agent")
    assert at.workspace().measure(RUN) == Changes(commits=1)


def test_a_branch_that_does_not_grow_from_the_start_is_left_alone(at: Desk, repo: Repo) -> None:
    files = repo.files()
    at.workspace().prepare(at.spec(repo.top))
    repo.commit("work")
    repo.git("commit", "--quiet", "--amend", "--message", "amended")
    other = repo.git("commit-tree", "HEAD^{tree}", "-m", "no parent")
    repo.git("reset", "--quiet", "--soft", other)
    assert "main stays at" in at.workspace().rollback(RUN)
    assert repo.head == other and repo.files() == files


def test_a_detached_head_goes_back(at: Desk, repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--detach")
    before = repo.looks()
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and tree.branch is None
    repo.commit("detached")
    assert at.workspace().measure(RUN) == Changes(commits=1, files=0)
    at.workspace().rollback(RUN)
    assert repo.looks() == before


def test_before_the_first_commit(at: Desk, tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    repo.write("staged.txt", "staged\n")
    repo.git("add", "staged.txt")
    repo.write("loose.txt", "loose\n")
    before = repo.looks()
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and (tree.base, tree.branch, tree.snapshot) == (None, "main", SNAPSHOT)
    repo.write("loose.txt", "by the agent\n")
    agent = repo.commit("first")
    assert at.workspace().measure(RUN) == Changes(commits=1, files=1)
    at.workspace().rollback(RUN)
    assert repo.looks() == before
    repo.git("merge-base", "--is-ancestor", agent, SAVED)


def test_an_empty_repository_without_an_index(at: Desk, tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    at.workspace().prepare(at.spec(repo.top))
    repo.write("new.txt", "new\n")
    assert "a/new.txt" in at.workspace().diff(RUN)
    at.workspace().rollback(RUN)
    assert repo.files() == {} and repo.held(SAVED, "new.txt") == "new"


@pytest.mark.parametrize("word", ["merge", "rebase"])
def test_nothing_is_rolled_back_in_the_middle_of_a_merge(at: Desk, tmp_path: Path, word: str) -> None:
    repo = new_repo(tmp_path / "repo")
    repo.write("a.txt", "one\n")
    repo.commit("one")
    at.workspace().prepare(at.spec(repo.top))
    repo.git("checkout", "--quiet", "-b", "other")
    repo.write("a.txt", "two\n")
    repo.commit("two")
    repo.git("checkout", "--quiet", "main")
    repo.write("a.txt", "three\n")
    repo.commit("three")
    repo.git(word, "other", check=False)
    before = repo.files()
    with pytest.raises(WorkspaceError, match=rf"A {word} is under way"):
        at.workspace().rollback(RUN)
    assert repo.files() == before and SAVED not in repo.refs


def test_a_run_that_began_in_the_middle_of_a_merge_has_its_files_back(at: Desk, tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    repo.write("a.txt", "one\n")
    repo.commit("one")
    repo.git("checkout", "--quiet", "-b", "other")
    repo.write("a.txt", "two\n")
    repo.commit("two")
    repo.git("checkout", "--quiet", "main")
    repo.write("a.txt", "three\n")
    repo.commit("three")
    repo.git("merge", "other", check=False)
    files, index = repo.files(), (repo.top / ".git/index").read_bytes()
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and tree.snapshot == SNAPSHOT
    assert (repo.top / ".git/index").read_bytes() == index
    repo.write("a.txt", "solved\n")
    repo.commit("merged")
    at.workspace().rollback(RUN)
    assert repo.files() == files


def test_a_locked_index_is_waited_for_then_told(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cctui.adapters.worktree.LOCK_SECONDS", 0.2)
    at.workspace().prepare(at.spec(repo.top))
    havoc(repo)
    before = repo.files()
    lock = repo.top / ".git/index.lock"
    lock.touch()
    with pytest.raises(WorkspaceError, match=rf"Another git holds the lock {lock}"):
        at.workspace().rollback(RUN)
    assert repo.files() == before
    lock.unlink()
    at.workspace().rollback(RUN)


def test_gone_things_are_named(at: Desk, repo: Repo) -> None:
    spaces, spec = at.workspace(), at.spec(repo.top)
    spaces.prepare(spec)
    repo.git("update-ref", "-d", SNAPSHOT)
    with pytest.raises(WorkspaceError, match=rf"{SNAPSHOT} is gone"):
        spaces.rollback(RUN)
    shutil.rmtree(repo.top)
    assert spaces.measure(RUN) is None
    with pytest.raises(WorkspaceError, match=r"no git work tree any more"):
        spaces.rollback(RUN)
    with pytest.raises(WorkspaceError, match=r"nothing to compare .* is gone"):
        spaces.diff(RUN)


def test_ignored_files_in_the_way_are_saved_before_they_go(at: Desk, tmp_path: Path) -> None:
    """git would overwrite them without a word."""
    repo = new_repo(tmp_path / "repo")
    repo.write(".gitignore", "*.log\n")
    repo.write("thing", "a file\n")
    repo.write("folder.log/kept", "in a folder\n")
    repo.git("add", "--force", "folder.log")
    repo.commit()
    before = repo.looks()
    at.workspace().prepare(at.spec(repo.top))
    (repo.top / "thing").unlink()
    repo.write("thing/ignored.log", "in the way\n")
    shutil.rmtree(repo.top / "folder.log")
    repo.write("folder.log", "in place of a folder\n")
    at.workspace().rollback(RUN)
    assert repo.looks() == before
    assert repo.held(SAVED, "thing/ignored.log") == "in the way"
    assert repo.held(SAVED, "folder.log") == "in place of a folder"


def test_a_repository_in_the_way_stops_it_before_anything_changes(at: Desk, tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    repo.write(".gitignore", "inner\n")
    repo.write("thing", "a file\n")
    repo.commit()
    at.workspace().prepare(at.spec(repo.top))
    (repo.top / "thing").unlink()
    new_repo(repo.top / "thing/inner").write("work", "theirs\n")
    before = repo.files()
    with pytest.raises(WorkspaceError, match=r"lies where a file was: move it away"):
        at.workspace().rollback(RUN)
    assert repo.files() == before


# --- names, modes, other repositories --------------------------------------------------------------------------------

NAMES = [
    *(b"a b", b"line\nbreak", b"tab\there", b"latin-\xe9", b"-rf", b"--all", b":(top)x", b"*"),
    *(b'quo"te', b"~", b"[x]", b"\xe2\x98\x83", b"#", b"!x"),
]


def test_any_name_a_file_can_have(at: Desk, tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "a repo \n with é")
    for number, name in enumerate(NAMES):
        repo.write(name, f"{number}\n")
        repo.write(b"below/" + name, f"{number}\n")
    repo.git("add", "below")
    repo.commit("some")
    repo.git("rm", "--quiet", "-r", "--cached", "below")
    before = repo.looks()
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and tree.snapshot is not None
    for name in NAMES:
        (repo.top / os.fsdecode(name)).unlink()
        repo.write(b"below/" + name, "changed\n")
        repo.write(b"more/" + name, "new\n")
    repo.write(":(nonsense)new", "new\n")
    assert at.workspace().measure(RUN) == Changes(files=3 * len(NAMES) + 1)
    at.workspace().rollback(RUN)
    assert repo.looks() == before


def test_what_lies_in_a_nested_repository_is_left_alone_and_told(at: Desk, repo: Repo) -> None:
    inner = new_repo(repo.top / "inner")
    inner.write("a.txt", "theirs\n")
    inner.commit()
    empty = new_repo(repo.top / "empty")
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and tree.trouble == "not in the snapshot: empty/, inner/"
    inner.write("a.txt", "by the agent\n")
    cloned = new_repo(repo.top / "cloned")
    cloned.write("b.txt", "new\n")
    repo.write("kept.txt", "by the agent\n")
    said = at.workspace().rollback(RUN)
    assert "Left as it is: cloned/" in said
    assert (inner.top / "a.txt").read_text() == "by the agent\n"
    assert cloned.files() and empty.top.is_dir()
    assert (repo.top / "kept.txt").read_text() == "kept as committed\n"


def test_a_changed_submodule_is_told_and_never_broken(at: Desk, repo: Repo, tmp_path: Path) -> None:
    library = new_repo(tmp_path / "library")
    library.write("lib.c", "one\n")
    library.commit()
    repo.git(*LOCAL, "submodule", "--quiet", "add", str(library.top), "lib")
    repo.git("commit", "--quiet", "--message", "lib", "lib", ".gitmodules")
    clean = at.workspace().prepare(at.spec(repo.top, run_id="clean"))
    assert clean is not None and clean.trouble == ""
    inside = Repo(repo.top / "lib")
    inside.write("lib.c", "somebody's work\n")
    before = repo.looks()
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and tree.trouble == "not in the snapshot: changes inside of the submodules lib"
    repo.write("kept.txt", "by the agent\n")
    inside.write("more.c", "by the agent\n")
    assert "Left as it is: lib" in at.workspace().rollback(RUN)
    (inside.top / "more.c").unlink()
    assert repo.looks() == before


def test_the_folder_of_the_task_stays_even_when_it_was_empty(at: Desk, repo: Repo) -> None:
    folder = repo.top / "empty/one"
    folder.mkdir(parents=True)
    tree = at.workspace().prepare(at.spec(folder))
    assert tree is not None and (tree.repo, tree.folder) == (str(repo.top), str(folder))
    (folder / "new.txt").write_text("new\n")
    at.workspace().rollback(RUN)
    assert folder.is_dir() and not list(folder.iterdir())


def test_a_repository_that_is_a_worktree_itself(at: Desk, repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    side = Repo(tmp_path / "side")
    side.write("kept.txt", "dirty\n")
    before, main = side.looks(), repo.looks()
    tree = at.workspace().prepare(at.spec(side.top))
    assert tree is not None and (tree.repo, tree.branch) == (str(side.top), "side")
    side.write("agent.txt", "new\n")
    side.commit()
    at.workspace().rollback(RUN)
    assert side.looks() == before and repo.looks() == main


def test_with_sparse_checkout_nothing_outside_of_it_goes(at: Desk, repo: Repo) -> None:
    repo.git("stash", "--quiet", "--include-untracked")
    repo.git("sparse-checkout", "set", "--no-cone", "/*.txt", "/.gitignore")
    repo.write("deep/loose.txt", "untracked, outside\n")
    before = repo.looks()
    at.workspace().prepare(at.spec(repo.top))
    repo.write("kept.txt", "by the agent\n")
    repo.write("deep/agent.txt", "new\n")
    at.workspace().rollback(RUN)
    assert repo.looks() == before and not (repo.top / "deep/er").exists()


# --- our own files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tracked", [False, True], ids=["untracked", "tracked"])
def test_our_own_files_are_no_part_of_it(tmp_path: Path, tracked: bool) -> None:
    repo = new_repo(tmp_path / "vault")
    at = desk(tmp_path / "else", root=repo.top)
    pending = repo.write("tasks/pending/tidy.md", "tidy\n")
    repo.write("tasks/pending/other.md", "other\n")
    repo.write("logs/scheduler/history.jsonl", "{}\n")
    repo.write("context/active-agents.md", "none\n")
    repo.write("context/notes.md", "theirs\n")
    if tracked:
        repo.commit("vault")
    else:
        repo.write("readme", "x\n")
        repo.git("add", "readme")
        repo.git("commit", "--quiet", "--message", "x")
    repo.write("logs/scheduler/history.jsonl", "{}\nnot committed\n")
    at.workspace().prepare(at.spec(repo.top))
    held = repo.git("ls-tree", "-r", "--name-only", SNAPSHOT).split()
    assert ("logs/scheduler/history.jsonl" in held) == ("tasks/pending/tidy.md" in held) == tracked
    if tracked:
        assert repo.held(SNAPSHOT, "logs/scheduler/history.jsonl") == "{}", "as in HEAD, whatever it is now"
    (repo.top / "tasks/active").mkdir()
    pending.rename(repo.top / "tasks/active/tidy.md")
    repo.write("tasks/pending/added.md", "added meanwhile\n")
    repo.write("logs/scheduler/history.jsonl", "{}\n{}\n")
    repo.write("context/active-agents.md", "one\n")
    ours = {name: text for name, text in repo.files().items() if not name.startswith(("readme", "context/notes"))}
    assert at.workspace().measure(RUN) == Changes(), "our own files are nobody's changes"
    assert at.workspace().diff(RUN) == ""
    repo.write("context/notes.md", "by the agent\n")
    repo.commit("everything, even the tasks")
    assert at.workspace().measure(RUN) == Changes(commits=1, files=1)
    at.workspace().rollback(RUN)
    left = repo.files()
    assert {name: left[name] for name in ours} == ours
    assert (repo.top / "context/notes.md").read_text() == "theirs\n"
    assert not [
        name
        for name in repo.git("ls-tree", "-r", "--name-only", SNAPSHOT).split()
        if "active/" in name or "added" in name
    ]


def test_a_repository_of_nothing_but_tasks_has_no_snapshot(tmp_path: Path) -> None:
    at = desk(tmp_path / "else", root=tmp_path / "vault")
    repo = new_repo(tmp_path / "vault/tasks")
    repo.write("pending/a.md", "a\n")
    tree = at.workspace().prepare(at.spec(repo.top))
    assert tree is not None and tree.snapshot is None
    assert "nothing but cctui's own files" in tree.trouble
    assert at.workspace().finish(at.spec(repo.top), failed=False) is None


def test_the_state_folder_may_lie_in_the_repository(tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "home")
    at = desk(repo.top)
    repo.write("work.txt", "one\n")
    repo.git("add", "work.txt")
    repo.git("commit", "--quiet", "--message", "one")
    at.workspace().prepare(at.spec(repo.top))
    assert repo.git("ls-tree", "-r", "--name-only", SNAPSHOT) == "work.txt"
    (at.places.state / "db.json").write_text("{}")
    at.workspace().rollback(RUN)
    assert (at.places.state / "db.json").exists() and at.run().is_dir()


# --- after the run ---------------------------------------------------------------------------------------------------


def test_finishing_counts_once(at: Desk, repo: Repo) -> None:
    spaces, spec = at.workspace(), at.spec(repo.top)
    spaces.prepare(spec)
    assert spaces.measure(RUN) == Changes()
    repo.git("mv", "kept.txt", "kept-elsewhere.txt")
    repo.write("changed.txt", "by the agent\n")
    repo.write("noise.log", "more noise\n")
    assert spaces.measure(RUN) == Changes(files=2), "a moved file is one, an ignored one is none"
    assert spaces.finish(spec, failed=True) == Changes(files=2)
    repo.write("later.txt", "by somebody\n")
    assert spaces.finish(spec, failed=True) == Changes(files=2) == spaces.measure(RUN)


def test_a_failed_run_is_rolled_back_if_its_task_says_so(at: Desk, repo: Repo) -> None:
    before = repo.looks()
    spaces, spec = at.workspace(), at.spec(repo.top, rollback=True)
    spaces.prepare(spec)
    havoc(repo)
    found = spaces.finish(spec, failed=True)
    assert found is not None and found.files > 5 and found.kept == "rolled back"
    assert repo.looks() == before
    assert spaces.finish(spec, failed=True) == found
    assert "by the agent" in spaces.diff(RUN), "what was undone is shown from the saved ref"
    assert spaces.rollback(RUN).startswith("It was rolled back already.")


def test_a_run_that_did_well_is_not_rolled_back(at: Desk, repo: Repo) -> None:
    spaces, spec = at.workspace(), at.spec(repo.top, rollback=True)
    spaces.prepare(spec)
    repo.write("kept.txt", "good\n")
    assert spaces.finish(spec, failed=False) == Changes(files=1)
    assert (repo.top / "kept.txt").read_text() == "good\n"


def test_a_rollback_that_cannot_be_is_told_with_the_numbers(at: Desk, repo: Repo) -> None:
    spaces, spec = at.workspace(NO_SNAPSHOT), at.spec(repo.top, rollback=True)
    spaces.prepare(spec)
    found = spaces.finish(spec, failed=True)
    assert found is not None and found.kept == "not rolled back: There is no snapshot to go back to."


def test_rolling_back_later_shows_in_what_became_of_it(at: Desk, repo: Repo) -> None:
    spaces, spec = at.workspace(), at.spec(repo.top)
    spaces.prepare(spec)
    repo.write("kept.txt", "by the agent\n")
    spaces.finish(spec, failed=False)
    spaces.rollback(RUN)
    assert spaces.measure(RUN) == Changes(files=1, kept="rolled back")


def test_a_diff_shows_text_names_binaries_and_is_cut(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    at.workspace().prepare(at.spec(repo.top))
    assert at.workspace().diff(RUN) == ""
    repo.write("kept.txt", "by the agent\n")
    repo.write("brand new", "new\n")
    (repo.top / "picture").write_bytes(b"\x89PNG\0\0\xff")
    index = (repo.top / ".git/index").read_bytes()
    text = at.workspace().diff(RUN)
    assert (repo.top / ".git/index").read_bytes() == index
    assert "-kept as committed\n+by the agent\n" in text
    assert "new file mode 100644" in text and "+new\n" in text
    assert "Binary files /dev/null and b/picture differ" in text
    assert "both.txt" not in text, "what was changed before the run is not its work"
    monkeypatch.setattr(workspace, "DIFF_BYTES", 120)
    cut = at.workspace().diff(RUN)
    assert len(cut) < 200 and cut.endswith("[cut here: the rest is too long to show]\n")


# --- killed in between -----------------------------------------------------------------------------------------------


def test_killed_anywhere_while_the_snapshot_is_taken(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each single call of git."""
    before, spec, number = personal(repo), at.spec(repo.top), 0
    while True:
        number += 1
        with monkeypatch.context() as patched:
            cut_at(patched, Git, "run", number)
            try:
                at.workspace().prepare(spec)
            except Killed:
                pass
            else:
                break
        assert personal(repo) == before
        assert at.workspace().read(RUN) is None, "not ready"
        if number % 4 == 0:
            tree = at.workspace().prepare(spec)
            assert tree is not None and tree.snapshot == SNAPSHOT
            assert repo.held(SNAPSHOT, "both.txt") == "staged, then changed"
            (at.run() / treefile.TREE).unlink()
            repo.git("update-ref", "-d", SNAPSHOT)
        elif number % 4 == 1:
            assert at.workspace().finish(spec, failed=True) is None
            assert repo.refs == [], "given up before it was ready"
    assert number > 15


CHANGING = ("read-tree", "update-ref", "commit-tree")
"""What of git changes more than a temporary index."""


@pytest.mark.parametrize(
    "words", [pytest.param((), marks=pytest.mark.slow, id="any"), pytest.param(CHANGING, id="few")]
)
def test_killed_anywhere_during_a_rollback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """After each call of git: made again, it ends in the same state, and nothing is lost."""
    number = 0
    while True:
        number += 1
        at, repo = desk(tmp_path / f"d{number}"), furnished(tmp_path / f"r{number}")
        before = repo.looks()
        at.workspace().prepare(at.spec(repo.top))
        havoc(repo)
        agent = repo.commit("by the agent")
        repo.write("after the commit", "loose\n")
        with monkeypatch.context() as patched:
            cut_at(patched, Git, "run", number, words)
            try:
                at.workspace().rollback(RUN)
            except Killed:
                said = at.workspace().rollback(RUN)
            else:
                break
        assert repo.looks() == before, number
        assert SAVED in said
        repo.git("merge-base", "--is-ancestor", agent, SAVED)
        assert repo.held(SAVED, "after the commit") == "loose"
    assert number > (5 if words else 20)


@pytest.mark.parametrize("step", ["write_end", "write_undone"])
@pytest.mark.parametrize("number", [1, 2])
def test_killed_while_a_failed_run_is_finished(
    at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    before, spec = repo.looks(), at.spec(repo.top, rollback=True)
    at.workspace().prepare(spec)
    repo.write("kept.txt", "by the agent\n")
    with monkeypatch.context() as patched:
        cut_at(patched, treefile, step, number)
        with pytest.raises(Killed):
            at.workspace().finish(spec, failed=True)
    assert at.workspace().finish(spec, failed=True) == Changes(files=1, kept="rolled back")
    assert repo.looks() == before and repo.refs == [SAVED, SNAPSHOT]
