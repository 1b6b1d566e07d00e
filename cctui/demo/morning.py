"""The morning after the demo's night: what was done, what it changed, what was undone, and whether all of it is true.

Everything told here is read from the disk and from git, by the product's own ways; nothing is taken from the script of
the night but what is expected of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cctui.adapters.git import Git, commit
from cctui.adapters.runfiles import read_legs
from cctui.adapters.runread import newest_leg
from cctui.adapters.treefile import read_undone
from cctui.adapters.workspace import Workspace, WorkspaceError
from cctui.cli.undoing import summary
from cctui.core.queue import plan_waits
from cctui.core.settings import Settings
from cctui.core.view import State, rows
from cctui.core.words import safe, safe_text, span
from cctui.core.world import Changes, Part, Record, World
from cctui.demo import stage
from cctui.places import Places

DONE = frozenset(
    (
        *("back-up-notes", "collect-sources", "write-digest", "publish-digest"),
        *("deep-research", "fix-parser", "mend-links"),
    )
)
PARKED, REPAIRED, RETRIED = "deep-research", "fix-parser", "mend-links"
UNDONE = "rename-pages"
PLANNED = "sort-archive"
LEFT = frozenset((PLANNED, "someday-rewrite", "broken-example"))
"""What waits for a person at the end."""
DIFF_LINES = 14


@dataclass(frozen=True, slots=True)
class Morning:
    """The end of a night."""

    world: World
    """Before the engine left: afterwards everything waits only for the engine."""
    now: datetime
    scene: stage.Stage
    places: Places
    settings: Settings
    site: Mapping[str, bytes]
    """What the folder that was broken held before the night."""

    def tell(self) -> int:
        """Print it; exit code 1, with a sentence for each, when something is not as the night's script says."""
        for record in self.world.records:
            print(f"  {line_of(record)}")
        for row in rows(self.world, self.now):
            if row.name in LEFT:
                state = "needs you" if row.name == PLANNED and row.state is State.PARKED else row.state.value
                text = row.text.removeprefix(f"{state}: ")
                print(f"  {row.name:<16} {state:<10} {safe(text, 90) if text != state else ''}".rstrip())
        for line in (*self._branch(), *self._rollback()):
            print(line.rstrip())
        wrong = list(self.wrong())
        for sentence in wrong:
            print(f"cctui demo: {sentence}", file=sys.stderr)
        if not wrong:
            print("\nEverything is as it should be. Start ./script/run in a terminal to use the app.")
        return 1 if wrong else 0

    # --- what there is to see ----------------------------------------------------------------------------------------

    def _branch(self) -> Iterator[str]:
        """The branch of the run in a worktree, with its diff."""
        record = self.last(REPAIRED)
        if record is None:
            return
        try:
            text = safe_text(Workspace(self.places, self.settings).diff(record.run_id))
        except WorkspaceError as error:
            yield f"\nThere is no diff of {REPAIRED}: {error}"
            return
        data = {"text": text, "branch": record.branch, "folder": None}
        counts = summary(data | {"files": record.files_changed, "commits": record.commits})
        yield f"\nThe branch of {REPAIRED}, written by the simulated Claude, as `ccq diff {REPAIRED}` shows it:"
        lines = text.splitlines()
        yield from (f"  {line}" for line in (*counts.splitlines(), "", *lines[:DIFF_LINES]))
        if len(lines) > DIFF_LINES:
            yield f"  … and {len(lines) - DIFF_LINES} lines more"

    def _rollback(self) -> Iterator[str]:
        record = self.last(UNDONE)
        if record is None:
            return
        said = read_undone(self.places.runs / record.run_id).said
        yield f"\nWhat {UNDONE} had done before it failed was undone by itself (`rollback: true`):"
        yield f"  {safe(said) or 'no, it is not'}"
        held = self.held()
        for name in sorted({*self.site, *held}):
            same = self.site.get(name) == held.get(name)
            yield f"  {name:<16} {'as before, compared byte by byte' if same else 'NOT as before'}"

    # --- whether it is what it should be -----------------------------------------------------------------------------

    def wrong(self) -> Iterator[str]:
        """A sentence for everything that did not come as it should have."""
        missing = DONE - {record.task_id for record in self.world.records if record.success}
        if missing:
            yield f"these should be done and are not: {', '.join(sorted(missing))}"
        parked = self.last(PARKED)
        if parked and not parked.parked_s:
            yield f"{PARKED} should have met the limit and been parked"
        tries = [(record.attempt, record.success) for record in self.world.records if record.task_id == RETRIED]
        if tries != [(1, False), (2, True)]:
            yield f"{RETRIED} should have failed once and then succeeded"
        if not any(plan_waits(run) and run.spec.task == PLANNED for run in self.world.runs.values()):
            yield f"{PLANNED} should wait with its plan for a person"
        yield from self._repair_wrong()
        yield from self._rollback_wrong()

    def _repair_wrong(self) -> Iterator[str]:
        record = self.last(REPAIRED)
        if record is None or not record.success:
            return
        folder = self.places.runs / record.run_id
        checks = [leg for leg in read_legs(folder, newest_leg(folder)) if leg.part is Part.CHECK]
        if len(checks) != 2 or not record.proven:
            yield f"the check of {REPAIRED} should have failed once and then passed"
        branch = record.branch or ""
        tip = commit(Git(str(self.scene.parser)), f"refs/heads/{branch}")
        if not branch.startswith(f"cctui/{REPAIRED}-") or record.commits != 1 or tip in (None, record.base_commit):
            yield f"{REPAIRED} should have left one commit on a branch of its own"

    def _rollback_wrong(self) -> Iterator[str]:
        record = self.last(UNDONE)
        if record is None or record.success:
            yield f"{UNDONE} should have failed"
            return
        run = self.places.runs / record.run_id
        changes = Workspace(self.places, self.settings).measure(record.run_id) or Changes()
        git = Git(str(self.scene.site))
        saved = read_undone(run).saved
        kept = saved and all(commit(git, ref) is not None for ref in saved)
        if changes.kept != "rolled back" or not kept:
            yield f"{UNDONE} should have been rolled back, with what was undone kept by a ref"
        if self.held() != self.site:
            yield f"the folder of {UNDONE} is not as it was before"

    def last(self, task: str) -> Record | None:
        return next((record for record in reversed(self.world.records) if record.task_id == task), None)

    def held(self) -> dict[str, bytes]:
        return stage.contents(self.scene.site)


def line_of(record: Record) -> str:
    status = record.status.value if record.status else "?"
    spent = record.tokens if record.tokens_source == "reported" else None
    words = [
        f"attempt {record.attempt}",
        span(record.duration_s),
        "no tokens" if spent is None else f"{spent:,} tokens",
    ]
    if record.parked_s and record.parked_s >= 1:  # less lies between any two rounds
        words.append(f"parked {span(record.parked_s)}")
    if record.check_exit is not None:
        words.append("check passed" if record.proven else "check failed")
    return f"{record.task_id:<16} {status:<10} {', '.join(words)}"
