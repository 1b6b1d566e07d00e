"""The settings by which a person shapes how capacity is spent: quiet hours, portions, pace, firm limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cctui.config import ConfigError, load
from cctui.core.answer import plain
from cctui.core.settings import CapacitySettings, Portion, Quiet

ALL_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read(path: Path, text: str, environ: dict[str, str] | None = None) -> CapacitySettings:
    path.write_text(text, "utf-8")
    return load(path, environ or {})[0].capacity


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_quiet_hours(path: Path) -> None:
    text = """
[[capacity.quiet]]
days = ["mon-fri"]
from = "13:00"
to = 19:00:00
[[capacity.quiet]]
days = ["Sunday"]
"""
    assert read(path, text).quiet == (Quiet(ALL_DAYS[:5], "13:00", "19:00"), Quiet(("sun",), "00:00", "24:00"))
    written = {"CCTUI_CAPACITY_QUIET": '[{"from": "22:00", "to": "06:00"}]'}
    assert read(path, "", written).quiet == (Quiet(ALL_DAYS, "22:00", "06:00"),)


def test_portions_of_tags_and_projects(path: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    text = """
[capacity]
portion = [{tag = "#papers", floor = 20, cap = 50}, {project = "~/app/", cap = 40.5}, {project = "${CODE}/b"}]
"""
    found = read(path, text, {"HOME": str(tmp_path / "link"), "CODE": "/code"}).portion
    assert found == (
        Portion(tag="papers", floor=20.0, cap=50.0),
        Portion(project=f"{tmp_path}/real/app", cap=40.5),
        Portion(project="/code/b"),
    )
    told = plain(load(path, {"HOME": "/h", "CODE": "/code"})[1]["capacity.portion"].value)
    assert told[0] == {"tag": "papers", "project": "", "floor": 20.0, "cap": 50.0}


GOOD: list[tuple[str, str, Any]] = [
    ("pace", '"Even"', "even"),
    ("pace", '"front"', "front"),
    ("person_grows", "0", 0.0),
    ("person_grows", "100", 100.0),
    ("person_yields", "5", 5.0),
    ("person_yields", '"90s"', 1.5),
    ("limits", '["seven_day"]', ("seven_day",)),
    ("limits", "[]", ()),
]


@pytest.mark.parametrize(("key", "text", "wanted"), GOOD)
def test_a_value_of_the_file(path: Path, key: str, text: str, wanted: Any) -> None:
    assert getattr(read(path, f"[capacity]\n{key} = {text}\n"), key) == wanted


@pytest.mark.parametrize(("text", "days"), [("0", 0.0), ("2.5", 2.5), ('"36h"', 1.5), ('"14d"', 14.0)])
def test_ageing_is_in_days(path: Path, text: str, days: float) -> None:
    path.write_text(f"[run]\nageing_days = {text}\n")
    assert load(path, {})[0].run.ageing_days == days


BAD = [
    ("quiet = [3]", "capacity.quiet must be tables like {days"),
    ("quiet = [{}]", "capacity.quiet must be tables like {days"),
    ("quiet = {from = '08:00'}", "capacity.quiet must be a list of tables, found a mapping"),
    ("quiet = [{form = '08:00'}]", "without form (did you mean from?)"),
    ("quiet = [{five_hour = 3}]", "without five_hour"),
    ("quiet = [{to = '25:00'}]", "tables whose to is a time such as 08:00"),
    ("quiet = [{days = 'mon'}]", "tables whose days are a list of mon, tue"),
    ("portion = [{floor = 3}]", "with either tag or project"),
    ("portion = [{tag = 'a', project = '/b'}]", "with either tag or project"),
    ("portion = [{tag = ' '}]", "; tag is '"),
    ("portion = [{tag = 3}]", "; tag is 3"),
    ("portion = [{tags = 'a'}]", "without tags (did you mean tag?)"),
    (
        "portion = [{project = 'code'}]",
        "tables whose project is an absolute path (~ and $VAR are filled in), not 'code'",
    ),
    ("portion = [{project = 3}]", "; project is 3"),
    ("portion = [{tag = 'a', cap = 101}]", "tables whose cap is percent points, from 0 to 100"),
    ("portion = [{tag = 'a', floor = '1'}]", "tables whose floor is percent points, from 0 to 100"),
    ("portion = [{tag = 'a', floor = 60, cap = 50}]", "tables whose floor is not above their cap"),
    ("portion = [{tag = 'a', floor = 60}, {tag = 'b', floor = 50}]", "tables whose floors come to 100 together"),
    ("portion = [{tag = 'a'}, {tag = '#a'}]", "tables each for another tag or project, not 'a' twice"),
    ("pace = 'evenly'", "capacity.pace must be one of use, even, front (did you mean even?), found 'evenly'"),
    ("pace = 1", "capacity.pace must be one of use, even, front, found 1"),
    ("person_grows = 101", "capacity.person_grows must be a number, percent, from 0 to 100, found 101"),
    ("person_yields = -1", "capacity.person_yields must be a number, minutes, from 0 to 1440, found -1"),
    ("person_yields = '2d'", "minutes, from 0 to 1440, found '2d'"),
    ("limits = ['fivehour']", "a list of five_hour, seven_day, without 'fivehour' (did you mean five_hour?)"),
    ("limits = 'five_hour'", "capacity.limits must be a list of texts"),
    ("piece = 'use'", "unknown key capacity.piece: did you mean capacity.pace?"),
    ("portions = []", "unknown key capacity.portions: did you mean capacity.portion?"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_what_is_wrong_is_named_with_what_is_allowed(path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(path, f"[capacity]\n{text}\n")
    assert said in str(caught.value) and str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["-1", "3651", "'never'"])
def test_ageing_has_a_range(path: Path, text: str) -> None:
    path.write_text(f"[run]\nageing_days = {text}\n")
    with pytest.raises(ConfigError, match="run.ageing_days must be a number, "):
        load(path, {})


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("", ()),
        ("five_hour_max = 70", ("five_hour",)),
        ("seven_day_max = 95", ("seven_day",)),
        ("five_hour_max = 70\nseven_day_max = 80", ("five_hour", "seven_day")),
        ("five_hour_max = 70\nlimits = []", ()),
        ("five_hour_max = 70\nlimits = ['seven_day']", ("seven_day",)),
    ],
)
def test_a_maximum_that_somebody_has_set_is_a_firm_limit_unless_they_say_which_are(
    path: Path, text: str, limits: tuple[str, ...]
) -> None:
    assert read(path, f"[capacity]\n{text}\n").limits == limits


def test_the_origin_of_a_firm_limit_is_that_of_its_maximum(path: Path) -> None:
    path.write_text("[capacity]\nseven_day_max = 80\n")
    assert load(path, {})[1]["capacity.limits"].origin == "file"
    found = load(path, {"CCTUI_CAPACITY_FIVE_HOUR_MAX": "50"})[1]["capacity.limits"]
    assert (found.value, found.default, found.origin) == (("five_hour", "seven_day"), (), "environment")
