"""What became of one run of the matrix: an outcome for each task, and every violation in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crashes import kill
from tests.crashes.bench import DONE, Bench, git
from tests.crashes.kinds import IN_PLACE, Kind, kind_of

ONCE, RESUMED, LOST = "done once", "resumed and done once", "lost and said so"
OUTCOMES = (ONCE, RESUMED, LOST)


@dataclass
class Verdict:
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    litter: Counter[str] = field(default_factory=Counter)
    """Temporary files that nobody removed: no harm, but said."""


def judge(bench: Bench) -> Verdict:
    verdict = Verdict(wrong=list(dict.fromkeys(bench.seen)))
    records = bench.records()
    twice = [run_id for run_id, count in Counter(record["run_id"] for record in records).items() if count > 1]
    verdict.wrong += [f"{run_id} stands in the history twice" for run_id in twice]
    verdict.wrong += [f"{path.name} is still open" for path in bench.open_runs()]
    verdict.wrong += [f"{what} is left: process {pid}" for pid, what in bench.mine().items()]
    verdict.wrong += [
        f"the note {record['log_file']} is missing"
        for record in records
        if not (bench.root / record["log_file"]).exists()
    ]
    for task in bench.tasks:
        mine = [record for record in records if record["task_id"] == task]
        outcome, wrong = _task(bench, task, mine)
        verdict.wrong += [f"{task}: {text}" for text in wrong]
        if outcome and not wrong:
            verdict.outcomes[outcome] += 1
    verdict.wrong += [*_trees(bench), *_remembered(bench)]
    for path in bench.home.rglob("*.tmp"):
        verdict.litter[_shape(path)] += 1
    return verdict


def _remembered(bench: Bench) -> list[str]:
    """What stands in the store although every task is over."""
    memory = (kill.read(f"{bench.home}/state/db.json") or {}).get("memory", {}).values()
    wrong = ["a hold still stands" for found in memory if found["hold"]]
    return wrong + [f"{task}: a retry is remembered" for found in memory for task in found["retries"]]


def _shape(path: Path) -> str:
    """The kind of a temporary file: its folder and the constant part of its name."""
    words = path.name.strip(".").split(".")
    named = words[0] if words[0].count("-") < 2 or words[0].startswith("cctui") else "RUN"
    folder = "RUN" if path.parent.parent.name == "runs" else path.parent.name
    return f"{folder}/.{'cctui-N' if named.startswith('cctui-') else named}…tmp"


# --- one task --------------------------------------------------------------------------------------------------------


def _task(bench: Bench, task: str, records: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Its outcome, and what is wrong with it."""
    kind, said, places = kind_of(task), bench.said(task), bench.places(task)
    wrong = [_alone(line) for line in said if line["what"] == "overlap"]
    odd = ("unswept", "never handed over", "session used twice")
    wrong += [str(line["what"]) for line in said if line["what"] in odd]
    if len(places) != 1 or places[0] not in DONE:
        wrong.append(f"its file lies in {places or 'no folder'}")
    if not records:
        return "", [*wrong, "no history line"]
    last, steps = records[-1], Counter(line["step"] for line in said if line["what"] == "did")
    wrong += _counted(kind, records, steps)
    if places == ["completed" if last["success"] else "failed"] and not wrong:
        if last["error_type"] == "lost":
            return LOST, [] if kind.error == "lost" else _rightly_lost(bench, task, kind, str(last["run_id"]))
        return RESUMED if _resumed(bench, task) else ONCE, []
    return "", [*wrong, *([] if wrong else [f"recorded as {last['error_type']}, its file in {places}"])]


def _alone(line: Mapping[str, Any]) -> str:
    return (
        f"two processes at a time: {line['role']} of leg {line['leg']}, and {line['other_role']} of leg "
        f"{line['other_leg']} (process {line['other']})"
    )


def _counted(kind: Kind, records: list[dict[str, Any]], steps: Counter[str]) -> list[str]:
    """Whether the history says what the steps say."""
    errors = [record["error_type"] for record in records]
    lost = errors[-1] == "lost" and kind.error != "lost"
    wrong = [f"step {step} was done {steps[step]} times" for step in steps if step not in kind.steps]
    tries = range(1, kind.tries + 1) if lost else (kind.tries,)
    if len(errors) not in tries or any(error != "exit_error" for error in errors[:-1]):
        wrong.append(f"history lines: {', '.join(map(str, errors))}")
    if not lost and errors[-1] != kind.error:
        wrong.append(f"ended with {errors[-1]} ({records[-1]['detail']}), not with {kind.error}")
    for step, count in kind.steps.items():
        good = steps[step] <= count if lost else steps[step] == count
        again = step in kind.some and steps[step] >= count
        if not (good or again):
            wrong.append(f"step {step} was done {steps[step]} times, recorded as {errors[-1] or 'success'}")
    return wrong


def _rightly_lost(bench: Bench, task: str, kind: Kind, run_id: str) -> list[str]:
    """Only what had its own runner killed may be lost, and no conversation."""
    if kind.resumes:
        return ["a conversation was given up as lost"]
    killed = {pid for pids in (kill.fired(str(bench.home)) or {}).values() for pid in pids}
    starts = (kill.read(str(path)) for path in (bench.runs / run_id).glob("start-*.json"))
    if any(start is not None and start["pid"] in killed for start in starts):
        return []
    return ["lost, but its runner was not killed"]


def _resumed(bench: Bench, task: str) -> bool:
    """A leg was begun because the one before was killed."""
    for run in bench.runs_of(task):
        legs = (kill.read(str(path)) or {} for path in run.glob("leg-*.json"))
        if any(leg.get("why") in ("lost", "fresh") for leg in legs):
            return True
    return False


# --- git -------------------------------------------------------------------------------------------------------------


def _trees(bench: Bench) -> list[str]:
    """Whether every commit is on its branch, and nothing is left that holds nothing."""
    wrong: list[str] = []
    in_place = [task for task in bench.tasks if kind_of(task).name in IN_PLACE]
    repos = {bench.folder(task) for task in bench.tasks if kind_of(task).repo} - {
        bench.folder(task) for task in in_place
    }
    for repo in repos:
        branches = git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads/cctui").split()
        wrong += [text for branch in branches if (text := _branch(bench, repo, branch))]
        folders = [path.name for path in (bench.home / "state/worktrees").glob("*")]
        wrong += [f"the worktree {name} is left" for name in folders if not any(b.endswith(name) for b in branches)]
        for task in bench.tasks:
            if kind_of(task).commits and _commits(bench, task) and not any(f"/{task}-" in b for b in branches):
                wrong.append(f"{task}: it committed, and its branch is gone")
    return wrong + [f"{task}: {text}" for task in in_place for text in _undone(bench, task)]


def _commits(bench: Bench, task: str) -> bool:
    return any(line.get("step") in ("commit", "once") for line in bench.said(task) if line["what"] == "did")


def _branch(bench: Bench, repo: Path, branch: str) -> str:
    """What is wrong with a branch of ours; empty: nothing."""
    count = int(git(repo, "rev-list", "--count", f"main..{branch}"))
    task = branch.partition("/")[2][: -len("-20261121-031405-3fa9c1")]
    run = branch[-len("20261121-031405-3fa9c1") :]
    tree = bench.home / "state/worktrees" / run
    if task not in bench.tasks:
        return f"the branch {branch} is nobody's"
    if count > 1:
        return f"{branch} holds {count} commits"
    if count == 0 and not (tree.is_dir() and git(tree, "status", "--porcelain").strip()):
        return f"{branch} is left, and holds nothing"
    return "" if count == 0 or tree.is_dir() else f"{branch} holds a commit, and its worktree is gone"


def _undone(bench: Bench, task: str) -> list[str]:
    """A task that was to be rolled back: the folder as it was, and what was undone kept."""
    folder, wrong = bench.folder(task), []
    if (folder / "tracked").read_text() != "as it was\n" or (folder / "untracked").exists():
        wrong.append("its folder is not as it was")
    saved = git(folder, "for-each-ref", "refs/cctui/saved").strip()
    if bench.said_that(task, "once") and not saved:
        wrong.append("what was undone is kept nowhere")
    return wrong
