"""How each leg of a run is started, by part, runner and mode; the last part with the real program."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters.claude import ClaudeError
from cctui.adapters.legs import CALL, leg_plan
from cctui.adapters.rundir import LegPlan, RunDir
from cctui.adapters.runsettings import ATTENDED, HEADLESS
from cctui.core.settings import ClaudeSettings, RunSettings, Settings, WorktreeSettings
from cctui.core.world import Leg, Mode, Part, Runner, Spec, Why
from tests.adapters.claude_api import Real, stub
from tests.adapters.runs import CONVERSATION, only, play, result_line, spec, stream
from tests.adapters.test_plugins import install, market
from tests.stub_api import Say, StubApi, Use

__all__ = ["stub"]

SETTINGS = Settings(run=RunSettings(kill_grace_seconds=7.0), worktree=WorktreeSettings(setup_timeout=44.0))
WORK = Leg(Part.WORK)


def claude(**changes: Any) -> Spec:
    return replace(spec(runner=Runner.CLAUDE, via="claude", timeout=90.0), **changes)


def planned(of: Spec, run_dir: Path, **changes: Any) -> LegPlan:
    call: dict[str, Any] = {"leg": 1, "kind": WORK, "resume": False, "folder": "/w", "environ": {"PATH": "/bin"}}
    call |= changes
    settings = call.pop("settings", SETTINGS)
    return leg_plan(of, settings, run_dir=run_dir, **call)


def after(argv: tuple[str, ...], flag: str) -> list[str]:
    """The values of a flag."""
    rest = argv[argv.index(flag) + 1 :]
    end = next((at for at, word in enumerate(rest) if word.startswith("--")), len(rest))
    return list(rest[:end])


@pytest.fixture
def runs(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "runs")


def add(runs: RunDir, of: Spec, kind: Leg = WORK, *, resume: bool = False, said: str | None = None, **more: Any) -> str:
    """Plan and write the next leg of `of`; its prompt.  `said` plays it: a stand-in for the program ends with that."""
    folder = runs.make(of, "Do the work.\n")
    leg = 1 + len(list(folder.glob("leg-*.json")))
    plan = planned(of, folder, leg=leg, kind=kind, resume=resume, **more)
    runs.add_leg(of.run_id, leg, plan)
    if said is not None:
        raw = json.loads((folder / f"leg-{leg}.json").read_text())
        script = stream(folder, f"said-{leg}", result_line(5, 0.5, result=said))
        (folder / f"leg-{leg}.json").write_text(json.dumps(raw | {"argv": ["/bin/sh", "-c", script], "cwd": "/"}))
        play(runs, of.run_id, leg)
    return (folder / plan.stdin).read_text() if plan.stdin else ""


# --- what is started -------------------------------------------------------------------------------------------------


def test_first_leg(tmp_path: Path) -> None:
    plan = planned(claude(), tmp_path)
    assert plan.argv[:5] == ("claude", "-p", "--output-format", "stream-json", "--verbose")
    assert after(plan.argv, "--session-id") == [CONVERSATION]
    assert after(plan.argv, "--permission-mode") == ["acceptEdits"]
    assert after(plan.argv, "--permission-prompts") == ["none"]
    assert after(plan.argv, "--settings") == [str(tmp_path / HEADLESS)]
    assert "Bash" in after(plan.argv, "--allowedTools")
    assert {"ScheduleWakeup", "CronCreate", "Monitor", "RemoteTrigger"} <= set(after(plan.argv, "--disallowedTools"))
    assert not any("bypass" in word or "dangerously" in word for word in plan.argv)
    assert (plan.stdin, plan.stdout, plan.render, plan.timeout, plan.grace, plan.cwd) == (
        *("prompt.md", "stream", "claude", 90.0, 7.0),
        "/w",
    )
    assert {HEADLESS, ATTENDED, "guard.json", "secrets.json"} == set(plan.files)


@pytest.mark.parametrize(
    ("changes", "seconds", "expected"),
    [
        ({"kind": Leg(Part.SETUP)}, None, ("make venv", "log", 44.0, "setup")),
        ({"kind": Leg(Part.CHECK)}, None, ("make test", "log", 600.0, "check")),
        ({"kind": Leg(Part.CHECK)}, 5.0, ("make test", "log", 5.0, "check")),
    ],
)
def test_set_up_and_check(
    tmp_path: Path, changes: dict[str, Any], seconds: float | None, expected: tuple[str, str, float, str]
) -> None:
    of = claude(setup="make venv", check="make test")
    plan = planned(of, tmp_path, seconds=seconds, **changes)
    assert (plan.argv[-1], plan.stdout, plan.timeout, plan.part) == expected
    assert plan.argv[:2] == ("/bin/sh", "-c")
    assert plan.session_id is None


def test_shell(tmp_path: Path) -> None:
    plan = planned(spec(via="shell", command="make all"), tmp_path, seconds=3.0)
    assert plan.argv == ("/bin/sh", "-c", "make all")
    assert (plan.stdin, plan.stdout, plan.render, plan.session_id, plan.timeout) == (None, "log", "plain", None, 3.0)
    assert set(plan.files) == {"secrets.json"}
    with pytest.raises(ClaudeError, match="command"):
        planned(spec(via="shell"), tmp_path)


def test_python(runs: RunDir, tmp_path: Path) -> None:
    (tmp_path / "figures.py").write_text("def count():\n    return {'three': 3}\n")
    of = spec(runner=Runner.PYTHON, via="python", call="figures:count")
    add(runs, of, folder=str(tmp_path), environ=os.environ)
    raw = json.loads((runs.folder("digest-1") / "leg-1.json").read_text())
    assert raw["argv"] == ["python3", str(CALL), str(runs.folder("digest-1")), "figures:count"]
    play(runs)
    ending = only(runs).ending
    assert ending is not None and (ending.rc, ending.result) == (0, None)
    assert json.loads(runs.result_json("digest-1")) == {"three": 3}
    with pytest.raises(ClaudeError, match="call"):
        planned(replace(of, call=None), tmp_path)


def test_a_function_that_raises_has_no_result(runs: RunDir, tmp_path: Path) -> None:
    (tmp_path / "figures.py").write_text("def count():\n    raise OSError('no figures')\n")
    of = spec(runner=Runner.PYTHON, via="python", call="figures:count")
    add(runs, of, folder=str(tmp_path), environ=os.environ)
    play(runs)
    ending = only(runs).ending
    assert ending is not None and ending.rc == 1 and "no figures" in ending.output_tail
    assert runs.result_json("digest-1") == ""


@pytest.mark.parametrize(
    ("template", "argv"),
    [
        ("codex exec --model {model} -C {folder} -", ["codex", "exec", "--model", "opus", "-C", "/w o", "-"]),
        ("sh -c 'cat \"$0\"' {prompt_file}", ["sh", "-c", 'cat "$0"', "RUN/prompt.md"]),
        ("x --note={task} {run_dir} {other} '{\"a\": 1}'", ["x", "--note={folder}", "RUN", "{other}", '{"a": 1}']),
    ],
)
def test_a_person_s_own_runner(tmp_path: Path, template: str, argv: list[str]) -> None:
    of = spec(runner="codex", via="template", task="{folder}", model="opus")
    settings = replace(SETTINGS, runners=(("codex", template),))
    plan = planned(of, tmp_path, settings=settings, folder="/w o")
    assert list(plan.argv) == [word.replace("RUN", str(tmp_path)) for word in argv]
    assert (plan.stdin, plan.stdout) == ("prompt.md", "log")


@pytest.mark.parametrize("runners", [(), (("codex", "  "),), (("codex", "x 'half"),)])
def test_a_runner_that_is_no_command_says_so(tmp_path: Path, runners: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ClaudeError, match="codex"):
        planned(spec(runner="codex", via="template"), tmp_path, settings=replace(SETTINGS, runners=runners))


# --- modes and limits ------------------------------------------------------------------------------------------------


def test_model_effort_and_bounds_are_passed_on(tmp_path: Path) -> None:
    argv = planned(claude(model="opus", effort="low", max_turns=3, max_budget_usd=1.5), tmp_path).argv
    for flag, value in (("--model", "opus"), ("--effort", "low"), ("--max-turns", "3"), ("--max-budget-usd", "1.5")):
        assert after(argv, flag) == [value]


def test_allowed_tools_replace_the_list(tmp_path: Path) -> None:
    argv = planned(claude(allowed_tools=("Bash(git *)", "Read")), tmp_path).argv
    assert after(argv, "--allowedTools") == ["Bash(git *)", "Read"]


def test_read_only_offers_only_tools_that_read(tmp_path: Path) -> None:
    argv = planned(claude(mode=Mode.READ_ONLY, bypass_permissions=True), tmp_path).argv
    assert after(argv, "--permission-mode") == ["dontAsk"]
    assert after(argv, "--tools") == ["Read,Grep,Glob,WebFetch,WebSearch"]
    assert "--strict-mcp-config" in argv
    of = claude(mode=Mode.READ_ONLY, allowed_tools=("Read(docs/**)", "Bash", "Write"))
    narrowed = planned(of, tmp_path).argv
    assert (after(narrowed, "--tools"), after(narrowed, "--allowedTools")) == (["Read"], ["Read(docs/**)"])
    with pytest.raises(ClaudeError, match="read-only"):
        planned(claude(mode=Mode.READ_ONLY, allowed_tools=("Bash",)), tmp_path)


def test_a_plan_is_made_with_tools_that_read_and_carried_out_with_all(tmp_path: Path) -> None:
    of = claude(mode=Mode.PLAN_FIRST, allowed_tools=("Bash", "Edit"))
    plan = planned(of, tmp_path, kind=Leg(Part.PLAN))
    assert after(plan.argv, "--permission-mode") == ["dontAsk"]
    assert after(plan.argv, "--tools") == ["Read,Grep,Glob,WebFetch,WebSearch"]
    work = planned(of, tmp_path, kind=WORK).argv
    assert (after(work, "--permission-mode"), after(work, "--allowedTools")) == (["acceptEdits"], ["Bash", "Edit"])


def test_bypass_is_for_work_only(tmp_path: Path) -> None:
    of = claude(bypass_permissions=True, mode=Mode.PLAN_FIRST)
    work = planned(of, tmp_path).argv
    assert after(work, "--permission-mode") == ["bypassPermissions"]
    assert not {"--permission-prompts", "--allowedTools"} & set(work)
    assert after(planned(of, tmp_path, kind=Leg(Part.PLAN)).argv, "--permission-mode") == ["dontAsk"]


def test_the_money_is_for_the_whole_run(runs: RunDir) -> None:
    of = claude(max_budget_usd=1.25)
    for leg, left in enumerate(("1.25", "0.75", "0.25", "0.01"), 1):
        argv = planned(of, runs.folder("digest-1"), leg=leg, kind=WORK, resume=True).argv
        assert after(argv, "--max-budget-usd") == [left]
        add(runs, of, resume=True, said="ok")


def test_environment(tmp_path: Path) -> None:
    environ = {"PATH": "/bin", "SECRET": "no", "MY_TOKEN": "tok-123456", "IS_SANDBOX": "1"}
    env = planned(claude(env=("MY_TOKEN",)), tmp_path, environ=environ, leg=1).env
    assert {"SECRET", "IS_SANDBOX"} & set(env) == set()
    assert (env["CCTUI_TASK"], env["CCTUI_RUN"], env["CCTUI_RUN_DIR"], env["CCTUI_LEG"]) == (
        *("digest", "digest-1", str(tmp_path)),
        "1",
    )
    assert (env["MY_TOKEN"], env["CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"], env["BASH_MAX_TIMEOUT_MS"]) == (
        *("tok-123456", "1"),
        "90000",
    )
    assert planned(claude(env=("IS_SANDBOX",)), tmp_path, environ=environ).env["IS_SANDBOX"] == "1"
    assert planned(claude(env=("MY_TOKEN",)), tmp_path, environ=environ).files["secrets.json"] == {
        "values": ["tok-123456"]
    }


@pytest.mark.parametrize("worktree", ["/trees/digest", None])
def test_where_in_git_a_leg_works(tmp_path: Path, worktree: str | None) -> None:
    told = {"repo": "/repo", "folder": "/w", "worktree": worktree, "ready": True, "odd": 1}
    (tmp_path / "tree.json").write_text(json.dumps(told))
    env = planned(claude(check="true"), tmp_path, kind=Leg(Part.CHECK)).env
    assert (env["CCTUI_REPO"], env.get("CCTUI_WORKTREE")) == ("/repo", worktree)


# --- the words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "begins", "holds"),
    [
        ({}, "Do the work.\n", ()),
        ({"check": "make ```test"}, "Do the work.\n\n", ("````\nmake ```test\n````", "exits with 0")),
        ({"via": "loop", "runner": "loop"}, "Do the work.\n\n", ("`CCTUI-DONE`", "5 rounds")),
        ({"via": "loop", "runner": "loop", "check": "make"}, "Do the work.\n\n", ("make",)),
        ({"runner": "parallel"}, "Do the work.\n\n", ("side by side",)),
        ({"via": "skill:ralph", "runner": "ralph"}, "/oh-my-claudecode:ralph Do the work.\n", ()),
        ({"via": "skill:ultrawork", "runner": "parallel"}, "/oh-my-claudecode:ultrawork Do the work.\n", ()),
    ],
)
def test_first_prompt(runs: RunDir, changes: dict[str, Any], begins: str, holds: tuple[str, ...]) -> None:
    text = add(runs, claude(**changes))
    assert text.startswith(begins)
    assert all(words in text for words in holds)
    assert ("CCTUI-DONE" in text) is ("`CCTUI-DONE`" in holds)
    assert holds or text == begins


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (Why.LIMIT, "window is open again"),
        (Why.LANDED, "nearly full. It is open again"),
        (Why.OUTAGE, "answers again after an outage"),
        (Why.LOGIN, "login works again"),
        (Why.STALL, "Nothing was heard"),
        (Why.LOST, "was killed in the middle of a step"),
        (Why.GIVEN_BACK, "A person has worked in this conversation"),
        ("", "The interruption is over"),
        ("word of a newer version", "The interruption is over"),
    ],
)
def test_what_a_conversation_that_goes_on_is_told(runs: RunDir, why: str, words: str) -> None:
    of = claude(check="make test")
    add(runs, of, said="ok")
    text = add(runs, of, Leg(Part.WORK, why), resume=True)
    assert words in text
    assert "do not repeat work that is already complete" in text
    raw = json.loads((runs.folder("digest-1") / "leg-2.json").read_text())
    assert after(tuple(raw["argv"]), "--resume") == [CONVERSATION]
    assert "--session-id" not in raw["argv"]
    assert raw["stdin"] == "prompt-2.md"
    assert (raw["part"], raw["why"]) == ("work", why)


def test_a_failed_check_comes_back_with_its_evidence(runs: RunDir) -> None:
    of = claude(runner="loop", via="loop", check="make test", max_iterations=4)
    add(runs, of, said="ok")
    for number in (2, 3):
        add(runs, of, Leg(Part.CHECK))
        text = add(runs, of, Leg(Part.WORK, Why.CHECK), resume=True, evidence="check: exit code 1\n```\nE assert 1")
        assert f"round {number} of 4" in text
        assert "````\ncheck: exit code 1\n```\nE assert 1\n````" in text
        assert "Fix what it shows. It is run again when you end." in text


def test_a_round_that_did_not_finish(runs: RunDir) -> None:
    of = claude(runner="loop", via="loop")
    add(runs, of, said="ok")
    text = add(runs, of, Leg(Part.WORK, Why.UNFINISHED), resume=True, evidence="not done after 1 rounds")
    assert "not done yet (not done after 1 rounds); this is round 2 of 5" in text
    assert "`CCTUI-DONE`" in text


def test_plan_first(runs: RunDir) -> None:
    of = claude(mode=Mode.PLAN_FIRST, runner="ralph", via="skill:ralph", check="make test")
    first = add(runs, of, Leg(Part.PLAN), said="1. Read.\n2. Write.")
    assert first.startswith("Do the work.\n\nDo not change anything yet.")
    assert "make test" not in first
    again = add(runs, of, Leg(Part.PLAN, Why.LIMIT), resume=True)
    assert again.startswith("The usage window is open again. Do not change anything yet.")
    text = add(runs, of, Leg(Part.WORK, Why.NEEDS_YOU), resume=True)
    assert text.startswith("/oh-my-claudecode:ralph Your plan has been accepted by a person: carry it out now")
    assert "make test" in text
    assert "accepted" not in add(runs, of, Leg(Part.WORK, Why.LOST), resume=True)
    assert runs.plan("digest-1") == "1. Read.\n2. Write."


def test_a_conversation_that_is_gone_hands_over(runs: RunDir) -> None:
    of = claude(mode=Mode.PLAN_FIRST)
    add(runs, of, Leg(Part.PLAN), said="1. Read.")
    folder = runs.folder("digest-1")
    (folder / "secrets.json").write_text('{"values": ["swordfish-77"]}')
    (folder / "output.log").write_text("old\n" * 9000 + "I wrote notes.txt with swordfish-77\n")
    text = add(runs, of, Leg(Part.WORK, Why.FRESH))
    assert text.startswith("Do the work.\n\n")
    assert "look first" in text and "I wrote notes.txt with [redacted]" in text
    assert "accepted this plan; carry it out:\n```\n1. Read.\n```" in text
    assert len(text) < 7500
    raw = json.loads((folder / "leg-2.json").read_text())
    (other,) = after(tuple(raw["argv"]), "--session-id")
    assert other == str(uuid.uuid5(uuid.UUID(CONVERSATION), "leg-2"))
    add(runs, of, Leg(Part.WORK, Why.LIMIT), resume=True)
    third = json.loads((folder / "leg-3.json").read_text())
    assert after(tuple(third["argv"]), "--resume") == [other]


def test_after_a_set_up_the_conversation_begins(runs: RunDir) -> None:
    of = claude(setup="true")
    add(runs, of, Leg(Part.SETUP))
    text = add(runs, of, WORK, resume=True)
    raw = json.loads((runs.folder("digest-1") / "leg-2.json").read_text())
    assert (text, after(tuple(raw["argv"]), "--session-id")) == ("Do the work.\n", [CONVERSATION])


# --- with a person at the pane ---------------------------------------------------------------------------------------


def test_attended(runs: RunDir) -> None:
    of = claude(model="opus", max_turns=3, max_budget_usd=1.0)
    add(runs, of, said="ok")
    folder = runs.folder("digest-1")
    plan = planned(of, folder, leg=2, kind=Leg(Part.ATTENDED), resume=True, seconds=None)
    settings = str(folder / ATTENDED)
    assert plan.argv == ("claude", "--resume", CONVERSATION, "--model", "opus", "--settings", settings)
    assert (plan.stdout, plan.stdin, plan.timeout, plan.part, plan.session_id) == (
        *("tty", None, None, "attended"),
        CONVERSATION,
    )
    assert plan.env["TERM"] == "tmux-256color"
    assert "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS" not in plan.env


@pytest.mark.parametrize(
    ("mode", "approved", "reads"),
    [(Mode.READ_ONLY, False, True), (Mode.PLAN_FIRST, False, True), (Mode.PLAN_FIRST, True, False)],
)
def test_attended_keeps_what_the_mode_forbids(runs: RunDir, mode: Mode, approved: bool, reads: bool) -> None:
    of = claude(mode=mode)
    add(runs, of, said="ok")
    if approved:
        runs.approve("digest-1")
    argv = planned(of, runs.folder("digest-1"), leg=2, kind=Leg(Part.ATTENDED), resume=True).argv
    assert ("--tools" in argv) is reads
    assert "--permission-mode" not in argv


@pytest.mark.parametrize(("prompt", "inline"), [("Do it.", True), ("x" * 120_000, False), ("- a list", False)])
def test_attended_before_any_conversation(tmp_path: Path, prompt: str, inline: bool) -> None:
    (tmp_path / "prompt.md").write_text(prompt + "\n")
    argv = planned(claude(), tmp_path, leg=2, kind=Leg(Part.ATTENDED), resume=True).argv
    assert after(argv, "--session-id") == [CONVERSATION]
    assert (argv[-1] == prompt) is inline
    assert inline or argv[-1].startswith(f"Read the file {tmp_path}/prompt.md")


# --- the real program ------------------------------------------------------------------------------------------------


@pytest.fixture
def real(stub: StubApi, tmp_path: Path, claude_program: str, tag: str) -> Real:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "notes.txt").write_text("some notes")
    settings = Settings(claude=ClaudeSettings(command=claude_program, env=tuple(stub.environment())))
    of = claude(run_id=f"run-{tag}", folder=str(folder), session_id=str(uuid.uuid4()))
    return Real(of, settings, RunDir(tmp_path / "runs"))


WRITES = (
    Use("Bash", {"command": "echo x > bash.txt", "description": "write"}),
    Use("Write", {"file_path": "PROJECT/write.txt", "content": "x"}),
    Use("Edit", {"file_path": "PROJECT/notes.txt", "old_string": "some", "new_string": "no"}),
    Use("NotebookEdit", {"notebook_path": "PROJECT/x.ipynb", "new_source": "x", "edit_mode": "insert"}),
    Use("Task", {"description": "d", "prompt": "write", "subagent_type": "general-purpose"}),
)


@pytest.mark.real
@pytest.mark.parametrize(("mode", "part"), [(Mode.READ_ONLY, Part.WORK), (Mode.PLAN_FIRST, Part.PLAN)])
def test_reading_writes_nothing_even_where_the_person_s_settings_would_allow_it(
    real: Real, stub: StubApi, tag: str, mode: Mode, part: Part
) -> None:
    config = Path(os.environ["CLAUDE_CONFIG_DIR"])
    config.mkdir(exist_ok=True)
    rules = {"allow": ["Bash", "Write", "Edit", "NotebookEdit", "Task"], "defaultMode": "acceptEdits"}
    (config / "settings.json").write_text(json.dumps({"permissions": rules}))
    folder = Path(real.spec.folder)
    calls = [replace(use, input=json.loads(json.dumps(use.input).replace("PROJECT", str(folder)))) for use in WRITES]
    stub.script(tag, *calls, Use("Read", {"file_path": str(folder / "notes.txt")}), Say("read it"))
    real.spec = replace(real.spec, mode=mode)
    outcome = real.result(f"talk:{tag} look", Leg(part))
    assert (outcome.subtype, outcome.is_error, outcome.text) == ("success", False, "read it")
    assert (outcome.succeeded, outcome.changed, outcome.answers) == (1, 0, 7)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"notes.txt": "some notes"}
    init = next(event for event in real.events() if event.get("subtype") == "init")
    assert set(init["tools"]) == {"Read", "Grep", "Glob", "WebFetch", "WebSearch"}
    texts = json.dumps([event["message"]["content"] for event in real.events() if event["type"] == "user"])
    assert texts.count("No such tool available") == len(WRITES)
    assert "some notes" in texts


@pytest.mark.real
def test_autonomous_works_and_has_no_tool_that_sleeps(real: Real, stub: StubApi, tag: str) -> None:
    bash = Use("Bash", {"command": "echo x > bash.txt", "description": "write"})
    wake = Use("ScheduleWakeup", {"delaySeconds": 60, "reason": "r", "prompt": "p"})
    stub.script(tag, bash, wake, Say("done"))
    real.spec = replace(real.spec, max_turns=9, max_budget_usd=5.0, effort="low")
    outcome = real.result(f"talk:{tag} work")
    assert (outcome.text, outcome.is_error, outcome.changed) == ("done", False, 1)
    assert (Path(real.spec.folder) / "bash.txt").read_text() == "x\n"
    init = next(event for event in real.events() if event.get("subtype") == "init")
    sleepers = {"ScheduleWakeup", "CronCreate", "CronDelete", "CronList", "Monitor", "RemoteTrigger"}
    assert not set(init["tools"]) & sleepers
    assert {"Bash", "Write", "Task"} <= set(init["tools"])


@pytest.mark.real
def test_secrets_are_denied_whatever_the_person_s_settings_say(real: Real, stub: StubApi, tag: str) -> None:
    config = Path(os.environ["CLAUDE_CONFIG_DIR"])
    config.mkdir(exist_ok=True)
    (config / "settings.json").write_text(json.dumps({"disableAllHooks": True}))
    folder = Path(real.spec.folder)
    (folder / ".env").write_text("DB_PASSWORD=swordfish-77\n")
    leak = Use("Bash", {"command": "python3 -c \"print(open('.env').read())\"", "description": "leak"})
    read = Use("Read", {"file_path": str(folder / ".env")})
    stub.script(tag, leak, read, Say("they say swordfish-77"))
    real.spec = replace(real.spec, bypass_permissions=True)
    outcome = real.result(f"talk:{tag} leak")
    assert {denial.partition(":")[0] for denial in outcome.denials} == {"Bash", "Read"}
    assert (outcome.text, outcome.succeeded) == ("they say [redacted]", 0)
    sent = json.dumps([seen.turns for seen in stub.asked(tag)])
    assert "DB_PASSWORD=" not in sent
    init = next(event for event in real.events() if event.get("subtype") == "init")
    assert init["permissionMode"] == "bypassPermissions"


@pytest.mark.real
def test_a_loop_with_a_check_that_fails_and_then_passes(real: Real, stub: StubApi, tag: str) -> None:
    real.spec = replace(
        real.spec, runner="loop", via="loop", check="test -e made || { echo E made is missing; exit 3; }"
    )
    make = Use("Bash", {"command": "touch made", "description": "make it"})
    stub.script(tag, Say("I think it is done"), make, Say("now it is"))
    assert real.result(f"talk:{tag} make it").text == "I think it is done"
    failed = real.play(kind=Leg(Part.CHECK))
    assert failed.ending is not None and failed.work is not None and failed.ending.result is not None
    assert (failed.ending.rc, failed.ending.output_tail) == (3, "E made is missing")
    assert failed.ending.result.text == "I think it is done"
    evidence = f"check: exit code 3\n{failed.ending.output_tail}"
    again = real.result(kind=Leg(Part.WORK, Why.CHECK), resume=True, evidence=evidence)
    assert (again.text, again.changed, again.tokens) == ("now it is", 1, stub.served(tag))
    told = stub.asked(tag)[-1].turns
    assert any("E made is missing" in text and "round 2 of 5" in text for _, text in told)
    passed = real.play(kind=Leg(Part.CHECK))
    assert passed.ending is not None and (passed.ending.rc, passed.ending.output_tail) == (0, "")
    assert [leg.part for leg in passed.legs] == [Part.WORK, Part.CHECK, Part.WORK, Part.CHECK]


@pytest.mark.real
def test_a_conversation_that_is_not_there_says_so_and_a_fresh_one_works(real: Real, stub: StubApi, tag: str) -> None:
    stub.script(tag, Say("first"), Say("third"))
    assert real.result(f"talk:{tag} begin").text == "first"
    for path in Path(os.environ["CLAUDE_CONFIG_DIR"]).glob("projects/*/*.jsonl"):
        path.unlink()
    lost = real.result(kind=Leg(Part.WORK, Why.LIMIT), resume=True)
    assert lost.is_error
    assert "No conversation found" in lost.text
    fresh = real.result(kind=Leg(Part.WORK, Why.FRESH))
    assert (fresh.text, fresh.is_error) == ("third", False)
    assert fresh.session_id == str(uuid.uuid5(uuid.UUID(real.spec.session_id), "leg-3"))
    assert fresh.tokens == stub.served(tag)
    assert "look first" in stub.asked(tag)[-1].turns[0][1]


@pytest.mark.real
def test_a_skill_of_the_plugin_is_carried_out(real: Real, stub: StubApi, tag: str, tmp_path: Path) -> None:
    install(real.settings.claude.command, market(tmp_path / "market", "ralph"))
    stub.script(tag, Say("done"))
    real.spec = replace(real.spec, runner="ralph", via="skill:ralph")
    assert real.result(f"talk:{tag} first line\nsecond line").text == "done"
    (asked,) = stub.asked(tag)
    sent = json.dumps(asked.turns)
    assert "SKILL ralph SAYS: " in sent and "second line" in sent


@pytest.mark.real
def test_the_money_is_spent_once(real: Real, stub: StubApi, tag: str) -> None:
    calls = [Use("Bash", {"command": f"echo {number}", "description": "count"}) for number in range(9)]
    stub.script(tag, *(replace(call, tokens=replace(call.tokens, output=2000)) for call in calls))
    real.spec = replace(real.spec, model="opus", max_budget_usd=0.1)
    first = real.result(f"talk:{tag} count")
    assert first.subtype == "error_max_budget_usd"
    assert first.cost_usd is not None and 0.1 <= first.cost_usd < 0.16
    asked = len(stub.asked(tag))
    second = real.result(kind=Leg(Part.WORK, Why.LIMIT), resume=True)
    assert second.subtype == "error_max_budget_usd"
    assert len(stub.asked(tag)) == asked + 1
