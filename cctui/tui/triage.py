"""Through everything that waits for a person, one at a time: the question, what is at stake, the answers.

Promises: an answer is one key or one tap, what ends a run asks first, and the next case comes by itself.  What was
answered comes again when nothing has come of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from textual import events, getters, work
from textual.app import ComposeResult

from cctui.core import view
from cctui.core.filing import note_path
from cctui.core.refusal import refusal
from cctui.core.world import Reason, Run, StopRun, Why
from cctui.link import LinkError
from cctui.tui import diff, hints, openrun
from cctui.tui.ansi import toned
from cctui.tui.bar import Bar
from cctui.tui.cases import Answer, Case, Kind, answers, asked, cases, refused, risk, stopping
from cctui.tui.cells import Span, clean
from cctui.tui.keys import TRIAGE
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.pages import Page
from cctui.tui.plan import plan_of
from cctui.tui.reply import ReplyLine, opening
from cctui.tui.rowlist import Item, RowList
from cctui.tui.tail import Tail

SAID = 12
"""Last lines of a run that are shown."""
PATIENT = timedelta(seconds=20)
"""How long an answer may take to show in the World, before its case comes again."""
NOBODY = Reason(Why.STATE, "nobody waits for you")


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of a run; None and empty: not yet."""

    plan: str | None = None
    said: str | None = None
    changed: str = ""


class Answers(RowList):
    """One line each; a tap is the answer, and the keys that scroll act on the text above."""

    def __init__(self, scene: Scene, choose: Callable[[int], None], dim: Callable[[int], bool], *, id: str) -> None:
        super().__init__(scene, id=id)
        self.choose_answer = choose
        self.dim = dim
        self.found: tuple[Answer, ...] = ()

    def offer(self, found: tuple[Answer, ...]) -> None:
        if found != self.found:
            self.found = found
            self.at = 0
            self.styles.height = len(found)
            self.painted.clear()
            self.set_items([Item(str(number), 1) for number in range(1, len(found) + 1)])

    def draw(self, item: Item, width: int, chosen: bool) -> Sequence[list[Span]]:
        number = int(item.key)
        tone = "dim" if self.dim(number) else "strong" if chosen else ""
        return (
            [
                self.mark(self.scene.signs.cursor, chosen),
                (f"{number} ", "accent"),
                (self.found[number - 1].label, tone),
            ],
        )

    async def on_click(self, event: events.Click) -> None:
        event.prevent_default()  # which would open the row as well
        line = event.get_content_offset_capture(self).y
        if 0 <= line < len(self.items):
            self.go(line, 1)
            self.choose_answer(line + 1)

    def action_open(self) -> None:
        if self.chosen:
            self.choose_answer(int(self.chosen))

    def action_page(self, way: int) -> None:
        if isinstance(self.screen, Page):
            self.screen.action_page(way)


class Triage(Page):
    """`key` is the run to begin with; empty: whoever has waited longest."""

    AUTO_FOCUS = "#answers"
    BINDINGS = [*TRIAGE]

    tail = getters.query_one("#body", Tail)
    choices = getters.query_one("#answers", Answers)

    def __init__(self, scene: Scene, key: str = "") -> None:
        super().__init__(scene, key)
        self.place = 0
        self.known: dict[str, Known] = {}
        self.answered: dict[str, tuple[str, datetime]] = {}
        """Case → the question that was answered, and when."""
        self.reading: Run | None = None
        """What was read last belongs to this."""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title", gap=2)
        yield Tail(self.scene, id="body")
        yield Answers(self.scene, self.action_answer, self.is_dim, id="answers")
        yield Bar(self.scene, id="hints")

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "now", self.tick, init=False)

    def tick(self) -> None:
        if any(self.scene.link.now() - at > PATIENT for _, at in self.answered.values()):
            self.show()

    # --- who waits

    def waiting(self) -> list[Case]:
        """Those that are not answered yet; an answer that nothing came of does not count."""
        now = self.scene.link.now()
        found = list(cases(self.scene.link.world, now))
        questions = {case.key: case.question for case in found}
        self.answered = {
            key: (question, at)
            for key, (question, at) in self.answered.items()
            if questions.get(key) == question and now - at <= PATIENT
        }
        return [case for case in found if case.key not in self.answered]

    def case(self) -> Case | None:
        """The one that is shown: the same as before, as long as it waits; then whoever stands in its place."""
        found = self.waiting()
        self.place = next((i for i, case in enumerate(found) if case.key == self.key), self.place)
        self.place = max(0, min(self.place, len(found) - 1))
        chosen = found[self.place] if found else None
        self.key = chosen.key if chosen else ""
        return chosen

    def show(self) -> None:
        case = self.case()
        self.show_title()
        self.choices.offer(answers(case) if case else ())
        self.tail.put(list(self.lines(case)))
        self.choices.repaint()
        if case and case.run and case.run is not self.reading:
            self.reading = case.run
            self.read(case)
        self.call_after_refresh(hints.show, self, self.hint_line)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self, case: Case) -> None:
        """The plan or the last words first: they are what is waited for."""
        link, run = self.scene.link, case.run
        if run is None:
            return
        known = self.known.get(case.key, Known())
        try:
            if case.kind is Kind.PLAN:
                known = replace(known, plan=plan_of(clean(await link.text(note_path(run.spec)))))
            else:
                known = replace(known, said=(await link.tail(case.key, SAID)).strip("\n"))
        except LinkError as error:
            trouble = f"It cannot be shown: {view.safe(str(error))}"
            known = replace(known, **{"plan" if case.kind is Kind.PLAN else "said": trouble})
        self.take(case.key, known)
        if run.tree:
            found, sums = await diff.look(link, case.key)
            files = len(list(diff.files(found)))
            said = f"{files} file{'' if files == 1 else 's'} {sums}" if sums else "changed nothing"
            self.take(case.key, replace(known, changed=said))

    def take(self, key: str, known: Known) -> None:
        self.known[key] = known
        if self.is_mounted and key == self.key:
            self.show()

    # --- what is shown

    def heading(self) -> str:
        case = self.case()
        return case.name if case else "Needs you"

    def aside(self) -> str:
        found = len(self.waiting())
        return f"{self.place + 1} of {found}" if found else ""

    def lines(self, case: Case | None) -> Iterator[list[Span]]:
        if case is None:
            yield from self.nobody()
            return
        signs, now = self.scene.signs, self.scene.link.now()
        since = f" {signs.dot} waits {view.span((now - case.since).total_seconds())}" if case.since else ""
        yield [(f"{signs.needs} {asked(case)}", "needs"), (since, "dim")]
        known = self.known.get(case.key, Known())
        yield from risk(case, self.scene.link.world.tasks.get(case.name), known.changed, signs.dot)
        text = known.plan if case.kind is Kind.PLAN else known.said
        if case.run is None:
            yield [(view.safe(case.key), "dim")] if case.kind is Kind.FILE else []
        elif text is None:
            yield from ([], [("Reading …", "dim")])
        elif text:
            yield []
            yield from toned(text)
        else:
            yield from ([], [("The plan is empty." if case.kind is Kind.PLAN else "It has said nothing yet.", "dim")])

    def nobody(self) -> Iterator[list[Span]]:
        yield from ([], [("Nobody waits for you.", "")], [])
        if self.answered:
            count = len(self.answered)
            yield [(f"{count} answer{'' if count == 1 else 's'} on the way: heard at the next step.", "dim")]
        yield [("esc leads back.", "dim")]

    def is_dim(self, number: int) -> bool:
        return self.no_answer(number) is not None

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A file has no terminal and no log: their keys are not there at all."""
        if opening(self):
            return False
        if action in ("attach", "log", "changes", "stop", "details", "next"):
            case = self.case() if self.is_mounted else None
            return case is not None and (case.run is not None or action in ("details", "next"))
        return True

    def refused(self, action: str) -> Reason | None:
        case = self.case()
        if case is None:
            return NOBODY
        match action:
            case "next(1)" | "next(-1)" if len(self.waiting()) < 2:
                return Reason(Why.STATE, "nobody else waits for you")
            case "attach":
                return openrun.no_attach(case.run)
            case "stop":
                return refusal(self.scene.link.world, StopRun(case.name), self.scene.link.now())
        return None

    def no_answer(self, number: int) -> Reason | None:
        """Why that answer cannot be given now."""
        case, link = self.case(), self.scene.link
        found = answers(case) if case else ()
        if case is None or number > len(found):
            return NOBODY if case is None else Reason(Why.STATE, "there is no such answer")
        answer = found[number - 1]
        if answer.go == "reply":
            return openrun.no_reply(link.world, case.run, link.now())
        if answer.go == "takeover":
            return openrun.no_takeover(link.world, case.run, link.now())
        unread = refused(case, answer, self.known.get(case.key, Known()).plan)
        return unread or (refusal(link.world, answer.command, link.now()) if answer.command else None)

    def action_answer(self, number: int) -> None:
        case = self.case()
        if reason := self.no_answer(number):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif case:
            self.give(case, answers(case)[number - 1])

    def give(self, case: Case, answer: Answer) -> None:
        if answer.go == "reply":
            self.open_line(case)
        elif answer.go:
            self.post_message(Go(answer.go, case.key))
        elif answer.command and answer.sure:
            self.post_message(Ask(answer.command, answer.sure))
        elif answer.command:
            self.send(case, answer)

    @work(group="answer", exit_on_error=False)
    async def send(self, case: Case, answer: Answer) -> None:
        link = self.scene.link
        if answer.command is None:
            return
        try:
            reason = await link.send(answer.command)
        except LinkError as error:
            reason = Reason(Why.STATE, str(error))
        if reason:
            self.post_message(Say(view.say(reason, link.now())))
        else:
            self.done(case)

    def done(self, case: Case) -> None:
        self.answered[case.key] = (case.question, self.scene.link.now())
        self.show()

    def open_line(self, case: Case) -> None:
        if not self.query(ReplyLine):
            self.mount(ReplyLine(self.scene, case.name), before="#hints")

    def on_reply_line_sent(self, message: ReplyLine.Sent) -> None:
        message.stop()
        self.close_line()
        case = self.case()
        if case and case.name == message.task_name:
            self.done(case)

    def on_reply_line_closed(self, message: ReplyLine.Closed) -> None:
        message.stop()
        self.close_line()

    def close_line(self) -> None:
        self.query(ReplyLine).remove()
        self.choices.focus(scroll_visible=False)
        self.call_after_refresh(hints.show, self, self.hint_line)

    def action_next(self, way: int) -> None:
        found = self.waiting()
        if reason := self.refused(f"next({way})"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
            return
        self.place = (self.place + way) % len(found)
        self.key = found[self.place].key
        self.tail.scroll_home(animate=False)
        self.show()

    def action_stop(self) -> None:
        case = self.case()
        if reason := self.refused("stop"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif case:
            self.post_message(Ask(StopRun(case.name), stopping(case)))

    def visit(self, where: str, action: str) -> None:
        if reason := self.refused(action):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        else:
            self.post_message(Go(where, self.key))

    def action_attach(self) -> None:
        self.visit("attach", "attach")

    def action_log(self) -> None:
        self.visit("peek", "log")

    def action_changes(self) -> None:
        self.visit("changes", "changes")

    def action_details(self) -> None:
        if case := self.case():
            self.post_message(Go("detail", case.name if case.run else case.key))
