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
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.driver import Driver
from textual.reactive import reactive
from textual.screen import Screen
from textual.worker import Worker, WorkerError, WorkerState

from cctui.core import view
from cctui.core.inverse import inverse
from cctui.core.refusal import refusal
from cctui.core.settings import Settings
from cctui.core.world import Command, Level, Note, RunNow, World
from cctui.tui import keys
from cctui.tui.board import Board
from cctui.tui.messages import Ask, Did, Go, Say, Scene, WorldChanged
from cctui.tui.queue import OF_A_ROW
from cctui.tui.rowlist import RowList
from cctui.tui.signs import choose
from cctui.tui.terminal import Line
from cctui.tui.themes import STATE_COLOURS, THEMES, palette
from cctui.tui.troubles import troubles

if TYPE_CHECKING:
    from cctui.link import Link

Engine = Callable[[], Awaitable[None]]
Left = Literal["detach", "stop", "closed"]
WIDTHS = [(0, "-narrow"), (80, "-wide"), (100, "-broad")]
HEIGHTS = [(0, "-tiny"), (12, "-short"), (24, "-tall")]
PATIENCE = 10.0
"""Seconds the engine gets to leave before the app leaves without waiting."""
FAR_TICK, NEAR_TICK = 5.0, 1.0
"""Seconds between two ticks of the clock: over SSH, and on this machine."""


def stylesheet() -> Path:
    """Beside the package in a clone, inside it once installed."""
    package = Path(__file__).resolve().parent.parent
    return next(path for path in (package / "cctui.tcss", package.parent / "cctui.tcss") if path.exists())


class CctuiApp(App[str]):
    CSS_PATH = stylesheet()
    TITLE = "cctui"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS = [Binding("ctrl+q", "quit", "Quit", show=False, priority=True, system=True)]

    world: reactive[World] = reactive(World(), layout=False, repaint=False)
    now: reactive[datetime] = reactive(datetime.fromtimestamp(0, UTC), layout=False, repaint=False, always_update=True)

    def __init__(self, link: Link, *, engine: Engine | None, settings: Settings, far: bool = False) -> None:
        # Textual asks for the theme's variables while it is made, and the scene keeps what comes of them.
        self.scene = Scene(link, choose(settings.ui, os.environ))
        super().__init__()
        self.link = link
        self.engine = engine
        self.settings = settings
        self.far = far
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
        self.stylesheet.set_variables(self.get_css_variables())
        if settings.ui.motion == "off" or (settings.ui.motion == "auto" and far):
            self.animation_level = "none"
        self.set_keymap(dict(settings.keys))
        self.set_reactive(CctuiApp.world, link.world)
        self.set_reactive(CctuiApp.now, link.now())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return STATE_COLOURS

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        self.scene.palette = palette(variables)
        return variables

    def get_driver_class(self) -> type[Driver]:
        return Line

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
        self.clock = self.set_interval(FAR_TICK if self.far else NEAR_TICK, self.tick)
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
        if self.engine and not self.leaving:
            self.engine_worker = self.run_worker(self.host(self.engine), group="engine", exit_on_error=False)

    def on_unmount(self) -> None:
        self.unsubscribe()

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
        else:
            self.clock.pause()

    def tell(self, notes: list[Note]) -> None:
        """Outcomes that the screen does not show: the banner has its own, and so has the history while it is open."""
        shown = {text for text, _ in troubles(self.link.world, self.scene.trouble, self.link.now())}
        loud = [note for note in notes if note.level in (Level.GOOD, Level.WARN, Level.BAD)]
        loud = [note for note in loud if view.safe(note.text) not in shown]
        board = self.screen
        seen = isinstance(board, Board) and (board.pane() == "history" or not board.has_class("-narrow"))
        if not loud or seen or self.scene.asking:
            return
        more = f" (+{len(loud) - 1}: N shows all)" if len(loud) > 1 else ""
        severity: Literal["information", "warning"] = "information" if loud[-1].level is Level.GOOD else "warning"
        self.notify(view.safe(loud[-1].text) + more, severity=severity, timeout=4, markup=False)

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
        self.notify(view.safe(text), severity="warning", timeout=seconds, markup=False)

    def on_say(self, message: Say) -> None:
        self.say(message.text)

    def on_ask(self, message: Ask) -> None:
        self.run_worker(self.ask(message.command, message.sure), group="ask", exit_on_error=False)

    async def ask(self, command: Command, question: str | None) -> None:
        if question and not await self.sure(question):
            return
        undo = inverse(self.link.world, command)
        reason = await self.link.send(command)
        if reason is None:
            self.post_message(Did(command, undo))
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

    def on_did(self, message: Did) -> None:
        """Say on the board what came of it, where that can be taken back."""
        board = self.screen_stack[0]
        if message.undo and isinstance(board, Board):
            board.what_if.done(message.command, message.undo)

    async def sure(self, question: str) -> bool:
        answer: str = await self.push_screen_wait(later().sure(question))
        return answer == "yes"

    def on_go(self, message: Go) -> None:
        match message.where:
            case "attach" | "takeover":
                self.run_worker(self.sit(message), group="attach", exclusive=True, exit_on_error=False)
            case "quit" | "detach":
                self.run_worker(self.leave(message.where), group="leave", exclusive=True, exit_on_error=False)
            case "help" | "clear":
                self.help_or_clear(message.where)
            case "filter":
                self.open_filter()
            case where:
                self.push_screen(later().make(self.scene, where, message.key))

    def open_filter(self) -> None:
        board, kind = self.screen, later().Filter
        if isinstance(board, Board) and not board.query(kind):
            board.mount(kind(board.queue), before="#hints")

    def help_or_clear(self, where: str) -> None:
        """? opens and closes the help; esc closes what is open: the help, then the filter."""
        if self.screen.query(later().HelpPanel):
            self.action_hide_help_panel()
        elif where == "help":
            self.action_show_help_panel()
        elif isinstance(self.screen, Board) and self.screen.queue.words:
            self.screen.queue.filter("")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every key that works here, by name, with what it would act on; then the themes."""
        seen: set[str] = set()
        for active in screen.active_bindings.values():
            binding, node = active.binding, active.node
            if not binding.tooltip or binding.system or binding.group is keys.GO or binding.action in seen:
                continue
            seen.add(binding.action)
            about = f" {view.short(node.chosen)}" if isinstance(node, RowList) and binding.action in OF_A_ROW else ""
            run = partial(self.call_later, self.run_action, binding.action, node)
            yield SystemCommand(f"{binding.description}{about}", f"{binding.tooltip} ({keys.shown(binding.key)})", run)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    # --- attach and leave

    async def sit(self, message: Go) -> None:
        """Lend the terminal to a run, to watch it or to work in it."""
        go = later().attach if message.where == "attach" else later().take_over
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


def run_app(link: Link, *, engine: Engine | None, settings: Settings) -> str:
    """Show the app until a person leaves it: ``detach``, ``stop`` or ``closed``."""
    if os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]  # Set but empty means "colour" everywhere but in Textual.
    gc.disable()  # a sixth of the time to the first paint went into collecting; `begin` turns it on again
    app = CctuiApp(link, engine=engine, settings=settings, far="SSH_CONNECTION" in os.environ)
    return app.run() or ("stop" if link.hosting else "closed")
