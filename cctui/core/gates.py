"""Every gate of one task, open or shut, with its figures, as `ccq why` shows them.  Pure.

After the gates follow two lines that are none: ``order``, which rule chose its place, and ``cost``, what its estimate
rests on.  A gate of several windows (``fit``) has a line for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cctui.core import capacity, headroom, pacing, precedence, queue, reserve, spending
from cctui.core.headroom import Level
from cctui.core.runners import needs_claude
from cctui.core.watching import as_claimed
from cctui.core.words import figure, moment, percent, points, problem, sentence, short, span, window_name, window_short
from cctui.core.world import FIVE_HOUR, Broken, Reason, Task, Why, World

ORDER, COST = "order", "cost"


@dataclass(frozen=True, slots=True)
class Gate:
    gate: str
    open: bool
    text: str
    value: float | None = None
    threshold: float | None = None
    until: datetime | None = None


def why(world: World, name: str, now: datetime) -> tuple[Gate, ...]:
    """Every gate of a task, open or shut, in the order in which they are asked; () for a name that is no task."""
    task = world.tasks.get(name)
    if task is None:
        return tuple(_invalid(entry) for entry in world.broken if name in (entry.name, entry.path))
    scene = queue.scene(world, now)
    run = queue.run_of(world, name)
    asked = as_claimed(world, run) if run else task
    shut = {reason.why: reason for reason in queue.held(scene, asked)}
    found: list[Gate] = []
    for which, _ in queue.GATES:
        if which in shut:
            found.append(_shut(scene, shut[which]))
        found += _opened(scene, asked, which, shut)
    return (*found, *_about(scene, task))


def _invalid(entry: Broken) -> Gate:
    return Gate(Why.INVALID.value, False, problem(entry) if entry.problems else "the file cannot be read")


def _about(scene: queue.Scene, task: Task) -> Iterator[Gate]:
    if place := precedence.sentence(scene.world, task.name, scene.now):
        urgency = scene.world.line.urgency[task.name]
        yield Gate(ORDER, True, place, float(urgency.priority), until=urgency.latest)
    estimate = scene.estimate(task)
    five = estimate.points.get(FIVE_HOUR) if estimate else None
    yield Gate(COST, True, precedence.rests_on(estimate, task.kind), five.p80 if five else None)


# --- shut ------------------------------------------------------------------------------------------------------------


def explained(scene: queue.Scene, reason: Reason) -> tuple[Reason, str]:
    """A reason with its sentence; where only a run's end can open the gate, with when that is likely."""
    text = sentence(scene.world, reason, scene.now)
    likely = _likely(scene, reason) if reason.until is None else None
    if likely is None:
        return reason, text
    said = "one free" if reason.why is Why.SLOTS else "done"
    return replace(reason, until=likely), f"{text}, {said} ~{moment(likely, scene.now)}"


def _likely(scene: queue.Scene, reason: Reason) -> datetime | None:
    """When the run that stands in the way is likely to be over; None: no run does, or its length is not known."""
    if reason.why not in (Why.SLOTS, Why.FOLDER, Why.DEPENDS, Why.BLIND):
        return None
    anyone = reason.why in (Why.SLOTS, Why.BLIND)
    left = [flight.seconds for flight in scene.flights() if anyone or flight.task == reason.what]
    known = left and min(left) > 0
    return scene.now + timedelta(seconds=min(left)) if known else None


def _shut(scene: queue.Scene, reason: Reason) -> Gate:
    reason, text = explained(scene, reason)
    if reason.why in (Why.FIT, Why.RESERVE) and (level := _level(scene, reason.what)):
        text = f"{text} ({_parts(level)})"
    return Gate(reason.why.value, False, text, reason.value, reason.threshold, reason.until)


def _level(scene: queue.Scene, window: str) -> Level | None:
    return next((level for level in _levels(scene) if level.window.id == window), None)


def _levels(scene: queue.Scene) -> tuple[Level, ...]:
    if "levels" not in scene.found:
        scene.found["levels"] = headroom.levels(scene)
    found: tuple[Level, ...] = scene.found["levels"]
    return found


def _parts(level: Level) -> str:
    """``33 used, 12 ours, 14 yours``: what takes the rest."""
    named = (("used", level.used), ("ours", level.ours), ("yours", level.kept))
    return ", ".join(f"{figure(value)} {name}" for name, value in named if value is None or value >= 0.5)


# --- open ------------------------------------------------------------------------------------------------------------

OPEN: Mapping[Why, str] = {
    Why.UNSUPPORTED: "everything it asks for is supported",
    Why.MISSING: "every task it needs exists",
    Why.CYCLE: "it does not wait for itself",
    Why.PROGRAM: "the programs it needs are there",
    Why.PAUSED: "not paused",
    Why.HOLD: "no hold",
    Why.STARTING: "the engine is ready",
    Why.NOT_BEFORE: "its start time has come",
    Why.RETRY: "no retry is pending",
    Why.DEPENDS_FAILED: "nothing it needs has failed",
    Why.DEPENDS: "everything it needs is done",
    Why.LIMIT: "no limit was hit",
    Why.OUTAGE: "Claude's API answers",
    Why.LOGIN: "the login was not refused",
    Why.NEEDS_YOU: "nothing waits for your answer",
    Why.DISK: "ROOT and STATE can be written",
    Why.STAGGER: "no other interrupted run has just gone on",
    Why.CANARY: "nothing has to be tried first",
    Why.FOLDER: "nothing else runs in its folder",
    Why.QUIET: "no quiet hours now",
    Why.SHARE: "no share binds it",
    Why.FIT: "its cost decides nothing yet",
    Why.RESERVED: "nobody holds the next opening",
}

Shut = Mapping[Why, Reason]


def _opened(scene: queue.Scene, task: Task, which: Why, shut: Shut) -> Iterator[Gate]:
    """The lines of an open gate; of a shut one those of its other windows."""
    if which is not Why.FIT and which in shut:
        return
    if scene.world.forced.get(task.name) is not None and which not in shut and _would_shut(scene, task, which):
        yield Gate(which.value, True, "passed over: a person wants it now")
        return
    tell = FIGURES.get(which)
    found = tuple(tell(scene, task, shut)) if tell else ()
    if not found and which not in shut:
        found = (Gate(which.value, True, OPEN.get(which, "open")),)
    yield from found


def _would_shut(scene: queue.Scene, task: Task, which: Why) -> bool:
    return any(gate(scene, task) is not None for why, gate in queue.GATES if why is which)


def _slots(scene: queue.Scene, task: Task, shut: Shut) -> Iterator[Gate]:
    slots = scene.world.settings.run.slots
    yield Gate(Why.SLOTS.value, True, f"{scene.live} of {slots} taken", float(scene.live), float(slots))


def _blind(scene: queue.Scene, task: Task, shut: Shut) -> Iterator[Gate]:
    if not needs_claude(task.runner):
        yield Gate(Why.BLIND.value, True, "it needs no reading")
        return
    if scene.blind:
        yield Gate(Why.BLIND.value, True, "no fresh reading, but nothing else runs", 0.0, 1.0)
        return
    seen = capacity.windows(scene.world, scene.now)[0].observed_at
    if seen is None:
        yield Gate(Why.BLIND.value, True, "no gate, so no reading is needed")
        return
    most = scene.world.settings.capacity.blind_after_minutes
    age = max((scene.now - seen).total_seconds() / 60, 0.0)
    text = f"read {span(age * 60)} ago, good for {span(most * 60)}"
    yield Gate(Why.BLIND.value, True, text, round(age, 1), most, seen + timedelta(minutes=most))


def _capacity(scene: queue.Scene, task: Task, shut: Shut) -> Iterator[Gate]:
    """The plain maxima, with the numbers of the window that is nearest to its own."""
    world, gate = scene.world, Why.CAPACITY.value
    settings = world.settings.capacity
    if not needs_claude(task.runner):
        yield Gate(gate, True, "it spends no capacity")
        return
    if not settings.gate:
        yield Gate(gate, True, "the capacity gate is off")
        return
    if scene.by_cost(task):
        yield Gate(gate, True, "its cost is known: that decides")
        return
    maxima = capacity.thresholds(settings)
    known = [
        (window, maxima.get(window.id, settings.seven_day_max))
        for window in capacity.windows(world, scene.now)
        if window.used is not None and capacity.binds(window.id, task.model)
    ]
    if not known:
        yield Gate(gate, True, f"{window_name(FIVE_HOUR)}: use unknown", None, settings.five_hour_max)
        return
    tight, most = min(known, key=lambda pair: pair[1] - (pair[0].used or 0.0))
    text = f"{window_name(tight.id)} at {percent(tight.used)}, max {percent(most)}"
    yield Gate(gate, True, text, tight.used, most, tight.resets_at)


def _fit(scene: queue.Scene, task: Task, shut: Shut) -> Iterator[Gate]:
    """Each window that is not shut by itself: what the task needs of it, and what is free."""
    if not scene.by_cost(task):
        return
    told = {reason.what for which, reason in shut.items() if which in (Why.FIT, Why.RESERVE, Why.PERSON)}
    needs = spending.needs(scene, task)
    for level in _levels(scene):
        need = needs.get(level.window.id)
        if need is None or level.window.id in told:
            continue
        takes = need.points
        text = f"{window_short(level.window.id)} needs {points(takes)}, {figure(level.free)} free ({_parts(level)})"
        yield Gate(Why.FIT.value, True, text, takes, level.free, level.window.resets_at)


def _reserve(scene: queue.Scene, task: Task | None = None, shut: Shut | None = None) -> Iterator[Gate]:
    """What is the person's now and until when, else when that begins next."""
    hours = scene.world.settings.capacity.reserve
    if not hours:
        yield Gate(Why.RESERVE.value, True, "no reserve is set")
        return
    at = scene.now.timestamp()
    ahead = sorted(reserve.ahead(hours, scene.world.zone, at, at + 7 * reserve.DAY))
    held = [stretch for stretch in ahead if stretch.begin <= at]
    chosen = max(held, key=lambda stretch: stretch.five_hour) if held else ahead[0] if ahead else None
    if chosen is None:
        yield Gate(Why.RESERVE.value, True, "none this week")
        return
    when = datetime.fromtimestamp(chosen.end if held else chosen.begin, UTC)
    kept = f"{points(chosen.five_hour)}, week {points(chosen.seven_day)}"
    text = f"{kept} until" if held else f"next {kept} from"
    yield Gate(Why.RESERVE.value, True, f"{text} {moment(when, scene.now)}", chosen.five_hour, until=when)


def kept(scene: queue.Scene) -> tuple[str, ...]:
    """What is the person's, in sentences: the hours of reserve, and room for their own work."""
    found = [f"your reserve: {next(_reserve(scene)).text}"] if scene.world.settings.capacity.reserve else []
    return (*found, *(gate.text for gate in _person(scene) if gate.value is not None))


def _person(scene: queue.Scene, task: Task | None = None, shut: Shut | None = None) -> Iterator[Gate]:
    seen = scene.world.person.seen
    if seen is None or (task and not needs_claude(task.runner)):
        yield Gate(Why.PERSON.value, True, "no work of yours seen")
        return
    rows = [row for room in scene.rooms() for row in room.rows if row.why is Why.PERSON]
    kept = 100.0 - min((row.cap for row in rows), default=100.0)
    age = span((scene.now - seen).total_seconds())
    until = scene.now + timedelta(seconds=max(row.end for row in rows)) if rows else None
    yield Gate(Why.PERSON.value, True, f"you used Claude {age} ago, {points(kept)} kept", kept, until=until)


def _pace(scene: queue.Scene, task: Task, shut: Shut) -> Iterator[Gate]:
    found, pace = headroom.pace(scene), scene.world.settings.capacity.pace
    if found is None or not needs_claude(task.runner):
        yield Gate(Why.PACE.value, True, "the week's use is not known")
        return
    rule = "front-loaded" if pace == pacing.FRONT else "even"
    free = ", not binding" if pace == pacing.USE else ""
    text = f"week {points(found.used)}, {rule} {points(found.target)}{free}"
    yield Gate(Why.PACE.value, True, text, found.used, found.target, found.resets_at)


def _reserved(scene: queue.Scene, task: Task, shut: Shut) -> Iterator[Gate]:
    held = queue.reservation(scene)
    if held is None or not scene.by_cost(task):
        return
    when = moment(held.at, scene.now)
    own = held.task == task.name
    text = f"it holds the opening at {when}" if own else f"does not delay {short(held.task, 14)} at {when}"
    yield Gate(Why.RESERVED.value, True, text, until=held.at)


FIGURES: Mapping[Why, Callable[[queue.Scene, Task, Shut], Iterator[Gate]]] = {
    Why.SLOTS: _slots,
    Why.BLIND: _blind,
    Why.CAPACITY: _capacity,
    Why.FIT: _fit,
    Why.RESERVE: _reserve,
    Why.PERSON: _person,
    Why.PACE: _pace,
    Why.RESERVED: _reserved,
}
