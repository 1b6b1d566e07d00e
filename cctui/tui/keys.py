"""The keys: one table from which the hint line, the help panel, the palette, the user's keymap and the README come.

Plain letters only, since a phone's keyboard has few others; shift means the stronger form.  Never ctrl+z (it would stop
the scheduler) nor ctrl+b (tmux and Claude own it).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
    _key("escape", "unmark", "Unmark", "take all marks away", show=True),
    _key("n", "new", "New", "write a new task: one line is enough", show=True),
    _key("space", "pause", "Pause", "pause or resume this task", show=True),
    _key("r", "run", "Run", "run this task now", show=True),
    _key("r", "accept", "Accept", "read the plan that waits, then accept it", show=True, name="accept_queue"),
    _key("m", "carry", "Move", "carry this task: j k t b, then enter or esc", show=True, group=MOVE),
    _key("w", "why", "Why", "every gate that keeps it, with its figures", show=True),
    _key("v", "mark", "Mark", "mark this row: keys then act on all that are marked", show=True),
    _key("V", "mark_all", "Mark all", "mark every row that is shown"),
    _key("e", "edit", "Edit", "change one field of the file", show=True),
    _key("E", "editor", "Editor", "open the file in your $EDITOR"),
    _key("plus,equals_sign", "raise", "More urgent", "priority one higher"),
    _key("minus", "lower", "Less urgent", "priority one lower"),
    _key("J,shift+down", "move('down')", "Later", "move this task down", group=MOVE, name="move_down"),
    _key("K,shift+up", "move('up')", "Earlier", "move this task up", group=MOVE, name="move_up"),
    _key("t", "tree", "Tree", "order or dependencies", show=True),
    _key("slash", "filter", "Filter", "show only some rows: words, s:paused, tag:x", show=True),
    _key("R", "retry", "Retry", "try again now, with all attempts"),
    _key("S", "skip", "Skip", "leave out the next firing of this template, or not"),
    _key("x", "stop", "Stop", "stop its run (asks first)"),
    _key("c", "clone", "Clone", "a second task like this one"),
    _key("d", "remove", "Trash", "move the file to the trash (asks first)"),
    _key("l", "log", "Log", "follow what its run says"),
    _key("y", "copy", "Copy", "copy its name"),
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
    _key("s", "say", "Say", "say something to it: it hears you at its next step", show=True, name="say"),
    _key("a", "attach", "Attach", "watch its terminal; ‹ back leads back", show=True, name="attach"),
    _key("A", "type", "Type", "sit at the terminal of a run that is yours, with the keys", name="type"),
    _key("i", "takeover", "Take over", "work in its conversation yourself; leaving gives it back", show=True),
    _key("x", "stop", "Stop", "stop this run (asks first)", show=True, name="stop_run"),
    _key("c", "changes", "Changes", "what it changed, as git shows it", show=True),
    _key("l", "log", "Log", "follow what it says", show=True, name="peek"),
    _key("o", "details", "Details", "its task: fields and gates", show=True, name="details"),
)

HISTORY = (
    _key("R", "retry", "Retry", "put the task back into the queue", show=True, name="retry_record"),
    _key("l,o", "open", "Details", "outcome, proof, numbers and where its note lies", show=True, name="record"),
    _key("c", "changes", "Changes", "what it changed, as git shows it", show=True, name="changes_record"),
    _key("slash", "filter", "Filter", "show only some rows: words, s:failed, kind:x", show=True,
         name="filter_history"),
)  # fmt: skip

BOARD = (
    _key("0,exclamation_mark", "triage", "Needs you", "what waits for your answer", name="triage"),
    _key("1", "pane('queue')", "Queue", "the queue", name="queue"),
    _key("2", "pane('runs')", "Runs", "what runs now", name="runs"),
    _key("3", "pane('history')", "History", "what has ended", name="history"),
    _key("4", "figures", "Figures", "success, cost and unused capacity, day by day", name="figures"),
    _key("tab", "next_pane(1)", "Next pane", "the next of the three", name="next_pane"),
    _key("shift+tab", "next_pane(-1)", "Pane before", "the one before", name="pane_before"),
    _key("p", "forecast", "Plan", "when each task will start and end", show=True, name="forecast"),
    _key("f", "windows", "Free", "what every window has left, and for whom", name="windows"),
    _key("u", "undo", "Undo", "take back the last change; again for the one before"),
    _key("z", "hold", "Hold all", "no new starts, or let them go again"),
    _key("n", "new", "New", "write a new task", name="new_task"),
    _key("N", "notes", "Notes", "what happened"),
    _key("full_stop", "app.command_palette", "More", "every action and every task by name", show=True, name="palette"),
    _key("D", "detach", "Detach", "leave; a headless engine goes on"),
    _key("escape", "clear", "Clear", "show every row again, after a filter", show=True, name="clear"),
    _key("question_mark", "help", "Help", "these keys", show=True),
    _key("q", "quit", "Quit", "leave: detach, stop or stay", show=True),
)

SHEET = (
    _key("escape,left,h,q", "back", "Back", "one screen back", show=True),
    _key("j,down", "down", "Down", "scroll down", group=GO, name="scroll_down"),
    _key("k,up", "up", "Up", "scroll up", group=GO, name="scroll_up"),
    _key("g,home", "first", "Top", "to the top", group=GO, name="scroll_top"),
    _key("G,end", "last", "End", "to the end", group=GO, name="scroll_end"),
    _key("pagedown,space", "page(1)", "Page down", "a screen further", group=GO, name="sheet_page_down"),
    _key("pageup", "page(-1)", "Page up", "a screen back", group=GO, name="sheet_page_up"),
    _key("question_mark", "help", "Help", "what is shown here, and these keys", name="help_page"),
    _key("full_stop", "app.command_palette", "More", "every action and every task by name", name="palette_page"),
)

HELP = (_key("question_mark", "back", "Back", "one screen back", name="help_back"),)

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
    _key("full_stop", "app.command_palette", "More", "every action and every task by name", name="forecast_palette"),
)

NOTICES = (
    _key("enter,right", "open", "Open", "the task or run it is about", show=True, name="notice_open"),
    _key("b", "bad", "Only bad", "only warnings and what went wrong, or all again", show=True, name="notices_bad"),
)

NOTICES_PAGE = (
    _key("escape,left,h,q,N", "back", "Back", "one screen back", show=True, name="notices_back"),
    _key("question_mark", "help", "Help", "what is shown here, and these keys", show=True, name="notices_help"),
    _key("full_stop", "app.command_palette", "More", "every action and every task by name", name="notices_palette"),
)

RECORD = (
    _key("1", "part('outcome')", "Outcome", "how it ended, what is proven, what came after", name="part_outcome"),
    _key("2", "part('note')", "Note", "its note", name="part_note"),
    _key("3,l", "part('log')", "Log", "what it has said", name="part_log"),
    _key("4,c", "part('changes')", "Changes", "what it changed, as git shows it", name="changes_past"),
    _key("5", "part('check')", "Check", "what its check has said", name="part_check"),
    _key("6", "part('numbers')", "Numbers", "every figure that is kept of it", name="part_numbers"),
    _key("tab", "next_part(1)", "Next", "the next of the six parts", show=True, name="next_part"),
    _key("shift+tab", "next_part(-1)", "Part before", "the one before", name="part_before"),
    _key("n", "file(1)", "Next file", "to the next file of the changes", show=True, name="next_file_past"),
    _key("p", "file(-1)", "File before", "to the file before", name="file_before_past"),
    _key("u", "rollback", "Roll back", "undo what it changed, after saving that (asks first)", show=True),
    _key("R", "retry", "Retry", "put the task back into the queue", show=True, name="retry_past"),
    _key("o", "task", "Task", "its task: fields, gates, runs", show=True, name="task_past"),
)

PLAN = (
    _key("y", "accept", "Accept", "let the run do what the plan says", show=True, name="accept_plan"),
    _key("x", "stop", "Stop", "end the run, nothing was changed (asks first)", show=True, name="stop_plan"),
    _key("enter,n", "back", "Back", "leave the plan waiting", name="leave_plan"),
)

DIFF = (
    _key("u", "rollback", "Roll back", "undo all of this, after saving it (asks first)", show=True,
         name="rollback_changes"),
    _key("n", "file(1)", "Next file", "to the next file", show=True, name="next_file"),
    _key("p", "file(-1)", "File before", "to the file before", name="file_before"),
)  # fmt: skip

FIGURES = (
    _key("escape,left,h,q,4", "back", "Back", "one screen back", show=True, name="figures_back"),
    _key("enter,right", "open", "Its runs", "the history of this kind, model or project", show=True,
         name="figures_open"),
    _key("question_mark", "help", "Help", "what is shown here, and these keys", show=True, name="figures_help"),
    _key("full_stop", "app.command_palette", "More", "every action and every task by name", name="figures_palette"),
)  # fmt: skip

PEEK = (
    _key("s", "say", "Say", "say something to it: it hears you at its next step", show=True, name="say_peek"),
    _key("a", "attach", "Attach", "watch its terminal; ‹ back leads back", show=True, name="attach_peek"),
    _key("A", "type", "Type", "sit at the terminal of a run that is yours, with the keys", name="type_peek"),
    _key("x", "stop", "Stop", "stop this run (asks first)", show=True, name="stop_peek"),
    _key("i", "takeover", "Take over", "work in its conversation yourself", show=True, name="takeover_peek"),
    _key("c", "changes", "Changes", "what it changed, as git shows it", show=True, name="changes_peek"),
)

TRIAGE = (
    _key("1", "answer(1)", "First", "the first answer", name="answer_1"),
    _key("2", "answer(2)", "Second", "the second answer", name="answer_2"),
    _key("3", "answer(3)", "Third", "the third answer", name="answer_3"),
    _key("n", "next(1)", "Next", "who waits next", show=True, name="triage_next"),
    _key("p", "next(-1)", "Before", "who waited before", name="triage_before"),
    _key("a", "attach", "Attach", "watch its terminal; ‹ back leads back", show=True, name="attach_triage"),
    _key("l", "log", "Log", "follow what it says", show=True, name="log_triage"),
    _key("x", "stop", "Stop", "stop this run (asks first)", name="stop_triage"),
    _key("c", "changes", "Changes", "what it changed, as git shows it", show=True, name="changes_triage"),
    _key("o", "details", "Details", "its task: fields and gates", show=True, name="details_triage"),
)

REPLY = (
    _key("enter", "submit", "Send", "say it", show=True, name="reply_send"),
    _key("escape", "close", "Close", "say nothing", show=True, name="reply_close"),
)

FILTER = (
    _key("enter", "submit", "Keep", "keep what is shown", show=True, name="filter_keep"),
    _key("escape", "clear_filter", "Clear", "show every row again", show=True, name="filter_clear"),
)

FORM = (_key("escape", "back", "Back", "one screen back", show=True, name="form_back"),)

CAPTURE = (_key("tab", "app.focus_next", "Buttons", "Save, Form, Templates", show=True, name="capture_buttons"),)

CAPTURE_LINE = (
    # Before the line itself, which would begin a new one.
    replace(_key("enter", "screen.save", "Save", "put it into the queue", name="capture_save"), priority=True),
)

BUTTONS = (
    _key("right,down", "app.focus_next", "Next", "the next button", name="button_next"),
    _key("left,up", "app.focus_previous", "Before", "the button before", name="button_before"),
)

FIELD = (
    _key("down", "leave(1)", "Next", "the next field", name="field_next"),
    _key("up", "leave(-1)", "Before", "the field before", name="field_before"),
    replace(_key("plus,space", "step(1)", "Next value", "the next of a few values, or a number one higher",
                 name="value_next"), priority=True),
    replace(_key("minus", "step(-1)", "Value before", "the value before, or a number one lower",
                 name="value_before"), priority=True),
)  # fmt: skip

CHOOSE = (
    _key("j", "cursor_down", "Down", "next row", name="choose_down"),
    _key("k", "cursor_up", "Up", "row before", name="choose_up"),
    _key("g", "first", "First", "first row", name="choose_first"),
    _key("G", "last", "Last", "last row", name="choose_last"),
    _key("right,l", "select", "Choose", "this one", name="choose"),
    _key("left,h,q", "screen.back", "Back", "one screen back", name="choose_back"),
)

SECTIONS: tuple[tuple[str, tuple[Binding, ...]], ...] = (
    ("Everywhere", BOARD),
    ("Any list", LIST),
    ("Queue", QUEUE),
    ("Carrying a task", CARRY),
    ("Runs", RUNS),
    ("History", HISTORY),
    ("Any screen opened from a row", SHEET),
    ("The page of help", HELP),
    ("Details", DETAIL),
    ("Why", WHY),
    ("Plan of the days", FORECAST),
    ("Notices", NOTICES),
    ("The page of notices", NOTICES_PAGE),
    ("Log", PEEK),
    ("What needs you", TRIAGE),
    ("Saying something to a run", REPLY),
    ("A plan that waits", PLAN),
    ("A finished run", RECORD),
    ("Changes", DIFF),
    ("Figures", FIGURES),
    ("Filter line", FILTER),
    ("Forms", FORM),
    ("New task: one line", (*CAPTURE_LINE, *CAPTURE)),
    ("New task: its buttons", BUTTONS),
    ("A field of a form", FIELD),
    ("Lists to choose from", CHOOSE),
)

LAST_IN_HELP = ("Everywhere", "Any screen opened from a row", "Any list", "Lists to choose from")
"""Sections that are about more than the screen at hand."""

PINNED = (
    "palette",
    "clear",
    "help",
    "quit",
    "back",
    "forecast_back",
    "forecast_help",
    "notices_back",
    "notices_help",
    "figures_back",
    "figures_help",
)
"""Hints that are never pushed out of the hint line."""

_SHOWN = {
    "space": "spc",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "exclamation_mark": "!",
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
