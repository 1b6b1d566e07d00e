"""What if: who ends later, and who is late, because of what a person is about to do or has just done.

While a task is carried the line shows what dropping it here would do; after a move, a pause or a new task, in whatever
face, it says what that has done, and `u` takes it back.  The key itself never waits for any of this.  What can be taken
back is the engine's to know: here stands only the newest of it.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from textual import work
from textual.timer import Timer

from cctui.core.forecast import Plan, Slip, slips
from cctui.core.refusal import refusal
from cctui.core.view import say, short, span
from cctui.core.world import Command, Done, Pause, Reason, Together, Undo, World
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
        self.known: tuple[Done, ...] | None = None
        """What could be taken back when we last looked; None: that is not known yet."""
        self.since: datetime | None = None
        """When the last thing was done; None: nothing stands here that goes by itself."""
        self.before: Plan | None = None
        """The plan as it is, while a task is carried."""
        self.timer: Timer | None = None
        self.subjects: frozenset[str] = frozenset()
        """The tasks that were paused: that they are not done is no news."""

    def on_mount(self) -> None:
        self.watch(self.app, "world", self.heard)

    @property
    def undo(self) -> Undo | None:
        """What the key sends; None: there is nothing to take back."""
        return Undo() if self.scene.link.world.memory.done else None

    # --- before it is done

    def carrying(self, command: Command | None) -> None:
        """A task is carried, and dropping it here would be `command`; None: it is where it was."""
        self.later(command, carried=True)

    def put_down(self) -> None:
        """Nothing is carried any more."""
        self.before = None
        self.hide()

    # --- after it was done

    def heard(self, world: World) -> None:
        """Something may have been done, or taken back."""
        done = world.memory.done
        if done is self.known:
            return
        before, self.known = self.known, done if world.loaded else None
        if before is None or self.known is None:
            return
        if done and done[-1] not in before:
            self.did(done[-1])
        elif len(done) < len(before):
            self.took_back(before[-1], world)

    def did(self, done: Done) -> None:
        now = self.scene.link.now()
        if (now - done.at).total_seconds() > STAYS:
            return  # while nobody looked
        self.since, self.before, self.subjects = now, None, paused(done.undo)
        self.say(done.label, "")
        self.later(Undo(), carried=False)

    def took_back(self, done: Done, world: World) -> None:
        said = f"taken back: {done.label}"
        self.hide()
        if any(note.text == said for note in world.notes[-5:]):  # else it was only let go of, and a note says why
            self.since = self.scene.link.now()
            self.say(said, "")

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
        link, known = self.scene.link, self.known
        try:
            before, after = await link.plan(undo), await link.plan()
        except LinkError:
            return  # the change itself was made; only what comes of it cannot be told
        if isinstance(before, Plan) and isinstance(after, Plan) and self.known is known:
            self.consequences(before, after)

    # --- saying

    def consequences(self, before: Plan, after: Plan) -> None:
        found = tuple(slip for slip in slips(before, after) if slip.task not in self.subjects)
        text, tone = told(found, after)
        self.say(text, tone)

    def say(self, text: str, tone: str) -> None:
        right = [Entry((("u", "accent"), (" Undo", "")), "undo")] if self.since and self.undo else []
        room = self.app.size.width - 2 - (right[0].width + self.gap if right else 0)
        self.show([Entry(((cut_end(text, room), tone),), "forecast")], right)
        self.add_class("-on")

    def refused(self) -> Reason | None:
        """Why nothing can be taken back now."""
        return refusal(self.scene.link.world, Undo(), self.scene.link.now())


def paused(undo: Command) -> frozenset[str]:
    """The tasks that were paused by what `undo` takes back."""
    parts = undo.commands if isinstance(undo, Together) else (undo,)
    return frozenset(part.task for part in parts if isinstance(part, Pause) and not part.on)


def told(found: tuple[Slip, ...], after: Plan) -> tuple[str, str]:
    """Who ends later, the worst first, and who is late: ``later: fix-9 +3h05, late 20m · release +10m``; its tone."""
    later = [slip for slip in found if slip.seconds > 0]
    late = any(slip.newly_late for slip in later)
    if not later:
        sooner = [_sooner(slip) for slip in reversed(found)][:WORST]
        return (f"nobody ends later{': ' if sooner else ''}{', '.join(sooner)}", "good")
    worst = sorted(later, key=lambda slip: (not slip.newly_late, -slip.seconds))
    tone = "bad" if late else "warn"
    if len(worst) == 1:
        return _alone(worst[0], after), tone
    parts = [_slip(slip, after) for slip in worst[:WORST]]
    more = f" · {len(worst) - WORST} more" if len(worst) > WORST else ""
    return f"later: {' · '.join(parts)}{more}", tone


def _sooner(slip: Slip) -> str:
    name = short(slip.task, 16)
    return f"{name} -{span(-slip.seconds)}" if slip.end_before else f"{name} is done again"


def _alone(slip: Slip, after: Plan) -> str:
    by = f"ends {span(slip.seconds)} later" if slip.end_after else "is not done"
    return f"{short(slip.task, 16)} {by}{_late(slip, after)}"


def _slip(slip: Slip, after: Plan) -> str:
    by = f"+{span(slip.seconds)}" if slip.end_after else "not done"
    return f"{short(slip.task, 16)} {by}{_late(slip, after)}"


def _late(slip: Slip, after: Plan) -> str:
    planned = after.of(slip.task)
    return f", late {span(planned.late)}" if slip.newly_late and planned and planned.late else ""
