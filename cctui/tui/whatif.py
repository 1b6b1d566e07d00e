"""What if: who ends later, and who is late, because of what a person is about to do or has just done.

While a task is carried the line shows what dropping it here would do; after a move, a pause or a new task it says what
that has done, and `u` takes it back.  The key itself never waits for any of this.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from textual import work
from textual.timer import Timer

from cctui.core.forecast import Plan, Slip, slips
from cctui.core.refusal import refusal
from cctui.core.view import say, short, span
from cctui.core.world import Add, Command, Edit, Hold, Move, Pause, Reason, Why
from cctui.link import LinkError
from cctui.tui.bar import Bar, Entry
from cctui.tui.cells import cut_end
from cctui.tui.messages import Scene

PATIENCE = 0.3
"""Seconds without a further key after which it is worth asking."""
STAYS = 20.0
"""Seconds for which what was done can be read, and taken back with one key."""
WORST = 3


class WhatIf(Bar):
    """One line above the hints, only while it has something to say."""

    def __init__(self, scene: Scene, *, id: str | None = None) -> None:
        super().__init__(scene, id=id)
        self.undo: Command | None = None
        self.since: datetime | None = None
        """When the last thing was done; None: nothing stands here that goes by itself."""
        self.before: Plan | None = None
        """The plan as it is, while a task is carried."""
        self.timer: Timer | None = None
        self.subject = ""
        """The task that was paused: that it is not done is no news."""

    # --- before it is done

    def carrying(self, command: Command | None) -> None:
        """A task is carried, and dropping it here would be `command`; None: it is where it was."""
        self.later(command, carried=True)

    def put_down(self) -> None:
        """Nothing is carried any more."""
        self.before = None
        self.hide()

    # --- after it was done

    def done(self, command: Command, undo: Command | None) -> None:
        """`command` was carried out, and `undo` takes it back."""
        self.undo, self.since, self.before = undo, self.scene.link.now(), None
        self.subject = command.task if isinstance(command, Pause) else ""
        self.say(headline(command), "")
        self.later(undo, carried=False)

    def tick(self) -> None:
        if self.since and (self.scene.link.now() - self.since).total_seconds() > STAYS:
            self.hide()

    def hide(self) -> None:
        if self.timer:
            self.timer.stop()
        self.since = None
        self.remove_class("-on")

    # --- asking

    def later(self, command: Command | None, *, carried: bool) -> None:
        if self.timer:
            self.timer.stop()
        if command is None:
            self.hide()
            return
        ask = self.preview if carried else self.look_back
        self.timer = self.set_timer(PATIENCE, partial(ask, command))

    @work(group="whatif", exclusive=True, exit_on_error=False)
    async def preview(self, command: Command) -> None:
        """What dropping it here would do."""
        link = self.scene.link
        try:
            if self.before is None:
                found = await link.plan()
                self.before = found if isinstance(found, Plan) else None
            after = await link.plan(command)
        except LinkError as error:
            self.say(str(error), "warn")
            return
        if isinstance(after, Reason):
            self.say(say(after, link.now()), "warn")
        elif self.before:
            self.consequences(self.before, after)

    @work(group="whatif", exclusive=True, exit_on_error=False)
    async def look_back(self, undo: Command) -> None:
        """What has been done, by comparing with the plan of taking it back."""
        link = self.scene.link
        try:
            before, after = await link.plan(undo), await link.plan()
        except LinkError:
            return  # the change itself was made; only what comes of it cannot be told
        if isinstance(before, Plan) and isinstance(after, Plan):
            self.consequences(before, after)

    # --- saying

    def consequences(self, before: Plan, after: Plan) -> None:
        found = tuple(slip for slip in slips(before, after) if slip.task != self.subject)
        text, tone = told(found, after)
        self.say(text, tone)

    def say(self, text: str, tone: str) -> None:
        right = [Entry((("u", "accent"), (" Undo", "")), "undo")] if self.since and self.undo else []
        room = self.app.size.width - 2 - (right[0].width + self.gap if right else 0)
        self.show([Entry(((cut_end(text, room), tone),), "forecast")], right)
        self.add_class("-on")

    def refused(self) -> Reason | None:
        """Why there is nothing to take back."""
        if self.undo is None:
            return Reason(Why.STATE, "there is nothing to take back")
        return refusal(self.scene.link.world, self.undo, self.scene.link.now())


def headline(command: Command) -> str:
    """What was done, until it is known what comes of it."""
    match command:
        case Move(task=name):
            return f"{short(name)} moved"
        case Pause(task=name, on=on):
            return f"{short(name)} {'paused' if on else 'goes on'}"
        case Hold(on=on):
            return "hold is on" if on else "released"
        case Add(name=name):
            return f"{short(name)} is in the queue"
        case Edit(task=name, field=field):
            return f"{short(name)}: {field} changed"
    return "done"


def told(found: tuple[Slip, ...], after: Plan) -> tuple[str, str]:
    """Who ends later, the worst first, and who is late: ``fix-9 +3h05, late 20m · release +10m``; and its tone."""
    later = [slip for slip in found if slip.seconds > 0]
    late = any(slip.newly_late for slip in later)
    if not later:
        sooner = [f"{short(slip.task, 16)} -{span(-slip.seconds)}" for slip in reversed(found)][:WORST]
        return (f"nobody slips{': ' if sooner else ''}{', '.join(sooner)}", "good")
    worst = sorted(later, key=lambda slip: (not slip.newly_late, -slip.seconds))
    parts = [_slip(slip, after) for slip in worst[:WORST]]
    more = f" · {len(worst) - WORST} more" if len(worst) > WORST else ""
    return " · ".join(parts) + more, "bad" if late else "warn"


def _slip(slip: Slip, after: Plan) -> str:
    planned = after.of(slip.task)
    by = f"+{span(slip.seconds)}" if slip.end_after else "not done"
    late = f", late {span(planned.late)}" if slip.newly_late and planned and planned.late else ""
    return f"{short(slip.task, 16)} {by}{late}"
