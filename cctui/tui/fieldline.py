"""One field of a task in a form: its label, its value, what is wrong with it or what it means.

The core says what a value may be; here it is only shown.  A bad value stays as it was typed until it is mended.
"""

from __future__ import annotations

from datetime import tzinfo

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from cctui.core import moments, understood
from cctui.core.draft import CHOICES, Draft, complaint, typed
from cctui.core.fields import FIELDS
from cctui.core.world import Task
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import clean, in_ascii
from cctui.tui.keys import FIELD
from cctui.tui.messages import Scene

HINTS = {
    "name": "made from the prompt",
    "priority": "5, lower runs first",
    "cwd": "folder, ROOT unless said",
    "tags": "web, night",
    "deadline": "friday 8:00, 3d, eom",
    "not_before": "22:00, tomorrow",
    "depends_on": "tasks: a, b:any",
    "schedule": "every weekday 7:00",
    "command": "for runner shell",
    "check": "command that proves it",
    "model": "as the CLI names it",
    "timeout": "30m",
}
SPEAKING = frozenset(("deadline", "not_before", "schedule", "mode", "runner"))
"""Fields whose value has more to say than what was typed."""
DEFAULTS = {known.name: known.default for known in FIELDS}


def zone_of(scene: Scene) -> tzinfo:
    """The person's zone."""
    return moments.zone_named(scene.link.world.zone, scene.link.now())


class Value(Input):
    """The value; fields of a few words, and whole numbers, can be stepped through."""

    BINDINGS = [*FIELD]

    def __init__(self, name: str, text: str, *, id: str | None = None) -> None:
        super().__init__(clean(text), placeholder=HINTS.get(name, DEFAULTS[name]), id=id or name, compact=True)
        self.field = name
        self.select_on_focus = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.field in CHOICES or self.field == "priority" if action == "step" else True

    def action_step(self, way: int) -> None:
        """The next value, or the number that is `way` further."""
        if self.field == "priority":
            number = self.value.strip() or "5"
            self.value = str(int(number) + way) if number.lstrip("+-").isdecimal() else "5"
        else:
            words = CHOICES[self.field]
            now = self.value.strip() or DEFAULTS[self.field]
            at = words.index(now) if now in words else -way if way > 0 else 0
            self.value = words[(at + way) % len(words)]
        self.cursor_position = len(self.value)

    def on_paste(self, event: events.Paste) -> None:
        """Without control codes, and without what stands on further lines."""
        event.prevent_default()
        event.stop()
        self.replace(clean(event.text).partition("\n")[0], *self.selection)

    def action_leave(self, way: int) -> None:
        if way > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()


class FieldLine(Vertical):
    """The field `key` with its value as a person would type it."""

    def __init__(self, scene: Scene, key: str, text: str = "", *, value_id: str | None = None) -> None:
        super().__init__(classes="field", id=f"field-{key}" if value_id is None else None)
        self.scene = scene
        self.key = key
        self.value = Value(key, text, id=value_id)
        self.note = Static(classes="note", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label(f"{understood.LABELS.get(self.key, self.key.replace('_', ' '))[:18]:<10} ", markup=False)
            yield self.value
            if self.value.check_action("step", ()):
                steps = Bar(self.scene, gap=0, classes="steps")
                less, more = ("-", "+") if self.key == "priority" else self._arrows()
                arrows = [
                    Entry(((f" {sign} ", "accent"),), f"step({way})", self) for sign, way in ((less, -1), (more, 1))
                ]
                steps.show((), arrows)
                yield steps
        yield self.note

    def _arrows(self) -> tuple[str, str]:
        return ("<", ">") if self.scene.signs.plain else ("‹", "›")

    def on_mount(self) -> None:
        self.check(leaving=bool(self.value.value))

    def action_step(self, way: int) -> None:
        self.value.action_step(way)
        self.check(leaving=True)

    # --- what it holds

    def read(self) -> object:
        """The value as YAML reads it; None: nothing is written.  ValueError is a sentence with the field's name."""
        text = self.value.value
        own = [name for name, _ in self.scene.link.world.settings.runners]
        try:
            return typed(self.key, text, self.scene.link.now(), zone_of(self.scene), own)
        except ValueError as error:
            raise ValueError(complaint(self.key, text, str(error))) from None

    def held(self) -> object:
        """The value, or what was typed for it where that is none."""
        try:
            return self.read()
        except ValueError:
            return self.value.value

    def check(self, *, leaving: bool) -> bool:
        """Say what the value means, or what is wrong with it: that only when it is `leaving`, or was said already."""
        try:
            value = self.read()
        except ValueError as error:
            if leaving or self.has_class("-wrong"):
                self.say(str(error), wrong=True)
            return False
        self.say(self.words(value), wrong=False)
        return True

    def words(self, value: object) -> str:
        """A value in words, where these say more than it does."""
        if value is None or self.key not in SPEAKING:
            return ""
        scene = self.scene
        entry = Draft("x", "x", {self.key: value}).entry(zone_of(scene), [str(value)])
        found = getattr(entry, self.key) if isinstance(entry, Task) else value
        return understood.said(self.key, found, "x", scene.link.now(), zone_of(scene)).removeprefix(f"{value}: ")

    def say(self, text: str, *, wrong: bool) -> None:
        self.note.update(in_ascii(text) if self.scene.signs.plain else text)
        self.set_class(wrong, "-wrong")
        self.set_class(bool(text), "-noted")

    @on(Input.Changed)
    def changed(self) -> None:
        self.check(leaving=False)

    @on(Input.Blurred)
    def left(self) -> None:
        self.check(leaving=True)
