"""What each of the forty scenarios is like, in numbers; `make` draws the tasks.  Times are local, spans in hours."""

from __future__ import annotations

from dataclasses import dataclass, replace

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
WEEKEND = ("sat", "sun")
DAILY = WORKDAYS + WEEKEND

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hours:
    """Reserve in these local hours of these days: percent points of the five-hour window and of the week."""

    days: tuple[str, ...]
    begin: str
    to: str
    five_hour: float
    seven_day: float = 0


@dataclass(frozen=True, slots=True)
class Habit:
    """When a person works: `uses` on such a day, each of some points of the five-hour window."""

    days: tuple[str, ...]
    begin: float
    to: float
    uses: int
    points: Span


@dataclass(frozen=True, slots=True)
class Shape:
    """One scenario.  `load` is the tasks' demand ÷ what the scarcest of window, week and slots offers."""

    tz: str
    start: str
    hours: float
    slots: int
    tasks: int
    load: float
    kinds: int = 5
    window: tuple[float, float | None] = (0, None)
    """Used, and the reset in hours after the start (before it when negative, none when None)."""
    week: Span = (10, 100)
    rate: Span = (8, 45)
    """Points an hour."""
    sigma: Span = (0.2, 0.7)
    share: Span = (0.09, 0.17)
    """Weekly points of one five-hour point."""
    tail: float = 0
    """Part of the tasks that cost three to eight times what their kind does."""
    largest: float = 60
    longest: float = 6
    arrivals: str = "start"
    deadlines: float = 0
    slack: Span = (2, 24)
    graph: str = ""
    reserve: tuple[Hours, ...] = ()
    person: tuple[Habit, ...] = ()
    seen: tuple[int, int] = (5, 40)
    misled: float = 0
    """Part of the kinds whose observed runs are wrong by a factor of three to five, either way."""
    unseen: int = 0
    stamps: str = "offset"
    """How times are written: with the zone's `offset`, as `utc`, or `naive`."""


BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
OFFICE = Hours(WORKDAYS, "08:00", "19:00", 40, 30)


def _nights() -> dict[str, Shape]:
    return {
        "empty-nights-1": Shape("UTC", "2026-06-02T20:00", 12, 1, 24, 0.9, kinds=4),
        "empty-nights-2": Shape(
            BERLIN, "2026-10-24T19:30", 14, 2, 60, 1.6, window=(62, 1.75), week=(55, 41), stamps="utc"
        ),
        "empty-nights-3": Shape(
            NEW_YORK, "2027-03-12T18:00", 60, 3, 110, 1.1, kinds=7, window=(30, 4.2), week=(20, 50), share=(0.08, 0.12)
        ),
        "empty-nights-4": Shape(LORD_HOWE, "2026-08-11T17:00", 36, 1, 40, 1.3, kinds=3, rate=(18, 60), week=(5, 150)),
        "empty-nights-5": Shape(
            "UTC", "2026-12-23T16:00", 96, 4, 150, 0.75, kinds=8, window=(95, 0.4), week=(70, 20), rate=(5, 30)
        ),
    }


def _tails() -> dict[str, Shape]:
    made = {
        "heavy-tails-1": Shape("UTC", "2026-05-04T09:00", 48, 2, 45, 1.2, sigma=(0.8, 1.4), tail=0.06),
        "heavy-tails-2": Shape(BERLIN, "2027-03-26T21:00", 72, 1, 30, 0.8, kinds=3, sigma=(1.0, 1.5), tail=0.1),
        "heavy-tails-3": Shape(
            NEW_YORK, "2026-07-08T12:00", 24, 3, 32, 1.6, sigma=(0.6, 1.3), tail=0.1, window=(48, 3.3), rate=(9, 120)
        ),
        "heavy-tails-4": Shape(
            LORD_HOWE, "2026-10-02T08:00", 120, 2, 90, 1.0, kinds=6, sigma=(0.9, 1.3), week=(35, 77), arrivals="trickle"
        ),
        "heavy-tails-5": Shape(
            *("UTC", "2026-09-19T22:00", 192, 4, 130, 1.1),
            kinds=8,
            sigma=(0.5, 1.5),
            tail=0.04,
            rate=(2, 60),
            week=(0, 168),
            deadlines=0.2,
            slack=(12, 90),
        ),
    }
    return {name: replace(shape, largest=180, longest=9) for name, shape in made.items()}


def _chains() -> dict[str, Shape]:
    return {
        "chains-1": Shape("UTC", "2026-04-14T06:00", 24, 1, 20, 0.8, graph="deep", kinds=3),
        "chains-2": Shape(BERLIN, "2026-11-06T23:00", 48, 3, 80, 0.9, graph="wide", rate=(6, 25)),
        "chains-3": Shape(
            NEW_YORK, "2026-10-30T15:00", 72, 4, 120, 1.2, graph="layers", week=(40, 90), deadlines=0.15, slack=(10, 60)
        ),
        "chains-4": Shape(
            LORD_HOWE, "2027-01-18T10:00", 36, 2, 48, 1.0, graph="diamonds", window=(20, 2.5), sigma=(0.4, 1.0)
        ),
        "chains-5": Shape(
            "UTC", "2026-08-01T00:00", 108, 4, 100, 0.6, graph="trees", arrivals="evening", rate=(5, 20), week=(15, 60)
        ),
    }


def _deadlines() -> dict[str, Shape]:
    return {
        "deadlines-1": Shape("UTC", "2026-03-03T12:00", 18, 1, 18, 1.1, deadlines=0.9, slack=(1, 14), window=(35, 2)),
        "deadlines-2": Shape(
            *(BERLIN, "2026-06-19T14:00", 40, 2, 55, 1.4),
            deadlines=0.6,
            slack=(0.3, 30),
            window=(70, 0.9),
            arrivals="evening",
            stamps="naive",
        ),
        "deadlines-3": Shape(
            NEW_YORK, "2027-03-13T08:00", 60, 3, 90, 1.0, deadlines=0.75, slack=(3, 48), week=(60, 30), kinds=8
        ),
        "deadlines-4": Shape(
            *(LORD_HOWE, "2027-04-02T16:00", 72, 2, 60, 0.7),
            deadlines=1,
            slack=(4, 66),
            arrivals="trickle",
            rate=(20, 60),
            sigma=(0.5, 1.0),
        ),
        "deadlines-5": Shape(
            "UTC", "2026-10-10T03:00", 120, 4, 140, 1.8, deadlines=0.5, slack=(0.5, 110), week=(25, 72), graph="pairs"
        ),
    }


def _weeks() -> dict[str, Shape]:
    return {
        "weekly-squeeze-1": Shape("UTC", "2026-07-20T18:00", 30, 1, 30, 0.9, week=(93, 14), share=(0.12, 0.2)),
        "weekly-squeeze-2": Shape(BERLIN, "2026-10-22T12:00", 96, 2, 75, 1.2, week=(82, 50.5), window=(10, 4.9)),
        "weekly-squeeze-3": Shape(
            NEW_YORK, "2026-12-01T07:00", 192, 3, 150, 1.0, week=(64, 90), share=(0.06, 0.3), kinds=7, rate=(5, 60)
        ),
        "weekly-squeeze-4": Shape(
            *(LORD_HOWE, "2026-09-30T20:00", 132, 1, 60, 1.1),
            week=(98.5, 29),
            share=(0.15, 0.35),
            deadlines=0.4,
            slack=(10, 100),
            stamps="utc",
        ),
        "weekly-squeeze-5": Shape(
            "UTC", "2026-02-26T05:00", 60, 4, 100, 1.5, week=(88, -130.25), share=(0.04, 0.25), sigma=(0.5, 1.0)
        ),
    }


def _person() -> dict[str, Shape]:
    day = Habit(WORKDAYS, 8.5, 18.5, 6, (2, 9))
    return {
        "person-at-work-1": Shape(
            BERLIN, "2026-10-26T06:00", 36, 1, 35, 0.9, reserve=(OFFICE,), person=(day,), window=(12, 1.5)
        ),
        "person-at-work-2": Shape(
            *(NEW_YORK, "2026-10-29T17:00", 120, 2, 90, 0.8),
            reserve=(Hours(WORKDAYS, "08:00", "19:00", 30, 20), Hours(WEEKEND, "10:00", "16:00", 20, 10)),
            person=(Habit(DAILY, 7, 23, 7, (1, 14)),),
            week=(30, 110),
        ),
        "person-at-work-3": Shape(
            *("UTC", "2026-05-11T05:00", 60, 3, 70, 1.3),
            person=(Habit(WORKDAYS, 9, 17.5, 12, (3, 16)),),
            arrivals="evening",
        ),
        "person-at-work-4": Shape(
            *(LORD_HOWE, "2027-03-31T12:00", 144, 2, 80, 0.7),
            kinds=6,
            reserve=(Hours(DAILY, "21:00", "02:30", 50, 15), Hours(WORKDAYS, "08:00", "12:00", 25, 40)),
            person=(Habit(DAILY, 20.5, 23.9, 5, (4, 22)), Habit(WORKDAYS, 8, 12, 3, (1, 6))),
            week=(22, 66),
            arrivals="trickle",
        ),
        "person-at-work-5": Shape(
            *(BERLIN, "2027-03-25T07:00", 96, 4, 110, 1.0),
            reserve=(OFFICE, Hours(("fri",), "13:00", "22:00", 60, 5)),
            person=(Habit(WORKDAYS, 8, 19, 2, (1, 5)), Habit(WEEKEND, 11, 22, 9, (5, 25))),
            window=(44, 3.0),
            stamps="utc",
        ),
    }


def _wrong() -> dict[str, Shape]:
    return {
        "wrong-estimates-1": Shape("UTC", "2026-06-15T20:00", 24, 1, 28, 1.0, seen=(0, 0)),
        "wrong-estimates-2": Shape(BERLIN, "2026-07-03T18:00", 60, 2, 80, 1.1, misled=0.5, kinds=6),
        "wrong-estimates-3": Shape(
            NEW_YORK, "2026-10-31T10:00", 48, 3, 75, 1.3, misled=1, seen=(5, 12), window=(55, 2.2), sigma=(0.4, 1.0)
        ),
        "wrong-estimates-4": Shape(
            LORD_HOWE, "2026-11-20T22:00", 84, 2, 65, 0.8, unseen=3, kinds=6, arrivals="bursts", deadlines=0.3
        ),
        "wrong-estimates-5": Shape(
            *("UTC", "2027-01-05T11:00", 168, 4, 140, 0.9),
            misled=0.4,
            unseen=2,
            kinds=8,
            seen=(1, 25),
            week=(50, 80),
            reserve=(Hours(WORKDAYS, "09:00", "17:00", 35, 10),),
            person=(Habit(WORKDAYS, 9, 17, 5, (2, 8)),),
        ),
    }


def _arrivals() -> dict[str, Shape]:
    return {
        "arrivals-1": Shape("UTC", "2026-04-01T00:00", 12, 2, 10, 0.6, arrivals="trickle", kinds=3),
        "arrivals-2": Shape(BERLIN, "2026-10-24T08:00", 48, 1, 50, 0.9, arrivals="bursts", week=(45, 33)),
        "arrivals-3": Shape(
            *(NEW_YORK, "2026-08-20T13:00", 96, 3, 120, 1.3),
            arrivals="trickle",
            deadlines=0.25,
            slack=(3, 40),
            sigma=(0.3, 1.0),
        ),
        "arrivals-4": Shape(
            LORD_HOWE,
            "2027-02-11T09:00",
            60,
            4,
            90,
            0.7,
            arrivals="bursts",
            window=(80, -2),
            rate=(4, 140),
            graph="pairs",
        ),
        "arrivals-5": Shape(
            *("UTC", "2026-11-13T19:00", 192, 2, 150, 0.85),
            arrivals="trickle",
            week=(12, 120),
            reserve=(Hours(WORKDAYS, "08:00", "19:00", 25, 25),),
            person=(Habit(WORKDAYS, 8, 20, 4, (2, 10)),),
        ),
    }


def shapes() -> dict[str, Shape]:
    """All forty, by the name of their file."""
    families = (_nights, _tails, _chains, _deadlines, _weeks, _person, _wrong, _arrivals)
    return {name: shape for family in families for name, shape in family().items()}
