"""The program in the pane: ``PYTHON -I -S wrapper.py RUN_DIR LEG``.

It promises that a leg runs at most once, that its end is on disk whatever becomes of tmux or the scheduler, and that
nothing it started outlives it.  It never reads the terminal and never waits for it.
"""

from __future__ import annotations

import os
import signal
import sys

# Before anything else: losing the pane must not end the run, and between here and the lock it would go unnoticed.
signal.signal(signal.SIGHUP, signal.SIG_IGN)


def main(argv: list[str]) -> int:
    if len(argv) != 3 or not argv[2].isdigit():
        print("usage: wrapper.py RUN_DIR LEG", file=sys.stderr)
        return 2
    # Started with -I -S: our own folder is not on the path.  Last, so that the standard library always wins.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    supervise = __import__("runner.supervise", fromlist=["supervise"])
    code: int = supervise.supervise(argv[1], int(argv[2]))
    return code


if __name__ == "__main__":
    # Not sys.exit: the pane's thread may hang in a terminal that nobody drains.
    os._exit(main(sys.argv))
