"""Which rules the segments of a result break."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tests.core.second_figures import TINY, Leg, Replay, Window

SLACK = 2
"""Milliseconds by which two written times may miss one another."""


def violations(replay: Replay) -> list[str]:
    found = [text for task in replay.tasks for text in _task(replay, task)]
    found += _slots(replay)
    for window in (*replay.windows, *replay.weeks):
        found += _full(replay, window)
    return found


def _task(replay: Replay, name: str) -> Iterator[str]:
    task, legs = replay.tasks[name], replay.of[name]
    for number, leg in enumerate(legs):
        before = legs[number - 1] if number else None
        if leg.start < max(0, replay.arrives[name]) or leg.end > replay.end or leg.end < leg.start:
            yield f"{name}: {_span(replay, leg)} lies outside its time"
        if before and (before.end > leg.start or before.why not in {"wall", "landed"}):
            yield f"{name}: goes on at {_at(replay, leg.start)} after {before.why} at {_at(replay, before.end)}"
        if any(replay.done.get(need, replay.end + 1) > leg.start for need in task.needs):
            yield f"{name}: starts at {_at(replay, leg.start)} before what it depends on is done"
        yield from _end(replay, leg, SLACK * (number + 1))


def _end(replay: Replay, leg: Leg, slack: int) -> Iterator[str]:
    where = f"{leg.task}: {_span(replay, leg)} {leg.why}"
    match leg.why:
        case "done":
            if abs(leg.left_ms) > slack:
                yield f"{where}, with {leg.left_ms:.0f} ms left"
        case "wall":
            if not _stands_full(replay, leg.end):
                yield f"{where}, where no window is full"
        case "landed":
            local = replay.page.start.astimezone(replay.page.zone) + timedelta(milliseconds=leg.end)
            if local.second or local.microsecond:
                yield f"{where}, not on the minute"
        case "open":
            if leg.end != replay.end:
                yield f"{where}, before the end"
        case _:
            yield f"{where}: no such reason"
    if leg.why != "done" and leg.left_ms < -slack:
        yield f"{where}, {-leg.left_ms:.0f} ms after its work was done"


def _slots(replay: Replay) -> Iterator[str]:
    for at in replay.steps:
        flying = sum(leg.start <= at < leg.end for leg in replay.legs)
        if flying > replay.page.slots:
            yield f"{flying} in flight at {_at(replay, at)}"


def _stands_full(replay: Replay, at: int) -> bool:
    windows = [replay.week_at(at), *filter(None, [replay.window_at(at)])]
    return any(replay.used(window, at) > 100 - 2 * TINY for window in windows)


def _full(replay: Replay, window: Window) -> Iterator[str]:
    """Over 100, or runs in flight in what is left of a window after it stood at 100."""
    last = min(window.ends, replay.end)
    if replay.used(window, last) > max(window.held, 100) + 2 * TINY:
        yield f"{_name(replay, window)} holds {replay.used(window, last):.4f}"
    for at in replay.steps:
        if max(window.opened, 0) <= at < last and replay.used(window, at) > 100 - TINY:
            for leg in replay.legs:
                # Rounding may say full a little early: only what was really spent after that counts.
                late = leg.within(at, last)
                if late > SLACK and late * window.points(leg) > 2 * TINY:
                    yield f"{leg.task}: {_span(replay, leg)} while {_name(replay, window)} stands at 100"
            return


def _name(replay: Replay, window: Window) -> str:
    return f"the {'week' if window.weekly else 'window'} of {_at(replay, window.opened)}"


def _span(replay: Replay, leg: Leg) -> str:
    return f"{_at(replay, leg.start)} – {_at(replay, leg.end)}"


def _at(replay: Replay, at: int) -> str:
    return (replay.page.start + timedelta(milliseconds=at)).astimezone(replay.page.zone).isoformat()
