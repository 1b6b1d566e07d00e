"""Quick capture: a new task in one line, shown as it is understood before it is saved.

The core reads the line; here it is written and drawn.  Whatever is left unfinished is there again at the next time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text
from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.timer import Timer
from textual.widgets import Button, Static, TextArea

from cctui.core import capture, understood, view
from cctui.core.tokens import TOKENS, Token, offers
from cctui.core.world import Add, Broken
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import in_ascii, wrap
from cctui.tui.fieldline import zone_of
from cctui.tui.forms import Form, New, Prompt
from cctui.tui.keys import BUTTONS, CAPTURE, CAPTURE_LINE
from cctui.tui.messages import Scene
from cctui.tui.starters import Starters, put_in

PATIENCE = 0.5
"""Seconds without a further key after which it is worked out what the task would wait for."""
LABEL = 11
"""Cells of the column of labels."""
EMPTY = (
    ("Write what shall be done; one line is enough.", ""),
    ("Fix dead links !1 @vault >friday 8:00", "accent"),
    ("A tap on a word above puts it in. tab leads to a form with every field, and to templates.", "dim"),
)


class Writing(Prompt):
    """The line: enter saves it; a pasted text may bring further lines, which are the prompt's."""

    BINDINGS = [*CAPTURE_LINE]

    def word(self) -> str:
        """What stands between the last space and the cursor, in the first line; ``every`` with its space."""
        row, column = self.cursor_location
        if row:
            return ""
        before = self.document.get_line(row)[:column]
        lead, _, last = before.rpartition(" ")
        every = lead.rpartition(" ")[2]
        return f"{every} {last}" if every.casefold() == "every" else last

    def put(self, mark: str) -> None:
        """A token's mark at the cursor, as a word of its own."""
        row, column = self.cursor_location
        apart = not column or self.document.get_line(row)[column - 1] == " "
        self.insert(mark if apart else f" {mark}")
        self.focus()

    def complete(self, text: str) -> None:
        """`text` instead of the word that is being written."""
        row, column = self.cursor_location
        self.replace(f"{text} ", (row, column - len(self.word())), (row, column))
        self.focus()


class Buttons(Horizontal):
    """Arrow keys walk along them."""

    BINDINGS = [*BUTTONS]


class Capture(Form):
    AUTO_FOCUS = "#line"
    BINDINGS = [*CAPTURE]

    line = getters.query_one("#line", Writing)
    tokens = getters.query_one("#tokens", Bar)
    said = getters.query_one("#said", Static)

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.add_class("capture")
        self.base = scene.draft[1]
        """Fields that the line does not say."""
        self.timer: Timer | None = None
        """Runs while something is being written."""
        self.waits = ""
        self.cursor = (0, 0)
        """Where it was when everything was shown."""
        self.offered: tuple[str, list[str]] = ("", [])
        """What a tap on the hints would put in: a mark, and what may stand behind it."""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title")
        yield Writing(self.scene.draft[0], id="line", compact=True, soft_wrap=True, tab_behavior="focus",
                      highlight_cursor_line=False, placeholder="What shall be done?")  # fmt: skip
        yield Bar(self.scene, id="tokens", gap=2)
        yield Static(id="answer", markup=False)
        with VerticalScroll(can_focus=False):
            yield Static(id="said", markup=False)
        with Buttons(classes="buttons"):
            yield Button("Save", id="save", compact=True)
            yield Button("Form", id="form", compact=True)
            yield Button("Templates", id="templates", compact=True)

    def on_mount(self) -> None:
        self.head("New task", "enter saves", "save")
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show())
        self.take(*self.scene.draft)

    def on_resize(self) -> None:
        self.show()

    # --- what is written

    def take(self, text: str, base: Mapping[str, object]) -> None:
        """Put a line and its fields in, with the cursor behind."""
        self.base = base
        self.line.text = text
        first = len(text.partition("\n")[0])
        self.line.move_cursor((0, first))
        self.line.focus()
        self.changed()

    def read(self) -> capture.Captured:
        link = self.scene.link
        world, now = link.world, link.now()
        taken = [entry.name for entry in world.broken]
        return capture.parse(self.line.text, now, zone_of(self.scene), world.tasks, self.base, taken)

    @on(TextArea.Changed)
    def changed(self) -> None:
        self.scene.draft = (self.line.text, self.base)
        self.say("")
        self.waits = ""
        self.show()
        if self.timer:
            self.timer.stop()
        self.timer = self.set_timer(PATIENCE, self.look_ahead)

    @on(TextArea.SelectionChanged)
    def moved(self) -> None:
        """Only for what follows the cursor: after a key that wrote something all of it stands already."""
        if self.line.cursor_location != self.cursor:
            self.show()

    def look_ahead(self) -> None:
        """What it would wait for, now that nobody types."""
        self.timer = None
        found = self.read()
        if found.mistakes or not self.line.text.strip():
            return
        self.waits = understood.waits(self.scene.link.world, found.draft, self.scene.link.now(), zone_of(self.scene))
        self.show()

    # --- what is shown

    def show(self) -> None:
        self.cursor = self.line.cursor_location
        self.show_hints()
        text = Text()
        for label, words, tone in self.lines():
            self.put(text, label, words, tone)
        if self.scene.signs.plain:
            text.plain = in_ascii(text.plain)
        self.said.update(text)

    def show_hints(self) -> None:
        """What a tap can put in: what the word that is being written may become, else every token."""
        self.offered = offers(self.line.word(), self.scene.link.world.tasks)
        mark, found = self.offered
        entries = [Entry(((token.hint, "accent"),), f"put({place})") for place, token in enumerate(TOKENS)]
        if found:
            entries = [Entry(((view.short(each, 18), "accent"),), f"offer({n})") for n, each in enumerate(found)]
            entries.insert(0, Entry(((mark.strip(), "dim"),)))
        self.tokens.show(entries)

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Label, text and tone of everything that is understood, what is wrong first."""
        token = self.begun()
        if token:
            yield token.hint, token.meaning, "accent"
            yield "", token.example.replace("`", "").replace("  ", " "), "dim"
        if not self.line.text.strip() and not self.base:
            for words, tone in EMPTY:
                yield "-", words, tone
            return
        found = self.read()
        at = self.line.cursor_location
        for mistake in found.mistakes:
            if token and at == (0, mistake.end):
                continue  # what it may be stands above
            # Not wrong yet while it is being written.
            yield self.scene.signs.invalid, mistake.text, "warn" if at == (0, mistake.end) else "invalid"
        prompt = " ".join(found.draft.prompt.split())
        if prompt:
            yield "prompt", prompt[:160], ""
        for line in understood.lines(found.draft, self.scene.link.now(), zone_of(self.scene), found.like):
            if line.wrong and not prompt and not line.field:
                continue  # nothing to do: said when it is to be saved
            aside = f"  ({line.aside})" if line.aside else ""
            yield line.label, line.text + aside, "invalid" if line.wrong else ""
        if self.waits:
            yield "then", self.waits, "dim"

    def begun(self) -> Token | None:
        """The token whose mark has just been put in."""
        word = self.line.word()
        return next((token for token in TOKENS if word and word == token.mark != "plan?"), None)

    def put(self, text: Text, label: str, words: str, tone: str) -> None:
        """One value, its further lines below the first."""
        left = 2 if label == self.scene.signs.invalid else 0 if label == "-" else LABEL
        style, dim = self.scene.palette.get(tone, ""), self.scene.palette.get("dim", "")
        for number, part in enumerate(wrap(words, max(12, self.app.size.width - 3 - left))):
            head = label if not number and label != "-" else ""
            text.append(f"{head:<{left}}", style if tone in ("invalid", "warn") else dim)
            text.append(f"{part}\n", style)
        if label == "-":
            text.append("\n")

    # --- keys

    def on_key(self, event: events.Key) -> None:
        """What is typed belongs into the line, also before it has the keys, and while a button has them."""
        if event.is_printable and event.character:
            event.stop()
            self.line.insert(event.character)
            self.line.focus()

    def action_put(self, place: int) -> None:
        self.line.put(TOKENS[place].mark)

    def action_offer(self, place: int) -> None:
        mark, found = self.offered
        if place < len(found):
            self.line.complete(mark + found[place])

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        found = self.read()
        if found.mistakes:
            mistake = found.mistakes[0]
            self.line.move_cursor((0, mistake.end))
            self.line.focus()
            self.say(f"{view.safe(self.line.text[mistake.start : mistake.end], 30)}: mend it, or put \\ before it")
            return
        draft = found.draft
        entry = draft.entry(zone_of(self.scene), [name for name, _ in self.scene.link.world.settings.runners])
        if isinstance(entry, Broken):
            bare = all(problem.field is None for problem in entry.problems)
            self.say("Write what shall be done first" if bare else entry.problems[0].text)
            return
        self.send(Add(draft.name, draft.text()), f"{draft.name} is in the queue")

    def saved(self) -> None:
        self.scene.draft = ("", {})
        super().saved()

    @on(Button.Pressed, "#form")
    def action_form(self) -> None:
        self.app.push_screen(New(self.scene, self.read().draft, named="name" in self.base), self.from_form)

    def from_form(self, saved: bool | None) -> None:
        if saved:
            self.dismiss(True)
        elif self.scene.draft != (self.line.text, self.base):
            self.take(*self.scene.draft)
        else:
            self.line.focus()

    @on(Button.Pressed, "#templates")
    def action_templates(self) -> None:
        self.app.push_screen(Starters(self.scene), self.from_starters)

    def from_starters(self, key: str | None) -> None:
        if key:
            self.take(*put_in(key, self.line.text, self.base, self.scene.link.world.tasks))
        else:
            self.line.focus()
