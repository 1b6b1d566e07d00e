"""The live log of one run, and a line to say something to it.

Promises: it follows the end until a person scrolls up; while nobody looks nothing is asked for and nothing drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual import getters, work
from textual.app import ComposeResult

from cctui.core import view
from cctui.core.health import health
from cctui.core.refusal import refusal
from cctui.core.world import FIVE_HOUR, Reason, Run, Stage, StopRun
from cctui.link import LinkError
from cctui.tui import hints, openrun
from cctui.tui.ansi import toned
from cctui.tui.bar import Bar, Entry
from cctui.tui.gauge import countdown, label
from cctui.tui.keys import PEEK
from cctui.tui.messages import Ask, Go, Say, Scene
from cctui.tui.pages import Page
from cctui.tui.reply import ReplyLine, opening
from cctui.tui.tail import Tail

LINES = 200
"""Lines that are asked for at once."""
KEPT = 1000
"""Lines that are kept while it is open."""
NEAR = 0.5
"""Seconds between two questions on this machine; over SSH the app's tick is the beat."""


class Peek(Page):
    """`key` is the run's id."""

    BINDINGS = [*PEEK]
    SAYS = False
    """The line to it is open at once."""

    about = getters.query_one("#about", Bar)
    tail = getters.query_one("#body", Tail)

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__(scene, key)
        self.lines: Sequence[str] | None = None
        """What it said; None: not asked yet."""
        self.asking = False
        self.over = False
        """It has ended, and its last words were read."""
        self.unseen = False
        """Lines have come since a person scrolled up."""

    def compose(self) -> ComposeResult:
        yield Bar(self.scene, id="title", gap=2)
        yield Bar(self.scene, id="about", gap=2)
        yield Tail(self.scene, id="body", follow=True)
        if self.SAYS and (run := self.run_now()):
            yield ReplyLine(self.scene, run.spec.task)
        yield Bar(self.scene, id="hints")

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "now", self.tick, init=False)
        self.tail.put([[("Reading …", "dim")]])
        if not self.scene.lean:
            self.set_interval(NEAR, self.look)
        self.follow()

    # --- what it says

    def tick(self) -> None:
        self.show_about()
        if self.scene.lean:
            self.look()

    def look(self) -> None:
        """Ask again, if anything can have been said and anybody reads it."""
        run = self.run_now()
        quiet = run is not None and run.stage is Stage.PARKED
        if self.app.app_focus and self.is_current and not self.over and not quiet:
            self.follow()

    def follow(self) -> None:
        if not self.asking:
            self.asking = True
            self.read()

    @work(group="peek", exit_on_error=False)
    async def read(self) -> None:
        over = self.run_now() is None
        try:
            said = (await self.scene.link.tail(self.key, LINES)).strip("\n")
            self.over = over
            self.heard_lines(said.split("\n") if said else [])
        except LinkError as error:
            self.heard_lines([view.safe(str(error))])
        finally:
            self.asking = False

    def heard_lines(self, lines: Sequence[str]) -> None:
        if not self.is_mounted:
            return
        old = self.lines or ()
        merged, gone = grown(old, lines)
        if self.lines is not None and merged == old:
            return
        self.lines = merged
        shown = toned("\n".join(merged)) if merged else [[("It has said nothing yet.", "dim")]]
        self.unseen = self.unseen or not self.tail.at_end
        self.tail.put(shown, gone)
        self.show_about()

    def on_tail_scrolled(self, message: Tail.Scrolled) -> None:
        message.stop()
        self.unseen = self.unseen and not self.tail.at_end
        self.show_about()

    # --- the head

    def show(self) -> None:
        self.show_title()
        self.show_about()
        self.call_after_refresh(hints.show, self, self.hint_line)
        self.look()

    def heading(self) -> str:
        run = self.run_now()
        return run.spec.task if run else self.ended()

    def run_now(self) -> Run | None:
        return self.scene.link.world.runs.get(self.key)

    def ended(self) -> str:
        """The task's name, once the run is history."""
        return next((r.task_id for r in self.scene.link.world.records if r.run_id == self.key), self.key)

    def aside(self) -> str:
        run = self.run_now()
        if run is None:
            return "ended"
        row = next((row for row in self.scene.rows("active") if row.run is run), None)
        return openrun.NEEDS if openrun.needs(run) else openrun.word(row) if row else run.stage.value

    def show_about(self) -> None:
        run, plain = self.run_now(), self.scene.signs.plain
        left = [Entry((span,)) for span in self.facts(run)] if run else []
        newer = f"{'v' if plain else '▼'} newer: G"
        right = [Entry(((newer, "accent"),), "last")] if self.unseen else []
        self.about.show(left, right)

    def facts(self, run: Run) -> Iterator[tuple[str, str]]:
        """``12:04  48k  $0.24  6 % of 5h  quiet 12m``: what ticks stands first."""
        now, world = self.scene.link.now(), self.scene.link.world
        if run.leg_started and run.stage is Stage.RUNNING:
            yield countdown((now - run.leg_started).total_seconds()), "strong"
        for word in (found := health(run, world, now)).words[:2]:
            yield word, openrun.TONES[found.level] if word == found.words[0] else "dim"
        yield f"{view.count(run.progress.tokens)} tokens", "dim"
        if run.progress.cost_usd is not None:
            yield f"${run.progress.cost_usd:.2f}", "dim"
        taken = run.points.get(FIVE_HOUR)
        yield f"{view.points(taken)} of {label(FIVE_HOUR)}", "dim"

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not opening(self)

    def refused(self, action: str) -> Reason | None:
        run, link = self.run_now(), self.scene.link
        match action:
            case "attach":
                return openrun.no_attach(run)
            case "type":
                return openrun.no_typing(run)
            case "takeover":
                return openrun.no_takeover(link.world, run, link.now())
            case "say":
                return openrun.no_reply(link.world, run, link.now())
            case "stop":
                return refusal(link.world, StopRun(run.spec.task), link.now()) if run else openrun.GONE
        return None

    def visit(self, where: str, action: str = "") -> None:
        """There with this run, or why not."""
        if reason := self.refused(action or where):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        else:
            self.post_message(Go(where, self.key))

    def action_attach(self) -> None:
        self.visit("attach")

    def action_type(self) -> None:
        # Whoever sits down at a run of their own has the keys.
        self.visit("takeover", "type")

    def action_takeover(self) -> None:
        self.visit("takeover")

    def action_changes(self) -> None:
        self.visit("changes")

    def action_say(self) -> None:
        run = self.run_now()
        if reason := self.refused("say"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif run and not self.query(ReplyLine):
            self.mount(ReplyLine(self.scene, run.spec.task), before="#hints")
            self.call_after_refresh(hints.show, self, self.hint_line)

    def on_reply_line_sent(self, message: ReplyLine.Sent) -> None:
        message.stop()
        self.close_line()
        self.show_about()

    def on_reply_line_closed(self, message: ReplyLine.Closed) -> None:
        message.stop()
        self.close_line()

    def close_line(self) -> None:
        self.query(ReplyLine).remove()
        self.tail.focus(scroll_visible=False)
        self.call_after_refresh(hints.show, self, self.hint_line)

    def action_stop(self) -> None:
        run = self.run_now()
        if reason := self.refused("stop"):
            self.post_message(Say(view.say(reason, self.scene.link.now())))
        elif run:
            self.post_message(Ask(StopRun(run.spec.task), f"Stop {view.short(run.spec.task)}?"))


class Saying(Peek):
    """The same, with the line to it open: what is typed at once stands in it."""

    AUTO_FOCUS = "#say"
    SAYS = True


def grown(old: Sequence[str], new: Sequence[str]) -> tuple[Sequence[str], int]:
    """What was there with what has come, and how many lines fell off at its front.

    `new` is a view of the end: it begins somewhere in `old`, whose last line may have grown.  Where it does not, there
    was more between them than was asked for, and only the new lines are shown."""
    for at in range(len(old)):
        if new and old[at] == new[0] and list(old[at:-1]) == list(new[: len(old) - at - 1]):
            merged = [*old[:at], *new]
            gone = max(0, len(merged) - KEPT)
            return merged[gone:], gone
    return new, 0
