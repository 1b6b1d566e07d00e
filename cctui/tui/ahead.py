"""When the newest plan sees each task start: asked for now and then, so that the queue can say it.

Costs nothing for a screen nobody looks at, and is not asked for a backlog whose plan takes long: `p` does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cctui.core.world import World

if TYPE_CHECKING:
    from cctui.core.forecast import Plan
    from cctui.link import Link

MOST = 200
"""Tasks in the line up to which a plan is asked for unasked."""
SETTLED = timedelta(seconds=8)
"""Without a change of the order before a new one is asked for."""
STALE = timedelta(minutes=5)
OLD = timedelta(minutes=20)
"""From which on a plan says nothing any more."""


class Ahead:
    def __init__(self, link: Link) -> None:
        self.link = link
        self.starts: Mapping[str, datetime] = {}
        """When the newest plan sees each task start."""
        self.made: datetime | None = None
        self.order: tuple[str, ...] = ()
        """That the newest plan was made for."""
        self.seen: tuple[str, ...] = ()
        self.since: datetime | None = None
        """When the order became what it is."""

    def take(self, plan: Plan) -> None:
        """A plan of the World as it is has come, whoever asked for it."""
        self.made, self.order = plan.made_at, self.link.world.line.order
        self.starts = {planned.task: planned.start for planned in plan.tasks if planned.start}

    def due(self) -> bool:
        """Whether to ask for one now; called at every tick."""
        world, now = self.link.world, self.link.now()
        if self.made and now - self.made > OLD and self.starts:
            self.starts = {}
        if self.since is None or self.seen != world.line.order:
            self.seen, self.since = world.line.order, now
        if not worth(world) or now - self.since < SETTLED:
            return False
        return self.made is None or self.order != world.line.order or now - self.made > STALE

    def asked(self) -> None:
        """Do not ask again before that is answered, nor at once when it goes wrong."""
        self.made, self.order = self.link.now(), self.link.world.line.order


def worth(world: World) -> bool:
    return world.scanned and world.looked and 0 < len(world.line.order) <= MOST
