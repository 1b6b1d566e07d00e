"""One run folder as a Sight: what its files and its runner's lock say now.  It changes and decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cctui.adapters import runread, runwords
from cctui.adapters.runasks import asks
from cctui.adapters.runfiles import (
    Exit,
    LegFile,
    read_exit,
    read_halting,
    read_legs,
    read_secrets,
    read_start,
)
from cctui.adapters.treefile import read_tree
from cctui.core.retry import first_part
from cctui.core.world import Ending, Halting, Leg, Part, Sight, SightState, Spec

APPROVED = "approved"
TAIL_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Known:
    """What does not change while a leg is the newest one."""

    folder: Path
    spec: Spec
    leg: int
    """The newest one."""
    legs: tuple[LegFile, ...]
    values: tuple[str, ...] = ()
    """Texts that must not leave the folder."""
    work: Ending | None = None
    """How the last leg of work ended, when the newest leg is its check."""


def know(folder: Path, spec: Spec, leg: int) -> Known:
    """What `see` needs, for as long as `leg` is the newest one; 0: there is none yet."""
    known = Known(folder, spec, max(leg, 1), read_legs(folder, leg), read_secrets(folder))
    return replace(known, work=_work(known))


def see(known: Known) -> Sight:
    """The run as it is now."""
    folder, leg = known.folder, known.leg
    halting = read_halting(folder, leg)
    start = read_start(folder, leg)
    replies, reached = runwords.count(folder, known.legs)
    sight = Sight(
        known.spec,
        leg,
        SightState.CLAIMED,
        leg_started=start.started if start else None,
        parked_s=runread.parked(folder, leg),
        stopping=halting is Halting.STOP,
        legs=_kinds(known),
        halting=halting,
        approved=(folder / APPROVED).exists(),
        tree=read_tree(folder),
        work=known.work,
        replies=replies,
        reached=reached,
    )
    end = read_exit(folder)
    if end is None or end.leg != leg:
        if start is None:
            return sight
        if runread.held(folder):
            return _alive(sight, known)
        end = read_exit(folder)  # it may have ended between the two looks
    if end is not None and end.leg == leg:
        begun = sight.leg_started or end.started
        return replace(sight, state=SightState.ENDED, leg_started=begun, ending=_ending(known, leg, end))
    lost = _ending(known, leg, runread.lost(folder, leg, start))
    return replace(sight, state=SightState.GONE, ending=lost)


def _kinds(known: Known) -> tuple[Leg, ...]:
    if not known.legs:  # claimed, and killed before the first leg was written
        return (Leg(first_part(known.spec)),)
    by_number = {leg.number: leg.kind for leg in known.legs}
    return tuple(by_number.get(number, Leg()) for number in range(1, known.leg + 1))


def _alive(sight: Sight, known: Known) -> Sight:
    newest = known.legs[-1]
    waits = asks(known.folder, newest) if newest.part is Part.ATTENDED else ""
    heard = runread.heard(known.folder, sight.leg_started)
    return replace(sight, state=SightState.ALIVE, asks=waits, heard=heard)


def _work(known: Known) -> Ending | None:
    if not known.legs or known.legs[-1].part is not Part.CHECK:
        return None
    work = next((leg for leg in reversed(known.legs) if leg.part is Part.WORK), None)
    end = read_exit(known.folder, f"exit-{work.number}.json") if work else None
    return _ending(known, work.number, end) if work and end else None


def _ending(known: Known, leg: int, end: Exit) -> Ending:
    folder, log = known.folder, known.folder / "output.log"
    legs = tuple(each for each in known.legs if each.number <= leg)
    start, stop = _part_of_log(known.legs, leg, runread.size(log))
    attended = bool(legs) and legs[-1].part is Part.ATTENDED
    earlier = tuple(each for each in legs if each.number < leg)
    return Ending(
        stop=end.stop,
        ended=end.ended,
        duration_s=runread.active(folder, earlier) + (0.0 if attended else end.duration_s),
        rc=end.rc,
        detail=end.detail,
        result=runread.result(folder, known.legs, values=known.values, newest=leg),
        output_chars=stop,
        output_tail=runread.tail(log, TAIL_CHARS, known.values, start, stop),
    )


def _part_of_log(legs: Sequence[LegFile], leg: int, size: int) -> tuple[int, int]:
    """The bytes of the log that tell of a leg: of a check and a set-up its own, of work all up to its end."""
    end = next((each.log_offset for each in legs if each.number > leg), size)
    own = next((each for each in legs if each.number == leg and each.part in (Part.CHECK, Part.SETUP)), None)
    return (own.log_offset if own else 0), end
