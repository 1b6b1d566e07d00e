"""`simulate`: a scheduling policy in a modelled world, from a file or from the person's own recorded days.

Needs no engine, no root and no network; only --from-history reads a root, and it changes nothing in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cctui.cli.here import FAILED, INVALID, NOT_FOUND, OK, Fail, Here, say
from cctui.cli.verb import verb

if TYPE_CHECKING:
    from cctui.core.simulate.recorded import Past
    from cctui.core.simulate.scenario import Scenario

NAMES = ("cctui", "seed", "fifo")
Data = Mapping[str, Any]


@verb("simulate")
@click.argument("scenario", required=False)
@click.option("--policy", type=click.Choice(NAMES), help="Whose choices; without --json all three, side by side.")
@click.option("--verbose", "-v", is_flag=True, help="Every task, too.")
@click.option("--from-history", is_flag=True, help="Write a scenario of your own recorded days instead.")
@click.option(
    "--days",
    type=click.FloatRange(0, 366, min_open=True),
    default=7,
    show_default=True,
    help="With --from-history: how many, up to now.",
)
@click.option("--output", "-o", metavar="FILE", help="With --from-history: where to, instead of stdout.")
def simulate(
    here: Here, scenario: str | None, policy: str | None, verbose: bool, from_history: bool, days: float,
    output: str | None,
) -> None:  # fmt: skip
    """Try a scheduling policy on a modelled week: SCENARIO is a JSON file, or - for standard input."""
    if from_history:
        if scenario or policy:
            raise click.UsageError("--from-history writes a scenario: simulate it with another command")
        recorded(here, days, output)
        return
    if scenario is None:
        raise click.UsageError("name a SCENARIO, or - for standard input, or --from-history")
    if output:
        raise click.UsageError("--output goes with --from-history")
    told(here, content(scenario), policy, verbose)


def content(path: str) -> bytes:
    """The bytes of a file, or of standard input.  Raises Fail."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except FileNotFoundError:
        raise Fail(f"{path}: there is no such file", NOT_FOUND) from None
    except OSError as error:
        raise Fail(f"{path}: cannot be read: {error.strerror}") from None


def told(here: Here, raw: bytes, policy: str | None, verbose: bool) -> None:
    """Simulate and print.  One sentence per problem, and 4, for what is no scenario."""
    from cctui.core.simulate.checks import ScenarioError
    from cctui.core.simulate.parsing import parse

    try:
        found = parse(json.loads(raw.decode("utf-8-sig")))
    except ScenarioError as error:
        here.put({"data": None, "errors": list(error.problems), "code": INVALID}, str)
        return
    except UnicodeDecodeError as error:
        raise Fail(f"the scenario is not UTF-8: byte at offset {error.start}", INVALID) from None
    except RecursionError:
        raise Fail("the scenario is not valid JSON: nested too deeply", INVALID) from None
    except ValueError as error:
        raise Fail(f"the scenario is not valid JSON: {error}", INVALID) from None
    names = (policy,) if policy else NAMES[:1] if here.json else NAMES
    results = [result(found, name) for name in names]
    here.put({"data": results[0], "code": OK}, lambda _: table(found, results, verbose))


def result(scenario: Scenario, name: str) -> dict[str, Any]:
    """What comes of one policy.  Raises Fail for a mistake of ours."""
    from cctui.core.simulate.figures import simulate as simulated
    from cctui.core.simulate.policies import POLICIES
    from cctui.core.simulate.sight import PolicyError

    try:
        return simulated(scenario, POLICIES[name](scenario.known))
    except PolicyError as error:
        raise Fail(f"the policy {name} broke a rule of the modelled world, please report this: {error}") from None


# --- from the person's own days --------------------------------------------------------------------------------------


def recorded(here: Here, days: float, output: str | None) -> None:
    """Write a scenario.  Raises Fail (3) when no run of those days can be simulated."""
    from cctui.cli import offline
    from cctui.cli.tables import many
    from cctui.core.simulate.parsing import parse
    from cctui.core.simulate.recorded import scenario

    found = offline.disk(here)
    made = scenario(past(here, found, days), found.now(), days)
    for note in made.notes:
        say(note)
    if made.scenario is None:
        raise Fail("there is no run to make a scenario of", NOT_FOUND)
    parse(made.scenario)
    text = json.dumps(made.scenario, ensure_ascii=False, indent=1) + "\n"
    if output:
        written(Path(output), text)
    data = {"scenario": made.scenario, "notes": list(made.notes), "path": output}
    here.put({"data": data, "code": OK}, lambda _: "" if output else text.rstrip("\n"))
    say(f"{many(len(made.scenario['tasks']), 'run')}, {many(len(made.scenario['person']), 'use')} of yours")


def past(here: Here, found: Any, days: float) -> Past:
    """What lies on the disk of those days; `found` is the disk of `offline`.  Raises Fail."""
    from cctui.adapters.ledger import Ledger, LedgerError, Samples
    from cctui.adapters.windows import Windows
    from cctui.cli.offline import unreadable
    from cctui.core.simulate.recorded import Past
    from cctui.core.world import Task

    places, now = here.places, found.now()
    try:
        ledger = Ledger(places.history)
        made = Past(
            records=tuple(ledger.all()),
            readings=Samples(places.capacity).recent(now, (days + 7) * 24),
            windows=Windows(places.windows).load()[0],
            tasks={entry.name: entry for entry in found.taskdir.scan() if isinstance(entry, Task)},
            settings=here.settings,
            zone=found.clock.zone_name,
        )
    except LedgerError as error:
        raise Fail(str(error)) from None
    except OSError as error:
        raise Fail(unreadable(error)) from None
    for warning in ledger.warnings:
        say(warning)
    return made


def written(path: Path, text: str) -> None:
    """Raises Fail."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Fail(f"{path}: cannot be written: {error.strerror}", FAILED) from None


# --- the table -------------------------------------------------------------------------------------------------------

LABELS = {
    "completed": "completed",
    "completed_weighted": "  by weight",
    "late": "late",
    "late_s_weighted": "  time, by weight",
    "parked_runs": "times parked",
    "person_refused": "refused to you, points",
    "reserve_broken_points": "reserve broken, points",
    "idle_ready_points": "unused while work waited",
    "makespan_s": "all done after",
}
COLUMN = 8
LAST = "9999-01-01T00:00:00+00:00"


def table(scenario: Scenario, results: list[dict[str, Any]], verbose: bool) -> str:
    from cctui.cli.tables import shown

    lines = [*_figures(scenario, results), *(_tasks(scenario, results[0]) if verbose else ())]
    return shown(lines)


def _figures(scenario: Scenario, results: list[dict[str, Any]]) -> Iterator[str]:
    from cctui.cli.tables import many, moment

    tasks, slots = len(scenario.tasks), scenario.slots
    yield f"{many(tasks, 'task')} · {many(slots, 'slot')} · {_span(scenario.length)} from {_when(scenario, moment)}"
    yield _row("", [str(each["policy"]) for each in results])
    for figure, label in LABELS.items():
        cells = [_shown(figure, each[figure]) for each in results]
        if figure == "makespan_s":  # where something is left undone it is no answer, only a bound
            cells = [f"{'>' * (each['completed'] < tasks)}{cell}" for each, cell in zip(results, cells, strict=True)]
        yield _row(label, cells)


def _row(label: str, cells: Iterable[str]) -> str:
    from cctui.cli.tables import WIDTH

    columns = "".join(f"{cell:>{COLUMN}}" for cell in cells)
    return f"{label:<{WIDTH - 3 * COLUMN}}{columns}"


def _shown(figure: str, value: float) -> str:
    if figure.endswith(("_s", "_s_weighted")):
        return _span(value)
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def _span(seconds: float) -> str:
    """``45m``, ``7h 30m``, ``3d 4h``, ``120d``."""
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h {minutes:02}m"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours}h" if days < 100 else f"{days}d"


def _when(scenario: Scenario, moment: Any) -> str:
    return str(moment(scenario.start.isoformat()))


def _tasks(scenario: Scenario, data: Data) -> Iterator[str]:
    """Each task: when it ran, and what interrupted it."""
    from datetime import datetime

    from cctui.cli.tables import WIDTH, clock, indented, moment, two

    deadlines = {task.name: task.deadline for task in scenario.tasks}
    yield ""
    yield f"with {data['policy']}:"
    for task in sorted(data["tasks"], key=lambda task: datetime.fromisoformat(task["start"] or LAST)):
        began, ended = task["start"], task["end"]
        same = began and ended and began[:10] == ended[:10]
        last = (clock(ended) if same else moment(ended)) if ended else "…"
        sign = "✓" if ended else "●" if began else "○"
        yield f"{sign} " + two(task["name"], f"{moment(began)} → {last}" if began else "never started", WIDTH - 2)
        if len(task["segments"]) > 1:
            parts = (f"{clock(one['start'])}–{clock(one['end'])} {one['why']}" for one in task["segments"])
            yield from indented(", ".join(parts))
        deadline = deadlines[task["name"]]
        done = (datetime.fromisoformat(ended) - scenario.start).total_seconds() if ended else scenario.length
        if deadline is not None and done - deadline >= 1:
            yield from indented(f"late by {_span(done - deadline)}")
