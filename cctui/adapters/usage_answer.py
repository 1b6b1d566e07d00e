"""What a usage answer says: the body that the usage endpoint and Claude Code both give, as Readings.

Promises: any JSON value at all either becomes readings or a `UsageError` with a sentence; a number that is not there
stays unknown and never becomes 0.  Never asks anybody: see `usage_cli` and `usage_api`.

Shape (every field optional): ``five_hour``, ``seven_day``, ``seven_day_opus``, ``seven_day_sonnet`` =
``{utilization: percent 0-100, resets_at: ISO-8601}``; ``limits[]`` = ``{kind, percent, resets_at, scope, is_active}``;
``model_scoped[]`` = ``{display_name, utilization, resets_at}`` (Claude Code only).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cctui.core.world import FIVE_HOUR, SEVEN_DAY, Reading

SOON = (60.0, 120.0, 240.0, 480.0, 900.0)
"""Seconds between tries while something outside is down."""
SLOW = (120.0, 240.0, 480.0, 960.0, 1800.0)
"""Seconds between tries while the service asks for patience, or answers what we cannot read."""
STUCK = (900.0, 1800.0)
"""Seconds between tries while only a person can mend it; a changed login is tried at once."""

FAMILIES = ("opus", "sonnet", "haiku")
KINDS = {"session": FIVE_HOUR, "weekly_all": SEVEN_DAY}


class UsageError(Exception):
    """A usage source gave no numbers.  Its text says what went wrong and what to do; it never holds a secret."""

    def __init__(
        self, text: str, *, ladder: tuple[float, ...] = SOON, wait: float | None = None, firm: bool = False
    ) -> None:
        super().__init__(text)
        self.ladder = ladder
        """Seconds to wait after the first, second, … failure in a row."""
        self.wait = wait
        """Seconds the service itself asked for; stands above the ladder."""
        self.firm = firm
        """Not even a person's wish shortens the wait."""


@dataclass(frozen=True, slots=True)
class _Limit:
    window: str
    used: float | None
    resets_at: datetime | None
    active: bool = False


def readings_of(body: object, source: str, observed_at: datetime) -> tuple[Reading, ...]:
    """Every window the body speaks of, five_hour and seven_day first.  Raises UsageError when it speaks of none."""
    if not isinstance(body, Mapping):
        raise UsageError("the usage answer has an unknown shape: update cctui, or ask it less often", ladder=SLOW)
    found: dict[str, _Limit] = {}
    for limit in (*_flat(body), *_scoped(body.get("model_scoped")), *_listed(body.get("limits"))):
        found.setdefault(limit.window, limit)
    if not found:
        raise UsageError("the usage answer names no window: it is asked again later", ladder=SLOW)
    order = (FIVE_HOUR, SEVEN_DAY, *sorted(set(found) - {FIVE_HOUR, SEVEN_DAY}))
    return tuple(
        Reading(window, found[window].used, found[window].resets_at, source, observed_at)
        for window in order
        if window in found
    )


def _flat(body: Mapping[object, object]) -> Iterator[_Limit]:
    for window in (FIVE_HOUR, SEVEN_DAY, *(f"{SEVEN_DAY}_{family}" for family in FAMILIES)):
        bucket = body.get(window)
        if isinstance(bucket, Mapping):
            yield from _known(_Limit(window, percent(bucket.get("utilization")), moment(bucket.get("resets_at"))))


def _scoped(rows: object) -> Iterator[_Limit]:
    yield from _binding(
        [
            _Limit(window, percent(row.get("utilization")), moment(row.get("resets_at")))
            for row in _rows(rows)
            if (window := _model_window(row.get("display_name")))
        ]
    )


def _listed(rows: object) -> Iterator[_Limit]:
    yield from _binding(
        [
            _Limit(window, percent(row.get("percent")), moment(row.get("resets_at")), row.get("is_active") is True)
            for row in _rows(rows)
            if (window := _window(row))
        ]
    )


def _binding(limits: list[_Limit]) -> Iterator[_Limit]:
    """Of several limits on one window: the active one, else the fullest."""
    for limit in sorted(limits, key=lambda limit: (not limit.active, -(limit.used if limit.used is not None else -1))):
        yield from _known(limit)


def _known(limit: _Limit) -> Iterator[_Limit]:
    if limit.used is not None or limit.resets_at is not None:
        yield limit


def _rows(rows: object) -> Iterator[Mapping[object, object]]:
    if isinstance(rows, list):
        yield from (row for row in rows if isinstance(row, Mapping))


def _window(row: Mapping[object, object]) -> str | None:
    """None for limits that do not bind Claude Code's models, such as those of another surface."""
    kind = row.get("kind")
    if kind != "weekly_scoped":
        return KINDS.get(str(kind))
    scope = row.get("scope")
    model = scope.get("model") if isinstance(scope, Mapping) else None
    if not isinstance(model, Mapping):
        return None
    return _model_window(model.get("display_name")) or _model_window(model.get("id"))


def _model_window(name: object) -> str | None:
    """``Fable`` → seven_day_fable, ``Claude Opus 4.5`` → seven_day_opus: the word that every id of the model holds."""
    if not isinstance(name, str):
        return None
    text = name.lower()
    words = "".join(letter if letter.isalnum() else " " for letter in text).split()
    family = next((family for family in FAMILIES if family in text), None)
    plain = (word for word in words if word != "claude" and not word[0].isdigit())
    word = family or next(plain, None)
    return f"{SEVEN_DAY}_{word[:40]}" if word else None


def percent(value: object) -> float | None:
    """0-100, whatever stands there; None: no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return min(100.0, max(0.0, number)) if math.isfinite(number) else None


def moment(value: object) -> datetime | None:
    """ISO-8601, without an offset taken as UTC; also epoch seconds, which the same program uses elsewhere."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass  # a date that no calendar holds is an unknown date
    return None
