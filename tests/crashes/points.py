"""The kill points: which call of the engine each one lies before or after, and which tasks come by there.

A point is named "GROUP: WHAT"; the runner's own are told of by wrapper.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cctui.core import effects

Args = tuple[Any, ...]
A = "cctui.adapters"
TREES = ("tree", "treeshell", "treeclean")
CLAUDE = ("text", "loop", "tree", "plan", "limit", "takeover", "orphan")
LATER = ("loop", "check", "plan", "limit", "tree", "treeshell", "takeover")
RANDOM = "at random"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the engine that changes something, or ends a change."""

    name: str
    owner: str
    """Module, or module:class."""
    attr: str
    kinds: tuple[str, ...] = ()
    """Tasks that come by; empty: every one."""
    when: Callable[[Args], bool] = lambda _: True
    """Of the call's arguments, with the object itself first: whether it is this one."""
    before: bool = True
    after: bool = True

    @property
    def points(self) -> tuple[str, ...]:
        names = (f"{self.name}, before" if self.before else "", f"{self.name}, after" if self.after else "")
        return tuple(name for name in names if name)


def _effect(name: str, kind: type, *kinds: str) -> Call:
    return Call(name, "cctui.perform:Hands", "_change", kinds, lambda args: isinstance(args[1], kind))


def _first(args: Args) -> bool:
    return bool(args[2] == 1)


def _first_session(args: Args) -> bool:
    return str(args[1]).count("-") == 3


def _ends(number: int, ending: str) -> Callable[[Args], bool]:
    return lambda args: str(args[number]).endswith(ending)


def _keeps(saved: bool) -> Callable[[Args], bool]:
    """A ref for what a rollback takes away, or else a snapshot."""
    return lambda args: str(args[2]).startswith("refs/cctui/saved") is saved


def _git(first: str, second: str) -> Callable[[Args], bool]:
    return lambda args: args[1:3] == (first, second)


def _ended(branch: str) -> bool:
    """The branch is that of a run whose changes were counted, not one that is made anew."""
    run = "-".join(branch.split("-")[-3:])
    return any(Path("state/runs", run).glob("changes.json"))


FIRST = (
    Call("first leg: run folder drafted", "cctui.runner.files", "sync_folder", (), _ends(0, ".tmp"), after=False),
    Call("first leg: run folder", f"{A}.rundir:RunDir", "make"),
    Call("first leg: worktree's intent", f"{A}.treefile", "write_ground", TREES,
         lambda args: not args[1].ready and bool(args[1].tree.worktree)),
    Call("first leg: git worktree add", f"{A}.worktree", "add", TREES),
    Call("first leg: git worktree lock", f"{A}.git:Git", "run", TREES, _git("worktree", "lock"), after=False),
    Call("first leg: snapshot's intent", f"{A}.treefile", "write_ground", ("undo", "back"),
         lambda args: not args[1].ready and not args[1].tree.worktree, before=False),
    Call("first leg: snapshot", f"{A}.snapshot", "keep", ("undo", "back"), _keeps(False)),
    Call("first leg: tree.json", f"{A}.treefile", "write_ground", (*TREES, "undo", "back"),
         lambda args: bool(args[1].ready)),
    Call("first leg: leg-1.json", f"{A}.rundir:RunDir", "add_leg", (), _first),
    Call("first leg: leg-1.json's inputs", "cctui.runner.files", "put", (),
         lambda args: args[1] == "leg-1.json" and bool(args[2]["env"]), after=False),
    Call("first leg: claim", f"{A}.taskdir:TaskDir", "claim"),
    Call("first leg: tmux", f"{A}.tmux:Tmux", "start", (), _first_session),
)  # fmt: skip
NEXT = (
    Call("next leg: exit-N.json kept", f"{A}.rundir:RunDir", "_keep_exit", LATER, lambda args: bool(args[2] >= 1)),
    Call("next leg: sweep", f"{A}.sweep", "sweep", ("orphan",)),
    Call("next leg: exit-N.json of a killed runner", "cctui.runner.files", "claim", ("orphan",),
         lambda args: str(args[1]).startswith("exit-")),
    Call("next leg: leg-N.json", f"{A}.rundir:RunDir", "add_leg", LATER, lambda args: not _first(args)),
    Call("next leg: tmux", f"{A}.tmux:Tmux", "start", LATER, lambda args: not _first_session(args)),
)  # fmt: skip
FINISH = (
    Call("filing: clear", f"{A}.rundir:RunDir", "clear"),
    Call("filing: sweep", f"{A}.sweep", "sweep", ("orphanshell",)),
    Call("filing: tear-down", f"{A}.teardown", "tear_down", TREES),
    Call("filing: changes counted", f"{A}.treefile", "write_end", (*TREES, "undo"), lambda args: not args[1].done),
    Call("filing: changes settled", f"{A}.treefile", "write_end", (*TREES, "undo"), lambda args: bool(args[1].done)),
    Call("filing: worktree unlocked", f"{A}.worktree", "unlock", ("tree", "treeshell")),
    Call("filing: worktree removed", f"{A}.worktree", "remove", ("treeclean",), lambda args: Path(args[1]).exists()),
    Call("filing: git worktree remove", f"{A}.git:Git", "run", ("treeclean",), _git("worktree", "remove"), after=False),
    Call("filing: branch removed", f"{A}.worktree", "remove_branch", ("treeclean",), lambda args: _ended(args[1])),
    Call("filing: rollback", f"{A}.workspace", "roll_back", ("undo",)),
    Call("filing: rollback's ref", f"{A}.snapshot", "keep", ("undo",), _keeps(True)),
    Call("filing: rollback's restore", f"{A}.snapshot", "restore", ("undo",)),
    Call("filing: note", f"{A}.notes", "write_note"),
    Call("filing: history line", f"{A}.ledger:Ledger", "append"),
    Call("filing: store", f"{A}.store:Store", "save"),
    Call("filing: file moved", f"{A}.taskdir:TaskDir", "file"),
    Call("filing: secrets forgotten", f"{A}.rundir", "forget", before=False),
    Call("filing: filed mark", f"{A}.rundir:RunDir", "close"),
)
ASKED = (
    _effect("asked: Halt", effects.Halt, "stop"),
    Call("asked: Halt's note", f"{A}.sweep", "terminate", ("stop",), after=False),
    _effect("asked: Tell", effects.Tell, "takeover"),
    _effect("asked: Approve", effects.Approve, "plan"),
    _effect("asked: SavePlan", effects.SavePlan, "plan"),
    Call("asked: SavePlan's plan.md", f"{A}.rundir:RunDir", "keep_plan", ("plan",), before=False),
    _effect("asked: SaveMemory", effects.SaveMemory, "edit"),
    Call("asked: SaveMemory's file", "pathlib:Path", "replace", ("edit",), _ends(1, "/db.json")),
    _effect("asked: EditFile", effects.EditFile, "edit"),
    Call("asked: EditFile's file", "pathlib:Path", "replace", ("edit",), lambda args: "/tasks/" in str(args[1])),
    _effect("asked: MoveFile", effects.MoveFile, "again"),
    _effect("asked: AddFile", effects.AddFile, "add"),
    Call("asked: RollBack", "cctui.perform:Hands", "_roll_back", ("back",)),
)
CALLS = (*FIRST, *NEXT, *FINISH, *ASKED)
RUNNER = tuple(
    f"runner: {stage}"
    for stage in (
        "begun",
        "locked",
        "before start.json",
        "start.json",
        "before spawn",
        "spawned",
        "child noted",
        "at work",
        "child ended",
        "before exit.json",
        "exit.json drafted",
        "exit.json renamed",
        "exit.json",
        "before its end",
    )
)
KINDS_AT = {point: call.kinds for call in CALLS for point in call.points}
POINTS = (*KINDS_AT, *RUNNER, RANDOM)


def group(point: str) -> str:
    return point.partition(":")[0]
