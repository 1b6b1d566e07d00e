"""The line to a browser's tab: Textual's driver for it, which leaves when the tab does.

Promises: the tab's end, its server's end and a broken pipe all end the app as a person's leaving does: its place is
kept, and no process stays behind that nobody sees.
"""

from __future__ import annotations

from typing import Any

from textual.drivers.web_driver import WebDriver


class Tab(WebDriver):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        send = self._write

        def write(data: bytes) -> int:
            try:
                return int(send(data))
            except OSError:
                return len(data)  # nobody is there to read it, and the input says so, too

        self._write: Any = write

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        if packet_type == "quit":
            self.leave()
        else:
            super().on_meta(packet_type, payload)

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if not self.exit_event.is_set():
            self.leave()  # the server has gone without a word

    def leave(self) -> None:
        """On the input's thread: `post_message` is made for that."""
        self._app.call_later(self._app.exit, "closed")
