"""What the parts of the face tell each other.  A message is something that happened or is asked; state travels in
the reactives `world` and `now`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.style import Style
from textual.message import Message

from cctui.core import view
from cctui.core.view import Row
from cctui.core.world import Command, World
from cctui.tui.ahead import Ahead
from cctui.tui.signs import Signs

if TYPE_CHECKING:
    from cctui.link import Link


class Scene:
    """What every pane and screen is given: the way to the engine, the signs to draw with, and the World as rows."""

    __slots__ = ("_found", "_of", "ahead", "asking", "dead", "draft", "lean", "link", "palette", "read", "signs")

    def __init__(self, link: Link, signs: Signs, *, lean: bool = False) -> None:
        self.link = link
        self.signs = signs
        self.lean = lean
        """The line is slow: nothing moves that nobody asked for."""
        self.palette: Mapping[str, Style] = {}
        """The theme's style for every tone; the app keeps it right."""
        self.dead: str | None = None
        """Why the engine of this process has ended, in a sentence."""
        self.read = max((note.seq for note in link.world.notes), default=0)
        """The newest notice a person has been shown in the list of them."""
        self.asking = False
        """A form has sent a command and says itself what comes of it."""
        self.ahead = Ahead(link)
        self.draft: tuple[str, Mapping[str, object]] = ("", {})
        """A new task that was left unfinished: its line, and the fields that the line does not say."""
        self._of: tuple[World, int] | None = None
        self._found: tuple[Row, ...] = ()

    @property
    def trouble(self) -> str | None:
        return self.dead or self.link.trouble

    def rows(self, *phases: str) -> tuple[Row, ...]:
        """`view.rows` of the World now, made once for all who ask: once per World, and again when a minute is over,
        since some sentences hold an age."""
        world, now = self.link.world, self.link.now()
        minute = int(now.timestamp() // 60)
        if self._of is None or self._of[0] is not world or self._of[1] != minute:
            self._of, self._found = (world, minute), view.rows(world, now)
        return tuple(row for row in self._found if row.phase in phases) if phases else self._found


class WorldChanged(Message, bubble=False):
    """The engine has a new World.  Many at once count as one: only the last is drawn."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, WorldChanged)


class Ask(Message):
    """A person asks for `command`; with `sure`, only after they have said yes to that question."""

    def __init__(self, command: Command, sure: str | None = None) -> None:
        super().__init__()
        self.command = command
        self.sure = sure


class Did(Message):
    """`command` was carried out."""

    def __init__(self, command: Command) -> None:
        super().__init__()
        self.command = command


class Carried(Message):
    """Dropping the carried task here would be `command`; None with `on`: it is where it was.  Not `on`: it is down."""

    def __init__(self, command: Command | None, *, on: bool) -> None:
        super().__init__()
        self.command = command
        self.on = on


class Say(Message):
    """A refusal or an outcome that nothing on the screen shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Go(Message):
    """Open a sub-screen (`detail`, `why`, `windows`, `forecast`, `figures`, `triage`, `edit`, `peek`, `plan`, `record`,
    `changes`, `new`, `notes`, `quit`), lend the terminal (`attach`, `takeover`, `editor`), or do what needs no screen
    (`clone`, `copy`, `filter`, `help`, `clear`)."""

    def __init__(self, where: str, key: str = "") -> None:
        super().__init__()
        self.where = where
        self.key = key


class Cursor(Message):
    """Another row is under the cursor, or it means something else now: the hint line must follow."""
