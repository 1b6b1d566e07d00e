"""Keeping a person's place: written down a moment after the last key, found again by the next life of the app.

Promises: a key costs one assignment; the bookmark is written off the loop, and once more at the end; whoever has
already pressed a key is not taken elsewhere; of what no longer exists nothing is opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from cctui.core.world import World
from cctui.tui.board import PANES, Board
from cctui.tui.messages import Scene
from cctui.tui.place import END, NOT_KEPT, Bookmark, Place, Spot, Step, from_text, to_text
from cctui.tui.rowlist import RowList

QUIET = 2.0
"""Seconds after the last key before the place is written down."""
LOOKS, LOOK_SECONDS = 20, 0.1
"""How often, and how far apart, it is looked whether a text that is still being read is long enough to scroll to its
place."""

NOTES = "notes"


class Keeper:
    """Of one app, as long as it lives."""

    def __init__(self, app: App[Any], scene: Scene, bookmark: Bookmark | None) -> None:
        self.app = app
        self.scene = scene
        self.bookmark = bookmark
        self.opened: list[tuple[Screen[Any], Step]] = []
        self.written = ""
        self.resumed = bookmark is None
        self.last = 0.0
        self.due: asyncio.TimerHandle | None = None

    # --- writing it down

    def touched(self) -> None:
        """A person has done something."""
        self.resumed = True
        if self.bookmark is None:
            return
        loop = asyncio.get_running_loop()
        self.last = loop.time()
        if self.due is None:
            self.due = loop.call_later(QUIET, self.look)

    def look(self) -> None:
        loop = asyncio.get_running_loop()
        left = self.last + QUIET - loop.time()
        if left > 0:
            self.due = loop.call_later(left, self.look)
            return
        self.due = None
        if self.bookmark and (text := self.changed()):
            writing = asyncio.to_thread(self.bookmark.save, text)
            self.app.run_worker(writing, group="bookmark", exit_on_error=False)

    def end(self) -> None:
        """The app goes: now or never."""
        if self.due:
            self.due.cancel()
            self.due = None
        if self.bookmark and self.resumed and (text := self.changed()):
            self.bookmark.save(text)

    def changed(self) -> str:
        """The place as text, when it is another than the one written last."""
        place = self.here()
        text = to_text(place) if place else ""
        if text == self.written:
            return ""
        self.written = text
        return text

    def open(self, screen: Screen[Any], where: str, key: str) -> None:
        """A sub-screen has been asked for."""
        self.opened = [(one, step) for one, step in self.opened if one in self.app.screen_stack]
        if where not in NOT_KEPT:
            self.opened.append((screen, Step(where, key)))

    def here(self) -> Place | None:
        stack = self.app.screen_stack
        board = stack[0] if stack else None
        if not isinstance(board, Board) or not board.is_attached:
            return None
        lists = tuple((one.id, spot(one)) for one in board.query(RowList) if one.id)
        return Place(board.pane(), board.queue.as_tree, lists, tuple(self.trail()))

    def trail(self) -> Iterator[Step]:
        for screen, step in self.opened:
            if screen not in self.app.screen_stack or not screen.is_attached:
                continue
            rows = next(iter(screen.query(RowList)), None)
            if rows:
                found = spot(rows)
                yield Step(step.where, step.key, found.cursor, found.line)
            else:
                yield Step(step.where, step.key, line=first_line(screen))

    # --- finding it again

    def resume(self, world: World) -> None:
        """Go to the place, once there is a World to find it in."""
        if self.resumed or self.bookmark is None or not (world.scanned and world.looked):
            return
        self.resumed = True
        text = self.bookmark.load()
        place = from_text(text)
        self.written = text
        board = self.app.screen_stack[0]
        if place == Place() or len(self.app.screen_stack) > 1 or not isinstance(board, Board):
            return
        with self.app.batch_update():
            self.go(board, place)
        steps = [step for step in place.trail if exists(world, step)]
        if steps and len(steps) == len(place.trail):
            self.app.run_worker(self.reopen(steps), group="resume", exit_on_error=False)

    def go(self, board: Board, place: Place) -> None:
        spots = dict(place.lists)
        if place.tree != board.queue.as_tree:
            board.queue.action_tree()
        for rows in board.query(RowList):
            if one := spots.get(rows.id or ""):
                if one.words and hasattr(rows, "filter"):
                    rows.filter(one.words)
                self.app.call_after_refresh(put, rows, one)
                put(rows, one)
        if place.pane in PANES and place.pane != board.pane():
            board.action_pane(place.pane)

    async def reopen(self, steps: list[Step]) -> None:
        for step in steps:
            make = import_module("cctui.tui.screens").make  # they cost time that the first paint does not have
            screen: Screen[Any] = make(self.scene, step.where, step.key)
            if step.where != NOTES and type(screen) is type(make(self.scene, NOTES, "")):
                return  # the notices stand for whatever is not known
            self.open(screen, step.where, step.key)
            await self.app.push_screen(screen)
            for _ in range(LOOKS):
                if self.there(screen, step):
                    break
                await asyncio.sleep(LOOK_SECONDS)

    def there(self, screen: Screen[Any], step: Step) -> bool:
        """Scroll to the place; whether it could be reached."""
        rows = next(iter(screen.query(RowList)), None)
        if rows:
            return put(rows, Spot(step.cursor, step.line))
        body = text_of(screen)
        if body is None or not step.line:
            return True
        if step.line == END:
            body.scroll_end(animate=False)
            return body.max_scroll_y > 0
        body.scroll_to(y=step.line, animate=False)
        return body.max_scroll_y >= step.line


def spot(rows: RowList) -> Spot:
    line = rows.tops[rows.at] - rows.scroll_offset.y if rows.at < len(rows.tops) else 0
    return Spot(rows.chosen, line, getattr(rows, "words", ""))


def put(rows: RowList, one: Spot) -> bool:
    """The cursor onto its row, and the row onto its line; whether the row is there."""
    at = next((i for i, item in enumerate(rows.items) if item.key and item.key == one.cursor), None)
    if at is None:
        return not one.cursor
    rows.go(at, 1)
    rows.scroll_to(y=rows.tops[at] - one.line, animate=False)
    return True


def text_of(screen: Screen[Any]) -> Widget | None:
    """What scrolls on a screen that is read."""
    return next(iter(screen.query("#body")), None)


def first_line(screen: Screen[Any]) -> int:
    body = text_of(screen)
    if body is None or not body.max_scroll_y:
        return 0
    return END if body.scroll_offset.y >= body.max_scroll_y else body.scroll_offset.y


def exists(world: World, step: Step) -> bool:
    """What the screen was opened for is still there."""
    key = step.key
    if not key or key in world.tasks or key in world.runs:
        return True
    return any(key in (one.run_id, f"{one.task_id} {one.timestamp}") for one in world.records)
