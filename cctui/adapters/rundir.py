"""Run folders: where a run's facts live from its claim to its filing.

`make` is the claim's other half (temporary folder, fsync, rename); the runner writes what happens; `look` reads it
back.  What a look says follows from files and from the runner's lock alone, so a restart of anything changes nothing.
It never decides: an exit record, a free lock or a start without either are reported, not acted on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cctui.adapters import runread, sweep
from cctui.adapters.runfiles import (
    Exit,
    LegPlan,
    SpecError,
    Text,
    plan_json,
    read_exit,
    read_leg,
    read_spec,
    read_start,
    spec_json,
    write_files,
)
from cctui.adapters.stream import Fold
from cctui.core.world import Ending, Progress, Reading, Sight, SightState, Spec
from cctui.runner import files
from cctui.runner.scrub import clean

__all__ = ["LegPlan", "RunDir", "RunDirError"]

WRAPPER = Path(__file__).resolve().parent.parent / "runner" / "wrapper.py"
FILED = "filed"
STOP = "stop"
TAIL_CHARS = 4_000
MTIME_GRAIN_NS = 50_000_000
"""A folder changed this recently may change again without a new time stamp."""


class RunDirError(Exception):
    """A run folder could not be made or changed; the text says which and why."""


def real_interpreter() -> str:
    """This Python without links and shims: those cost tens of milliseconds at every start."""
    return os.path.realpath(sys.executable)


@dataclass(slots=True)
class _Open:
    """What is remembered of an open run."""

    spec: Spec
    sight: Sight | None = None
    """The last look, kept once the leg has ended."""
    legs: int = 0
    follow: Text | None = None
    fold: Fold = field(default_factory=Fold)
    followed_leg: int = 0


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

    def make(self, spec: Spec, prompt: str, leg: LegPlan) -> Path:
        """The run's folder with all its first leg needs; one that is there already is left as it is."""
        folder = self.folder(spec.run_id)
        if folder.exists():
            return folder
        self._runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._runs / f".{spec.run_id}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            draft.mkdir(mode=0o700)
            write_files(draft, {"spec.json": spec_json(spec), "leg-1.json": plan_json(leg, 0, 0)})
            write_files(draft, {"prompt.md": prompt, "stream.jsonl": "", "output.log": ""})
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
        """What leg `leg` needs; one that is there already is left as it is."""
        folder = self.folder(run_id)
        if (folder / f"leg-{leg}.json").exists():
            return
        try:
            self._keep_exit(folder, leg - 1)
            if plan.prompt is not None and plan.stdin is not None:
                write_files(folder, {Path(plan.stdin).name: plan.prompt})
            offset, log_offset = runread.size(folder / "stream.jsonl"), runread.size(folder / "output.log")
            files.put(str(folder), f"leg-{leg}.json", plan_json(plan, offset, log_offset))
        except OSError as error:
            raise RunDirError(f"{folder}: leg {leg} cannot be written: {error.strerror}.") from error
        if run_id in self._open:
            self._open[run_id].sight = None

    @staticmethod
    def _keep_exit(folder: Path, leg: int) -> None:
        """The next leg's exit record will take the place of this one: keep it under its own name."""
        end = read_exit(folder)
        if end is not None and end.leg == leg:
            with contextlib.suppress(FileExistsError):
                (folder / f"exit-{leg}.json").hardlink_to(folder / "exit.json")

    def close(self, run_id: str) -> None:
        """The run is filed: no look returns it again.  What a killed runner left alive is ended first."""
        folder = self.folder(run_id)
        self._closed.add(run_id)
        known = self._open.pop(run_id, None)
        if not folder.is_dir():
            return
        legs = runread.newest_leg(folder)
        ended = known is not None and known.sight is not None and known.sight.state is SightState.ENDED
        if not ended and not runread.held(folder):
            sweep.sweep(folder, run_id, legs)
        try:
            self._forget_environment(folder, legs)
            write_files(folder, {FILED: ""})
            files.sync_folder(str(folder))
        except OSError as error:
            raise RunDirError(f"{folder} cannot be marked as filed: {error.strerror}.") from error

    @staticmethod
    def _forget_environment(folder: Path, legs: int) -> None:
        """A closed run needs no environment any more, and one may hold a token."""
        for number in range(1, legs + 1):
            raw = files.read(str(folder), f"leg-{number}.json")
            if raw and raw.get("env"):
                files.put(str(folder), f"leg-{number}.json", {**raw, "env": {}})

    # --- looking -----------------------------------------------------------------------------------------------------

    def look(self) -> tuple[Sight, ...]:
        """Every run folder that is not closed, as it is now, oldest first."""
        self._list()
        sights = []
        for run_id, run in list(self._open.items()):
            folder = self.folder(run_id)
            legs = runread.newest_leg(folder)
            if legs == 0 or (folder / FILED).exists():
                self._open.pop(run_id)
                self._closed.add(run_id)
                continue
            # An ended leg stays as it is; folding its stream again at every look would not.
            if run.sight is None or run.sight.state is not SightState.ENDED or legs != run.legs:
                run.legs = legs
                run.sight = self._sight(folder, run)
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
            if spec.run_id != folder.name or read_leg(folder, 1) is None:
                raise SpecError(f"{folder.name}: it holds another run's spec, or no leg-1.json that can be read")
        except SpecError as error:
            self.warnings[folder.name] = str(error)
            return
        self.warnings.pop(folder.name, None)
        self._open[folder.name] = _Open(spec)

    def _sight(self, folder: Path, run: _Open) -> Sight:
        leg, stopping = run.legs, (folder / STOP).exists()
        parked = runread.parked(folder, leg)
        start = read_start(folder, leg)
        begun = start.started if start else None
        end = read_exit(folder)
        if end is None or end.leg != leg:
            if start is None:
                return Sight(run.spec, leg, SightState.CLAIMED, None, parked, None, stopping)
            if runread.held(folder):
                return Sight(run.spec, leg, SightState.ALIVE, begun, parked, None, stopping)
            end = read_exit(folder)  # it may have ended between the two looks
        if end is not None and end.leg == leg:
            ending = self._ending(folder, leg, end)
            return Sight(run.spec, leg, SightState.ENDED, begun or end.started, parked, ending, stopping)
        ending = self._ending(folder, leg, runread.lost(folder, leg, start))
        return Sight(run.spec, leg, SightState.GONE, begun, parked, ending, stopping)

    def _ending(self, folder: Path, leg: int, end: Exit) -> Ending:
        log = folder / "output.log"
        size = runread.size(log)
        return Ending(
            stop=end.stop,
            ended=end.ended,
            duration_s=runread.active(folder, leg) + end.duration_s,
            rc=end.rc,
            detail=end.detail,
            result=runread.result(folder, leg),
            output_chars=size,
            output_tail=runread.tail(log, TAIL_CHARS),
        )

    # --- acting on one run -------------------------------------------------------------------------------------------

    def halt(self, run_id: str) -> bool:
        """Ask the runner to end its tree; True when it was told, or will find the note before it begins.

        With the runner dead, what it left alive is ended here (TERM, a second, KILL): True when there was something.
        """
        folder = self.folder(run_id)
        legs = runread.newest_leg(folder)
        if not legs:
            return False
        end = read_exit(folder)
        if end is not None and end.leg == legs:
            return False
        # The note before the look: a runner that begins in between finds it after it has said that it began.
        start = read_start(folder, legs)
        if start is None or runread.held(folder):
            (folder / STOP).touch(mode=0o600)
            files.sync_folder(str(folder))
            start = read_start(folder, legs)
            return True if start is None else sweep.terminate(start)
        return sweep.sweep(folder, run_id, legs) > 0

    def tail(self, run_id: str, lines: int = 200) -> str:
        """The last lines of what the run put out, without control codes; empty when there is nothing."""
        text = runread.tail(self.folder(run_id) / "output.log", max(lines, 1) * 400)
        return "\n".join(text.split("\n")[-lines:])

    def progress(self, run_id: str) -> tuple[Progress, tuple[Reading, ...], bool] | None:
        """What the run said since the last call, folded into what it said before; None when it said nothing new.

        The readings are the new ones only.  The truth value: in this leg, an answer that was not refused has been seen.
        A run that has ended can still be asked until it is closed, so its last readings are not lost.
        """
        run = self._open.get(run_id)
        if run is None:
            return None
        folder = self.folder(run_id)
        legs = runread.newest_leg(folder)
        if run.follow is None or run.followed_leg != legs:
            leg = read_leg(folder, legs)
            if leg is None:
                return None
            streams = leg.plan.stdout == "stream"
            name, at = ("stream.jsonl", leg.offset) if streams else ("output.log", leg.log_offset)
            run.follow, run.fold, run.followed_leg = Text(folder / name, at), Fold(), legs
        lines = run.follow.lines()
        if not lines:
            return None
        if run.follow.path.name == "output.log":
            last = [text for line in lines[-50:] if (text := clean(line).strip())]
            run.fold.progress = Progress(last_line=last[-1][:200] if last else run.fold.progress.last_line)
            return run.fold.progress, (), False
        for line in lines:
            run.fold.feed(line)
        written = datetime.fromtimestamp(run.follow.path.stat().st_mtime, UTC)
        return run.fold.progress, run.fold.readings(written), run.fold.answered
