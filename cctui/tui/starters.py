"""What a new task may start from: kinds of work that are shipped, the templates and the newest tasks of the queue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rich.text import Text
from textual import getters, on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from cctui.core import spoken, view
from cctui.core.capture import literal
from cctui.core.world import Phase, Task
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import in_ascii
from cctui.tui.forms import Choices
from cctui.tui.keys import FORM
from cctui.tui.messages import Scene

NEWEST = 20
"""Tasks to start from, besides the templates."""


@dataclass(frozen=True, slots=True)
class Starter:
    name: str
    about: str
    line: str = ""
    """What it puts into the line."""
    fields: Mapping[str, object] = field(default_factory=dict)
    """What the line has no token for."""
    behind: bool = False
    """It stands behind what is written already."""


STARTERS = (
    Starter("plan first", "it plans, you read, it works", "plan? "),
    Starter(
        "check loop",
        "goes on until a check passes",
        fields={"runner": "loop", "check": "pytest -q", "max_iterations": 5},
    ),
    Starter("shell job", "one command, without Claude", "sh: ", behind=True),
    Starter("weekly", "every Monday morning", "every monday 7:00 "),
    Starter("look only", "reads and reports, changes nothing", "mode:read-only "),
    Starter("own branch", "in a git worktree of its own", fields={"worktree": True}),
)


class Starters(Screen[str]):
    """Choose one; the answer is its key: ``starter:NAME`` or ``task:NAME``, empty when nothing was chosen."""

    AUTO_FOCUS = "#choices"
    BINDINGS = [*FORM]

    title_line = getters.query_one("#title", Bar)
    choices = getters.query_one("#choices", Choices)

    def __init__(self, scene: Scene) -> None:
        super().__init__(classes="form" + (" -plain" if scene.signs.plain else ""))
        self.scene = scene

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title")
        yield Choices(id="choices", markup=False, compact=True)

    def on_mount(self) -> None:
        back = Entry(((f"{self.scene.signs.back} ", "accent"), ("Start from", "strong")), "back")
        self.title_line.show([back], [Entry((("enter takes it", "accent"),))])
        self.choices.add_options(self.options())
        self.choices.highlighted = 1
        self.app.theme_changed_signal.subscribe(self, lambda _: self.repaint())

    def repaint(self) -> None:
        """Another theme: the same choices in other colours."""
        at = self.choices.highlighted
        self.choices.set_options(self.options())
        self.choices.highlighted = at

    def options(self) -> Iterator[Option]:
        tasks = self.scene.link.world.tasks.values()
        yield self.heading("Kinds of work")
        for starter in STARTERS:
            yield self.option(f"starter:{starter.name}", starter.name, starter.about)
        templates = sorted((task for task in tasks if task.phase is Phase.RECURRING), key=lambda task: task.name)
        if templates:
            yield self.heading("Templates")
        for task in templates:
            words = spoken.words(task.schedule, task.name) if task.schedule else "never fires"
            yield self.option(f"task:{task.name}", task.name, words)
        if newest := newest_of(tasks):
            yield self.heading("Newest tasks")
        for task in newest:
            yield self.option(f"task:{task.name}", task.name, task.title)

    def heading(self, text: str) -> Option:
        return Option(Text(text, self.scene.palette.get("dim", "")), disabled=True)

    def option(self, key: str, name: str, about: str) -> Option:
        column = 12 if self.app.size.width < 60 else 28
        text = Text(f"  {view.short(name, max(column, 18)):<{column}}  ")
        text.append(
            view.safe(about, max(8, self.app.size.width - 4 - len(text.plain))), self.scene.palette.get("dim", "")
        )
        if self.scene.signs.plain:
            text.plain = in_ascii(text.plain)
        return Option(text, id=key)

    @on(OptionList.OptionSelected)
    def chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id or "")

    def action_back(self) -> None:
        self.dismiss("")


def newest_of(tasks: Iterable[Task]) -> list[Task]:
    """The newest tasks that are no templates; firings of one count as one, and it is there itself."""
    found = [task for task in tasks if task.phase is not Phase.RECURRING and task.fired is None]
    return sorted(found, key=lambda task: (-(task.added.timestamp() if task.added else 0.0), task.name))[:NEWEST]


def put_in(key: str, text: str, base: Mapping[str, object], tasks: Mapping[str, Task]) -> tuple[str, dict[str, object]]:
    """The line and its fields after `key` was chosen."""
    kind, _, name = key.partition(":")
    if kind == "starter":
        starter = next(each for each in STARTERS if each.name == name)
        line = f"{text.rstrip()} {starter.line}".lstrip() if starter.behind else starter.line + text
        return line, {**base, **starter.fields}
    task = tasks.get(name)
    if task is None:
        return text, dict(base)
    token = f'="{name}"' if " " in name else f"={name}"
    return f"{token} {text.strip() or literal(view.safe(task.title))}", dict(base)
