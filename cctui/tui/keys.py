"""The keys: one table from which the hint line, the help panel, the palette, the user's keymap and the README come.

Plain letters only, since a phone's keyboard has few others; shift means the stronger form.  Never ctrl+z (it would stop
the scheduler) nor ctrl+b (tmux and Claude own it).
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding

MOVE = Binding.Group("Move", compact=True)
GO = Binding.Group("Go", compact=True)


def _key(keys: str, action: str, label: str, tooltip: str, *, show: bool = False, group: Binding.Group | None = None,
         name: str = "") -> Binding:  # fmt: skip
    return Binding(keys, action, label, show=show, tooltip=tooltip, id=name or action, group=group)


LIST = (
    _key("j,down", "down", "Down", "next row", group=GO),
    _key("k,up", "up", "Up", "row before", group=GO),
    _key("g,home", "first", "First", "first row", group=GO),
    _key("G,end", "last", "Last", "last row", group=GO),
    _key("pagedown", "page(1)", "Page down", "a screen further", group=GO, name="page_down"),
    _key("pageup", "page(-1)", "Page up", "a screen back", group=GO, name="page_up"),
    _key("enter,right", "open", "Open", "everything about this row"),
)

QUEUE = (
    # Again, since the enter that drops a carried task would otherwise hide the one of every list.
    _key("enter,right", "open", "Open", "everything about this task", name="open_task"),
    _key("n", "new", "New", "write a new task", show=True),
    _key("space", "pause", "Pause", "pause or resume this task", show=True),
    _key("r", "run", "Run", "run this task now", show=True),
    _key("r", "accept", "Accept", "read the plan that waits, then accept it", show=True, name="accept_queue"),
    _key("m", "carry", "Move", "carry this task: j k t b, then enter or esc", show=True, group=MOVE),
    _key("e", "edit", "Edit", "change one field of the file", show=True),
    _key("J,shift+down", "move('down')", "Later", "move this task down", group=MOVE, name="move_down"),
    _key("K,shift+up", "move('up')", "Earlier", "move this task up", group=MOVE, name="move_up"),
    _key("R", "retry", "Retry", "try again now, with all attempts"),
    _key("S", "skip", "Skip", "leave out the next firing of this template, or not"),
    _key("x", "stop", "Stop", "stop its run (asks first)"),
    _key("d", "remove", "Trash", "move the file to the trash (asks first)"),
    _key("l", "log", "Log", "follow what its run says"),
    _key("w", "why", "Why", "every gate that keeps it, with its figures", show=True),
    _key("t", "tree", "Tree", "order or dependencies", show=True),
    _key("slash", "filter", "Filter", "show only rows with these letters", show=True),
)

CARRY = (
    _key("enter,m", "drop", "Drop", "leave it here", show=True),
    _key("t", "carry_to('top')", "Top", "carry it to the top", show=True, name="carry_top"),
    _key("b", "carry_to('bottom')", "Bottom", "carry it to the bottom", show=True, name="carry_bottom"),
    _key("escape", "put_back", "Put back", "leave everything as it was", show=True),
)

RUNS = (
    _key("enter,right", "open", "Open", "what it says; a plan that waits; your own conversation", name="open_run"),
    _key("r", "accept", "Accept", "read the plan that waits, then accept it", show=True),
    _key("r", "run", "Go on", "go on with a parked run now", name="run_parked"),
    _key("i", "takeover", "Take over", "work in its conversation yourself; leaving gives it back", show=True),
    _key("x", "stop", "Stop", "stop this run (asks first)", show=True, name="stop_run"),
    _key("a", "attach", "Attach", "sit at its terminal", show=True, name="attach"),
    _key("c", "changes", "Changes", "what it changed, as git shows it", show=True),
    _key("l", "log", "Log", "follow what it says", show=True, name="peek"),
    _key("o", "details", "Details", "its task: fields and gates", show=True, name="details"),
)

HISTORY = (
    _key("R", "retry", "Retry", "put the task back into the queue", show=True, name="retry_record"),
    _key("l,o", "open", "Details", "outcome, proof, numbers and where its note lies", show=True, name="record"),
    _key("c", "changes", "Changes", "what it changed, as git shows it", show=True, name="changes_record"),
)

BOARD = (
    _key("1", "pane('queue')", "Queue", "the queue", name="queue"),
    _key("2", "pane('runs')", "Runs", "what runs now", name="runs"),
    _key("3", "pane('history')", "History", "what has ended", name="history"),
    _key("tab", "next_pane(1)", "Next pane", "the next of the three", name="next_pane"),
    _key("shift+tab", "next_pane(-1)", "Pane before", "the one before", name="pane_before"),
    _key("p", "forecast", "Plan", "when each task will start and end", show=True, name="forecast"),
    _key("f", "windows", "Free", "what every window has left, and for whom", name="windows"),
    _key("u", "undo", "Undo", "take back the last move, pause or new task"),
    _key("z", "hold", "Hold all", "no new starts, or let them go again"),
    _key("n", "new", "New", "write a new task", name="new_task"),
    _key("N", "notes", "Notes", "what happened"),
    _key("full_stop", "app.command_palette", "Palette", "every action by name", name="palette"),
    _key("D", "detach", "Detach", "leave; a headless engine goes on"),
    _key("escape", "clear", "Clear", "close the help, or end the filter", name="clear"),
    _key("question_mark", "help", "Help", "these keys", show=True),
    _key("q", "quit", "Quit", "leave: detach, stop or stay", show=True),
)

SHEET = (
    _key("escape,left,h,q", "back", "Back", "one screen back", show=True),
    _key("j,down", "down", "Down", "scroll down", name="scroll_down"),
    _key("k,up", "up", "Up", "scroll up", name="scroll_up"),
    _key("g,home", "first", "Top", "to the top", name="scroll_top"),
    _key("G,end", "last", "End", "to the end", name="scroll_end"),
    _key("pagedown,space", "page(1)", "Page down", "a screen further", name="sheet_page_down"),
    _key("pageup", "page(-1)", "Page up", "a screen back", name="sheet_page_up"),
)

DETAIL = (
    _key("w", "why", "Why", "every gate that keeps it, with its figures", show=True, name="why_detail"),
    _key("e", "edit", "Edit", "change one field of the file", show=True, name="edit_detail"),
    _key("r", "run", "Run", "run this task now", show=True, name="run_detail"),
    _key("r", "accept", "Accept", "read the plan that waits, then accept it", show=True, name="accept_detail"),
    _key("i", "takeover", "Take over", "work in its run's conversation yourself", show=True, name="takeover_detail"),
)

WHY = (_key("enter,o", "open", "Details", "its file, its fields, its runs", show=True, name="why_details"),)

FORECAST = (
    _key("escape,left,h,q,p", "back", "Back", "one screen back", show=True, name="forecast_back"),
    _key("enter,right", "open", "Open", "everything about this task", show=True, name="forecast_open"),
    _key("w", "why", "Why", "every gate that keeps it, with its figures", show=True, name="forecast_why"),
    _key("question_mark", "help", "Help", "what is shown here, and these keys", show=True, name="forecast_help"),
)

RECORD = (
    _key("c", "changes", "Changes", "what it changed, as git shows it", show=True, name="changes_past"),
    _key("u", "rollback", "Roll back", "undo what it changed, after saving that (asks first)", show=True),
)

PLAN = (
    _key("y", "accept", "Accept", "let the run do what the plan says", show=True, name="accept_plan"),
    _key("x", "stop", "Stop", "end the run, nothing was changed (asks first)", show=True, name="stop_plan"),
    _key("enter,n", "back", "Back", "leave the plan waiting", name="leave_plan"),
)

DIFF = (
    _key("u", "rollback", "Roll back", "undo all of this, after saving it (asks first)", show=True,
         name="rollback_changes"),
)  # fmt: skip

PEEK = (
    _key("a", "attach", "Attach", "sit at its terminal", show=True, name="attach_peek"),
    _key("x", "stop", "Stop", "stop this run (asks first)", show=True, name="stop_peek"),
    _key("i", "takeover", "Take over", "work in its conversation yourself", show=True, name="takeover_peek"),
    _key("c", "changes", "Changes", "what it changed, as git shows it", show=True, name="changes_peek"),
)

FILTER = (
    _key("enter", "submit", "Keep", "keep what is shown", show=True, name="filter_keep"),
    _key("escape", "clear_filter", "Clear", "show every row again", show=True, name="filter_clear"),
)

FORM = (_key("escape", "back", "Back", "one screen back", show=True, name="form_back"),)

SECTIONS: tuple[tuple[str, tuple[Binding, ...]], ...] = (
    ("Everywhere", BOARD),
    ("Any list", LIST),
    ("Queue", QUEUE),
    ("Carrying a task", CARRY),
    ("Runs", RUNS),
    ("History", HISTORY),
    ("Any screen opened from a row", SHEET),
    ("Details", DETAIL),
    ("Why", WHY),
    ("Plan of the days", FORECAST),
    ("Log", PEEK),
    ("A plan that waits", PLAN),
    ("A finished run", RECORD),
    ("Changes", DIFF),
    ("Filter line", FILTER),
    ("Forms", FORM),
)

PINNED = ("help", "quit", "back", "forecast_back", "forecast_help")
"""Hints that are never pushed out of the hint line."""

_SHOWN = {
    "full_stop": ".",
    "slash": "/",
    "question_mark": "?",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "shift+down": "shift+↓",
    "shift+up": "shift+↑",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
}


def shown(keys: str) -> str:
    """Keys as a person reads them: ``question_mark`` → ``?``."""
    return " ".join(_SHOWN.get(key, key) for key in keys.split(","))


def ids() -> tuple[str, ...]:
    """The action names that ``keys.ACTION`` in the config may use, in the order of the table."""
    return tuple(binding.id for _, bindings in SECTIONS for binding in bindings if binding.id)


def table() -> Iterable[tuple[str, str, str, str]]:
    """Rows of the README's table: where, keys, what it does, its name in the config."""
    for section, bindings in SECTIONS:
        for binding in bindings:
            yield section, shown(binding.key), f"{binding.description}: {binding.tooltip}", binding.id or ""
