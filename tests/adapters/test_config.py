"""The configuration: where each value comes from, what it may be, and in which words a person hears what is wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from cctui.config import ConfigError, load
from cctui.core.answer import plain
from cctui.core.settings import Project, Reserve, Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def read(path: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object) -> Settings:
    path.write_text(text, "utf-8")
    return load(path, environ or {}, {key.replace("__", "."): value for key, value in flags.items()})[0]


def value(settings: Settings, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name) if name else getattr(settings, section)


def test_no_file_is_a_valid_configuration(path: Path) -> None:
    settings, values = load(path, {})
    assert settings == Settings() == read(path, "") == read(path, "\ufeff# only a comment\r\n")
    assert all(found.origin == "default" and found.value == found.default and found.help for found in values.values())


def test_every_setting_has_its_key(path: Path) -> None:
    _, values = load(path, {})
    wanted = {"root"}
    for field in dataclasses.fields(Settings):
        inner = getattr(Settings(), field.name)
        if dataclasses.is_dataclass(inner):
            wanted |= {f"{field.name}.{part.name}" for part in dataclasses.fields(inner)}
    assert set(values) == wanted and len(wanted) > 25
    assert values["run.slots"].default == 2 and values["run.slots"].help == "runs at the same time"


def test_flag_beats_environment_beats_file_beats_default(path: Path) -> None:
    path.write_text("root = '/file'\n[run]\nslots = 3\nretry_seconds = 5\n[keys]\npause = 'p'\nmove = 'm'\n")
    environ = {"CCTUI_RUN_SLOTS": "4", "CCTUI_KEYS_MOVE": "M", "CCTUI_RUN_STALL_MINUTES": ""}
    settings, values = load(path, environ, {"run.slots": 5, "run.retry_seconds": None})
    assert settings.run.slots == 5 and load(path, environ)[0].run.slots == 4 and load(path, {})[0].run.slots == 3
    origins = {key: found.origin for key, found in values.items() if found.origin != "default"}
    assert origins == {
        "root": "file",
        "run.slots": "flag",
        "run.retry_seconds": "file",
        "keys.pause": "file",
        "keys.move": "environment",
    }
    assert settings.root == "/file" and dict(settings.keys) == {"pause": "p", "move": "M"}


GOOD: list[tuple[str, str, Any]] = [
    ("run.slots", "4", 4),
    ("run.default_timeout", '"1h30m"', 5400.0),
    ("run.default_timeout", "45", 2700.0),
    ("run.default_timeout", '"45"', 2700.0),
    ("run.kill_grace_seconds", "3", 3.0),
    ("run.kill_grace_seconds", '"1m"', 60.0),
    ("run.stall_minutes", '"1h"', 60.0),
    ("run.stall_minutes", "7.5", 7.5),
    ("capacity.gate", '"off"', False),
    ("capacity.gate", "false", False),
    ("capacity.gate", '"ON"', True),
    ("capacity.five_hour_max", "80", 80.0),
    ("capacity.sources", '["api", "stream"]', ("api", "stream")),
    ("capacity.poll_seconds", '"5m"', 300.0),
    ("capacity.usage_url", '"http://127.0.0.1:1/x"', "http://127.0.0.1:1/x"),
    ("capacity.allow_refresh", "true", True),
    ("claude.command", '"/opt/my claude/claude"', "/opt/my claude/claude"),
    ("claude.env", '["A", "B"]', ("A", "B")),
    ("tmux.socket", '"mine"', "mine"),
    ("tmux.scope", '"OFF"', "off"),
    ("tmux.scope", "true", "on"),
    ("run.check_timeout", '"90s"', 90.0),
    ("run.check_timeout", "5", 300.0),
    ("run.stagger_seconds", "0", 0.0),
    ("run.stagger_seconds", '"10m"', 600.0),
    ("run.rollback_on_failure", "true", True),
    ("run.snapshot", '"off"', False),
    ("capacity.soft_landing", "0", 0.0),
    ("capacity.hard_stop", "100", 100.0),
    ("claude.deny", '["*.pem", "secrets/**"]', ("*.pem", "secrets/**")),
    ("claude.allow", '[".env.example"]', (".env.example",)),
    ("worktree.setup", '"npm ci && make"', "npm ci && make"),
    ("worktree.setup_timeout", '"1h"', 3600.0),
    ("worktree.carry_env", "true", True),
    ("ui.ascii", "true", "on"),
    ("ui.motion", '"OFF"', "off"),
    ("ui.on_hangup", '"stop"', "stop"),
]


@pytest.mark.parametrize(("key", "text", "wanted"), GOOD)
def test_a_value_of_the_file(path: Path, key: str, text: str, wanted: Any) -> None:
    section, _, name = key.partition(".")
    found = value(read(path, f"[{section}]\n{name} = {text}\n"), key)
    assert found == wanted and type(found) is type(wanted)


ENVIRON: list[tuple[str, str, str, Any]] = [
    ("CCTUI_RUN_SLOTS", "4", "run.slots", 4),
    ("CCTUI_RUN_DEFAULT_TIMEOUT", "90s", "run.default_timeout", 90.0),
    ("CCTUI_RUN_DEFAULT_TIMEOUT", "90", "run.default_timeout", 5400.0),
    ("CCTUI_CAPACITY_FIVE_HOUR_MAX", "80.5", "capacity.five_hour_max", 80.5),
    ("CCTUI_CAPACITY_GATE", "off", "capacity.gate", False),
    ("CCTUI_CAPACITY_SOURCES", "api, stream", "capacity.sources", ("api", "stream")),
    ("CCTUI_CAPACITY_SOURCES", '["api"]', "capacity.sources", ("api",)),
    ("CCTUI_CLAUDE_ENV", "", "claude.env", ()),
    ("CCTUI_TMUX_SOCKET", "t1", "tmux.socket", "t1"),
    ("CCTUI_ROOT", "/r", "root", "/r"),
    ("CCTUI_CLAUDE_DENY", "*.pem, *.key", "claude.deny", ("*.pem", "*.key")),
    ("CCTUI_WORKTREE_CARRY_ENV", "on", "worktree.carry_env", True),
    ("CCTUI_RUNNERS_AIDER", "aider -m x", "runners", (("aider", "aider -m x"),)),
    ("CCTUI_WORKTREE_PROJECTS", '[{"path": "/code/app", "setup": "npm ci"}]', "worktree.projects",
     (Project("/code/app", "npm ci"),)),
    ("CCTUI_CAPACITY_RESERVE", '[{"from": "08:00", "five_hour": 5}]', "capacity.reserve",
     (Reserve(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "08:00", "24:00", 5.0, 0.0),)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "key", "wanted"), ENVIRON)
def test_a_value_of_the_environment(path: Path, name: str, text: str, key: str, wanted: Any) -> None:
    others = {"CCTUI_TESTING": "1", "CCTUI_RUN": "r-1", "CCTUI_STATE": "/s", "CCTUI_NOBODY_KNOWS": "x"}
    assert value(read(path, environ={name: text} | others), key) == wanted


BAD = [
    ("[run]\nslots = true", "run.slots must be a whole number, found true"),
    ("[run]\nslots = 2.0", "run.slots must be a whole number, found 2.0"),
    ("[run]\nslots = '2'", "run.slots must be a whole number, found '2'"),
    ("[run]\nslots = 0", "run.slots must be a number, from 1 to 64, found 0"),
    ("[run]\ndefault_timeout = 'soon'", "run.default_timeout must be a number, or a duration such as 90s"),
    ("[run]\ndefault_timeout = '31d'", "at most 30d"),
    ("[run]\ndefault_timeout = 0", "over 0"),
    ("[run]\nkill_grace_seconds = -1", "from 0 to 3600, found -1"),
    ("[run]\nstall_minutes = nan", "must be a number"),
    ("[capacity]\ngate = 1", "capacity.gate must be on or off (true or false), found 1"),
    ("[capacity]\ngate = 'yes'", "capacity.gate must be on or off (true or false), found 'yes'"),
    ("[capacity]\nfive_hour_max = 101", "percent, from 0 to 100, found 101"),
    ("[capacity]\nfive_hour_max = '90'", "capacity.five_hour_max must be a number, found '90'"),
    ("[capacity]\npoll_seconds = 59", "at least 60 seconds, found 59"),
    ("[capacity]\nsources = 'api'", "capacity.sources must be a list of texts, found 'api'"),
    ("[capacity]\nsources = ['apii']", "without 'apii' (did you mean api?)"),
    ("[capacity]\nusage_url = 'file:///etc'", "an http(s) address, found 'file:///etc'"),
    ('[capacity]\nuser_agent = "a\\nb: c"', "printable ASCII text"),
    ("[capacity]\nreserve = [1]", "tables like {days"),
    ("[capacity]\nreserve = [{day = ['mon']}]", "without day (did you mean days?)"),
    ("[capacity]\nreserve = [{days = ['funday']}]", "a list of mon, tue"),
    ("[capacity]\nreserve = [{from = '8am'}]", "whose from is a time such as 08:00"),
    ("[capacity]\nreserve = [{five_hour = 130}]", "whose five_hour is percent points"),
    ("[claude]\ncommand = ' '", "a program's name or path"),
    ("[claude]\nenv = [1]", "claude.env must be a list of texts, found a list"),
    ("[tmux]\nsocket = '../x'", "a short name of letters"),
    ("[ui]\nascii = 'maybe'", "one of auto, on, off, found 'maybe'"),
    ("[ui]\non_hangup = 3", "one of headless, stay, stop, found 3"),
    ("[run]\nslot = 3", "unknown key run.slot: did you mean run.slots?"),
    ("[runs]\nslots = 3", "unknown key runs.slots: did you mean run.slots?"),
    ("slots = 3", "unknown key slots: did you mean run.slots?"),
    ("gate = 'on'", "unknown key gate: did you mean capacity.gate?"),
    ("[zzz]\nqqq = 3", "unknown key zzz.qqq"),
    ("run = 3", "run must be a section, [run], found 3"),
    ("[run]\ncheck_timeout = 0", "run.check_timeout must be a number, over 0 and at most 30d, found 0"),
    ("[run]\ncheck_timeout = '31d'", "at most 30d"),
    ("[run]\nstagger_seconds = 601", "from 0 to 600, found 601"),
    ("[run]\nsnapshot = 1", "run.snapshot must be on or off"),
    ("[capacity]\nsoft_landing = 101", "capacity.soft_landing must be a number, percent, from 0 to 100, found 101"),
    ("[capacity]\nhard_stop = -1", "percent, from 0 to 100, found -1"),
    ("[claude]\ndeny = '*.pem'", "claude.deny must be a list of texts, found '*.pem'"),
    ("[claude]\nallow = ['', 'a']", "claude.allow must be a list of file patterns, none of them empty"),
    ("[tmux]\nscope = 'yes'", "tmux.scope must be one of auto, on, off, found 'yes'"),
    ("[worktree]\nsetup_timeout = 0", "over 0 and at most 30d"),
    ('[worktree]\nsetup = "a\\nb"', "worktree.setup must be text on one line"),
    ("[worktree]\nset_up = 'x'", "unknown key worktree.set_up: did you mean worktree.setup?"),
    ("[worktree]\nprojects = 3", "worktree.projects must be a list of tables, found 3"),
    ("[worktree]\nprojects = ['x']", "worktree.projects must be tables like {path"),
    ("[worktree]\nprojects = [{setup = 'x'}]", "; path is nothing"),
    ("[worktree]\nprojects = [{path = ' '}]", "; path is '"),
    ("[worktree]\nprojects = [{path = '/x', set_up = 'x'}]", "without set_up (did you mean setup?)"),
    ("[worktree]\nprojects = [{path = 'code'}]", "an absolute path (~ and $VAR are filled in), not 'code'"),
    ("[worktree]\nprojects = [{path = '~nobody-here/x'}]", "an absolute path"),
    ("[worktree]\nprojects = [{path = '$NOPE/x'}]", "a path whose variables are set; $NOPE is not"),
    ("[worktree]\nprojects = [{path = '/x', setup = 3}]", "tables whose setup is a shell command on one line"),
    ("[worktree]\nprojects = [{path = '/x'}, {path = '/y/../x/'}]", "a path each of their own, not '/x' twice"),
    ("[runners]\naider = 3", "runners.aider must be a command line as text, found 3"),
    ("[runners]\naider = ' '", "runners.aider must be a command line that begins with a program"),
    ("[runners]\naider = '\"\" x'", "begins with a program"),
    ("[runners]\naider = 'a \"b'", "must be a command line (no closing quotation)"),
    ('[runners]\naider = "a\\u001bb"', "a command line, on one line"),
    (
        "[runners]\naider = 'a {foldr}'",
        "but {prompt_file}, {folder}, {task}, {run_dir}, {model}; it has {foldr} (did you mean {folder}?)",
    ),
    ("[runners]\nloop = 'a'", "a runner's name must be none of cctui's own (claude, loop, ralph,"),
    ("[runners]\nAider = 'a'", "a runner's name must be in lower case, found 'Aider'"),
    ("[runners]\n'a/b' = 'a'", "a runner's name must be letters, digits"),
    ("[runner]\naider = 'a'", "unknown key runner.aider: did you mean runners.aider?"),
    ("runners = 'a'", "runners must be a section, [runners], found 'a'"),
    ("[keys]\npause = 3", "keys.pause must be the keys as text, found 3"),
    ("[run]\nslots = ?", "not valid TOML: Invalid value (at line 2"),
    ("[run]\nslots = 1\nslots = 2", "not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD)
def test_what_is_wrong_is_named_with_file_key_found_and_allowed(path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(path, text)
    assert said in str(caught.value) and str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_wrong_value_of_the_environment_names_the_variable(path: Path) -> None:
    with pytest.raises(ConfigError, match="^CCTUI_RUN_SLOTS: run.slots must be a whole number, found 'two'$"):
        read(path, environ={"CCTUI_RUN_SLOTS": "two"})
    with pytest.raises(ConfigError, match="^CCTUI_CAPACITY_RESERVE: .* must be JSON"):
        read(path, environ={"CCTUI_CAPACITY_RESERVE": "mon"})
    with pytest.raises(ConfigError, match=r"^--run.slots: run.slots must be a whole number, found 'x'$"):
        read(path, run__slots="x")


def test_everything_wrong_is_told_at_once(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(path, "[run]\nslots = 0\nslot = 1\n[ui]\nascii = 1\n", {"CCTUI_CAPACITY_GATE": "x"})
    assert len(str(caught.value).splitlines()) == 4


def test_tests_may_poll_faster(path: Path) -> None:
    text = "[capacity]\npoll_seconds = 0.1"
    assert read(path, text, {"CCTUI_TESTING": "1"}).capacity.poll_seconds == 0.1
    with pytest.raises(ConfigError, match="at least 60 seconds"):
        read(path, text, {"CCTUI_TESTING": "0"})


def test_the_reserve(path: Path) -> None:
    text = """
[[capacity.reserve]]
days = ["mon-wed", "Saturday"]
from = "8:00"
to = 18:30:00
five_hour = 30
[[capacity.reserve]]
days = ["fri-mon"]
seven_day = 12.5
"""
    assert read(path, text).capacity.reserve == (
        Reserve(("mon", "tue", "wed", "sat"), "08:00", "18:30", 30.0, 0.0),
        Reserve(("mon", "fri", "sat", "sun"), "00:00", "24:00", 0.0, 12.5),
    )


def test_a_file_that_cannot_be_read_is_named(path: Path) -> None:
    path.write_bytes(b"root = '\xff'")
    with pytest.raises(ConfigError, match=r"config\.toml: not UTF-8: byte at offset 8"):
        load(path, {})
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(path.parent, {})


def test_commands_of_single_projects(path: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    text = """
[worktree]
setup = "make deps"
[[worktree.projects]]
path = "~/app/"
setup = "npm ci"
teardown = " make clean "
[[worktree.projects]]
path = "${CODE}/tool"
"""
    environ = {"HOME": str(tmp_path / "link"), "CODE": "/code"}
    assert read(path, text, environ).worktree.projects == (
        Project(f"{tmp_path}/real/app", "npm ci", "make clean"),
        Project("/code/tool"),
    )
    shown = plain(load(path, environ)[1]["worktree.projects"].value)
    assert shown[1] == {"path": "/code/tool", "setup": "", "teardown": ""}


def test_a_persons_own_runners(path: Path) -> None:
    text = """
[runners]
aider = "aider --message-file {prompt_file} --model={model}"
"my runner" = '/opt/a\\ b "{folder}/{task}" ${HOME} { x }'
"""
    settings, values = read(path, text), load(path, {})[1]
    assert settings.runners == (
        ("aider", "aider --message-file {prompt_file} --model={model}"),
        ("my runner", '/opt/a\\ b "{folder}/{task}" ${HOME} { x }'),
    )
    assert values["runners.aider"].value == settings.runners[0][1] and values["runners.aider"].origin == "file"
    assert values["runners.aider"].help and "runners" not in values
