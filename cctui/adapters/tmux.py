"""Our own tmux server: one session per running leg, and the way to watch one.

tmux is a window onto a run, never the source of a fact: whether a run lives or how it ended is told by its folder.
Every call has a time limit, since a stopped server would hold a client for ever.  Starting and listing go by a bare
process (a few milliseconds); the rest goes through libtmux, which is imported when it is first needed.  It never
touches another server, reads no configuration but ours, and starts no second server beside one whose socket was
deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from cctui.adapters.scope import ask_for_socket, lost_server, runtime_folder, scope_argv

if TYPE_CHECKING:  # 70 ms that no command line should pay
    from libtmux.common import tmux_cmd

T = TypeVar("T")

CONF = Path(__file__).resolve().parent.parent / "data" / "tmux.conf"
TIMEOUT = 10.0
SCOPE_SECONDS = 4.0
"""What systemd may take to start our server, before it is started without."""
SOCKET_TRIES = 100
"""How often a server is looked for that was asked to make its socket again, every 20 ms."""
UI = "ui"
_NAME = re.compile(r"[a-z0-9-]{1,64}")
_NO_SERVER = ("no server running", "error connecting to", "server exited unexpectedly", "no sessions")
_NO_SESSION = ("can't find session", "can't find pane", "no such session", "session not found")
_SOCKET = re.compile(r"(?:no server running on|error connecting to) (/.*?)(?: \([^()]*\))?$", re.MULTILINE)
_ROOMY = "#{&&:#{e|>=:#{client_width},100},#{e|>=:#{client_height},30}}"
"""Whether a popup leaves enough of the screen to a run; a tmux that knows no popups (before 3.2) says no as well."""
_PRIVATE = ("ANTHROPIC_", "CLAUDE", "CCTUI_", "TMUX_PANE")


class TmuxError(Exception):
    """tmux could not do what was asked; the text says what it said, or what to do."""


def checked(session: str) -> str:
    """tmux expands formats in names and turns dots and colons into something else: only plain ones are let through."""
    if not _NAME.fullmatch(session):
        raise TmuxError(f"`{session}` cannot be the name of a tmux session: only a-z, 0-9 and - are allowed.")
    return session


def argument(text: str) -> str:
    """An argument of tmux's own: one that ends with a semicolon would end the command."""
    return f"{text[:-1]}\\;" if text.endswith(";") else text


class Tmux:
    """The server called `socket` (``tmux -L``)."""

    def __init__(self, command: str, socket: str, conf: Path = CONF, *, scope: str = "auto") -> None:
        self._command = command
        self._socket = socket
        self._conf = conf
        self._scope = scope
        self._starting = asyncio.Lock()
        self.scope_trouble: str | None = None
        """A sentence once systemd has failed to start our server: from then on it is started without."""

    def server_argv(self, *args: str) -> list[str]:
        """A whole command line to our server, which starts with our configuration if it does not run."""
        return [self._command, "-L", self._socket, "-f", str(self._conf), *args]

    # --- the hot path ------------------------------------------------------------------------------------------------

    async def start(
        self, session: str, argv: list[str], cwd: str, env: Mapping[str, str], run_id: str, *, typing: bool = False
    ) -> None:
        """Start `argv` in a new detached session, tagged with the run.  One that is there already is left as it is.

        `env` is added to the session's environment; tmux takes 16 KB for everything together.  With `typing` keys
        reach the pane; else it only shows.
        """
        target = f"={checked(session)}:"
        variables = [word for name, value in env.items() for word in ("-e", argument(f"{name}={value}"))]
        create = ["new-session", "-d", "-s", session, "-x", "120", "-y", "40", "-c", cwd, *variables, "--"]
        tag = ["set-option", "-t", target, "@cctui_run", argument(run_id)]
        label = ["set-option", "-t", target, "@cctui_task", argument(env.get("CCTUI_TASK", run_id))]
        # Not attach -r, which would also stop scrolling and the tap on "back".
        quiet = [] if typing else [";", "select-pane", "-d", "-t", target]
        words = [*create, *map(argument, argv), ";", *tag, ";", *label, *quiet]
        code, _, error = await self._call(*words)
        if code and _says(error, _NO_SERVER):
            await self.serve()
            code, _, error = await self._call(*words)
        # A session that is there, or one that has ended before it could be tagged: both were started.
        if code and "duplicate session" not in error and not _says(error, _NO_SESSION):
            raise TmuxError(f"tmux could not start a session: {error or f'exit code {code}'}")

    async def sessions(self) -> dict[str, str]:
        """Session name → run id (empty for sessions that are not runs); empty when no server runs."""
        words = ("list-sessions", "-F", "#{session_name} #{@cctui_run}")
        code, out, error = await self._call(*words)
        if code and await self._found_again(error):
            code, out, error = await self._call(*words)
        if code and _says(error, _NO_SERVER):
            return {}
        if code:
            raise TmuxError(f"tmux could not list its sessions: {error or f'exit code {code}'}")
        pairs = (line.partition(" ") for line in out.splitlines() if line)
        return {name: run_id for name, _, run_id in pairs}

    async def _call(self, *args: str) -> tuple[int, str, str]:
        """Exit code, output, error text.  It starts no server."""
        return await self._told(self.server_argv("-N", *args), os.environ)

    async def _told(self, argv: list[str], environ: Mapping[str, str]) -> tuple[int, str, str]:
        try:
            return await self._run(argv, environ, TIMEOUT)
        except TimeoutError:
            raise self._silent() from None
        except FileNotFoundError:
            raise TmuxError(f"`{self._command}` was not found: install tmux, or set tmux.command.") from None
        except OSError as error:
            raise TmuxError(f"`{self._command}` cannot be started: {error.strerror}.") from error

    async def _run(self, argv: list[str], environ: Mapping[str, str], seconds: float) -> tuple[int, str, str]:
        # The server keeps its first client's environment for ever and gives it to every pane: no secrets in it.
        env = {name: value for name, value in environ.items() if not name.startswith(_PRIVATE) and name != "TMUX"}
        # Files, not pipes: tmux hands its descriptors to the server, and a stopped server would keep a pipe open.
        with _scratch() as out, _scratch() as err:
            process = await asyncio.create_subprocess_exec(
                *argv, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
            try:
                async with asyncio.timeout(seconds):
                    code = await process.wait()
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
            return code, _text(out), _text(err).strip()

    def _silent(self) -> TmuxError:
        return TmuxError(
            f"The tmux server `{self._socket}` has not answered for {TIMEOUT:g} s: "
            f"`{self._command} -L {self._socket} kill-server` ends it; runs go on without it."
        )

    # --- the server --------------------------------------------------------------------------------------------------

    async def serve(self, environ: Mapping[str, str] | None = None) -> None:
        """Have our server run: the one that is there, or a new one, in a systemd scope of its own where that helps.

        `environ` is what a new one keeps and gives to every pane (never secrets); None: this process's own.  Raises
        TmuxError."""
        async with self._starting:
            code, _, error = await self._call("start-server")
            if not code or await self._found_again(error):
                return
            if not _says(error, _NO_SERVER):
                raise TmuxError(f"tmux could not start its server: {error or f'exit code {code}'}")
            given = dict(os.environ if environ is None else environ)
            if await self._start_in_scope(given):
                return
            # One that systemd has started after all is found there: no second one comes of this.
            code, _, error = await self._told(self.server_argv("start-server"), given)
            if code:
                raise TmuxError(f"tmux could not start its server: {error or f'exit code {code}'}")

    async def _start_in_scope(self, environ: dict[str, str]) -> bool:
        prefix = [] if self.scope_trouble else scope_argv(self._scope, self._socket, environ)
        if not prefix:
            return False
        given = {"XDG_RUNTIME_DIR": str(runtime_folder(environ)), **environ}
        try:
            code, _, error = await self._run([*prefix, *self.server_argv("start-server")], given, SCOPE_SECONDS)
            if not code and not (await self._call("start-server"))[0]:
                return True
        except TimeoutError:
            error = f"no answer for {SCOPE_SECONDS:g} s"
        except OSError as failed:
            error = failed.strerror or str(failed)
        self.scope_trouble = (
            f"systemd-run failed ({' '.join(error.split())[:200] or 'no words'}): the tmux server was started without "
            "a scope of its own, and a logout may end it"
        )
        return False

    async def _found_again(self, error: str) -> bool:
        """Nobody answered, but our server lives: its socket was deleted, and is there again now."""
        path = _SOCKET.search(error) if _says(error, _NO_SERVER) else None
        pid = lost_server(path[1]) if path else None
        if path is None or pid is None:
            return False
        ask_for_socket(pid)
        for _ in range(SOCKET_TRIES):
            if not (await self._call("start-server"))[0]:
                return True
            await asyncio.sleep(0.02)
        raise TmuxError(
            f"The tmux server (process {pid}) lives, but its socket {path[1]} was deleted and it does not make it "
            f"again: `kill -USR1 {pid}`; runs go on without it."
        )

    # --- the cold path -----------------------------------------------------------------------------------------------

    async def kill(self, session: str) -> None:
        """Close a session's window.  Its run goes on: only the runner ends a run.  One that is gone is fine."""
        answer = await self._ask("kill-session", "-t", f"={checked(session)}")
        error = "\n".join(answer.stderr)
        if answer.returncode and not _says(error, _NO_SERVER + _NO_SESSION):
            raise TmuxError(f"tmux could not close {session}: {error}")

    async def capture(self, session: str) -> str:
        """What the session's pane shows, without colours."""
        answer = await self._ask("capture-pane", "-p", "-t", f"={checked(session)}:")
        if answer.returncode:
            raise TmuxError(f"{session} cannot be shown: {' '.join(answer.stderr) or 'it is gone'}")
        return "\n".join(answer.stdout)

    async def press(self, session: str, key: str) -> None:
        """One key, as if a person had pressed it in the session's pane: a character, or a name of tmux's (Escape)."""
        literal = ["-l"] if len(key) == 1 else []
        await self._into(session, ["send-keys", *literal, "-t", f"={checked(session)}:", "--", argument(key)])

    async def paste(self, session: str, text: str) -> None:
        """Text of any length and Enter after it, in one go: nothing can come between the two."""
        target, name = f"={checked(session)}:", f"cctui-{session}"
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="replace", prefix="cctui-") as file:
            file.write(text)
            file.flush()
            load = ["load-buffer", "-b", name, argument(file.name), ";"]
            # -p: as a paste, in which no line end is Enter; -r: line ends stay as they are.
            put = ["paste-buffer", "-p", "-r", "-d", "-b", name, "-t", target, ";", "send-keys", "-t", target, "Enter"]
            await self._into(session, [*load, *put])

    async def _into(self, session: str, keys: list[str]) -> None:
        """Keys into a pane, also one that is being scrolled, or that is only shown just now."""
        target = f"={checked(session)}:"
        code, out, error = await self._call("display-message", "-p", "-t", target, "#{pane_input_off}")
        shut = out.strip() == "1"
        before = ["copy-mode", "-q", "-t", target, ";", "select-pane", "-e", "-t", target, ";"]
        after = [";", "select-pane", "-d", "-t", target] if shut else []
        if not code:
            code, _, error = await self._call(*before, *keys, *after)
        if code:
            raise TmuxError(f"Nothing could be typed into {session}: {error or f'exit code {code}'}")

    async def _ask(self, *args: str) -> tmux_cmd:
        """One command through libtmux, in a thread of its own: a call that hangs must not hold the program's end."""

        def ask() -> tmux_cmd:
            from libtmux import Server  # noqa: PLC0415
            from libtmux.exc import LibTmuxException  # noqa: PLC0415

            program = shutil.which(self._command) or self._command
            try:
                return Server(socket_name=self._socket, config_file=str(self._conf), tmux_bin=program).cmd(*args)
            except LibTmuxException as error:
                raise TmuxError(f"`{self._command}` was not found: install tmux, or set tmux.command.") from error
            except OSError as error:
                raise TmuxError(f"`{self._command}` cannot be started: {error.strerror}.") from error

        try:
            async with asyncio.timeout(TIMEOUT):
                return await _in_thread(ask)
        except TimeoutError:
            raise self._silent() from None

    # --- watching ----------------------------------------------------------------------------------------------------

    def attach_argv(self, session: str, *, read_only: bool, environ: Mapping[str, str]) -> list[str]:
        """The command that shows `session` in the terminal `environ` belongs to.

        Inside our own server it switches the client and returns at once; anywhere else it stays until the watcher goes
        back.  `read_only` lets no key reach the pane; scrolling and the way back always work.
        """
        name = checked(session)
        keys = ["select-pane", "-d" if read_only else "-e", "-t", f"={name}:", ";"]
        # Whoever came from outside is outside again when the run ends, not in the session of another.
        out = ["set-option", "-t", f"={name}:", "detach-on-destroy", "on", ";"]
        attach = self.server_argv("-N", *keys, *out, "attach-session", "-t", f"={name}")
        # tmux refuses to nest while TMUX is set; the other tmux only carries ours.
        carried = ["env", "-u", "TMUX", *attach]
        if not self.inside(environ):
            return carried if environ.get("TMUX") else attach
        popup = ["display-popup", "-E", "-w", "96%", "-h", "96%", *_quoted(carried)]
        switch = [";" if word == ";" else _quoted([word])[0] for word in (*keys, *_bring_back(name))]
        switch += ["switch-client", "-t", f"={name}"]
        return self.server_argv("-N", "if-shell", "-F", _ROOMY, " ".join(popup), " ".join(switch))

    def inside(self, environ: Mapping[str, str]) -> bool:
        """The terminal of `environ` is a pane of our own server."""
        path = environ.get("TMUX", "").split(",")[0]
        return bool(path) and Path(path).name == self._socket


def _quoted(words: Sequence[str]) -> list[str]:
    """Each word as one of tmux's own language, whatever is in it."""
    return ["'" + word.replace("'", "'\"'\"'") + "'" for word in words]


def _bring_back(name: str) -> list[str]:
    """tmux's words for: when the run in session `name` ends, bring this client back to the session it comes from, if
    it still watches.  By itself tmux would show it any other session."""
    target = f"={name}:"
    watching = "##{m:* #{client_name} *, ##{s/,/ /:session_attached_list} }"
    back = f"if-shell -F -t {target} '{watching}' 'switch-client -c #{{client_name}} -t =#{{session_name}}'"
    return [
        *("set-option", "-w", "-t", target, "remain-on-exit", "on", ";"),
        *("run-shell", "-C", f'set-hook -a -w -t {target} pane-died "{back}"', ";"),
        *("set-hook", "-w", "-t", target, "pane-died[1000]", f"kill-session -t ={name}", ";"),
    ]


def _scratch() -> IO[bytes]:
    """A file without a name, in memory where there is such a thing: a full disk stops no call."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("cctui-tmux"), "w+b")
    return tempfile.TemporaryFile()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _says(error: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in error for phrase in phrases)


async def _in_thread(work: Callable[[], T]) -> T:
    """`work` in a daemon thread: unlike the loop's executor, it is never waited for at exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(answer: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(answer)  # type: ignore[arg-type]

    def run() -> None:
        answer: T | None = None
        failed: TmuxError | None = TmuxError("Talking to tmux failed in an unforeseen way; the log has more.")
        try:
            answer, failed = work(), None
        except TmuxError as error:
            failed = error
        finally:
            with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(settle, answer, failed)

    threading.Thread(target=run, daemon=True, name="cctui-tmux").start()
    return await done
