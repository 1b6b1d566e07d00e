"""The clock: the only place that asks what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo


class Clock:
    """The machine's own; tests put another one in its place."""

    @cached_property
    def zone(self) -> tzinfo:
        """The local zone, for reading what people write without an offset."""
        from tzlocal import get_localzone  # noqa: PLC0415 - 14 ms that the first paint need not wait for

        now = self.now()
        try:
            zone: tzinfo = get_localzone()
        except (LookupError, ValueError, OSError):
            zone = UTC
        # TZ may name no zone of the time zone database: then what the C library makes of it, at today's offset.
        return zone if now.astimezone(zone).utcoffset() == now.utcoffset() else now.tzinfo or UTC

    @property
    def zone_name(self) -> str:
        """The zone's IANA name; empty: it has none that others could look up."""
        name = str(getattr(self.zone, "key", None) or "")
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError):  # missing (KeyError), a folder, or not a name at all
            return ""
        return name

    def now(self) -> datetime:
        """Aware, at the local zone's offset of this moment.

        The offset is fixed on purpose: with the zone itself attached, Python adds and subtracts in wall-clock time, and
        a wait across a daylight-saving change would be an hour off."""
        return datetime.now(UTC).astimezone()

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean something."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        from asyncio import sleep  # noqa: PLC0415 - the command line uses this clock without a loop, and asyncio is 40 ms

        await sleep(seconds)
