"""The statusline hook as Claude Code runs it, and what is read from what it leaves."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cctui.adapters.statusline import MOST_BYTES, Statusline
from cctui.runner import statusline as hook

NOW = datetime.now(UTC).replace(microsecond=0)
SOON = int((NOW + timedelta(hours=2)).timestamp())


@pytest.fixture
def config(isolation: Path) -> Path:
    return isolation / "home/.claude"


def status(config: Path, used: object = 42, resets: object = SOON, *, session: str = "s-1", ms: object = 10) -> Any:
    """What Claude Code gives its statusline, as far as it matters."""
    return {
        "session_id": session,
        "transcript_path": f"{config}/projects/-w/{session}.jsonl",
        "cwd": "/w",
        "model": {"id": "claude-opus-5-5", "display_name": "Opus 5.5"},
        "cost": {"total_api_duration_ms": ms},
        "rate_limits": {
            "five_hour": {"used_percentage": used, "resets_at": resets},
            "seven_day": {"used_percentage": 21.5, "resets_at": SOON + 86_400},
        },
    }


def run(given: object, *command: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """The installed program's own way in, with the JSON (or bytes) on its standard input."""
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    code = "from cctui.cli.entry import ccq; ccq()"
    words = ["--", *command] if command else []
    argv = [sys.executable, "-c", code, "hook", "statusline", *words]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])} | env
    return subprocess.run(argv, input=data, capture_output=True, env=environ, timeout=30, check=False)


def records(isolation: Path) -> list[Path]:
    return sorted((isolation / "state/cctui/statusline").glob("*.json"))


def numbers(config: Path, now: datetime | None = None) -> dict[str, float | None]:
    found = Statusline(os.environ, config).readings(now or datetime.now(UTC))
    assert all(reading.source == "statusline" for reading in found)
    return {reading.window: reading.used for reading in found}


# --- the hook --------------------------------------------------------------------------------------------------------


def test_it_records_the_windows_and_says_a_short_line(isolation: Path, config: Path) -> None:
    ran = run(status(config), TZ="UTC")
    when = datetime.fromtimestamp(SOON, UTC).strftime("%H:%M")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.decode() == f"Opus 5.5 · 5h 42 % · resets {when}\n"
    assert numbers(config) == {"five_hour": 42.0, "seven_day": 21.5}
    (record,) = records(isolation)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700
    (five, _) = Statusline(os.environ, config).readings(datetime.now(UTC))
    assert five.resets_at == datetime.fromtimestamp(SOON, UTC)


@pytest.mark.parametrize("size", [10, 300_000])
def test_the_person_s_own_command_has_the_same_input_and_stays_as_it_is(
    isolation: Path, config: Path, size: int
) -> None:
    given = status(config) | {"filler": "x" * size}
    script = "cat > got; printf 'mine %s' \"$1\"; echo oops >&2; exit 7"
    ran = run(given, "sh", "-c", f"cd {isolation}/w; {script}", "sh", "--json -- 'a b'")
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, b"mine --json -- 'a b'", b"oops\n")
    assert json.loads((isolation / "w/got").read_text()) == given
    assert numbers(config)["five_hour"] == 42.0


def test_the_person_s_command_ends_by_a_signal_as_it_would_alone(config: Path) -> None:
    assert run(status(config), "sh", "-c", "kill -TERM $$").returncode == -15
    # Python ignores a broken pipe, and would hand that on: `yes` would then complain instead of ending in silence.
    ran = run(status(config), "bash", "-c", "yes | head -1; exit ${PIPESTATUS[0]}")
    assert (ran.returncode, ran.stdout, ran.stderr) == (141, b"y\n", b"")


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"not json",
        b"[1, 2]",
        b"{" * 100_000,
        b"\xff\xfe\x00",
        b'{"rate_limits": {"five_hour": {"used_percentage": 1e999, "resets_at": []}}}',
        b'{"rate_limits": ["five_hour"], "model": 3, "session_id": {}}',
        b'{"rate_limits": {"../../x": {"used_percentage": 5}}}',
    ],
)
def test_bad_input_costs_the_person_nothing(isolation: Path, given: bytes) -> None:
    ran = run(given, "sh", "-c", f"cat > {isolation}/w/got; echo mine")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"mine\n", b"")
    assert (isolation / "w/got").read_bytes() == given
    assert run(given).returncode == 0
    assert records(isolation) == []


def test_what_is_too_large_to_be_a_statusline_is_handed_on_unread(isolation: Path, config: Path) -> None:
    given = json.dumps(status(config) | {"filler": "x" * hook.MOST_BYTES}).encode()
    ran = run(given, "wc", "-c")
    assert int(ran.stdout) == len(given)
    assert records(isolation) == []
    assert "bytes" in Statusline(os.environ, config).trouble(NOW)


def test_a_command_that_is_not_there_leaves_our_own_line_and_a_word_about_it(config: Path) -> None:
    ran = run(status(config), "no-such-statusline")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.startswith(b"Opus 5.5")
    trouble = (Path(hook.folder_of(dict(os.environ))) / hook.TROUBLE).read_text()
    assert "cannot start no-such-statusline: No such file or directory" in trouble


def test_a_state_folder_that_cannot_be_written_costs_the_person_nothing(isolation: Path, config: Path) -> None:
    (isolation / "state/cctui").write_text("in the way")
    ran = run(status(config), "echo", "mine")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"mine\n", b"")


def test_a_link_in_place_of_the_folder_or_the_file_is_not_written_through(isolation: Path, config: Path) -> None:
    victim = isolation / "w/victim"
    victim.mkdir()
    (isolation / "state/cctui").mkdir()
    (isolation / "state/cctui/statusline").symlink_to(victim)
    assert run(status(config), "echo", "mine").stdout == b"mine\n"
    assert list(victim.iterdir()) == []
    (isolation / "state/cctui/statusline").unlink()
    (isolation / "state/cctui/statusline").mkdir()
    (victim / "file").write_text("keep")
    (isolation / "state/cctui/statusline/s-1.json").symlink_to(victim / "file")
    run(status(config))
    assert (victim / "file").read_text() == "keep"
    assert numbers(config)["five_hour"] == 42.0


def test_a_disk_that_hangs_is_not_waited_for(isolation: Path, config: Path) -> None:
    """A pipe in place of the record: whoever opened it to read would wait for ever."""
    folder = isolation / "state/cctui/statusline"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "s-1.json")
    began = time.monotonic()
    assert run(status(config), "echo", "mine").stdout == b"mine\n"
    assert time.monotonic() - began < 10


def test_a_session_id_cannot_lead_out_of_the_folder(isolation: Path, config: Path) -> None:
    run(status(config, session="../../../w/x"))
    assert [path.name for path in records(isolation)] == ["wx.json"]
    assert list((isolation / "w").iterdir()) == []


def test_it_loads_neither_the_parser_nor_the_engine() -> None:
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "sys.argv = ['ccq', 'hook', 'statusline']\n"
        "from cctui.cli.entry import ccq\nccq()\n"
    )
    argv = [sys.executable, "-c", code]
    ran = subprocess.run(argv, input="{}", capture_output=True, text=True, timeout=30, check=False)
    loaded = set(ran.stderr.split())
    assert "cctui.runner.statusline" in loaded
    assert loaded & {"click", "asyncio", "subprocess", "tempfile", "cctui.core.world", "cctui.places"} == set()


def test_the_same_numbers_told_again_keep_their_age(config: Path) -> None:
    """A statusline runs every few seconds; its numbers are as old as the answer they came with."""
    environ, at = dict(os.environ), NOW.timestamp()
    assert hook.remember(status(config), environ, at)
    assert not hook.remember(status(config), environ, at + 600)
    (told,) = Statusline(os.environ, config).told()
    assert told.at == NOW
    assert hook.remember(status(config, ms=20), environ, at + 700), "another answer with the same numbers"
    (told,) = Statusline(os.environ, config).told()
    assert told.at == NOW + timedelta(seconds=700)


def test_sessions_that_are_long_over_are_cleared_away(isolation: Path, config: Path) -> None:
    hook.remember(status(config, session="old"), dict(os.environ), NOW.timestamp())
    (old,) = records(isolation)
    os.utime(old, (1, 1))
    hook.remember(status(config, session="new"), dict(os.environ), NOW.timestamp())
    assert [path.stem for path in records(isolation)] == ["new"]


# --- reading ---------------------------------------------------------------------------------------------------------


def put(config: Path, used: float, minutes: float, **more: Any) -> None:
    """One session's record, `minutes` old."""
    at = (NOW - timedelta(minutes=minutes)).timestamp()
    assert hook.remember(status(config, used, **more), dict(os.environ), at)


def test_of_several_sessions_the_newest_number_counts(config: Path) -> None:
    put(config, 40, 20, session="one")
    put(config, 55, 2, session="two")
    put(config, 30, 90, session="three")
    assert numbers(config)["five_hour"] == 55.0


def test_a_number_whose_window_has_ended_is_dropped(config: Path) -> None:
    put(config, 90, 200, resets=int((NOW - timedelta(minutes=1)).timestamp()))
    assert numbers(config) == {"seven_day": 21.5}
    put(config, 91, 301, session="unknown", resets=None)
    assert numbers(config) == {"seven_day": 21.5}


def test_another_account_s_sessions_say_nothing_of_this_one(isolation: Path, config: Path) -> None:
    put(isolation / "home/.other", 99, 1)
    assert numbers(config) == {}
    assert numbers(isolation / "home/.other")["five_hour"] == 99.0


def test_a_link_to_claude_s_folder_is_that_folder(isolation: Path, config: Path) -> None:
    config.mkdir()
    (isolation / "home/link").symlink_to(config)
    put(isolation / "home/link", 12, 1)
    assert numbers(config)["five_hour"] == 12.0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema": 2}',
        b'{"schema": 1, "config": "CONFIG", "at": "soon", "windows": {}}',
        b'{"schema": 1, "config": "CONFIG", "at": "2099-11-21T10:00:00Z", "windows": {"five_hour": 4}}',
        b'{"schema": 1, "config": "CONFIG", "at": "2099-11-21T10:00:00Z", "windows": {"five_hour": {"used": "x"}}}',
        b" " * (MOST_BYTES + 1),
        b"[" * 60_000,
    ],
)
def test_a_file_we_did_not_write_is_passed_over(isolation: Path, config: Path, content: bytes) -> None:
    put(config, 42, 1)
    (records(isolation)[0].with_name("bad.json")).write_bytes(content.replace(b"CONFIG", os.fsencode(config)))
    assert numbers(config)["five_hour"] == 42.0


def test_links_pipes_and_other_users_files_are_passed_over(isolation: Path, config: Path) -> None:
    put(config, 42, 5)
    (record,) = records(isolation)
    newer = json.loads(record.read_text()) | {"at": NOW.isoformat(), "session": "evil"}
    newer["windows"]["five_hour"]["used"] = 1.0
    evil = isolation / "w/evil.json"
    evil.write_text(json.dumps(newer))
    record.with_name("link.json").symlink_to(evil)
    os.mkfifo(record.with_name("pipe.json"))
    assert numbers(config)["five_hour"] == 42.0
    theirs = record.with_name("theirs.json")
    theirs.write_text(json.dumps(newer))
    assert numbers(config)["five_hour"] == 1.0
    if os.geteuid() == 0:
        os.chown(theirs, 12_345, 12_345)
        assert numbers(config)["five_hour"] == 42.0


def test_trouble_is_told_until_the_hook_has_recorded_again(config: Path) -> None:
    run(b"broken")
    statusline = Statusline(os.environ, config)
    assert statusline.trouble(NOW) == "the statusline hook: the input is not JSON"
    assert statusline.trouble(NOW + timedelta(days=2)) == "", "it may not be installed any more"
    run(status(config))
    assert statusline.trouble(NOW) == ""


def test_a_look_without_changes_reads_no_file_again(
    isolation: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(config, 42, 1)
    statusline = Statusline(os.environ, config)
    first = statusline.told()
    read: list[object] = []
    monkeypatch.setattr("cctui.adapters.foreign.read", lambda *args, **more: read.append(args))
    assert statusline.told() == first
    assert read == []


def test_the_line_to_install_wraps_what_is_there_and_changes_nothing(isolation: Path, config: Path) -> None:
    config.mkdir()
    settings = config / "settings.json"

    def printed() -> dict[str, Any]:
        argv = [sys.executable, "-m", "cctui", "hook", "statusline", "--print"]
        ran = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
        return dict(json.loads(ran.stdout)["statusLine"])

    words = shlex.split(printed()["command"])
    assert words[1:] == ["hook", "statusline"]
    own = "~/bin/line.sh | tr 'a b' \"c\""
    before = json.dumps({"statusLine": {"type": "command", "command": own, "padding": 2}, "model": "opus"})
    settings.write_text(before)
    there = printed()
    assert shlex.split(there["command"])[1:] == ["hook", "statusline", "--", "sh", "-c", own]
    assert there["padding"] == 2
    assert settings.read_text() == before
    settings.write_text(json.dumps({"statusLine": there}))
    assert printed() == there
    settings.write_text("{ // broken")
    argv = [sys.executable, "-m", "cctui", "hook", "statusline", "--print"]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "mend it first" in ran.stderr
