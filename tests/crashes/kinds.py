"""The tasks of the crash matrix: what each kind is made of, how it is to end, and how often each of its steps."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHILD = Path(__file__).resolve().parent / "child.py"
PRIORITY = 5


def command(role: str) -> str:
    return shlex.join([sys.executable, "-I", "-S", str(CHILD), role])


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    about: str
    fields: tuple[str, ...]
    """Of the front matter."""
    steps: Mapping[str, int]
    """How often each is done by a run that comes to its end."""
    error: str | None = None
    """How its own end is recorded; None: as a success."""
    resumes: bool = True
    """It is a conversation: killed, it goes on.  Anything else is lost then."""
    tries: int = 1
    """Runs that it takes by itself: all but the last one fail."""
    repo: bool = False
    """Its folder is a git repository."""
    phase: str = "pending"
    """Where its file lies at the start; empty: nowhere."""
    commits: bool = False
    some: frozenset[str] = field(default_factory=frozenset)
    """Steps that may be done again after a kill: checks."""


ONCE = {"once": 1}
SHELL = ("runner: shell", f"command: exec {command('shell')}")
"""With the attempts that a task has by default: one that is lost must not use them."""
CHECK = f"check: exec {command('check')}"


def _program(name: str, about: str, *more: str, **rest: object) -> Kind:
    values: dict[str, object] = {"steps": ONCE, "resumes": False, **rest}
    return Kind(name, about, (*SHELL, *more), **values)  # type: ignore[arg-type]


KINDS: tuple[Kind, ...] = (
    _program("companion", "a shell command that works while another task is killed", "priority: 1"),
    _program("shell", "a shell command"),
    _program(
        "check",
        "a shell command with a check",
        CHECK,
        steps={**ONCE, "check passed": 1},
        some=frozenset({"check passed"}),
    ),
    Kind("python", "a Python function", ("runner: python", "call: job:call"), ONCE, resumes=False),
    _program("attempt", "a command that fails once and is tried again", "max_attempts: 2", steps={"once": 2}, tries=2),
    _program("stop", "a command that a person stops", error="cancelled"),
    _program("edit", "a paused task that a person lets start, after a hold", "paused: true"),
    _program("again", "a finished task that a person puts back into the queue", phase="failed"),
    _program("add", "a task that a person adds through the engine", phase=""),
    _program(
        "undo",
        "a command that fails and is rolled back",
        *("rollback: true", "max_attempts: 1"),
        error="exit_error",
        repo=True,
    ),
    _program("back", "a command whose changes a person takes back", repo=True),
    _program("treeshell", "a command that commits in its worktree", "worktree: true", repo=True, commits=True),
    _program("treeclean", "a command that changes nothing in its worktree", "worktree: true", repo=True),
    _program("orphanshell", "a command whose runner is killed", steps={"once": 1, "killed": 1}, error="lost"),
    Kind("text", "a conversation", (), {"a": 1, "b": 1}),
    Kind(
        "loop",
        "a loop whose check fails, then passes",
        ("runner: loop", CHECK),
        {"r1": 1, "check failed": 1, "r2": 1, "check passed": 1},
        some=frozenset({"check failed", "check passed"}),
    ),
    Kind("tree", "a conversation that commits in its worktree", ("worktree: true",), {"edit": 1, "commit": 1},
         repo=True, commits=True),
    Kind("plan", "a plan that a person accepts", ("mode: plan-first",), {"plan": 1, "w1": 1, "w2": 1}),
    Kind("limit", "a conversation that meets a limit and waits for it", (), {"l1": 1, "l2": 1}),
    Kind("takeover", "a conversation that a person takes over and gives back", (), {"h1": 1, "attended": 1, "f1": 1}),
    Kind("orphan", "a conversation whose runner is killed", (), {"o1": 1, "killed": 1, "o2": 1}),
)  # fmt: skip
BY_NAME = {kind.name: kind for kind in KINDS}
IN_PLACE = frozenset({"undo", "back"})
"""Those with a repository of their own, which is to be as it was in the end."""
OTHERS = tuple(kind.name for kind in KINDS if kind.name not in ("companion", "orphan", "orphanshell"))
"""What runs beside the task that the kill is meant for."""
LATER_LEGS = {
    "loop": 3,
    "takeover": 2,
    **dict.fromkeys(("check", "plan", "limit", "tree", "treeshell", "treeclean"), 1),
}
"""How many legs a run of the kind has after its first."""
LONG = frozenset({"loop", "plan", "limit", "takeover"})
"""Those with many legs: not more than one of them beside another."""


def kind_of(task: str) -> Kind:
    return BY_NAME[task.rpartition("-")[0]]


def text(task: str, folder: Path) -> str:
    """The task file."""
    kind = kind_of(task)
    given = {each.partition(":")[0]: each for each in kind.fields}  # of a field given twice the later one
    lines = [f"cwd: {folder}", *given.values()]
    return "\n".join(["---", *lines, "---", f"Do the work of {task}.", ""])
