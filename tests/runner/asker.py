"""A program that talks to a person at a terminal: run as `python asker.py KIND`.

Kinds: line (reads one line and says it), keys (reads one key without a line's end), deaf (ignores TERM and HUP and
stays), stay, stop (stops its whole process group), group (tells whether that is in front, and its session is the
runner's), cat (becomes cat).
"""

import os
import signal
import sys
import time
import tty


def wait_for_front() -> None:
    """Keys typed before that are nobody's."""
    while os.getpgrp() != os.tcgetpgrp(0):
        time.sleep(0.01)


def main(kind: str) -> int:
    if kind == "keys":
        tty.setcbreak(0)  # first: it drops what was typed before
    print("ready", all(map(os.isatty, (0, 1, 2))), flush=True)
    match kind:
        case "line":
            print("got", input(), flush=True)
            return 7
        case "keys":
            print("key", os.read(0, 1).decode(), flush=True)
        case "stop":
            os.kill(0, signal.SIGSTOP)
            print("woken", flush=True)
        case "group":
            wait_for_front()
            print("in front", os.getpgrp() == os.getpid(), os.getsid(0) == os.getppid(), flush=True)
        case "cat":
            wait_for_front()
            print("up", flush=True)
            os.execvp("cat", ["cat"])
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.open("up", os.O_CREAT | os.O_WRONLY)
            while True:
                time.sleep(10)
        case "stay":
            os.open("up", os.O_CREAT | os.O_WRONLY)
            while True:
                signal.pause()
    return 0


sys.exit(main(sys.argv[1]))
