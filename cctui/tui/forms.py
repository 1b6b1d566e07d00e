"""Sub-screens that are written in: a new task, one changed field.  What is allowed is the engine's to say: its refusal
stands under the form until it is mended, also when the disk only finds out while it writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Button, Input, Label, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from cctui.core import view
from cctui.core.inverse import inverse
from cctui.core.world import Add, Edit, Task
from cctui.orders import settled
from cctui.tui.bar import Bar, Entry
from cctui.tui.keys import FORM
from cctui.tui.messages import Did, Scene
from cctui.tui.pages import shown

DERIVED = frozenset({"path", "phase", "folder", "title", "added", "warnings"})
"""Fields of a Task that no line of its file holds."""


def slug(prompt: str) -> str:
    """A file name from the first words of a prompt."""
    words = re.findall(r"[\w.-]+", view.safe(prompt).casefold())
    return "-".join(words[:4])[:40].strip("-.") or "task"


def compose_file(prompt: str, front: dict[str, str], more: str) -> str:
    """A task file.  Values are JSON strings, which YAML reads as they are; `more` is the person's own YAML."""
    lines = [f"{name}: {value}" for name, value in front.items() if value]
    lines += [line.rstrip() for line in more.splitlines() if line.strip()]
    head = "---\n" + "\n".join(lines) + "\n---\n" if lines else ""
    return f"{head}{prompt.strip()}\n"


def quoted(text: str) -> str:
    return json.dumps(text.strip(), ensure_ascii=False) if text.strip() else ""


def names(text: str) -> str:
    """``a, b`` as a YAML list."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    return json.dumps(found, ensure_ascii=False) if found else ""


class Form(Screen[None]):
    """A title with the way back, fields, and a line for what the engine says to them."""

    BINDINGS = [*FORM]

    title_line = getters.query_one("#title", Bar)
    answer = getters.query_one("#answer", Static)

    def __init__(self, scene: Scene, key: str = "") -> None:
        super().__init__(classes="form" + (" -plain" if scene.signs.plain else ""))
        self.scene = scene
        self.key = key

    def head(self, title: str, right: str = "", action: str = "") -> None:
        back = Entry(((f"{self.scene.signs.back} ", "accent"), (title, "strong")), "back")
        self.title_line.show([back], [Entry(((right, "accent"),), action)] if right else [])

    def say(self, text: str) -> None:
        self.answer.update(text)
        self.answer.set_class(bool(text), "-on")
        if text:
            for scroll in self.query(VerticalScroll):
                self.call_after_refresh(scroll.scroll_end, animate=False)

    @work(group="send", exit_on_error=False)
    async def send(self, command: Add | Edit, done: str) -> None:
        """Ask for it, and close with `done` once the folders show it: what was typed stays until then."""
        if self.scene.asking:
            return  # a second tap on the same button
        self.scene.asking = True
        try:
            wrong = await self.wrong(command)
        finally:
            self.app.call_later(self.answered)
        if wrong:
            self.say(view.safe(wrong))
        elif self.is_current:
            self.app.notify(done, markup=False, timeout=3)
            self.dismiss()

    def answered(self) -> None:
        """Behind the World that brought the answer: what it says stands in the form, and needs no toast."""
        self.scene.asking = False

    async def wrong(self, command: Add | Edit) -> str:
        link = self.scene.link
        before = link.world
        if reason := await link.send(command):
            return view.say(reason, link.now())
        wrong = "; ".join(await settled(link, before, command))
        if not wrong:
            self.post_message(Did(command, inverse(before, command)))
        return wrong

    def action_back(self) -> None:
        self.dismiss()


class New(Form):
    """A new task: only the prompt is needed."""

    AUTO_FOCUS = "#prompt"

    prompt = getters.query_one("#prompt", TextArea)
    more = getters.query_one("#more", TextArea)

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title")
        with VerticalScroll(can_focus=False):
            yield Label("Prompt: what Claude shall do", markup=False)
            yield TextArea(
                id="prompt", compact=True, tab_behavior="focus", placeholder="Check every link in the vault …"
            )
            yield from self.line("name", "its own words")
            yield from self.line("priority", "5 (lower runs first)")
            yield from self.line("cwd", "folder it runs in")
            yield from self.line("after", "tasks it waits for: a, b")
            yield Label("More fields, one per line", markup=False)
            yield TextArea(id="more", compact=True, tab_behavior="focus", placeholder="deadline: 2026-12-01T08:00")
            yield Button("Add to the queue", id="add", compact=True)
            yield Static(id="answer", markup=False)

    def line(self, name: str, hint: str) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label(f"{name:<9}", markup=False)
            yield Input(placeholder=hint, id=name, compact=True)

    def on_mount(self) -> None:
        self.head("New task", "Add", "add")

    @on(TextArea.Changed, "#prompt")
    def suggest(self) -> None:
        self.field("name").placeholder = slug(self.prompt.text)

    def field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    @on(Input.Submitted)
    @on(Button.Pressed, "#add")
    def on_add(self) -> None:
        self.action_add()

    def action_add(self) -> None:
        if not self.prompt.text.strip() and "command:" not in self.more.text and "call:" not in self.more.text:
            self.say("Write a prompt first: what shall be done?")
            self.prompt.focus()
            return
        command = self.command()
        self.send(command, f"{command.name} is in the queue")

    def command(self) -> Add:
        name = self.field("name").value.strip() or slug(self.prompt.text)
        front = {
            "name": quoted(self.field("name").value),
            "priority": self.field("priority").value.strip(),
            "cwd": quoted(self.field("cwd").value),
            "depends_on": names(self.field("after").value),
        }
        return Add(name, compose_file(self.prompt.text, front, self.more.text))


def editable(task: Task) -> Iterator[tuple[str, str]]:
    """Every field a file may hold, with its value now as text for the line."""
    for field in fields(task):
        if field.name in DERIVED:
            continue
        value = getattr(task, field.name)
        yield field.name, as_yaml(field.name, value)


def as_yaml(name: str, value: object) -> str:
    match value:
        case None | ():
            return ""
        case bool():
            return "true" if value else "false"
        case tuple():
            return json.dumps([getattr(part, "name", part) for part in value], ensure_ascii=False)
        case float() if name in ("timeout", "check_timeout"):
            return f"{value:.0f}s"
        case _:
            return str(value)


class EditField(Form):
    """One field of one task file: choose it, write its value; empty takes the line out."""

    AUTO_FOCUS = "OptionList"

    choices = getters.query_one(OptionList)
    value = getters.query_one("#value", Input)

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.name_of_field = ""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title")
        yield OptionList(id="choices", markup=False, compact=True)
        with Horizontal(classes="line", id="change"):
            yield Label("", id="which", markup=False)
            yield Input(id="value", compact=True)
        yield Static(id="answer", markup=False)

    def on_mount(self) -> None:
        self.head(f"Edit {view.short(self.key, 20)}", "enter changes")
        task = self.scene.link.world.tasks.get(self.key)
        for name, value in editable(task) if task else ():
            self.choices.add_option(Option(f"{name:<18} {shown(value) or '·'}", id=name))
        if task is None:
            self.say("This task is gone: its file has left the folders.")
        self.choices.highlighted = 1

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        task = self.scene.link.world.tasks.get(self.key)
        if task is None or event.option_id is None:
            return
        self.name_of_field = event.option_id
        self.query_one("#which", Label).update(f"{event.option_id}: ")
        self.value.value = dict(editable(task))[event.option_id]
        self.set_class(True, "-changing")
        self.value.focus()
        self.say("")

    def action_back(self) -> None:
        """Esc in the value goes back to the fields, from there to where one came from."""
        if self.has_class("-changing"):
            self.set_class(False, "-changing")
            self.choices.focus()
        else:
            self.dismiss()

    @on(Input.Submitted, "#value")
    def change(self) -> None:
        text, field = self.value.value.strip(), self.name_of_field
        task = self.scene.link.world.tasks.get(self.key)
        if task and text == dict(editable(task))[field]:
            self.dismiss()
        else:
            self.send(Edit(self.key, field, text or None), f"{field}: {text or 'taken out'}")
