"""Sub-screens that are written in: a new task by its fields, one changed field.  What is allowed is the core's and
the engine's to say: a refusal stands under the form until it is mended, also when only the disk finds out."""

from __future__ import annotations

from textual import events, getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Button, Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from cctui.core import understood, view
from cctui.core.capture import literal
from cctui.core.draft import Draft, as_typed, free, slug, yaml
from cctui.core.fields import FIELDS
from cctui.core.world import Add, Edit
from cctui.orders import settled
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import clean, cut_end, in_ascii
from cctui.tui.fieldline import FieldLine, zone_of
from cctui.tui.keys import CHOOSE, FORM
from cctui.tui.messages import Did, Scene

USUAL = (
    *("name", "priority", "cwd", "tags", "deadline", "not_before", "depends_on", "schedule", "mode", "runner"),
    *("command", "check", "model", "timeout"),
)
"""Fields that the form of a new task shows at once."""


class Form(Screen[bool]):
    """A title with the way back, fields, and a line for what the engine says to them.  True: it was saved."""

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
            # The board below says it itself, with the key that takes it back.
            if any(not isinstance(screen, Form) for screen in self.app.screen_stack[1:]):
                self.app.notify(done, markup=False, timeout=3)
            self.saved()

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
            self.post_message(Did(command))
        return wrong

    def saved(self) -> None:
        self.dismiss(True)

    def action_back(self) -> None:
        self.dismiss(False)


class Prompt(TextArea):
    """Text on many lines; what is pasted comes in without control codes, and as a whole."""

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        made = self.replace(clean(event.text), *self.selection)
        self.move_cursor(made.end_location)


class New(Form):
    """A new task by its fields: only the prompt is needed."""

    AUTO_FOCUS = "#prompt"

    prompt = getters.query_one("#prompt", Prompt)
    rows = getters.query_one("#rows", VerticalScroll)

    def __init__(self, scene: Scene, draft: Draft | None = None, *, named: bool = False) -> None:
        """`named`: the draft's name is the person's own choice, and no first words of the prompt."""
        super().__init__(scene)
        self.draft = draft or Draft("", "")
        self.before = {**self.draft.fields, **({"name": self.draft.name} if named else {})}
        """The fields it was opened with."""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title")
        with VerticalScroll(can_focus=False, id="rows"):
            yield Prompt(
                clean(self.draft.prompt),
                id="prompt",
                compact=True,
                tab_behavior="focus",
                placeholder="What shall be done? Any number of lines.",
            )
            shown = {*USUAL, *self.before}
            for field in [*USUAL, *(known.name for known in FIELDS if known.name not in USUAL)]:
                if field in shown:
                    yield self.line(field)
            with Horizontal(classes="buttons"):
                yield Button("Add to the queue", id="add", compact=True)
                yield Button("More fields", id="more", compact=True)
            yield Static(id="answer", markup=False)

    def line(self, field: str) -> FieldLine:
        value = self.before.get(field)
        text = value if isinstance(value, str) else as_typed(field, value, zone_of(self.scene))
        return FieldLine(self.scene, field, text)

    def on_mount(self) -> None:
        self.head("New task", "Add", "add")
        self.suggest()

    @on(TextArea.Changed, "#prompt")
    def suggest(self) -> None:
        self.field("name").placeholder = self.own_name()

    def own_name(self) -> str:
        """A name made from the prompt, or from the command."""
        world = self.scene.link.world
        words = self.prompt.text.strip() or self.field("command").value
        return free(slug(words), (*world.tasks, *(entry.name for entry in world.broken)))

    def field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    @on(Button.Pressed, "#more")
    async def more(self, event: Button.Pressed) -> None:
        there = {line.key for line in self.query(FieldLine)}
        added = [self.line(known.name) for known in FIELDS if known.name not in there]
        await self.rows.mount_all(added, before=self.query_one(".buttons"))
        event.button.display = False
        if added:
            added[0].value.focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#add")
    def on_add(self) -> None:
        self.action_add()

    def action_add(self) -> None:
        """Send it, or go to the first field that is wrong."""
        wrong = [line for line in self.query(FieldLine) if not line.check(leaving=True)]
        if wrong:
            wrong[0].value.focus()
            self.say(understood.LABELS.get(wrong[0].key, wrong[0].key) + " has to be mended first")
            return
        draft = self.made()
        if not draft.prompt.strip() and "command" not in draft.fields and "call" not in draft.fields:
            self.say("Write a prompt first: what shall be done?")
            self.prompt.focus()
            return
        self.send(Add(draft.name, draft.text()), f"{draft.name} is in the queue")

    def made(self) -> Draft:
        """What stands in the form; a value that is none as it was typed."""
        fields = {line.key: value for line in self.query(FieldLine) if (value := line.held()) is not None}
        name = str(fields.pop("name", "") or self.own_name())
        return Draft(name, self.prompt.text.strip("\n"), {key: fields[key] for key in fields if fields[key] != ""})

    def saved(self) -> None:
        self.scene.draft = ("", {})
        super().saved()

    def action_back(self) -> None:
        """What was changed here is kept: for the line it was opened from, or for the next new task."""
        made = self.made()
        fields = dict(made.fields)
        if name := self.field("name").value.strip():
            fields["name"] = name
        if (made.prompt, fields) != (self.draft.prompt.strip("\n"), self.before):
            self.scene.draft = (literal(made.prompt), fields)
        super().action_back()


class Choices(OptionList, inherit_bindings=True):
    """A list to choose from, with the keys of every list."""

    BINDINGS = [*CHOOSE]


class EditField(Form):
    """One field of one task file: choose it, write its value; empty takes the line out."""

    AUTO_FOCUS = "#choices"

    choices = getters.query_one("#choices", Choices)
    value = getters.query_one("#value", Input)
    meaning = getters.query_one("#meaning", Static)

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.values: dict[str, str] = {}
        """Every field as a person would type it."""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title")
        yield Choices(id="choices", markup=False, compact=True)
        yield Horizontal(id="change")
        yield Static(id="answer", markup=False)
        yield Static(id="meaning", markup=False)

    def on_mount(self) -> None:
        self.head(f"Edit {view.short(self.key, 20)}", "enter changes")
        task = self.scene.link.world.tasks.get(self.key)
        zone = zone_of(self.scene)
        self.values = {
            known.name: clean(as_typed(known.name, getattr(task, known.name), zone)) for known in FIELDS if task
        }
        for name, value in self.values.items():
            shown = view.safe(value) or self.scene.signs.dot
            self.choices.add_option(Option(cut_end(f"{name:<18} {shown}", 200), id=name))
        if task is None:
            self.say("This task is gone: its file has left the folders.")
        self.choices.highlighted = 1

    @on(OptionList.OptionHighlighted)
    def explain(self, event: OptionList.OptionHighlighted) -> None:
        text = understood.meaning(event.option_id) if event.option_id else ""
        self.meaning.update(in_ascii(text) if self.scene.signs.plain else text)

    @on(OptionList.OptionSelected)
    async def choose(self, event: OptionList.OptionSelected) -> None:
        name = event.option_id
        if name is None or self.key not in self.scene.link.world.tasks:
            return
        change = self.query_one("#change", Horizontal)
        await change.remove_children()
        line = FieldLine(self.scene, name, self.values[name], value_id="value")
        await change.mount(line)
        self.set_class(True, "-changing")
        self.head(f"Edit {view.short(self.key, 20)}", "Change", "change")
        line.value.focus()
        self.say("")

    def action_back(self) -> None:
        """Esc in the value goes back to the fields, from there to where one came from."""
        if self.has_class("-changing"):
            self.set_class(False, "-changing")
            self.choices.focus()
        else:
            super().action_back()

    @on(Input.Submitted, "#value")
    def action_change(self) -> None:
        line = self.query_one(FieldLine)
        if line.value.value.strip() == self.values[line.key]:
            self.dismiss(False)
        elif line.check(leaving=True):
            value = line.read()
            text = None if value is None else yaml(value)
            self.send(Edit(self.key, line.key, text), f"{line.key}: {line.value.value.strip() or 'taken out'}")
