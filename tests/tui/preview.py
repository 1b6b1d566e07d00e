"""Show a named World in the app: ``python -m tests.tui.preview busy [ascii] [guest] [frozen] [light]``."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta

from cctui.core.settings import Settings, UiSettings
from cctui.tui.app import run_app
from tests.tui.fakes import FakeLink
from tests.worlds import NOW
from tests.worlds_states import EVERY, FAULTS


def main(words: list[str]) -> None:
    began = time.monotonic()

    def clock() -> datetime:
        return NOW if "frozen" in words else NOW + timedelta(seconds=time.monotonic() - began)

    link = FakeLink(EVERY[words[0]](), hosting="guest" not in words, clock=clock)
    for field, text in FAULTS.get(words[0], {}).items():
        setattr(link, field, text)
    theme = next((f"cctui-{word}" for word in words if word in ("light", "hc", "ansi")), "cctui")
    ui = UiSettings(theme=theme, ascii="on" if "ascii" in words else "auto")
    print(run_app(link, engine=None, settings=replace(Settings(), ui=ui)), link.sent)


if __name__ == "__main__":
    main(sys.argv[1:])
