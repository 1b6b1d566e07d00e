"""Runs in worktrees of their own: made whole, filled, counted, kept or taken away without loss."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters import treefile, worktree
from cctui.adapters.git import Git
from cctui.adapters.workspace import WorkspaceError
from cctui.core.settings import Settings
from cctui.core.world import Changes, Spec, Tree
from tests.adapters.repos import CARRY_ENV, LOCAL, RUN, Desk, Killed, Repo, cut_at, desk, furnished, new_repo
from tests.waiting import at_last

SAVED = f"refs/cctui/saved/{RUN}"
BRANCH = f"cctui/tidy-up-{RUN}"
GONE = Changes(kept="nothing changed, worktree removed")


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return furnished(tmp_path / "repo")


def prepared(at: Desk, folder: Path, settings: Settings | None = None) -> tuple[Spec, Tree, Repo]:
    spec = at.spec(folder, worktree=True)
    tree = at.workspace(settings).prepare(spec)
    assert tree is not None and tree.worktree is not None
    return spec, tree, Repo(Path(tree.worktree))


def worktrees(repo: Repo) -> list[str]:
    listed = repo.git("worktree", "list", "--porcelain").splitlines()
    return [line.removeprefix("worktree ") for line in listed if line.startswith("worktree ")]


def locked(repo: Repo) -> list[str]:
    listed = repo.git("worktree", "list", "--porcelain").splitlines()
    return [line for line in listed if line.startswith("locked")]


# --- making ----------------------------------------------------------------------------------------------------------


def test_a_worktree_is_made_from_what_is_checked_out(at: Desk, repo: Repo) -> None:
    before = repo.looks()
    spec, tree, own = prepared(at, repo.top)
    path = at.places.state / "worktrees" / RUN
    assert tree == Tree(str(repo.top), str(path), repo.head, BRANCH, str(path))
    assert at.workspace().folder(spec) == str(path)
    assert (own.head, own.git("symbolic-ref", "--short", "HEAD")) == (repo.head, BRANCH)
    assert own.git("status", "--porcelain") == ""
    assert locked(repo) == [f"locked cctui run {RUN}"]
    after = repo.looks()
    assert after.pop("branches") == [BRANCH, "main"] and before.pop("branches") == ["main"]
    assert after == before
    assert at.workspace().prepare(spec) == tree, "the second call changes nothing"


def test_hooks_of_the_repository_are_not_run(at: Desk, repo: Repo, tmp_path: Path) -> None:
    for hook in ("post-checkout", "reference-transaction", "pre-commit"):
        repo.write(f".git/hooks/{hook}", f"#!/bin/sh\ntouch '{tmp_path}/hook-{hook}'\n", 0o755)
    prepared(at, repo.top)
    at.workspace().rollback(RUN)
    assert not list(tmp_path.glob("hook-*"))


@pytest.mark.parametrize("case", ["plain folder", "bare", "missing"])
def test_without_a_repository_it_is_refused(at: Desk, tmp_path: Path, case: str) -> None:
    folder = tmp_path / "folder"
    if case != "missing":
        folder.mkdir()
    if case == "bare":
        new_repo(folder, "--bare")
    with pytest.raises(WorkspaceError, match=r"lies in no git work tree, and `worktree: true` needs one"):
        at.workspace().prepare(at.spec(folder, worktree=True))
    assert at.workspace().read(RUN) is None


def test_before_the_first_commit_it_is_refused(at: Desk, tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    with pytest.raises(WorkspaceError, match=r"has no commit yet .* make one"):
        at.workspace().prepare(at.spec(repo.top, worktree=True))


def test_without_git_it_is_refused_and_runs_in_place_go_on(
    at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing here"))
    with pytest.raises(WorkspaceError, match=r"git is not installed"):
        at.workspace().prepare(at.spec(repo.top, worktree=True))
    tree = at.workspace().prepare(at.spec(repo.top, run_id="in-place"))
    assert tree is not None and "git is not installed" in tree.trouble
    assert at.workspace().prepare(at.spec(tmp_path, run_id="plain")) is None


def test_a_subfolder_has_its_like(at: Desk, repo: Repo) -> None:
    _, tree, own = prepared(at, repo.top / "deep/er")
    assert tree.repo == str(repo.top)
    assert tree.folder == str(own.top / "deep/er")


def test_a_subfolder_that_is_in_no_commit_is_refused_and_leaves_nothing(at: Desk, repo: Repo) -> None:
    before = repo.looks()
    with pytest.raises(WorkspaceError, match=r"new is not in the commit .* add and commit it"):
        at.workspace().prepare(at.spec(repo.top / "new", worktree=True))
    assert repo.looks() == before and worktrees(repo) == [str(repo.top)]
    assert at.workspace().read(RUN) is None
    assert at.workspace().finish(at.spec(repo.top / "new", worktree=True), failed=True) is None
    repo.commit("with the folder")
    _, tree, own = prepared(at, repo.top / "new")
    assert (tree.base, tree.folder) == (repo.head, str(own.top / "new"))


def test_from_a_worktree_of_the_person(at: Desk, repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    side = Repo(tmp_path / "side")
    base = side.commit("on the side")
    spec, tree, own = prepared(at, side.top)
    assert (tree.repo, tree.base, own.head) == (str(side.top), base, base)
    own.write("agent.txt", "new\n")
    own.commit()
    shutil.rmtree(side.top)
    repo.git("worktree", "prune")
    found = at.workspace().finish(spec, failed=False)
    assert found == Changes(1, 1, f"branch {BRANCH} kept")
    assert SAVED in at.workspace().rollback(RUN)
    assert repo.branches == ["main", "side"]


def test_a_detached_head_will_do(at: Desk, repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--detach")
    spec, tree, own = prepared(at, repo.top)
    assert (tree.base, own.head) == (repo.head, repo.head)
    assert at.workspace().finish(spec, failed=False) == GONE


@pytest.mark.parametrize(
    ("task", "plain"),
    [("tidy", "tidy"), ("a b/c~^:?*[", "a-b-c"), ("..x..lock", "x-lock"), (".hidden.", "hidden"), ("@{", "task"),
     ("été", "été"), ("-rf", "rf"), ("雪" * 200, "雪" * 33), ("\udc80\x01", "task")],
)  # fmt: skip
def test_any_task_name_makes_a_branch(repo: Repo, task: str, plain: str) -> None:
    name = worktree.branch_name(task, RUN)
    assert name == f"cctui/{plain}-{RUN}"
    repo.git("check-ref-format", "--branch", name)
    repo.git("branch", name)


# --- filling ---------------------------------------------------------------------------------------------------------


def test_what_worktreeinclude_names_is_carried_over(at: Desk, repo: Repo, tmp_path: Path) -> None:
    repo.write(".worktreeinclude", "# secrets\n.env.local\n/config/\n*.log\n!loud.log\nlink\nkept.txt\n")
    repo.write(".env.local", "A=1\n", 0o600)
    repo.write(".env", "B=2\n")
    repo.write("config/deep/a b\nc", "x\n", 0o755)
    repo.write("loud.log", "no\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("theirs\n")
    (repo.top / "link").symlink_to(tmp_path / "outside")
    repo.write("kept.txt", "changed, tracked\n")
    _, tree, own = prepared(at, repo.top)
    assert tree.trouble == ""
    carried = {name: text for name, text in own.files().items() if not own.git("ls-files", "--", f":(literal){name}")}
    assert carried == {
        ".env.local": "- b'A=1\\n'",
        "config/deep/a b\nc": "x b'x\\n'",
        "noise.log": "- b'ignored\\n'",
        "link": f"link to {tmp_path / 'outside'}",
    }
    assert (own.top / ".env.local").stat().st_mode & 0o777 == 0o600
    assert (own.top / "kept.txt").read_text() == "kept as committed\n", "what is tracked comes from the commit"


@pytest.mark.parametrize("settings", [None, CARRY_ENV], ids=["by default", "carry_env"])
def test_env_files_are_carried_only_on_demand(at: Desk, repo: Repo, settings: Settings | None) -> None:
    for name in (".env", "deep/.env.test", ".env.d/inside", "x.env"):
        repo.write(name, "A=1\n")
    _, _, own = prepared(at, repo.top, settings)
    there = {name for name in own.files() if "env" in name}
    assert there == ({".env", "deep/.env.test"} if settings else set())


def test_nothing_is_carried_through_a_link(at: Desk, repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (repo.top / "data").symlink_to(tmp_path / "outside")
    repo.git("add", "data")
    repo.git("commit", "--quiet", "--message", "link", "data")
    (repo.top / "data").unlink()
    repo.write("data/secret", "mine\n")
    repo.write(".worktreeinclude", "data\n")
    _, _, own = prepared(at, repo.top)
    assert (own.top / "data").is_symlink() and not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_BYTES"])
def test_only_so_much_is_carried(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(worktree, limit, 3)
    for number in range(5):
        repo.write(f"big/{number}", "1")
    repo.write(".worktreeinclude", "big\n")
    _, tree, own = prepared(at, repo.top)
    assert len(list((own.top / "big").iterdir())) == 3
    assert tree.trouble.startswith("2 files that .worktreeinclude names were not copied")


def test_our_own_files_are_not_carried(tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "vault")
    at = desk(tmp_path / "else", root=repo.top)
    repo.commit("first")
    repo.write("tasks/pending/a.md", "a\n")
    repo.write("data/a.md", "a\n")
    repo.write(".worktreeinclude", "*.md\n")
    _, _, own = prepared(at, repo.top)
    assert set(own.files()) == {"data/a.md"}


@pytest.fixture
def library(tmp_path: Path, repo: Repo) -> Repo:
    """A submodule of `repo` at lib, with one of its own inside."""
    deeper, library = new_repo(tmp_path / "deeper"), new_repo(tmp_path / "library")
    deeper.write("deep.c", "deep\n")
    deeper.commit()
    library.write("lib.c", "one\n")
    library.git(*LOCAL, "submodule", "--quiet", "add", str(deeper.top), "sub")
    library.commit()
    repo.git(*LOCAL, "submodule", "--quiet", "add", "--name", "the.lib", str(library.top), "lib")
    repo.git(*LOCAL, "submodule", "--quiet", "update", "--init", "--recursive")
    repo.git("commit", "--quiet", "--message", "lib", "lib", ".gitmodules")
    return library


def test_submodules_are_filled_from_this_machine(at: Desk, repo: Repo, library: Repo, tmp_path: Path) -> None:
    shutil.rmtree(library.top)
    shutil.rmtree(tmp_path / "deeper")
    config, before = (repo.top / ".git/config").read_text(), repo.looks()
    spec, tree, own = prepared(at, repo.top)
    assert tree.trouble == ""
    assert (own.top / "lib/lib.c").read_text() == "one\n"
    assert (own.top / "lib/sub/deep.c").read_text() == "deep\n"
    assert own.git("status", "--porcelain") == ""
    assert Repo(own.top / "lib").git("config", "remote.origin.url") == str(library.top)
    assert at.workspace().finish(spec, failed=False) == GONE
    assert repo.looks() == before and (repo.top / ".git/config").read_text() == config


def test_a_submodule_that_is_not_here_is_told(at: Desk, repo: Repo, library: Repo) -> None:
    gone = repo.git("rev-parse", "HEAD^{tree}")
    repo.git("update-index", "--cacheinfo", f"160000,{gone},lib")
    repo.git("commit", "--quiet", "--message", "a commit nobody has")
    spec, tree, _ = prepared(at, repo.top)
    assert f"the submodule lib is empty: its commit {gone[:9]} is not on this machine" in tree.trouble
    assert at.workspace().finish(spec, failed=False) == GONE


def test_a_submodule_nobody_has_filled_stays_empty(at: Desk, repo: Repo, library: Repo) -> None:
    repo.git("submodule", "--quiet", "deinit", "--force", "lib")
    _, tree, own = prepared(at, repo.top)
    assert tree.trouble == "" and not list((own.top / "lib").iterdir())


def test_work_inside_of_a_submodule_is_never_removed(at: Desk, repo: Repo, library: Repo) -> None:
    spec, _, own = prepared(at, repo.top)
    inside = Repo(own.top / "lib")
    inside.write("lib.c", "by the agent\n")
    inside.commit("by the agent")
    inside.git("checkout", "--quiet", "--detach", "HEAD^")
    inside.git("branch", "mine", "HEAD@{1}")
    assert own.git("status", "--porcelain") == "", "git itself sees nothing"
    assert at.workspace().finish(spec, failed=True) == Changes(kept=f"branch {BRANCH} kept")
    with pytest.raises(WorkspaceError, match=r"no ref can keep what lies in lib: save or remove it"):
        at.workspace().rollback(RUN)
    assert inside.held("mine", "lib.c") == "by the agent"
    shutil.rmtree(inside.top)
    inside.top.mkdir()
    at.workspace().rollback(RUN)
    assert not own.top.exists()


def test_a_repository_inside_of_a_submodule(at: Desk, repo: Repo, library: Repo) -> None:
    """The task's folder is the submodule: the worktree is one of the submodule's repository."""
    inside = Repo(repo.top / "lib")
    spec, tree, own = prepared(at, inside.top)
    assert (tree.repo, own.head) == (str(inside.top), inside.head)
    own.write("lib.c", "by the agent\n")
    own.commit()
    assert at.workspace().finish(spec, failed=False) == Changes(1, 1, f"branch {BRANCH} kept")
    at.workspace().rollback(RUN)
    assert inside.git("status", "--porcelain") == "" and BRANCH not in inside.branches


# --- counting and ending ---------------------------------------------------------------------------------------------


def test_a_clean_worktree_goes_with_its_branch(at: Desk, repo: Repo) -> None:
    before = repo.looks()
    repo.write(".worktreeinclude", "new.txt\n.env\n")
    repo.write(".env", "A=1\n")
    spec, _, own = prepared(at, repo.top)
    own.write("noise.log", "ignored\n")
    assert at.workspace().measure(RUN) == Changes(), "what was carried there is no change"
    assert at.workspace().finish(spec, failed=False) == GONE
    assert not own.top.exists() and worktrees(repo) == [str(repo.top)]
    (repo.top / ".worktreeinclude").unlink()
    (repo.top / ".env").unlink()
    assert repo.looks() == before and repo.refs == []
    assert at.workspace().measure(RUN) == GONE == at.workspace().finish(spec, failed=True)
    with pytest.raises(WorkspaceError, match=r"nothing to compare .* nothing changed, worktree removed"):
        at.workspace().diff(RUN)
    assert at.workspace().rollback(RUN) == "Its worktree and its branch are gone; there was nothing to save."


@pytest.mark.parametrize(
    "case", ["commit", "change", "staged", "untracked", "carried", "nested", "empty commit", "aside", "reset"]
)
def test_a_worktree_that_holds_anything_is_kept(at: Desk, repo: Repo, case: str) -> None:
    repo.commit("second")
    repo.write(".env.x", "A=1\n")
    repo.write(".worktreeinclude", ".env.x\n")
    spec, _, own = prepared(at, repo.top)
    expected = Changes(0, 1)
    match case:
        case "commit":
            own.write("kept.txt", "by the agent\n")
            own.git("commit", "--quiet", "--all", "--message", "by the agent")
            expected = Changes(1, 1)
        case "change":
            own.write("kept.txt", "by the agent\n")
        case "staged":
            own.write("agent.txt", "by the agent\n")
            own.git("add", "agent.txt")
        case "untracked":
            own.write("agent.txt", "by the agent\n")
        case "carried":
            own.write(".env.x", "by the agent\n")
        case "nested":
            new_repo(own.top / "cloned").write("a.txt", "new\n")
            expected = Changes()
        case "empty commit":
            own.git("commit", "--quiet", "--allow-empty", "--message", "nothing")
            expected = Changes(1, 0)
        case "aside":
            own.git("checkout", "--quiet", "--detach")
            own.git("commit", "--quiet", "--allow-empty", "--message", "on no branch")
            expected = Changes(1, 0)
        case _:
            own.git("reset", "--quiet", "--hard", "HEAD^")
            expected = Changes(0, own.git("diff", "--name-only", repo.head).count("\n") + 1)
    assert at.workspace().measure(RUN) == expected
    found = at.workspace().finish(spec, failed=True)
    assert found == Changes(expected.commits, expected.files, f"branch {BRANCH} kept")
    assert own.top.is_dir() and locked(repo) == [] and BRANCH in repo.branches
    assert at.workspace().finish(spec, failed=True) == found


def test_commits_count_wherever_the_agent_made_them(at: Desk, repo: Repo) -> None:
    spec, _, own = prepared(at, repo.top)
    own.commit("one")
    own.commit("two")
    own.git("checkout", "--quiet", "-b", "mine")
    own.write("agent.txt", "new\n")
    own.commit("three")
    own.write("agent.txt", "newer\n")
    assert at.workspace().measure(RUN) == Changes(commits=3, files=1)
    assert at.workspace().finish(spec, failed=False) == Changes(3, 1, f"branch {BRANCH} kept")


def test_a_vanished_worktree_is_counted_by_its_branch(at: Desk, repo: Repo) -> None:
    spec, _, own = prepared(at, repo.top)
    own.write("agent.txt", "new\n")
    own.commit()
    shutil.rmtree(own.top)
    assert at.workspace().measure(RUN) == Changes(1, 1)
    assert "+new" in at.workspace().diff(RUN)
    assert at.workspace().finish(spec, failed=False) == Changes(1, 1, f"branch {BRANCH} kept, its worktree is gone")
    assert SAVED in at.workspace().rollback(RUN)
    assert repo.held(SAVED, "agent.txt") == "new" and repo.branches == ["main"]
    assert "+new" in at.workspace().diff(RUN)


def test_when_everything_is_gone_nothing_is_raised(at: Desk, repo: Repo) -> None:
    spec, _, own = prepared(at, repo.top)
    shutil.rmtree(own.top)
    shutil.rmtree(repo.top)
    assert at.workspace().measure(RUN) is None
    found = at.workspace().finish(spec, failed=True)
    assert found is not None and found.kept.startswith("worktree kept: git")
    assert at.workspace().measure(RUN) == found


def test_the_diff_of_a_worktree(at: Desk, repo: Repo) -> None:
    repo.write(".env", "A=1\n")
    _, _, own = prepared(at, repo.top, CARRY_ENV)
    assert (own.top / ".env").exists()
    own.write("kept.txt", "by the agent\n")
    own.git("commit", "--quiet", "--all", "--message", "kept")
    own.write("loose.txt", "loose\n")
    text = at.workspace().diff(RUN)
    assert "+by the agent" in text and "+loose" in text
    assert "+A=1" not in text, "carried there, and unchanged"


# --- going back ------------------------------------------------------------------------------------------------------


def test_a_rollback_saves_commits_and_loose_ends_then_removes(at: Desk, repo: Repo) -> None:
    before = repo.looks()
    spec, _, own = prepared(at, repo.top)
    own.write("kept.txt", "committed\n")
    agent = own.commit("by the agent")
    own.git("checkout", "--quiet", "--detach", repo.head)
    aside = own.commit("aside")
    own.write("kept.txt", "then changed\n")
    own.write("loose\nend", "untracked\n")
    files = own.files()
    at.workspace().finish(spec, failed=False)
    said = at.workspace().rollback(RUN)
    assert said == f"The worktree and the branch {BRANCH} are gone; everything is kept by {SAVED}."
    assert not own.top.exists() and worktrees(repo) == [str(repo.top)]
    assert repo.looks() == before
    for commit in (agent, aside):
        repo.git("merge-base", "--is-ancestor", commit, SAVED)
    assert at.workspace().rollback(RUN) == f"It was rolled back already. {said}"
    assert at.workspace().measure(RUN) == Changes(2, 2, "rolled back")
    assert "+then changed" in at.workspace().diff(RUN)
    repo.git("worktree", "add", "--quiet", "--detach", str(own.top), SAVED)
    assert own.files() == files, "all of it can be had again"


def test_a_failed_run_with_rollback_leaves_only_the_saved_ref(at: Desk, repo: Repo) -> None:
    before = repo.looks()
    spec = at.spec(repo.top, worktree=True, rollback=True)
    at.workspace().prepare(spec)
    own = Repo(at.places.state / "worktrees" / RUN)
    own.write("agent.txt", "new\n")
    assert at.workspace().finish(spec, failed=True) == Changes(0, 1, "rolled back")
    assert repo.looks() == before and repo.refs == [SAVED]


def test_a_huge_file_is_saved_before_its_worktree_goes(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cctui.adapters.snapshot.MOST_BYTES", 10)
    spec, _, own = prepared(at, repo.top)
    own.write("huge.bin", "x" * 11)
    assert at.workspace().finish(spec, failed=False) == Changes(kept=f"branch {BRANCH} kept"), "never counted, kept"
    at.workspace().rollback(RUN)
    assert repo.held(SAVED, "huge.bin") == "x" * 11


def test_a_nested_repository_stops_a_rollback(at: Desk, repo: Repo) -> None:
    _, _, own = prepared(at, repo.top)
    new_repo(own.top / "cloned").write("a.txt", "new\n")
    with pytest.raises(WorkspaceError, match=r"no ref can keep what lies in cloned/"):
        at.workspace().rollback(RUN)
    assert (own.top / "cloned/a.txt").exists() and repo.refs == []


def test_a_locked_index_stops_a_rollback(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worktree, "LOCK_SECONDS", 0.2)
    _, _, own = prepared(at, repo.top)
    lock = Path(own.git("rev-parse", "--absolute-git-dir"), "index.lock")
    lock.touch()
    with pytest.raises(WorkspaceError, match=r"Another git holds the lock"):
        at.workspace().rollback(RUN)
    assert own.top.is_dir()


def test_a_branch_somebody_checked_out_stays(at: Desk, repo: Repo) -> None:
    _, _, own = prepared(at, repo.top)
    tip = own.commit("by the agent")
    own.git("checkout", "--quiet", "--detach")
    repo.git("stash", "--quiet", "--include-untracked")
    repo.git("checkout", "--quiet", BRANCH)
    said = at.workspace().rollback(RUN)
    assert said.startswith(f"The worktree is gone; the branch {BRANCH} is checked out elsewhere and stays")
    assert repo.head == tip


# --- killed in between -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, 12))
def test_killed_anywhere_while_a_worktree_is_made(
    at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    repo.write(".worktreeinclude", "new.txt\n")
    before, spec = repo.looks(), at.spec(repo.top, worktree=True)
    with monkeypatch.context() as patched:
        cut_at(patched, Git, "run", number)
        with pytest.raises(Killed):
            at.workspace().prepare(spec)
    assert at.workspace().read(RUN) is None
    repo.write(".worktreeinclude", "new.txt\n")
    tree = at.workspace().prepare(spec)
    assert tree is not None and tree.worktree is not None
    own = Repo(Path(tree.worktree))
    assert (own.head, (own.top / "new.txt").read_text(), locked(repo)) == (
        repo.head,
        "untracked\n",
        [f"locked cctui run {RUN}"],
    )
    assert at.workspace().finish(spec, failed=False) == GONE
    assert repo.looks() == before


def test_a_run_given_up_before_its_worktree_was_ready_leaves_nothing(
    at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, spec = repo.looks(), at.spec(repo.top, worktree=True)
    with monkeypatch.context() as patched:
        cut_at(patched, worktree, "add")
        with pytest.raises(Killed):
            at.workspace().prepare(spec)
    assert BRANCH in repo.branches
    assert at.workspace().finish(spec, failed=True) is None
    assert repo.looks() == before and worktrees(repo) == [str(repo.top)]


def test_killed_anywhere_while_a_clean_worktree_goes(at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    before = repo.looks()
    targets: list[tuple[Any, str, tuple[str, ...]]] = [
        *((Path, "rename", ()), (Git, "run", ("remove",)), (Git, "run", ("update-ref",))),
        *((treefile, "write_end", ()), (worktree, "remove", ()), (worktree, "remove_branch", ())),
    ]
    for number, (target, name, words) in enumerate(targets):
        run_id = f"{RUN}-{number}"
        spec = at.spec(repo.top, run_id=run_id, worktree=True)
        at.workspace().prepare(spec)
        with monkeypatch.context() as patched:
            cut_at(patched, target, name, 1, words)
            with pytest.raises(Killed):
                at.workspace().finish(spec, failed=False)
        assert at.workspace().finish(spec, failed=False) == GONE, name
        assert repo.looks() == before, name
    assert not list((at.places.state / "worktrees").iterdir())


def test_half_a_worktree_is_not_mistaken_for_changed_work(
    at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of removing its files."""
    spec, _, _ = prepared(at, repo.top)

    real = shutil.rmtree

    def half(path: Path | str, **words: Any) -> None:
        if Path(path).parent != at.places.state / "worktrees" or not Path(path).exists():
            return real(path, **words)
        (Path(path) / "kept.txt").unlink()
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", half)
        with pytest.raises(Killed):
            at.workspace().finish(spec, failed=False)
    assert at.workspace().finish(spec, failed=False) == GONE
    assert not list((at.places.state / "worktrees").iterdir()) and repo.branches == ["main"]


@pytest.mark.parametrize("number", range(1, 7))
def test_killed_anywhere_while_a_worktree_is_rolled_back(
    at: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = repo.looks()
    _, _, own = prepared(at, repo.top)
    own.write("kept.txt", "committed\n")
    agent = own.commit("by the agent")
    own.write("loose.txt", "loose\n")
    words = ("write-tree", "commit-tree", "update-ref", "worktree")
    with monkeypatch.context() as patched:
        cut_at(patched, Git, "run", number, words)
        with pytest.raises(Killed):
            at.workspace().rollback(RUN)
    assert SAVED in at.workspace().rollback(RUN)
    assert repo.looks() == before and repo.refs == [SAVED]
    assert repo.held(SAVED, "loose.txt") == "loose"
    repo.git("merge-base", "--is-ancestor", agent, SAVED)


SLOW_PREPARE = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.adapters.repos import desk
at = desk(Path(sys.argv[2]))
print("ready", flush=True)
at.workspace().prepare(at.spec(Path(sys.argv[3]), worktree=True))
"""


def test_a_git_that_outlives_us_is_waited_for(at: Desk, repo: Repo, tmp_path: Path) -> None:
    """The process dies by SIGKILL while git fills the worktree: that git goes on, and must not meet a second one."""
    repo.write(".gitattributes", "slow.txt filter=slow\n")
    repo.write("slow.txt", "slow\n")
    repo.commit()
    started, ended = tmp_path / "filter started", tmp_path / "filter ended"
    repo.git("config", "filter.slow.smudge", f"touch '{started}'; sleep 2; touch '{ended}'; cat")
    argv = [sys.executable, "-c", SLOW_PREPARE, str(Path(__file__).resolve().parents[2]), str(tmp_path), str(repo.top)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        at_last(started.exists)
        process.send_signal(signal.SIGKILL)
    assert not ended.exists()
    tree = at.workspace().prepare(at.spec(repo.top, worktree=True))
    assert ended.exists(), "the first git was waited for"
    assert tree is not None and tree.trouble == ""
    assert Repo(Path(tree.folder)).git("status", "--porcelain") == ""


def test_what_lies_in_a_run_folder_survives_another_version(at: Desk, repo: Repo) -> None:
    _, tree, _ = prepared(at, repo.top)
    file = at.run() / treefile.TREE
    file.write_text(file.read_text().replace('{"repo"', '{"of a newer version": [1], "repo"'))
    assert at.workspace().read(RUN) == tree
    file.write_text("{}")
    assert at.workspace().read(RUN) is None
