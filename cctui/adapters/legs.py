"""How one leg of a run is started: the program, its arguments, its environment and what it reads.

Everything comes from the run's spec and its folder, so a leg can be planned again after any crash, and whatever became
of the task file meanwhile.  It starts nothing, and writes nothing: the plan names what is to be written.
"""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cctui.adapters import permissions, prompts, runread, runsettings, runwords
from cctui.adapters.claude import ClaudeError, environment, program
from cctui.adapters.runfiles import PROMPT, LegFile, LegPlan, read_legs, read_secrets
from cctui.adapters.runsight import APPROVED
from cctui.adapters.treefile import read_tree
from cctui.core import runners, template
from cctui.core.settings import Settings
from cctui.core.world import Leg, Mode, Part, Runner, Spec, Why

CALL = Path(__file__).resolve().parent.parent / "runner" / "call.py"
PYTHON = "python3"
"""Searched on the task's PATH: the project's Python, not ours."""
ARGUMENT_BYTES = 100_000
"""A single argument of a program holds at most 128 KiB."""
HAND_OFF_CHARS = 6_000
LEAST_DOLLARS = 0.01
PANE_TERM = "tmux-256color"
"""What tmux.conf gives a pane: the environment of the engine knows only its own terminal."""
STREAM = ("-p", "--output-format", "stream-json", "--verbose")


@dataclass(frozen=True, slots=True)
class _Order:
    """What is asked for, and what the run folder says of the legs before."""

    spec: Spec
    settings: Settings
    leg: int
    kind: Leg
    resume: bool
    run_dir: Path
    evidence: str
    before: tuple[LegFile, ...]
    how: str

    @property
    def round(self) -> int:
        kinds = (*(leg.kind for leg in self.before), self.kind)
        return 1 + sum(kind.part is Part.WORK and kind.why in (Why.CHECK, Why.UNFINISHED) for kind in kinds)

    @property
    def talked(self) -> bool:
        return any(leg.plan.session_id for leg in self.before)


def leg_plan(
    spec: Spec,
    settings: Settings,
    *,
    leg: int,
    kind: Leg,
    resume: bool,
    folder: str,
    run_dir: Path,
    environ: Mapping[str, str],
    evidence: str = "",
    seconds: float | None = None,
) -> LegPlan:
    """How leg `leg` of a run is started in `folder`; `seconds` is its time limit (an attended leg has none).

    With `resume` it goes on with the conversation of the legs before; without, it begins a new one with the whole
    prompt.  Raises ClaudeError when it cannot be started, with what to do.
    """
    how = spec.via or runners.via(spec.runner, ())
    before = read_legs(run_dir, leg - 1)
    order = _Order(spec, settings, leg, kind, resume, run_dir, evidence, before, how)
    talks = runners.needs_claude(spec.runner)
    env = _environment(order, environ)
    base = LegPlan(
        (),
        env,
        folder,
        timeout=seconds if seconds is not None else _seconds(spec, settings, kind.part),
        grace=settings.run.kill_grace_seconds,
        banner=_banner(order),
        part=kind.part.value,
        why=str(kind.why),
        files=runsettings.run_files(settings, folder, env, talks=talks),
    )
    match kind.part:
        case Part.SETUP:
            return replace(base, argv=_shell(spec.setup, f"{spec.task}: there is no set-up command"))
        case Part.CHECK:
            return replace(base, argv=_shell(spec.check, f"{spec.task}: there is no `check:`"))
        case Part.ATTENDED:
            return _attended(order, base)
    return _conversation(order, base) if talks else _command(order, base)


def _seconds(spec: Spec, settings: Settings, part: Part) -> float:
    match part:
        case Part.CHECK:
            return spec.check_timeout
        case Part.SETUP:
            return settings.worktree.setup_timeout
        case _:
            return spec.timeout


def _banner(order: _Order) -> str:
    name = "" if order.kind.part is Part.WORK else f" · {order.kind.part.value}"
    count = f" · part {order.leg}" if order.leg > 1 else ""
    return f"▶ {order.spec.task} · run {order.spec.run_id}{name}{count}"


def _environment(order: _Order, environ: Mapping[str, str]) -> dict[str, str]:
    spec, tree = order.spec, read_tree(order.run_dir)
    env = environment(order.settings, environ, spec.env)
    env |= {"CCTUI_TASK": spec.task, "CCTUI_RUN": spec.run_id}
    env |= {"CCTUI_RUN_DIR": str(order.run_dir), "CCTUI_LEG": str(order.leg)}
    if tree is not None:
        env["CCTUI_REPO"] = tree.repo
    if tree is not None and tree.worktree:
        env["CCTUI_WORKTREE"] = tree.worktree
    return env


# --- programs that are not Claude ------------------------------------------------------------------------------------


def _shell(command: str | None, missing: str) -> tuple[str, ...]:
    if not command:
        raise ClaudeError(f"{missing}.")
    return ("/bin/sh", "-c", command)


def _command(order: _Order, base: LegPlan) -> LegPlan:
    spec = order.spec
    match order.how:
        case Runner.SHELL:
            # A folder of an older version holds the command only in its first leg.
            command = spec.command or (order.before[0].plan.argv[-1] if order.before and not spec.via else None)
            return replace(base, argv=_shell(command, f"{spec.task}: a shell task needs `command:`"))
        case Runner.PYTHON:
            if not spec.call:
                raise ClaudeError(f"{spec.task}: a python task needs `call: module:function`.")
            return replace(base, argv=(PYTHON, str(CALL), str(order.run_dir), spec.call))
        case runners.TEMPLATE:
            return replace(base, argv=_template(order, base.cwd), stdin=PROMPT)
    raise ClaudeError(f"{spec.task}: the runner `{spec.runner}` cannot be started this way.")


def _template(order: _Order, folder: str) -> tuple[str, ...]:
    """The person's own runner: the words of its template with the places filled in, each place within one word."""
    spec = order.spec
    command = dict(order.settings.runners).get(spec.runner)
    if command is None:
        raise ClaudeError(f"{spec.task}: there is no runner `{spec.runner}`: add it to [runners] in the config.")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ClaudeError(f"runners.{spec.runner} is no command ({error}): mend it in the config.") from None
    if not words:
        raise ClaudeError(f"runners.{spec.runner} is empty: write a command into the config.")
    places = {
        "prompt_file": str(order.run_dir / PROMPT),
        "folder": folder,
        "task": spec.task,
        "run_dir": str(order.run_dir),
        "model": spec.model or "",
    }
    return template.filled(words, places)


# --- a conversation --------------------------------------------------------------------------------------------------


def _conversation(order: _Order, base: LegPlan) -> LegPlan:
    session = _session(order)
    going_on = order.resume and order.talked
    argv = (
        *(*program(order.settings), *STREAM, "--resume" if going_on else "--session-id", session),
        *(*_options(order), "--settings", str(order.run_dir / runsettings.HEADLESS)),
    )
    # A background job would hold the slot after the work is done (a result is printed, the process stays) and is cut
    # off after ten minutes anyway.  So commands run in the foreground, and may take as long as the task may.
    limit = str(int((base.timeout or order.spec.timeout) * 1000))
    words, said = runwords.unheard(order.run_dir, order.before)
    env = {**base.env, "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1", "BASH_MAX_TIMEOUT_MS": limit}
    env["CCTUI_HEARD"] = str(words)
    plan = replace(base, argv=argv, env=env, stdout="stream", render="claude", session_id=session, words=words)
    own = f"prompt-{order.leg}.md"
    if going_on:
        return replace(plan, stdin=own, prompt=_follow_up(order, said))
    head, foot = prompts.around(order.spec, order.how, order.kind.part)
    foot += _hand_off(order) + (f"\n\n{prompts.spoken(said)}" if said else "")
    return replace(plan, stdin=own if head or foot else PROMPT, head=head, foot=foot)


def _session(order: _Order) -> str:
    """The UUID this leg uses.  The program refuses one that was begun before, so a fresh start gets a new one."""
    begun = [leg.plan.session_id for leg in order.before if leg.plan.session_id]
    if not begun:
        return order.spec.session_id
    return begun[-1] if order.resume else str(uuid.uuid5(uuid.UUID(order.spec.session_id), f"leg-{order.leg}"))


def _options(order: _Order) -> tuple[str, ...]:
    spec = order.spec
    if not spec.via and order.before:
        return _first_options(order)
    return (*permissions.headless(spec, order.kind.part), *_model(spec), *_bounds(order))


def _first_options(order: _Order) -> tuple[str, ...]:
    """Of a run that an older version began: its spec does not know them, its first leg does."""
    for leg in order.before:
        if "--session-id" in leg.plan.argv:
            return leg.plan.argv[leg.plan.argv.index("--session-id") + 2 :]
    raise ClaudeError(f"{order.run_dir}/leg-1.json does not say what the task may do, so the run cannot go on.")


def _model(spec: Spec) -> tuple[str, ...]:
    values = (("--model", spec.model), ("--effort", spec.effort))
    return tuple(word for flag, value in values if value is not None for word in (flag, value))


def _bounds(order: _Order) -> tuple[str, ...]:
    """Turns, and what is left of the run's money: the program counts both anew in each process.

    Of a leg that was killed nobody knows what it cost, so it counts as nothing.
    """
    spec = order.spec
    words = () if spec.max_turns is None else ("--max-turns", str(spec.max_turns))
    if spec.max_budget_usd is None:
        return words
    result = runread.result(order.run_dir, order.before)
    left = spec.max_budget_usd - ((result.cost_usd if result else None) or 0.0)
    return (*words, "--max-budget-usd", f"{max(left, LEAST_DOLLARS):.4f}".rstrip("0").rstrip("."))


def _follow_up(order: _Order, said: tuple[str, ...]) -> str:
    if said and order.kind.why == Why.REPLY:
        return prompts.replied(said, order.kind.part, order.spec, order.how)
    more = f"\n{prompts.spoken(said)}\n" if said else ""
    if order.kind.part is Part.PLAN:
        return prompts.go_on_planning(order.kind.why) + more
    asked = prompts.go_on(
        order.spec,
        order.how,
        order.kind.why,
        round=order.round,
        evidence=order.evidence,
        accepted=order.spec.mode is Mode.PLAN_FIRST,
        first_work=not any(leg.part is Part.WORK for leg in order.before),
    )
    return asked + more


def _hand_off(order: _Order) -> str:
    """What an earlier conversation of this run, now gone, leaves to the new one."""
    if not order.talked:
        return ""
    values = read_secrets(order.run_dir)
    log = runread.tail(order.run_dir / "output.log", HAND_OFF_CHARS, values)
    working = order.kind.part is not Part.PLAN
    return prompts.hand_off(log, runread.plan_text(order.run_dir, order.before, values) if working else "")


def _attended(order: _Order, base: LegPlan) -> LegPlan:
    """The same conversation in the pane, for a person."""
    spec, session = order.spec, _session(order)
    begins = () if order.resume and order.talked else (_begin(order.run_dir),)
    argv = (
        *(*program(order.settings), "--session-id" if begins else "--resume", session),
        *permissions.attended(spec, approved=(order.run_dir / APPROVED).exists()),
        *(*_model(spec), "--settings", str(order.run_dir / runsettings.ATTENDED)),
        *begins,
    )
    env = {**base.env, "TERM": PANE_TERM}
    return replace(base, argv=argv, env=env, stdout="tty", timeout=None, session_id=session)


def _begin(run_dir: Path) -> str:
    """The first message of a conversation that a person begins: the task's prompt, or where it lies if it is long."""
    try:
        text = (run_dir / PROMPT).read_text("utf-8", errors="replace").strip()
    except OSError:
        text = ""
    if not text or text.startswith("-") or len(text.encode("utf-8", "replace")) > ARGUMENT_BYTES:
        return f"Read the file {run_dir / PROMPT}: it holds your task. Then work on it."
    return text
