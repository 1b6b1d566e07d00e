"""The hook program of a run: ``PYTHON -I -S guard.py EVENT``, the hook's JSON on standard input.

Claude Code starts it at every tool call and whenever a session waits or ends.  A call it cannot judge is denied: the
program that asks takes a crash, silence or bad JSON for a yes, and only this answer or exit code 2 for a no.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` costs six milliseconds
    from types import TracebackType

DENIED = 2
UNJUDGED = (
    '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":'
    '"cctui: the check for secrets itself failed (%s), so this call was not executed."}}\n'
)


def fail(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last net: no traceback, and no call goes unjudged."""
    if sys.argv[1:] != ["PreToolUse"]:
        os._exit(0)
    try:
        os.write(1, (UNJUDGED % kind.__name__).encode())
    finally:
        os._exit(DENIED)


def main(argv: list[str]) -> int:
    if len(argv) != 2:
        print("usage: guard.py EVENT < JSON", file=sys.stderr)
        return DENIED
    # Started with -I -S: our own folder is not on the path.  Last, so that the standard library always wins.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    hook = __import__("runner.hook", fromlist=["hook"])
    code: int = hook.answer(argv[1])
    return code


if __name__ == "__main__":
    sys.excepthook = fail
    sys.exit(main(sys.argv))
