"""Run folders: where a run's facts live from its claim to its filing.

`make` is the claim's other half (temporary folder, fsync, rename); the runner writes what happens; `look` reads it
back.  What a look says follows from files and from the runner's lock alone, so a restart of anything changes nothing.
It never decides: an exit record, a free lock or a start without either are reported, not acted on.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cctui.adapters import runread, runwords, sweep
from cctui.adapters.runfiles import (
    PROMPT,
    LegPlan,
    SpecError,
    Text,
    plan_json,
    read_exit,
    read_leg,
    read_legs,
    read_secrets,
    read_spec,
    read_start,
    real_interpreter,
    spec_json,
    write_files,
)
from cctui.adapters.runforget import forget
from cctui.adapters.runsight import APPROVED, Known, know, see
from cctui.adapters.stream import Fold
from cctui.core.world import Halting, Progress, Reading, Sight, SightState, Spec
from cctui.runner import files
from cctui.runner.redact import redact
from cctui.runner.scrub import clean

__all__ = ["LegPlan", "RunDir", "RunDirError"]

WRAPPER = Path(__file__).resolve().parent.parent / "runner" / "wrapper.py"
FILED = "filed"
STOP, PLAN = "stop", "plan.md"
RESULT_BYTES = 64 * 1024
MTIME_GRAIN_NS = 50_000_000
"""A folder changed this recently may change again without a new time stamp."""


class RunDirError(Exception):
    """A run folder could not be made or changed; the text says which and why."""


@dataclass(slots=True)
class _Open:
    """What is remembered of an open run."""

    spec: Spec
    sight: Sight | None = None
    """The last look, kept once the leg has ended."""
    known: Known | None = None
    follow: Text | None = None
    fold: Fold = field(default_factory=Fold)
    followed_leg: int = 0
    secrets: tuple[str, ...] = ()
    spent: int = 0
    """Tokens of the legs before the one that is followed."""


class RunDir:
    """All run folders below `runs`.  One thread at a time."""

    def __init__(self, runs: Path, python: str | None = None) -> None:
        self._runs = runs
        self._python = python or real_interpreter()
        self._open: dict[str, _Open] = {}
        self._closed: set[str] = set()
        self._listed = -1
        self.warnings: dict[str, str] = {}
        """Folders that cannot be read, name → why; they stop nobody else."""

    def folder(self, run_id: str) -> Path:
        return self._runs / run_id

    def wrapper_argv(self, run_id: str, leg: int) -> list[str]:
        return [self._python, "-I", "-S", str(WRAPPER), str(self.folder(run_id)), str(leg)]

    # --- making ------------------------------------------------------------------------------------------------------

    def make(self, spec: Spec, prompt: str, leg: LegPlan | None = None) -> Path:
        """The run's folder, with all its first leg needs if that is known; one that is there is left as it is."""
        folder = self.folder(spec.run_id)
        if folder.exists():
            return folder
        self._runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._runs / f".{spec.run_id}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            draft.mkdir(mode=0o700)
            write_files(draft, {"spec.json": spec_json(spec), PROMPT: prompt, "stream.jsonl": "", "output.log": ""})
            if leg is not None:
                write_files(draft, {"leg-1.json": plan_json(leg, 0, 0), **leg.inputs(prompt)})
            files.sync_folder(str(draft))
            draft.rename(folder)
            files.sync_folder(str(self._runs))
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            if not folder.exists():
                raise RunDirError(f"The run folder {folder} cannot be made: {error.strerror}.") from error
        self._listed = -1
        return folder

    def add_leg(self, run_id: str, leg: int, plan: LegPlan) -> None:
        """What leg `leg` needs; one that is there already is left as it is.

        What a killed runner of the leg before left alive is ended first: never do two of one run's legs work at once.
        """
        folder = self.folder(run_id)
        if (folder / f"leg-{leg}.json").exists():
            return
        try:
            self._keep_exit(folder, run_id, leg - 1)
            write_files(folder, plan.inputs(_text(folder / PROMPT)))
            offset, log_offset = runread.size(folder / "stream.jsonl"), runread.size(folder / "output.log")
            files.put(str(folder), f"leg-{leg}.json", plan_json(plan, offset, log_offset))
        except OSError as error:
            raise RunDirError(f"{folder}: leg {leg} cannot be written: {error.strerror}.") from error
        if run_id in self._open:
            self._open[run_id].sight = None

    @staticmethod
    def _keep_exit(folder: Path, run_id: str, leg: int) -> None:
        """The next leg's exit record will take the place of this one: keep it under its own name.

        One that a killed runner could not write is written now, while the files still show when it ended.
        """
        end = read_exit(folder)
        if end is not None and end.leg == leg:
            with contextlib.suppress(FileExistsError):
                (folder / f"exit-{leg}.json").hardlink_to(folder / "exit.json")
            return
        start = read_start(folder, leg)
        if leg == 0 or runread.held(folder) or (folder / f"exit-{leg}.json").exists():
            return
        lost = runread.lost(folder, leg, start)
        sweep.sweep(folder, run_id, leg)
        if start is not None:
            files.claim(str(folder), f"exit-{leg}.json", lost.record())

    def clear(self, run_id: str) -> None:
        """End what a killed runner of the run left alive."""
        folder, known = self.folder(run_id), self._open.get(run_id)
        ended = known is not None and known.sight is not None and known.sight.state is SightState.ENDED
        if not ended and folder.is_dir() and not runread.held(folder):
            sweep.sweep(folder, run_id, runread.newest_leg(folder))

    def close(self, run_id: str) -> None:
        """The run is filed: no look returns it again.  What a killed runner left alive is ended first."""
        self.clear(run_id)
        folder = self.folder(run_id)
        self._closed.add(run_id)
        self._open.pop(run_id, None)
        if not folder.is_dir():
            return
        try:
            forget(folder, runread.newest_leg(folder))
            write_files(folder, {FILED: ""})
            files.sync_folder(str(folder))
        except OSError as error:
            raise RunDirError(f"{folder} cannot be marked as filed: {error.strerror}.") from error

    # --- looking -----------------------------------------------------------------------------------------------------

    def look(self) -> tuple[Sight, ...]:
        """Every run folder that is not closed, as it is now, oldest first."""
        self._list()
        sights = []
        for run_id, run in list(self._open.items()):
            folder = self.folder(run_id)
            legs = runread.newest_leg(folder)
            if (legs == 0 and not folder.is_dir()) or (folder / FILED).exists():
                self._open.pop(run_id)
                self._closed.add(run_id)
                continue
            # An ended leg stays as it is; folding its stream again at every look would not.
            if run.sight is None or run.sight.state is not SightState.ENDED or legs != run.sight.leg:
                if run.known is None or run.known.leg != max(legs, 1) or not run.known.legs:
                    run.known = know(folder, run.spec, legs)
                run.sight = see(run.known)
            sights.append(run.sight)
        return tuple(sorted(sights, key=lambda sight: (sight.spec.started, sight.spec.run_id)))

    def _list(self) -> None:
        """Take in new folders; free when the folder of folders has not changed."""
        try:
            changed = self._runs.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == self._listed:
            return
        for entry in os.scandir(self._runs):
            if entry.name.startswith(".") or entry.name in self._closed or entry.name in self._open:
                continue
            self._take_in(Path(entry.path))
        # Younger than a time stamp's grain, another change could hide behind the same stamp.
        self._listed = changed if time.time_ns() - changed > MTIME_GRAIN_NS else -1

    def _take_in(self, folder: Path) -> None:
        if (folder / FILED).exists():
            self._closed.add(folder.name)
            return
        try:
            spec = read_spec(folder)
            if spec.run_id != folder.name or ((folder / "leg-1.json").exists() and read_leg(folder, 1) is None):
                raise SpecError(f"{folder.name}: it holds another run's spec, or a leg-1.json that cannot be read")
        except SpecError as error:
            self.warnings[folder.name] = str(error)
            return
        self.warnings.pop(folder.name, None)
        self._open[folder.name] = _Open(spec)

    # --- closed runs too ---------------------------------------------------------------------------------------------

    def spec(self, run_id: str) -> Spec | None:
        """What the run was started as; None when there is no such run, or its folder cannot be read."""
        if run_id in self._open:
            return self._open[run_id].spec
        try:
            return read_spec(self.folder(run_id))
        except SpecError:
            return None

    def find(self, prefix: str) -> tuple[str, ...]:
        """The ids of all runs, open and closed, that begin with `prefix`, oldest first."""
        return tuple(sorted(run_id for run_id in self._ids() if run_id.startswith(prefix)))

    def newest(self, task: str) -> str | None:
        """The newest closed run of a task."""
        for run_id in sorted(self._ids(), reverse=True):  # an id begins with its moment
            spec = self.spec(run_id) if (self.folder(run_id) / FILED).exists() else None
            if spec is not None and spec.task == task:
                return run_id
        return None

    def _ids(self) -> Iterator[str]:
        with contextlib.suppress(FileNotFoundError), os.scandir(self._runs) as entries:
            yield from (entry.name for entry in entries if not entry.name.startswith("."))

    def secrets(self, run_id: str) -> tuple[str, ...]:
        """Texts that must not leave the folder of an open run; a closed one has forgotten them."""
        return read_secrets(self.folder(run_id))

    def keep_plan(self, run_id: str, text: str) -> None:
        """Put the plan that a person is to accept into the folder."""
        self._mark(run_id, PLAN, text)

    def plan(self, run_id: str) -> str:
        """The plan that the run's newest planning leg ended with, nearly whole; empty when there is none."""
        folder = self.folder(run_id)
        legs = read_legs(folder, runread.newest_leg(folder))
        return runread.plan_text(folder, legs, self.secrets(run_id)) or _text(folder / PLAN)

    def result_json(self, run_id: str) -> str:
        """What the function of a `python` run returned, as JSON text; empty when it returned nothing."""
        if (size := runread.size(self.folder(run_id) / "result.json")) > RESULT_BYTES:
            return f"… {size} bytes, too long for a note: {self.folder(run_id) / 'result.json'}"
        told = files.read(str(self.folder(run_id)), "result.json") or {}
        if told.get("ok") is not True:
            return ""
        return redact(json.dumps(told.get("result"), ensure_ascii=False, indent=2), self.secrets(run_id))

    def tail(self, run_id: str, lines: int = 200) -> str:
        """The last lines of what the run put out, without secrets and without control codes but those that colour text;
        empty when there is nothing."""
        folder = self.folder(run_id)
        text = runread.tail(folder / "output.log", max(lines, 1) * 400, read_secrets(folder), colours=True)
        return "\n".join(text.split("\n")[-lines:])

    # --- acting on one run -------------------------------------------------------------------------------------------

    def halt(self, run_id: str, why: Halting = Halting.STOP) -> bool:
        """Ask the runner to end its tree; True when it was told, or will find the note before it begins.

        With the runner dead, what it left alive is ended here (TERM, a second, KILL): True when there was something.
        """
        folder = self.folder(run_id)
        if not folder.is_dir():
            return False
        legs = max(runread.newest_leg(folder), 1)
        end = read_exit(folder)
        if end is not None and end.leg == legs:
            return False
        # The note before the look: a runner that begins in between finds it after it has said that it began.
        start = read_start(folder, legs)
        if start is None or runread.held(folder):
            self._mark(run_id, f"halt-{legs}", why.value)
            if why is Halting.STOP:
                self._mark(run_id, STOP, "")
            start = read_start(folder, legs)
            return True if start is None else sweep.terminate(start)
        return sweep.sweep(folder, run_id, legs) > 0

    def tell(self, run_id: str, why: Halting) -> None:
        """Have the run's hooks say something to the agent at its next tool call, in the newest leg only."""
        self._mark(run_id, f"tell-{runread.newest_leg(self.folder(run_id))}", why.value)

    def told(self, run_id: str) -> bool:
        """Whether the agent of the newest leg has been told what there was to tell."""
        folder = self.folder(run_id)
        return (folder / f"told-{runread.newest_leg(folder)}").exists()

    def approve(self, run_id: str) -> None:
        """A person has accepted the run's plan."""
        self._mark(run_id, APPROVED, "")
        if run_id in self._open:
            self._open[run_id].sight = None

    def keep_words(self, run_id: str, number: int, text: str) -> None:
        """Keep a person's words for the run's hooks, or for the prompt of its next leg."""
        folder = self.folder(run_id)
        try:
            runwords.keep(folder, number, text)
        except OSError as error:
            raise RunDirError(
                f"Your words could not be kept, so say them again ({folder}: {error.strerror})."
            ) from error
        if run_id in self._open:
            self._open[run_id].sight = None

    def _mark(self, run_id: str, name: str, text: str) -> None:
        folder = self.folder(run_id)
        if not folder.is_dir():
            return
        try:
            write_files(folder, {name: text})
            files.sync_folder(str(folder))
        except OSError as error:
            raise RunDirError(f"{folder}/{name} cannot be written: {error.strerror}.") from error

    # --- following ---------------------------------------------------------------------------------------------------

    def progress(self, run_id: str) -> tuple[Progress, tuple[Reading, ...], bool] | None:
        """What the run said since the last call, folded into what it said before; None when it said nothing new.

        The readings are the new ones only.  The truth value: in this leg, an answer that was not refused has been seen.
        A run that has ended can still be asked until it is closed, so its last readings are not lost.
        """
        run = self._open.get(run_id)
        if run is None or (follow := self._follow(run, run_id)) is None:
            return None
        lines = follow.lines()
        if not lines:
            return None
        if follow.path.name == "output.log":
            last = [text for line in lines[-50:] if (text := redact(clean(line), run.secrets).strip())]
            run.fold.progress = Progress(last_line=last[-1][:200] if last else run.fold.progress.last_line)
            return replace(run.fold.progress, tokens=run.spent or None), (), False
        for line in lines:
            run.fold.feed(line)
        written = datetime.fromtimestamp(follow.path.stat().st_mtime, UTC)
        told = run.fold.progress
        if run.spent and not run.fold.cumulative:
            told = replace(told, tokens=run.spent + (told.tokens or 0))
        return told, run.fold.readings(written), run.fold.answered

    def _follow(self, run: _Open, run_id: str) -> Text | None:
        """The newest leg's part of the stream, or, of one that has no stream, of the log."""
        folder = self.folder(run_id)
        legs = runread.newest_leg(folder)
        if run.follow is None or run.followed_leg != legs:
            leg = read_leg(folder, legs)
            if leg is None:
                return None
            streams = leg.plan.stdout == "stream"
            name, at = ("stream.jsonl", leg.offset) if streams else ("output.log", leg.log_offset)
            run.secrets = read_secrets(folder)
            run.follow, run.fold, run.followed_leg = Text(folder / name, at), Fold(run.secrets), legs
            before = runread.result(folder, read_legs(folder, legs - 1)) if legs > 1 else None
            run.spent = before.tokens.total if before and before.tokens else 0
        return run.follow


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
