"""Why a task waits, gate by gate, and what every window has left: two pages that fit on a phone."""

from __future__ import annotations

from rich.text import Text

from cctui.core import gates, headroom, queue, view
from cctui.core.headroom import Level
from cctui.core.metrics import unused_words
from cctui.core.pacing import Pace
from cctui.core.view import figure, moment, points, span
from cctui.core.words import window_name
from cctui.core.world import SEVEN_DAY
from cctui.tui import gauge
from cctui.tui.gatelines import put_gates
from cctui.tui.keys import WHY
from cctui.tui.messages import Go
from cctui.tui.pages import Page


class Why(Page):
    """Every gate of one task: number, threshold, and when it opens."""

    BINDINGS = [*WHY]

    def heading(self) -> str:
        return f"why {self.key}"

    def action_open(self) -> None:
        self.post_message(Go("detail", self.key))

    def aside(self) -> str:
        row = next((row for row in self.scene.rows() if row.name == self.key), None)
        return f"{row.state}" if row else "gone"

    def content(self) -> Text:
        text, world, now = Text(), self.scene.link.world, self.scene.link.now()
        put_gates(text, self.scene, view.why(world, self.key, now))
        text.rstrip()
        return text if text.plain else Text("This task is gone: its file has left the folders.")


class Windows(Page):
    """What every window has left, and whose the rest is."""

    def heading(self) -> str:
        return "Windows"

    def aside(self) -> str:
        free = headroom.headroom(headroom.levels(self.stage())).free
        return f"{points(free)} free" if free is not None else "not known"

    def stage(self) -> queue.Scene:
        return queue.scene(self.scene.link.world, self.scene.link.now())

    def content(self) -> Text:
        text, stage = Text(), self.stage()
        pace = headroom.pace(stage)
        for level in headroom.levels(stage):
            self.window(text, level, pace if level.window.id == SEVEN_DAY else None)
        for line in self.yours(stage):
            text.append(f"{line}\n", self.scene.palette["dim"])
        return text

    def window(self, text: Text, level: Level, pace: Pace | None) -> None:
        window, now, palette = level.window, self.scene.link.now(), self.scene.palette
        width = min(self.app.size.width - 3, 72)
        name = window_name(window.id)
        opens = "" if window.resets_at is None or level.used is None else (
            f"resets {moment(window.resets_at, now)}, in {span((window.resets_at - now).total_seconds())}"
        )  # fmt: skip
        text.append(name, palette["strong"])
        text.append(f"{opens:>{max(width - len(name), 0)}}\n", palette["dim"])
        settings = self.scene.link.world.settings.capacity
        most = settings.five_hour_max if window.id == "five_hour" else settings.seven_day_max
        cells = gauge.bar(self.scene.signs, level, gauge.fullness(level, most), width, pace.target if pace else None)
        for cell, tone in cells:
            text.append(cell, palette[tone] if tone else "")
        parts = (f"{figure(level.used)} used", f"{figure(level.ours)} ours", f"{figure(level.kept)} yours")
        text.append(f"\n{' · '.join(parts)} · ")
        text.append(f"{figure(level.free)} free\n", palette["strong"])
        if pace:
            text.append(f"{gauge.paced(pace)} of {PACES[settings.pace]} pace · {gauge.lasts(pace, now)}\n")
        seen = window.observed_at
        said = f"read {span((now - seen).total_seconds())} ago" if seen else "never read"
        source = f" from {window.source}, {window.confidence}" if window.source else ""
        text.append(f"{said}{source}\n\n", palette["paused"] if window.stale else palette["dim"])

    def yours(self, stage: queue.Scene) -> list[str]:
        """What is kept for the person, and what the last window lost."""
        found = list(gates.kept(stage))
        lost = unused_words(stage.world, stage.now)
        return [*found, lost] if lost else found


PACES = {"use": "an even", "even": "an even", "front": "a front-loaded"}
