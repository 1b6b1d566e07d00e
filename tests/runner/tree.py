"""A process tree that does not want to end: run as `python tree.py MARK FOLDER KIND...`.

Kinds: plain, setsid, daemon (double fork), wiped (a daemon without our environment), deaf (ignores TERM), respawner
(starts a successor in a new session when told to end), leave (the main process ends at once, the others stay).
A process that is up writes FOLDER/KIND.
"""

import os
import signal
import sys
import time
from pathlib import Path


def stay(mark: str, folder: str, kind: str) -> None:
    Path(folder, kind).touch()
    while True:
        signal.pause()


def again(mark: str, folder: str) -> None:
    def successor(*_: object) -> None:
        if os.fork() == 0:
            os.setsid()
            again(mark, folder)
        os._exit(0)

    signal.signal(signal.SIGTERM, successor)
    stay(mark, folder, "respawner")


def child(kind: str, mark: str, folder: str) -> None:
    if kind in ("setsid", "daemon", "wiped"):
        os.setsid()
    if kind in ("daemon", "wiped") and os.fork():
        os._exit(0)
    if kind == "wiped":
        os.execve(sys.executable, [sys.executable, __file__, mark, folder, "as-wiped"], {})
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind == "respawner":
        again(mark, folder)
    stay(mark, folder, kind)


def main() -> None:
    mark, folder, kinds = sys.argv[1], sys.argv[2], sys.argv[3:]
    if kinds == ["as-wiped"]:
        stay(mark, folder, "wiped")
    for kind in kinds:
        if kind != "leave" and os.fork() == 0:
            child(kind, mark, folder)
    while not all(Path(folder, kind).exists() for kind in kinds if kind != "leave"):
        time.sleep(0.005)
    if "leave" in kinds:
        return
    stay(mark, folder, "main")


main()
