"""The app: hears the engine, draws the World, sends what a person asks.  Imports core and link only.

Promises: nothing the screen does can stop the engine; what the engine says arrives as one message, however often it
speaks; while the terminal has no focus not a byte is written.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.constants import DRIVER
from textual.driver import Driver
from textual.events import DescendantFocus, Event, InputEvent, Key
from textual.reactive import reactive
from textual.screen import Screen
from textual.worker import Worker, WorkerError, WorkerState

from cctui.core import view
from cctui.core.clone import clone
from cctui.core.refusal import refusal
from cctui.core.settings import Settings
from cctui.core.world import Add, Command, Note, Reason, RunNow, World
from cctui.tui import keys, toasts
from cctui.tui.board import HEIGHTS, WIDTHS, Board
from cctui.tui.keeping import Keeper
from cctui.tui.lean import NEAR_TICK, TICK, lean
from cctui.tui.messages import Ask, Did, Go, Say, Scene, WorldChanged
from cctui.tui.place import Bookmark
from cctui.tui.resizing import Resizing
from cctui.tui.signs import choose
from cctui.tui.terminal import Line
from cctui.tui.themes import THEMES, defaults, no_colour, palette
from cctui.tui.typing import Typing

if TYPE_CHECKING:
    from cctui.link import Link

Engine = Callable[[], Awaitable[None]]
Left = Literal["detach", "stop", "closed"]
PATIENCE = 10.0
"""Seconds the engine gets to leave before the app leaves without waiting."""


def stylesheet() -> Path:
    """Beside the package in a clone, inside it once installed."""
    package = Path(__file__).resolve().parent.parent
    return next(path for path in (package / "cctui.tcss", package.parent / "cctui.tcss") if path.exists())


class CctuiApp(App[str]):
    CSS_PATH = stylesheet()
    TITLE = "cctui"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    COMMANDS = {lambda: later().Offers}
    BINDINGS = [Binding("ctrl+q", "quit", "Quit", show=False, priority=True, system=True)]

    world: reactive[World] = reactive(World(), layout=False, repaint=False)
    now: reactive[datetime] = reactive(datetime.fromtimestamp(0, UTC), layout=False, repaint=False, always_update=True)

    def __init__(
        self,
        link: Link,
        *,
        engine: Engine | None,
        settings: Settings,
        far: bool = False,
        bookmark: Bookmark | None = None,
    ) -> None:
        # Textual asks for the theme's variables while it is made, and the scene keeps what comes of them.
        self.scene = Scene(link, choose(settings.ui, os.environ), lean=far)
        # Textual would turn colours into greys where there are to be none, but for those that are the terminal's own.
        super().__init__(ansi_color=no_colour(os.environ) or None)
        self.set_class(self.scene.signs.plain, "-plain")
        self.link = link
        self.engine = engine
        self.settings = settings
        self.far = far
        self.keeper = Keeper(self, self.scene, bookmark)
        self.resizing = Resizing(self)
        self.typing = Typing(self, self.scene)
        self.held: World | None = None
        """What the engine said while nobody was looking."""
        self.seen = max((note.seq for note in link.world.notes), default=0)
        self.engine_worker: Worker[None] | None = None
        self.leaving = False
        """A person has said how to leave: the engine's end is no news."""
        for theme in THEMES:
            self.register_theme(theme)
        known = settings.ui.theme in self.available_themes
        # Set before anything is styled: assigning it would parse every stylesheet once more.
        self.set_reactive(App.theme, settings.ui.theme if known else "cctui")
        # Nobody watches yet: whether colours are the terminal's own, and what its sixteen look like.
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())
        if settings.ui.motion == "off" or (settings.ui.motion == "auto" and far):
            self.animation_level = "none"
        self.set_keymap(dict(settings.keys))
        self.set_reactive(CctuiApp.world, link.world)
        self.set_reactive(CctuiApp.now, link.now())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return defaults(self.current_theme)

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        self.scene.palette = palette(variables, colour=not no_colour(os.environ))
        return variables

    def get_driver_class(self) -> type[Driver]:
        # A browser's tab has another line than a terminal, and says so in the environment.
        return Line if DRIVER is None else super().get_driver_class()

    def get_default_screen(self) -> Screen[None]:
        board = Board(self.scene)
        # Known before the first layout, or everything would be styled twice.
        for points, length in (
            (self.HORIZONTAL_BREAKPOINTS, self.size.width),
            (self.VERTICAL_BREAKPOINTS, self.size.height),
        ):
            board.add_class([name for least, name in points if length >= least][-1])
        return board

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        """Textual draws the screen below together with an opaque one on top: twice the whole screen at every change."""
        return [] if self.screen.styles.background.a == 1 else super()._background_screens

    def on_mount(self) -> None:
        self.unsubscribe = self.link.subscribe(self.heard)
        self.clock = self.set_interval(TICK if self.far else NEAR_TICK, self.tick)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            # An ignored hang-up would leave a process that spins on a dead terminal.
            loop.add_signal_handler(number, self.hung_up)
        self.call_after_refresh(self.begin)
        unknown = sorted({name for name, _ in self.settings.keys}.difference(keys.ids()))
        if unknown:
            self.say(f"keys.{unknown[0]}: there is no such action")

    def begin(self) -> None:
        """The first screen stands: now what only costs time before it."""
        gc.enable()
        self.keeper.resume(self.link.world)
        if self.engine and not self.leaving:
            self.engine_worker = self.run_worker(self.host(self.engine), group="engine", exit_on_error=False)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A caret that blinks is motion too, and bytes on a slow line."""
        if self.animation_level == "none" and getattr(event.widget, "cursor_blink", False):
            event.widget.cursor_blink = False  # type: ignore[attr-defined]

    def get_key_display(self, binding: Binding) -> str:
        shown = keys.shown(binding.key)
        return shown if not self.scene.signs.plain or shown.isascii() else binding.key

    def on_unmount(self) -> None:
        self.unsubscribe()

    def exit(self, *args: Any, **options: Any) -> None:
        self.keeper.end()
        super().exit(*args, **options)

    # --- the terminal speaks

    async def on_event(self, event: Event) -> None:
        if isinstance(event, InputEvent):
            self.keeper.touched()
        # A key that nobody took comes up to the app a second time: then it is no new one.
        typed = event if isinstance(event, Key) and not event.is_forwarded else None
        if self.resizing.holds(event) or (typed and self.typing.holds(typed)):
            return
        await super().on_event(event)
        if typed and self.is_running and self.screen_stack:
            self.typing.sent(typed, self.focused or self.screen)

    async def host(self, engine: Engine) -> None:
        await engine()

    # --- the engine speaks

    def heard(self, world: World) -> None:
        """Called by the engine: never draws, only posts."""
        self.post_message(WorldChanged(world))

    def on_world_changed(self, message: WorldChanged) -> None:
        if self.app_focus or not self.world.scanned:  # a window that opens behind another must not stay empty
            self.take(message.world)
        else:
            self.held = message.world

    def take(self, world: World) -> None:
        with self.batch_update():
            self.now = self.link.now()
            self.world = world
        if not self.keeper.resumed:
            self.call_after_refresh(self.keeper.resume, world)
        self.tell([note for note in world.notes if note.seq > self.seen])
        self.seen = max((note.seq for note in world.notes), default=self.seen)

    def tick(self) -> None:
        self.now = self.link.now()
        if isinstance(self._driver, Line) and self._driver.caught_up():
            self.refresh()

    def watch_app_focus(self, focus: bool) -> None:
        """In a pocket the screen costs nothing; taken out again it is drawn once, as things are now."""
        if not hasattr(self, "clock"):
            return
        if focus:
            self.clock.resume()
            self.take(self.held or self.link.world)
            self.held = None
            if self.screen.focused is None and self.screen.AUTO_FOCUS:  # it opened behind another window
                self.screen.set_focus(next(iter(self.screen.query(self.screen.AUTO_FOCUS)), None), scroll_visible=False)
        else:
            self.clock.pause()

    def tell(self, notes: list[Note]) -> None:
        if not self.scene.asking and (told := toasts.toast(self.scene, self.screen, notes)):
            self.notify(told[0], severity=told[1], timeout=4, markup=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker is self.engine_worker:
            if event.state is WorkerState.ERROR:
                self.scene.dead = (
                    f"The engine has stopped: {event.worker.error}. Runs go on; q leaves, then start again"
                )
                self.say(self.scene.dead, 60)
                self.now = self.link.now()
            elif event.state is WorkerState.SUCCESS and not self.leaving:
                # Somebody else has asked the engine to leave.
                self.exit("stop")
        elif event.state is WorkerState.ERROR:
            self.say(str(event.worker.error))

    # --- a person asks

    def say(self, text: str, seconds: float = 6) -> None:
        """Only the newest answer: a key that is pressed again shall not fill the screen."""
        self.clear_notifications()
        self.notify(view.safe(text), severity="warning", timeout=seconds, markup=False)

    def on_say(self, message: Say) -> None:
        self.say(message.text)

    def on_ask(self, message: Ask) -> None:
        self.run_worker(self.ask(message.command, message.sure), group="ask", exit_on_error=False)

    async def ask(self, command: Command, question: str | None) -> None:
        if question and not await self.sure(question):
            return
        reason = await self.link.send(command)
        if reason is None:
            self.post_message(Did(command))
            return
        sentence = view.say(reason, self.link.now())
        if isinstance(command, RunNow) and not command.force:
            forced = RunNow(command.task, force=True)
            if refusal(self.link.world, forced, self.link.now()) is None:
                if not await self.sure(f"{sentence}. Run {view.short(command.task)} anyway?"):
                    return
                reason = await self.link.send(forced)
                if reason is None:
                    return
                sentence = view.say(reason, self.link.now())
        self.say(sentence)

    async def add_clone(self, name: str) -> None:
        """A second task like this one, with a name of its own."""
        try:
            wanted = clone(self.link.world, name, await self.link.text(name))
        except later().LinkError as error:
            self.say(str(error))
            return
        if isinstance(wanted, Reason):
            self.say(view.say(wanted, self.link.now()))
        else:
            await self.ask(wanted, None)

    def on_did(self, message: Did) -> None:
        """The cursor goes to what is new; the line about what was done listens to the World."""
        board = self.screen_stack[0]
        if isinstance(board, Board) and isinstance(message.command, Add):
            board.queue.expect(message.command.name)

    async def sure(self, question: str) -> bool:
        answer: str = await self.push_screen_wait(later().sure(question))
        return answer == "yes"

    def on_go(self, message: Go) -> None:
        match message.where:
            case "attach" | "takeover" | "editor":
                self.run_worker(self.sit(message), group="attach", exclusive=True, exit_on_error=False)
            case "quit" | "detach":
                self.run_worker(self.leave(message.where), group="leave", exclusive=True, exit_on_error=False)
            case "help" | "clear":
                self.help_or_clear(message.where)
            case "filter":
                self.open_filter()
            case "copy":
                self.copy_to_clipboard(message.key)
                self.notify(f"copied: {view.safe(message.key, 40)}", markup=False, timeout=3)
            case "clone":
                self.run_worker(self.add_clone(message.key), group="ask", exit_on_error=False)
            case where:
                screen = later().make(self.scene, where, message.key)
                self.keeper.open(screen, where, message.key)
                self.push_screen(screen)

    def open_filter(self) -> None:
        board, kind = self.screen, later().Filter
        if isinstance(board, Board) and not board.query(kind):
            board.mount(kind(board.list_at()), before="#hints")

    def help_or_clear(self, where: str) -> None:
        """? says what can be done here; esc ends the filter."""
        if where == "help":
            self.push_screen(later().Help(self.scene, self.screen))
        elif isinstance(self.screen, Board) and self.screen.list_at().words:
            self.screen.list_at().filter("")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every key that works here, by name, with what it would act on; then the themes."""
        yield from later().verbs(self, screen)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def action_command_palette(self) -> None:
        later().open_palette(self)

    # --- attach and leave

    async def sit(self, message: Go) -> None:
        """Lend the terminal: to a run, to watch it or to work in it; to an editor, for a task's file."""
        screens = later()
        go = {"attach": screens.attach, "takeover": screens.take_over, "editor": screens.edit}[message.where]
        if trouble := await go(self, self.link, message.key):
            self.say(trouble)

    async def leave(self, where: str) -> None:
        how = "detach"
        if where == "quit":
            gone = not self.link.hosting and self.link.trouble is not None
            how = await self.push_screen_wait(later().leaving(self.link.hosting, len(self.link.world.runs), gone=gone))
        if how:
            await self.let_go(how)

    async def let_go(self, how: str) -> None:
        """A second face just closes; the host first lets its engine end in order."""
        if how == "detach" and not self.link.hosting:
            how = "closed"
        if how != "closed":
            self.leaving = True
            try:
                async with asyncio.timeout(PATIENCE):
                    await self.link.leave("detach" if how == "detach" else "stop")
                    if self.engine_worker:
                        await self.engine_worker.wait()
            except (TimeoutError, later().LinkError, OSError, WorkerError) as error:
                self.log.error("the engine did not leave in order", error=error)
        self.exit(how)

    def hung_up(self) -> None:
        """The terminal is gone, or somebody ends us."""
        how = "stop" if self.settings.ui.on_hangup == "stop" else "detach"
        self.run_worker(self.let_go(how if self.link.hosting else "closed"), group="leave", exclusive=True)

    async def action_quit(self) -> None:
        self.post_message(Go("quit"))


def later() -> ModuleType:
    """The sub-screens, imported when the first of them opens: the first paint does not wait for them."""
    return importlib.import_module("cctui.tui.screens")


def run_app(link: Link, *, engine: Engine | None, settings: Settings, bookmark: Bookmark | None = None) -> str:
    """Show the app until a person leaves it: ``detach``, ``stop`` or ``closed``.  It opens where `bookmark` says."""
    if os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]  # Set but empty means "colour" everywhere but in Textual.
    gc.disable()  # a sixth of the time to the first paint went into collecting; `begin` turns it on again
    far = lean(settings.ui, os.environ)
    app = CctuiApp(link, engine=engine, settings=settings, far=far, bookmark=bookmark)
    how = app.run() or ("stop" if link.hosting else "closed")
    if app.return_code:  # what went wrong stands on the terminal
        sys.exit(app.return_code)
    return how
