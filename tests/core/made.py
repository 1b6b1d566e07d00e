"""Builders for core tests: tasks, worlds, endings, and an outside world that performs effects in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cctui.adapters import front
from cctui.core.effects import (
    AddFile,
    Approve,
    EditFile,
    Effect,
    Finish,
    Fire,
    Halt,
    KeepWords,
    Launch,
    MoveFile,
    RestoreFile,
    RollBack,
    SaveMemory,
    SavePlan,
    Tell,
    TrashFile,
    TypeWords,
)
from cctui.core.events import (
    Checked,
    Event,
    Filed,
    Fired,
    Launched,
    LaunchFailed,
    Loaded,
    Looked,
    Measured,
    RolledBack,
    Scanned,
    Ticked,
    Typed,
)
from cctui.core.fields import READERS
from cctui.core.settings import RunSettings, Settings
from cctui.core.step import step, steps
from cctui.core.world import (
    FIVE_HOUR,
    SEVEN_DAY,
    Broken,
    Command,
    Dependency,
    Ending,
    Halting,
    Leg,
    Memory,
    Part,
    Phase,
    Reading,
    Record,
    Result,
    Run,
    Runner,
    Sight,
    SightState,
    Spec,
    Stage,
    Stop,
    Task,
    Tokens,
    Totals,
    World,
)
from cctui.core.written import DEFAULTS

T0 = datetime(2026, 2, 3, 0, 5, tzinfo=UTC)


def after(seconds: float = 0, *, minutes: float = 0, hours: float = 0) -> datetime:
    return T0 + timedelta(seconds=seconds, minutes=minutes, hours=hours)


def task(name: str, *needs: str, phase: Phase = Phase.PENDING, **fields: Any) -> Task:
    fields.setdefault("folder", f"/projects/{name}")
    fields.setdefault("kind", name)
    depends_on = tuple(Dependency(n.removesuffix(":any"), n.endswith(":any")) for n in needs)
    return Task(name, f"{phase.value}/{name}.md", phase, depends_on=depends_on, **fields)


def shell(name: str, *needs: str, **fields: Any) -> Task:
    return task(name, *needs, runner=Runner.SHELL, command="true", **fields)


def reading(
    used: float | None = 10.0, window: str = FIVE_HOUR, *, at: datetime = T0, source: str = "stream", **more: Any
) -> Reading:
    more.setdefault("resets_at", after(hours=3) if window == FIVE_HOUR else after(hours=90))
    return Reading(window, used, source=source, observed_at=at, **more)


FRESH = (reading(), reading(20.0, SEVEN_DAY))


def settings(**run: Any) -> Settings:
    return Settings(run=RunSettings(**run))


def world(*tasks: Task, readings: tuple[Reading, ...] = FRESH, now: datetime = T0, **more: Any) -> World:
    """A World that is ready to start work, before its first decision: nothing has been launched."""
    memory = more.pop("memory", Memory())
    broken: tuple[Broken, ...] = more.pop("broken", ())
    made = World(readings=readings, **more)
    made, _ = step(made, Loaded(memory, (), Totals(), readings), now)
    made, _ = step(made, Scanned((*tasks, *broken)), now)
    return replace(made, looked=True, checked=True, measured=True)


def good(seconds: float = 60, *, at: datetime = T0, tokens: int = 1000) -> Ending:
    result = Result("success", text="done", tokens=Tokens(output=tokens), cost_usd=0.5, answers=1, changed=1)
    return Ending(Stop.EXIT, at, seconds, rc=0, result=result)


def said(text: str, *, at: datetime = T0, seconds: float = 60, **more: Any) -> Ending:
    """Claude ends well with `text` as its last words."""
    ending = good(seconds, at=at)
    assert ending.result is not None
    return replace(ending, result=replace(ending.result, text=text, **more))


def exited(rc: int, *, at: datetime = T0, seconds: float = 1, tail: str = "", work: Ending | None = None) -> Ending:
    """A command (a check, a set-up, a shell task) ends; `work` is what a check was about."""
    return Ending(Stop.EXIT, at, seconds, rc=rc, result=work.result if work else None, output_tail=tail)


def killed(at: datetime = T0, work: Ending | None = None) -> Ending:
    return Ending(Stop.LOST, at, 5, detail="The runner was killed.", result=work.result if work else Result())


def limited(at: datetime, resets_at: datetime, window: str = FIVE_HOUR) -> Ending:
    result = Result(
        "success",
        is_error=True,
        terminal_reason="api_error",
        api_error_status=429,
        api_error="usage_limit_reached",
        error="rate_limit",
        text="You've hit your limit",
        limit_window=window,
        limit_resets_at=resets_at,
    )
    return Ending(Stop.EXIT, at, 5, rc=1, result=result)


def api_error(status: int | None, at: datetime = T0, **more: Any) -> Ending:
    more.setdefault("text", "API Error")
    result = Result("success", is_error=True, terminal_reason="api_error", api_error_status=status, **more)
    return Ending(Stop.EXIT, at, 5, rc=1, result=result)


@dataclass
class Outside:
    """Files and run folders as values: it performs effects at once and survives the World being thrown away."""

    files: dict[str, Task] = field(default_factory=dict)
    """By path."""
    folders: dict[str, Sight] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    ledger: dict[str, Record] = field(default_factory=dict)
    world: World = field(default_factory=World)
    now: datetime = T0
    launches: list[Launch] = field(default_factory=list)
    fires: list[Fire] = field(default_factory=list)
    late: list[Event] = field(default_factory=list)
    """What is heard of only after the answer to an effect."""
    readings: tuple[Reading, ...] = FRESH
    finishes: int = 0
    told: list[tuple[str, Halting]] = field(default_factory=list)
    halts: list[tuple[str, Halting]] = field(default_factory=list)
    plans: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    """What a person has said that was kept for the run's hooks and prompts."""
    typed: list[tuple[str, str]] = field(default_factory=list)
    """Session → what was typed into it."""
    trash: dict[str, Task] = field(default_factory=dict)
    """By place in the trash."""
    slow: bool = False
    """What is halted ends only when the test says so."""
    restless: bool = False
    """The scheduler is killed and begun anew after every event, and must then know the same of every run."""
    together: bool = False
    """What follows from one moment is met together, as the engine does; else one event after the other."""
    goes_wrong: Callable[[Effect], Event | None] | None = None
    """The event for an effect that cannot be performed; None: it can."""

    def begin(self) -> None:
        """A scheduler starts with nothing but what is durable."""
        self.world = World(settings=self.world.settings)
        self._tell(Loaded(self.memory, tuple(self.ledger.values()), Totals(), self.readings))
        self._tell(Looked(tuple(self.folders.values())))
        self._tell(Checked({}))
        self._tell(Measured((), asked=True))
        self._tell(Scanned(tuple(self.files[path] for path in sorted(self.files))))

    def tell(self, event: Event) -> None:
        self._tell(event)
        if self.restless:
            before = known(self.world)
            self.begin()
            assert known(self.world) == before, "restarting is just another look"

    def _tell(self, event: Event) -> None:
        waiting = [event]
        for _ in range(1000):
            if not waiting:
                return
            now, waiting = (waiting, []) if self.together else (waiting[:1], waiting[1:])
            self.world, effects = steps(self.world, now, self.now)
            waiting += [answer for effect in effects if (answer := self.perform(effect))]
            waiting, self.late = [*waiting, *self.late], []
        raise AssertionError("the world never comes to rest")

    def scan(self) -> None:
        self.tell(Scanned(tuple(self.files[path] for path in sorted(self.files))))

    def look(self) -> None:
        self.tell(Looked(tuple(self.folders.values())))

    def measure(self, *readings: Reading) -> None:
        self.readings = readings
        self.tell(Measured(readings))

    def end(self, name: str, ending: Ending) -> None:
        """The process of a task's run ends; the next look finds it."""
        run_id = next(run_id for run_id, sight in self.folders.items() if sight.spec.task == name)
        self.folders[run_id] = replace(self.folders[run_id], state=SightState.ENDED, ending=ending)
        self.look()

    def wait(self, seconds: float = 0, *, minutes: float = 0) -> None:
        """Time passes as the engine lives through it: it looks at least once a minute."""
        until = self.now + timedelta(seconds=seconds, minutes=minutes)
        while self.now < until:
            self.now = min(self.now + timedelta(seconds=60), until)
            self.tell(Ticked())

    def jump(self, to: datetime) -> None:
        """The clock is suddenly elsewhere."""
        self.now = to
        self.tell(Ticked())

    def run(self, name: str) -> Run:
        """The open run of a task."""
        (found,) = [run for run in self.world.runs.values() if run.spec.task == name]
        return found

    def record(self, name: str) -> Record:
        """Its only one."""
        (found,) = [record for record in self.ledger.values() if record.task_id == name]
        return found

    def notes(self) -> list[str]:
        return [note.text for note in self.world.notes]

    def running(self) -> list[str]:
        return [sight.spec.task for sight in self.folders.values() if sight.state is SightState.ALIVE]

    def where(self, name: str) -> list[str]:
        return [task.phase.value for task in self.files.values() if task.name == name]

    def perform(self, effect: Effect) -> Event | None:
        if self.goes_wrong and (event := self.goes_wrong(effect)):
            return event
        match effect:
            case Launch(spec=spec, leg=leg):
                return self._launch(effect, spec, leg)
            case Halt(run_id=run_id, why=why):
                return self._halt(run_id, why)
            case Tell(run_id=run_id, why=why):
                self.told.append((run_id, why))
                self.folders[run_id] = replace(self.folders[run_id], halting=why)
            case Approve(run_id=run_id):
                self.folders[run_id] = replace(self.folders[run_id], approved=True)
            case KeepWords(run_id=run_id, number=number, text=text):
                self.words.append(text)
                self.folders[run_id] = replace(self.folders[run_id], replies=number)
            case TypeWords(run_id=run_id, session=session, text=text):
                self.typed.append((session, text))
                return Typed(run_id)
            case SavePlan(spec=spec, ending=ending):
                self.plans[spec.run_id] = ending.result.text if ending.result else ""
            case RollBack(run_id=run_id):
                return RolledBack(run_id, ok=True, text="rolled back")
            case Finish(spec=spec, record=record, to=to, memory=memory):
                self.finishes += 1
                self.ledger.setdefault(record.run_id, record)
                self.memory = memory
                self._move(spec.task, to)
                self.folders.pop(spec.run_id, None)
                return Filed(spec.run_id, record)
            case SaveMemory(memory):
                self.memory = memory
            case Fire():
                return self._fire(effect)
            case EditFile(path=path, field=name, value=value):
                self.files[path] = edited(self.files[path], name, value)
                return Scanned(tuple(self.files[path] for path in sorted(self.files)))
            case MoveFile(path=path, to=to):
                self._move(self.files[path].name, to)
                return Scanned(tuple(self.files[path] for path in sorted(self.files)))
            case AddFile(name=name):
                self.files[f"pending/{name}.md"] = task(name)
                return Scanned(tuple(self.files[path] for path in sorted(self.files)))
            case TrashFile(path=path, to=to):
                if path in self.files:
                    self.trash[to] = self.files.pop(path)
                return Scanned(tuple(self.files[path] for path in sorted(self.files)))
            case RestoreFile(path=place):
                self.files[place.partition("/")[2]] = self.trash.pop(place)
                return Scanned(tuple(self.files[path] for path in sorted(self.files)))
        return None

    def _fire(self, effect: Fire) -> Event:
        """As the file adapter: a file of that name in any folder is the firing."""
        self.fires.append(effect)
        if not any(entry.name == effect.name for entry in self.files.values()):
            template = self.files[effect.path]
            path = f"pending/{effect.name}.md"
            made = replace(template, name=effect.name, path=path, phase=Phase.PENDING, schedule=None, window=None)
            deadline = effect.deadline or template.deadline
            self.files[path] = replace(made, not_before=effect.due, fired=effect.due, deadline=deadline, paused=False)
            self.late.append(Scanned(tuple(self.files[path] for path in sorted(self.files))))
        return Fired(effect)

    def _launch(self, effect: Launch, spec: Spec, leg: int) -> Event:
        self.launches.append(effect)
        self._move(spec.task, Phase.ACTIVE)
        before = self.folders.get(spec.run_id)
        legs = before.legs[: leg - 1] if before else ()
        work = before.work if before else None
        if before and effect.kind.part is Part.CHECK and before.legs[-1].part is not Part.CHECK:
            work = before.ending
        approved = before.approved if before else False
        parked_s = before.parked_s if before else 0.0
        if before and before.ending and leg > before.leg:
            parked_s += max((self.now - before.ending.ended).total_seconds(), 0.0)
        self.folders[spec.run_id] = Sight(
            spec,
            leg,
            SightState.ALIVE,
            self.now,
            parked_s,
            legs=(*legs, effect.kind),
            work=work,
            approved=approved,
            stopping=before.stopping if before else False,
            replies=before.replies if before else 0,
            reached=(before.replies if effect.kind.part in (Part.PLAN, Part.WORK) else before.reached) if before else 0,
        )
        return Launched(spec.run_id, leg)

    def _halt(self, run_id: str, why: Halting) -> Event | None:
        self.halts.append((run_id, why))
        sight = self.folders[run_id]
        if sight.state is not SightState.ALIVE:
            return None
        sight = replace(sight, halting=why, stopping=sight.stopping or why is Halting.STOP)
        if not self.slow:
            ending = Ending(Stop.CANCELLED, self.now, 1, rc=-15, result=Result())
            sight = replace(sight, state=SightState.ENDED, ending=ending)
        self.folders[run_id] = sight
        return Looked(tuple(self.folders.values()))

    def parts(self, name: str) -> list[str]:
        """The legs that were launched for a task: what each is for, and what led to it."""
        kinds = [launch.kind for launch in self.launches if launch.spec.task == name]
        return [f"{kind.part}<{kind.why}" if kind.why else str(kind.part) for kind in kinds]

    def _move(self, name: str, to: Phase) -> None:
        path = next((path for path, task in self.files.items() if task.name == name), None)
        if path is None:
            return
        task = self.files.pop(path)
        self.files[f"{to.value}/{name}.md"] = replace(task, phase=to, path=f"{to.value}/{name}.md")


def edited(task: Task, name: str, value: str | None) -> Task:
    """The task with another line in its file, or without that line."""
    own_kind = task.kind != (task.tags[0] if task.tags else task.name)
    new: Any = DEFAULTS[name]
    if value is not None:
        new = READERS[name]((front.read(f"---\n{name}: {value}\n---\n").fields or {})[name], UTC)
    elif name == "name":
        new = task.path.partition("/")[2].removesuffix(".md")
    changed = replace(task, **{name: new})
    if (own_kind and name != "kind") or (name == "kind" and value is not None):
        return changed
    return replace(changed, kind=changed.tags[0] if changed.tags else changed.name)


def known(world: World) -> dict[str, tuple[object, ...]]:
    """What must be the same of every run whether or not the scheduler has just begun."""
    return {
        run_id: (
            run.stage,
            run.leg,
            run.legs,
            run.approved,
            run.unheard,
            run.asks,
            run.stopping,
            round(run.parked_s),
            run.work,
            run.parked and (run.parked.why, run.parked.until, run.parked.part, run.parked.text),
        )
        for run_id, run in world.runs.items()
    }


def unlaunchable(text: str, leg: int | None = None) -> Callable[[Effect], Event | None]:
    """For `Outside.goes_wrong`: no leg (or not this one) can be started."""

    def goes_wrong(effect: Effect) -> Event | None:
        if isinstance(effect, Launch) and leg in (None, effect.leg):
            return LaunchFailed(effect.spec.run_id, effect.leg, text)
        return None

    return goes_wrong


def outside(*tasks: Task, run: RunSettings | None = None, **more: Any) -> Outside:
    made = Outside({entry.path: entry for entry in tasks}, **more)
    made.world = World(settings=Settings(run=run or RunSettings()))
    made.begin()
    return made


def spec(name: str = "a", **more: Any) -> Spec:
    from cctui.core.launch import claim

    return replace(claim(world(task(name)), task(name), T0)[1].spec, **more)


def run(
    *parts: str, halting: Halting | None = None, work: Ending | None = None, approved: bool = False, **of: Any
) -> Run:
    """A run at work on the last of `parts`, each written as `Outside.parts` shows them; `of` goes into its spec."""
    legs = tuple(Leg(Part(part), why) for part, _, why in (text.partition("<") for text in parts or ("work",)))
    made = spec(**{"via": str(of.get("runner", "claude")), **of})
    return Run(made, Stage.RUNNING, leg=len(legs), legs=legs, halting=halting, work=work, approved=approved)


__all__ = ["Command", "Spec"]
