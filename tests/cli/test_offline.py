"""Every verb without an engine: stdout, stderr, exit code, and what lies on the disk afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cctui import __version__
from cctui.cli.here import CODES
from cctui.cli.main import VERBS, ccq, cctui
from cctui.lock import Lock
from cctui.places import find_places

Ccq = Callable[..., Result]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "r"
    for phase in ("pending", "active", "completed", "failed", "recurring"):
        (folder / "tasks" / phase).mkdir(parents=True)
    monkeypatch.setenv("CCTUI_ROOT", str(folder))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def call(root: Path) -> Ccq:
    def called(*args: str, **settings: Any) -> Result:
        return CliRunner().invoke(ccq, list(args), prog_name="ccq", **settings)

    return called


def write(root: Path, name: str, front: str = "", body: str = "Do it.", phase: str = "pending") -> Path:
    path = root / "tasks" / phase / f"{name}.md"
    path.write_text(f"---\n{front}---\n{body}\n" if front else f"{body}\n")
    return path


def data(result: Result) -> Any:
    """The data of a --json answer, whose frame is the contract's."""
    told = json.loads(result.stdout)
    assert list(told) == ["schema", "data", "errors"]
    assert told["schema"] == 1
    return told["data"]


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["history", "db"])
@pytest.mark.parametrize("verb", [["ls"], ["why", "a"], ["pause", "a"], ["add", "new"]])
def test_a_file_that_cannot_be_read_is_one_sentence(call: Ccq, root: Path, what: str, verb: list[str]) -> None:
    write(root, "a")
    places = find_places(None, os.environ, root)
    bad: Path = getattr(places, what)
    bad.mkdir(parents=True)
    result = call(*verb, "--json")
    assert result.exit_code == 1, result.exception
    assert json.loads(result.stdout)["errors"][0].startswith(f"cannot read {bad}: ")


def test_a_memory_that_was_torn_is_said_and_set_aside(call: Ccq, root: Path) -> None:
    write(root, "a")
    places = find_places(None, os.environ, root)
    places.state.mkdir(parents=True)
    places.db.write_text("{")
    result = call("ls")
    assert result.exit_code == 0
    assert "db.json was unreadable and lies now in db.json.bad-" in result.stderr


def test_a_lock_that_cannot_be_taken_is_one_sentence(call: Ccq, root: Path) -> None:
    write(root, "a")
    lock = find_places(None, os.environ, root).lock
    lock.mkdir(parents=True)
    for verb in (["pause", "a"], ["headless", "--once"]):
        result = call(*verb)
        assert result.exit_code == 1, result.exception
        assert f"cannot take the lock {lock}: " in result.stderr


@pytest.mark.parametrize("words", [["why"], ["nonsense"], ["ls", "--nonsense"], ["history", "-n", "-1"]])
def test_a_mistyped_command_is_an_object_too(call: Ccq, words: list[str]) -> None:
    result = call(*words, "--json")
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert told["data"] is None
    assert told["errors"][0] in result.stderr.replace("\n", " ")


def test_ls_shows_every_row_with_its_reason_in_48_columns(call: Ccq, root: Path) -> None:
    write(root, "first", "priority: 1\n")
    write(root, "second-with-a-name-that-is-far-too-long-for-a-phone", "depends_on: [first]\n")
    write(root, "bad", "priority: high\n")
    write(root, "old", phase="completed")
    result = call("ls")
    assert result.exit_code == 0
    assert all(len(line) <= 48 for line in result.stdout.splitlines())
    assert "waits for first" in result.stdout
    assert "old" not in result.stdout
    assert "old" in call("ls", "--all").stdout
    rows = data(call("ls", "--json"))
    assert [(row["name"], row["state"]) for row in rows][:2] == [("first", "ready"), (rows[1]["name"], "waiting")]
    assert rows[1]["reason"]["why"] == "depends"
    assert [row["name"] for row in rows if row["phase"] == "invalid"] == ["bad"]


def test_looking_writes_nothing(call: Ccq, root: Path, tmp_path: Path) -> None:
    write(root, "a")
    before = sorted(tmp_path.rglob("*"))
    for verb in (["ls"], ["show", "a"], ["why", "a"], ["usage"], ["history"], ["status"], ["config"], []):
        assert call(*verb).exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_bare_ccq_is_the_status_and_says_that_no_engine_runs(call: Ccq, root: Path) -> None:
    write(root, "a")
    result = call()
    assert "1 ready" in result.stdout
    assert "no engine is running" in result.stderr
    assert data(call("--json"))["engine"] is False
    assert data(call("status", "--json"))["counts"] == {"ready": 1}


def test_show_and_why_take_a_unique_prefix(call: Ccq, root: Path) -> None:
    write(root, "vault-lint", "paused: true\n", body="# Lint\x1b[31m the vault")
    shown = call("show", "vault")
    assert "path: pending/vault-lint.md" in shown.stdout
    assert data(call("show", "v", "--json"))["title"] == "Lint the vault"
    gates = data(call("why", "vault-l", "--json"))
    assert all(list(gate) == ["gate", "open", "text", "value", "threshold", "until"] for gate in gates)
    assert [gate["gate"] for gate in gates if not gate["open"]] == ["paused"]
    assert "× paused" in call("why", "vault-lint").stdout


def test_an_ambiguous_name_lists_the_matches_and_an_unknown_one_is_not_found(call: Ccq, root: Path) -> None:
    write(root, "vault-lint")
    write(root, "vault-clean")
    ambiguous = call("why", "vault")
    assert ambiguous.exit_code == 2
    assert "vault-clean, vault-lint" in ambiguous.stderr
    for verb in ("why", "show", "rm", "pause", "logs", "peek", "attach", "retry", "stop"):
        assert call(verb, "nobody").exit_code == 3, verb
    failed = call("why", "nobody", "--json")
    assert json.loads(failed.stdout) == {"schema": 1, "data": None, "errors": ["no task named nobody"]}


def test_usage_never_shows_an_unknown_as_zero(call: Ccq) -> None:
    window = data(call("usage", "--json"))["default"]["windows"][0]
    assert window["used_percent"] is None
    assert "?" in call("usage").stdout
    assert " 0 %" not in call("usage").stdout


def test_history_of_nothing(call: Ccq) -> None:
    assert data(call("history", "--json"))["records"] == []
    assert "0 runs" in call("history").stdout


def test_config_shows_origin_and_help(call: Ccq, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCTUI_RUN_SLOTS", "3")
    slots = data(call("config", "run.slots", "--json"))["run.slots"]
    assert slots == {"value": 3, "default": 2, "origin": "environment", "help": "runs at the same time"}
    assert set(data(call("config", "run", "--json"))) >= {"run.slots", "run.default_timeout"}
    wrong = call("config", "run.slot")
    assert wrong.exit_code == 3
    assert "did you mean run.slots?" in wrong.stderr


def test_a_config_that_cannot_be_read_is_exit_4(call: Ccq, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("run.slots = 'many'\n")
    result = call("--config", str(tmp_path / "config.toml"), "ls", "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["data"] is None
    assert "slots" in result.stderr


# --- adding ----------------------------------------------------------------------------------------------------------


def test_add_makes_a_name_and_prints_only_that(call: Ccq, root: Path) -> None:
    first = call("add", "Check the vault: what is stale?")
    assert (first.exit_code, first.stdout) == (0, "check-the-vault-what-is-stale\n")
    assert call("add", "Check the vault: what is stale?").stdout == "check-the-vault-what-is-stale-2\n"
    file = root / "tasks/pending/check-the-vault-what-is-stale.md"
    assert file.read_text() == "Check the vault: what is stale?\n"
    assert data(call("add", "x", "--name", "y", "--json")) == {"task": "y"}


def test_add_from_stdin_with_every_option(call: Ccq, root: Path) -> None:
    (root / "project").mkdir()
    result = call(
        *("add", "-", "--name", "big", "--priority", "2", "--cwd", "project", "--at", "2030-01-02T03:04"),
        *("--after", "first", "--field", "check=test -f x: y", "--field", "tags=[a, b]"),
        input="Line one.\n\n---\nnot front matter\n",
    )
    assert result.exit_code == 0, result.output
    fields = data(call("show", "big", "--json"))["fields"]
    assert (fields["priority"], fields["check"], fields["tags"]) == (2, "test -f x: y", ["a", "b"])
    assert fields["folder"] == str((root / "project").resolve())
    assert fields["not_before"].startswith("2030-01-02T03:04:00")
    assert fields["depends_on"] == [{"name": "first", "any": False}]
    assert "not front matter" in call("show", "big").stdout


def test_add_a_shell_task_and_a_schedule(call: Ccq) -> None:
    assert call("add", "--runner", "shell", "--command", "echo '#1'; ls", "--name", "sh").exit_code == 0
    assert data(call("show", "sh", "--json"))["fields"]["command"] == "echo '#1'; ls"
    assert call("add", "nightly", "--cron", "5 3 * * *").exit_code == 0
    rows = {row["name"]: row for row in data(call("ls", "--json"))}
    assert (rows["nightly"]["phase"], rows["nightly"]["position"]) == ("recurring", None)
    assert "at 03:05 every day" in rows["nightly"]["reason"]["text"]
    assert datetime.fromisoformat(rows["nightly"]["next_fire"]) > datetime.now(UTC)


def test_show_of_a_template_tells_its_next_five_firings(call: Ccq, root: Path) -> None:
    write(root, "nightly", 'schedule: "30 2 * * mon"\ntz: Asia/Kolkata\n', phase="recurring")
    shown = call("show", "nightly").stdout
    assert "fires at 02:30 on Mon (Asia/Kolkata)" in shown
    assert len([line for line in shown.splitlines() if line.startswith("    Mon ")]) == 5
    schedule = data(call("show", "nightly", "--json"))["schedule"]
    assert [due[10:] for due in schedule["next"]] == ["T02:30:00+05:30"] * 5
    assert "schedule" in data(call("why", "nightly", "--json"))[0]["gate"]


def test_the_next_firing_is_skipped_and_that_is_taken_back(call: Ccq, root: Path) -> None:
    write(root, "nightly", "schedule: '@daily'\n", phase="recurring")
    write(root, "plain")
    assert call("skip", "night").stdout == "the next firing of nightly is left out\n"
    assert ", skipped" in data(call("ls", "--phase", "recurring", "--json"))[0]["reason"]["text"]
    assert call("skip", "nightly").exit_code == 1
    assert call("skip", "nightly", "--undo").stdout == "the next firing of nightly is not left out\n"
    assert ", skipped" not in data(call("ls", "--phase", "recurring", "--json"))[0]["reason"]["text"]
    result = call("skip", "plain")
    assert (result.exit_code, "no template" in result.stderr) == (1, True)
    assert call("skip", "gone").exit_code == 3


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["add"], 2, "needs a prompt"),
        (["add", " "], 2, "needs a prompt"),
        (["add", "x", "--priority", "high"], 4, "priority"),
        (["add", "x", "--at", "soon"], 4, "is no time"),
        (["add", "x", "--cwd", "/no/such/folder"], 4, "no folder"),
        (["add", "x", "--name", "a/b"], 4, "name"),
        (["add", "x", "--field", "prioritty=3"], 4, "did you mean priority?"),
        (["add", "x", "--field", "paused"], 2, "KEY=VALUE"),
        (["add", "x", "--cron", "every day"], 4, "schedule"),
        (["add", "x", "--runner", "magic"], 4, "runner"),
    ],
)
def test_what_no_task_can_have_is_refused_and_nothing_written(
    call: Ccq, root: Path, args: list[str], code: int, words: str
) -> None:
    result = call(*args)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert result.stdout == ""
    assert list((root / "tasks/pending").iterdir()) == []


@pytest.mark.parametrize(("text", "minutes"), [("+90m", 90), ("+2h30m", 150)])
def test_add_at_a_time_from_now(call: Ccq, text: str, minutes: int) -> None:
    from cctui.adapters.clock import Clock
    from cctui.cli.drafting import start

    away = (start(text) - Clock().now()).total_seconds()
    assert minutes * 60 - 5 <= away <= minutes * 60


def test_add_of_a_name_that_is_there_is_refused(call: Ccq, root: Path) -> None:
    write(root, "a")
    result = call("add", "x", "--name", "a")
    assert result.exit_code == 1
    assert "a is there already" in result.stderr


# --- changing --------------------------------------------------------------------------------------------------------


def test_pause_and_resume_edit_one_line(call: Ccq, root: Path) -> None:
    path = write(root, "a", "# mine\npriority: 3\n")
    assert "a is paused" in call("pause", "a").stdout
    assert path.read_text() == "---\n# mine\npriority: 3\npaused: true\n---\nDo it.\n"
    again = call("pause", "a")
    assert (again.exit_code, again.stderr) == (1, "ccq: a is paused already\n")
    assert call("resume", "a").exit_code == 0
    assert path.read_text() == "---\n# mine\npriority: 3\n---\nDo it.\n"


def test_move_keeps_its_place_and_writes_a_new_priority(call: Ccq, root: Path) -> None:
    for name in ("a", "b", "c"):
        write(root, name)
    low = write(root, "z", "priority: 9\n")
    assert call("move", "c", "top").exit_code == 0
    assert call("move", "a", "after", "b").exit_code == 0
    assert [row["name"] for row in data(call("ls", "--json"))] == ["c", "b", "a", "z"]
    assert call("move", "z", "before", "b").exit_code == 0
    assert "priority: 5" in low.read_text()
    assert call("move", "c", "up").exit_code == 1
    assert call("move", "c", "before").exit_code == 2
    assert call("move", "c", "up", "a").exit_code == 2
    assert call("move", "c", "sideways").exit_code == 2


def test_edit_changes_fields_but_not_into_nonsense(call: Ccq, root: Path) -> None:
    path = write(root, "a", "priority: 3 # why\n")
    assert call("edit", "a", "--field", "priority=1", "--field", "kind=night work").exit_code == 0
    assert "priority: 1 # why" in path.read_text()
    assert data(call("show", "a", "--json"))["kind"] == "night work"
    before = path.read_text()
    assert call("edit", "a", "--field", "priority=high").exit_code == 4
    assert call("edit", "a", "--field", "prio=1").exit_code == 4
    assert path.read_text() == before


def test_edit_opens_the_editor_and_says_what_is_wrong_afterwards(
    call: Ccq, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(root, "a")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf -- "---\\npriority: high\\n---\\nx\\n" > "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    result = call("edit", "a")
    assert result.exit_code == 4
    assert "priority" in result.stderr
    assert "high" in path.read_text()
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    assert call("edit", "pending/a.md").exit_code == 7


def test_rm_moves_to_the_trash(call: Ccq, root: Path) -> None:
    write(root, "a")
    write(root, "bad", "priority: high\n")
    assert call("rm", "a", "bad").exit_code == 0
    assert list((root / "tasks/pending").iterdir()) == []
    trash = find_places(None, os.environ, root).trash
    assert sorted(path.name for path in trash.glob("*/pending/*.md")) == ["a.md", "bad.md"]


def test_undo_takes_back_one_step_after_another(call: Ccq, root: Path) -> None:
    """Each of these is a program of its own: what can be taken back outlives all of them."""
    file = write(root, "a", "priority: 3 # mine\n")
    whole = file.read_text()
    write(root, "b", phase="completed")
    assert call("undo").exit_code == 3
    assert call("undo", "--list").stdout == "there is nothing to take back\n"
    for verb in (
        ["edit", "a", "--field", "model=opus"],
        ["pause", "a"],
        ["hold"],
        ["rm", "a", "b"],
        ["add", "hi", "-n", "n"],
    ):
        assert call(*verb).exit_code == 0
    listed = data(call("undo", "--list", "--json"))
    assert [step["label"] for step in listed] == [
        "n is in the queue", "b is in the trash", "a is in the trash", "hold is on", "a paused", "a: model changed",
    ]  # fmt: skip
    assert set(listed[0]) == {"label", "at", "when"}
    assert call("undo", "--list").stdout.splitlines()[0].endswith(" n is in the queue")
    assert data(call("undo", "--json")) == {"task": None, "text": "taken back: n is in the queue", "left": 5}
    assert not (root / "tasks/pending/n.md").exists()
    assert call("undo").stdout == "taken back: b is in the trash\n"
    assert (root / "tasks/completed/b.md").exists(), "it comes back to where it was"
    assert [call("undo").exit_code for _ in range(4)] == [0, 0, 0, 0]
    assert file.read_text() == whole
    assert data(call("status", "--json"))["hold"] is False
    assert call("undo").stderr == "ccq: there is nothing to take back\n"


def test_undo_lets_go_of_what_can_never_be_taken_back(call: Ccq, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(root, "a")
    assert call("hold").exit_code == 0
    assert call("pause", "a").exit_code == 0
    file.unlink()
    refused = call("undo")
    assert (refused.exit_code, refused.stderr) == (1, "ccq: a paused: no task named a\n"), "it may yet appear"
    monkeypatch.setattr("cctui.core.refusal.SETTLE", timedelta(0))
    gone = call("undo")
    assert (gone.exit_code, gone.stderr) == (1, "ccq: a paused: it cannot be taken back: no task named a\n")
    assert call("undo").stdout == "taken back: hold is on\n"


def test_what_could_not_be_done_cannot_be_taken_back(call: Ccq, root: Path) -> None:
    write(root, "a", "{model: opus}\n")
    assert call("edit", "a", "--field", "priority=3").exit_code != 0
    assert call("undo").exit_code == 3


def test_undo_of_a_removal_does_not_overwrite(call: Ccq, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, "a", body="old")
    assert call("rm", "a").exit_code == 0
    write(root, "a", body="new")
    assert "a is in the trash: " in call("undo").stderr
    assert (root / "tasks/pending/a.md").read_text() == "new\n"


def test_retry_puts_finished_tasks_back(call: Ccq, root: Path) -> None:
    write(root, "a", phase="failed")
    write(root, "b", phase="failed")
    write(root, "c", phase="completed")
    assert call("retry").exit_code == 2
    assert call("retry", "--failed").exit_code == 0
    assert sorted(path.name for path in (root / "tasks/pending").iterdir()) == ["a.md", "b.md"]
    assert call("retry", "--failed").exit_code == 3
    assert call("retry", "c").exit_code == 0
    assert call("retry", "c").exit_code == 1


def test_hold_and_release_are_remembered(call: Ccq, root: Path) -> None:
    write(root, "a")
    assert call("hold").stdout == "holding: nothing new starts\n"
    assert data(call("ls", "--json"))[0]["reason"]["why"] == "hold"
    assert call("release").exit_code == 0
    assert data(call("ls", "--json"))[0]["reason"] is None


def test_what_does_not_run_cannot_be_stopped_or_watched(call: Ccq, root: Path) -> None:
    write(root, "a")
    assert call("stop", "a").exit_code == 1
    for verb in ("logs", "peek", "attach"):
        result = call(verb, "a")
        assert result.exit_code == 3
        assert "has not run yet" in result.stderr


def test_changing_needs_the_lock(call: Ccq, root: Path) -> None:
    write(root, "a")
    places = find_places(None, os.environ, root)
    places.state.mkdir(parents=True)
    lock = Lock(places.lock)
    assert lock.acquire()
    result = call("pause", "a")
    assert result.exit_code == 6
    assert str(os.getpid()) in result.stderr
    lock.release()
    assert call("pause", "a").exit_code == 0


def test_headless_says_who_holds_the_lock(call: Ccq, root: Path) -> None:
    places = find_places(None, os.environ, root)
    places.state.mkdir(parents=True)
    lock = Lock(places.lock)
    assert lock.acquire()
    result = call("headless", "--once")
    assert result.exit_code == 6, result.output
    lock.release()
    assert call("headless", "--stop").exit_code == 3
    assert call("headless", "--until", "25:00").exit_code == 2


def test_an_open_run_is_seen_without_an_engine(call: Ccq, root: Path) -> None:
    from cctui.adapters import rundir
    from cctui.cli import offline

    assert offline.FILED == rundir.FILED
    write(root, "a", phase="active")
    found = data(call("ls", "--json"))[0]
    assert (found["state"], found["reason"]["why"]) == ("waiting", "state")


# --- logs ------------------------------------------------------------------------------------------------------------


def test_logs_and_peek_read_the_run_folder_and_strip_control_codes(call: Ccq, root: Path) -> None:
    folder = find_places(None, os.environ, root).runs / "20261121-000000-abcdef"
    folder.mkdir(parents=True)
    (folder / "output.log").write_bytes(b"one\ntw\x1b]0;title\x07o\n\x1b[31mthree\x1b[0m\n")
    assert call("logs", folder.name).stdout == "one\ntwo\nthree\n"
    assert call("logs", folder.name, "-n", "1").stdout == "three\n"
    assert call("peek", folder.name, "-n", "2").stdout == "two\nthree\n"
    assert data(call("logs", folder.name, "--json")) == {"run_id": folder.name, "text": "one\ntwo\nthree\n"}
    followed = call("logs", "-f", folder.name, "--json")
    assert [json.loads(line) for line in followed.stdout.splitlines()] == [
        {"line": "one"},
        {"line": "two"},
        {"line": "three"},
    ]
    (folder / "stream.jsonl").write_text('{"type":"system"}\n')
    assert call("logs", folder.name, "--raw").stdout == '{"type":"system"}\n'


# --- the programs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_in_both_programs_and_has_help(root: Path, verb: str) -> None:
    if verb == "demo":
        return
    for program in (ccq, cctui):
        result = CliRunner().invoke(program, [verb, "--help"])
        assert result.exit_code == 0, result.output
        assert "Usage:" in result.stdout
        assert "--json" in result.stdout


def test_help_lists_every_verb_and_every_exit_code(call: Ccq) -> None:
    text = call("--help").stdout
    assert all(f"\n  {verb} " in text for verb in VERBS)
    for code in ("0", "1", "2", "3", "4", "5", "6", "7", "75", "130"):
        assert f"{code} " in CODES
    assert "another engine holds the" in text


def test_version_root_and_unknown_verbs(call: Ccq, tmp_path: Path) -> None:
    assert call("--version").stdout.startswith(f"cctui {__version__}")
    wrong = call("lss")
    assert wrong.exit_code == 2
    assert "did you mean ls?" in wrong.stderr
    other = tmp_path / "other"
    write_other = other / "tasks/pending"
    write_other.mkdir(parents=True)
    (write_other / "there.md").write_text("x\n")
    assert data(call("--root", str(other), "ls", "--json"))[0]["name"] == "there"
    assert data(call("ls", "--root", str(other), "--json"))[0]["name"] == "there"


def test_the_app_needs_a_terminal(root: Path) -> None:
    result = CliRunner().invoke(cctui, [])
    assert result.exit_code == 2
    assert "needs a terminal" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_both_programs(call: Ccq, shell: str) -> None:
    text = call("completion", shell).stdout
    assert "_CCQ_COMPLETE" in text
    assert "_CCTUI_COMPLETE" in text


def test_task_names_are_completed(root: Path) -> None:
    write(root, "vault-lint")
    write(root, "other")
    env = {"_CCQ_COMPLETE": "bash_complete", "COMP_WORDS": "ccq why va", "COMP_CWORD": "2"}
    result = CliRunner().invoke(ccq, [], prog_name="ccq", complete_var="_CCQ_COMPLETE", env=env)
    assert result.stdout.split() == ["plain,vault-lint"]


def test_keys_lists_what_the_app_binds(call: Ccq) -> None:
    rows = data(call("keys", "--json"))
    assert {"where", "keys", "does", "name"} == set(rows[0])
    assert "Pause" in call("keys").stdout


def test_doctor_names_a_fix_for_what_is_missing(call: Ccq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCTUI_CLAUDE_COMMAND", "/no/such/claude")
    result = call("doctor", "--json")
    assert result.exit_code == 7
    checks = {check["name"]: check for check in data(result)}
    assert checks["claude"]["state"] == "bad"
    assert "install it" in checks["claude"]["text"]
    assert {"python", "tmux", "git", "root", "state", "engine", "locale", "terminal", "zone"} <= set(checks)
    assert "× claude" in call("doctor").stdout
