"""Firings as files: what of a template they hold, and that doing it twice, or half, is as good as once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cctui.adapters.front import FrontError
from cctui.adapters.instance import text_of
from cctui.adapters.store import Store
from cctui.adapters.taskdir import TaskDir, TaskDirError
from cctui.core.effects import Fire, SaveMemory
from cctui.core.events import Checked, Event, Fired, Loaded, Looked, Measured, Scanned, Ticked
from cctui.core.step import step
from cctui.core.world import Memory, Phase, Task, Totals, World
from cctui.places import Places

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime.fromisoformat("2026-11-22T12:00:00+01:00")
DUE = datetime.fromisoformat("2026-11-23T02:30:00+01:00")
TEMPLATE = """---
# every night
schedule: "30 2 * * *"  # half past two
tz: Europe/Berlin
catchup: all
overlap: queue
window: 2h
name: nightly
paused: false
priority: 3   # before the rest
tags: [a, b]
not_before: 2026-11-01
note: 'kept'
---
# Tidy up

schedule: this is the prompt
"""
FIRING = """---
# every night
priority: 3   # before the rest
tags: [a, b]
not_before: 2026-11-23T02:30:00+01:00
note: 'kept'
deadline: 2026-11-23T04:30:00+01:00
---
# Tidy up

schedule: this is the prompt
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path / "root", tmp_path / "state", tmp_path / "config.toml", tmp_path / "engine.sock")
    for phase in Phase:
        (made.tasks / phase).mkdir(parents=True)
    made.state.mkdir()
    return made


def write(places: Places, text: str = TEMPLATE, name: str = "recurring/nightly.md") -> TaskDir:
    (places.tasks / name).write_text(text, "utf-8")
    return TaskDir(places, BERLIN)


def files(places: Places) -> list[str]:
    return sorted(path.relative_to(places.tasks).as_posix() for path in places.tasks.rglob("*@*.md"))


def test_a_firing_is_the_template_without_its_schedule() -> None:
    end = datetime.fromisoformat("2026-11-23T04:30:00+01:00")
    assert text_of(TEMPLATE, DUE, end) == FIRING
    assert text_of("\ufeff" + TEMPLATE.replace("\n", "\r\n"), DUE, end) == FIRING.replace("\n", "\r\n")


def test_a_front_matter_in_one_line_is_written_anew() -> None:
    text = text_of("---\n{schedule: '@daily', priority: 2, check: 'test \"x\"'}\n---\nDo it.\n", DUE, None)
    assert text.splitlines() == [
        *("---", '"priority": 2', '"check": "test \\"x\\""', "not_before: 2026-11-23T02:30:00+01:00", "---", "Do it."),
    ]


def test_a_front_matter_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(FrontError):
        text_of("---\nschedule: [\n---\nDo it.\n", DUE, None)


def test_the_file_is_read_as_a_task_that_knows_its_moment(places: Places) -> None:
    folder = write(places)
    folder.fire("recurring/nightly.md", "nightly@20261123T0230", DUE)
    template, firing = sorted(folder.scan(), key=lambda entry: entry.phase.value, reverse=True)
    assert isinstance(template, Task)
    assert isinstance(firing, Task)
    assert (template.phase, template.schedule) == (Phase.RECURRING, "30 2 * * *")
    assert (firing.name, firing.phase) == ("nightly@20261123T0230", Phase.PENDING)
    assert (firing.schedule, firing.fired, firing.not_before) == (None, DUE, DUE)
    assert (firing.kind, firing.priority, len(firing.warnings)) == ("a", 3, 1)


def test_what_it_is_without_a_kind_is_its_template(places: Places) -> None:
    folder = write(places, "---\nschedule: '@daily'\n---\nDo it.\n")
    folder.fire("recurring/nightly.md", "nightly@20261123T0230", DUE)
    assert {entry.kind for entry in folder.scan() if isinstance(entry, Task)} == {"nightly"}


@pytest.mark.parametrize("phase", ["pending", "active", "completed", "failed"])
def test_wherever_its_file_lies_by_now_it_is_not_put_there_again(places: Places, phase: str) -> None:
    folder = write(places)
    (places.tasks / phase / "nightly@20261123T0230.md").write_text("mine\n")
    folder.fire("recurring/nightly.md", "nightly@20261123T0230", DUE)
    assert files(places) == [f"{phase}/nightly@20261123T0230.md"]
    assert (places.tasks / files(places)[0]).read_text() == "mine\n"


def test_a_template_that_is_no_task_any_more_says_why(places: Places) -> None:
    folder = write(places, TEMPLATE.replace("priority: 3", "priority: high"))
    with pytest.raises(TaskDirError, match=r"nightly.md: priority must be a whole number"):
        folder.fire("recurring/nightly.md", "nightly@20261123T0230", DUE)
    with pytest.raises(TaskDirError, match="cannot read"):
        folder.fire("recurring/gone.md", "gone@20261123T0230", DUE)
    assert files(places) == []


# --- with the store, and a death at every point ----------------------------------------------------------------------


class Engine:
    """What an engine does with the two effects, on real files; it may die before or after any of them."""

    def __init__(self, places: Places) -> None:
        self.folder, self.store = TaskDir(places, BERLIN), Store(places.db)
        self.world, self.steps = World(), 0
        loaded = Loaded(self.store.load(), (), Totals(), zone="Europe/Berlin")
        self.events: list[Event] = [loaded, Looked(()), Checked({}), Measured((), asked=True)]

    def live(self, now: datetime, until: int) -> bool:
        """Everything that happens at `now`; False: it died after `until` writes."""
        self.events += [Scanned(self.folder.scan()), Ticked()]
        while self.events:
            self.world, effects = step(self.world, self.events.pop(0), now)
            for effect in effects:
                if not isinstance(effect, Fire | SaveMemory):
                    continue
                if self.steps == until:
                    return False
                self.steps += 1
                if isinstance(effect, Fire):
                    self.folder.fire(effect.path, effect.name, effect.due, effect.deadline)
                    self.events += [Fired(effect), Scanned(self.folder.scan())]
                else:
                    self.store.save(self.world.memory)
        return True


@pytest.mark.parametrize("writes", range(4))
def test_whenever_it_dies_the_firing_is_there_once(places: Places, writes: int) -> None:
    write(places, TEMPLATE.replace("catchup: all", "catchup: once"))
    first = Engine(places)
    assert first.live(NOON, 99)
    died = Engine(places)
    assert died.live(DUE, writes) is (writes > 1)
    for _ in range(3):
        assert Engine(places).live(DUE, 99)
    assert files(places) == ["pending/nightly@20261123T0230.md"]
    assert Store(places.db).load().firings["nightly"].until == DUE
    (places.tasks / files(places)[0]).unlink()
    assert Engine(places).live(DUE, 99)
    assert files(places) == [], "what the watermark has passed is never fired again"


def test_a_store_from_before_there_were_schedules_is_read(places: Places) -> None:
    places.db.write_text('{"memory": {"1": {"schema": 1, "hold": true, "ranks": {"a": 1}, "retries": {}}}}')
    assert Store(places.db).load() == Memory(ranks={"a": 1}, hold=True)
