"""A Link with no engine behind it: it keeps what it was asked, and carries commands out in the pure core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Literal

from cctui.core import plan as forecast
from cctui.core import queue
from cctui.core.commands import carry_out
from cctui.core.forecast import Plan
from cctui.core.step import refusal
from cctui.core.world import Add, Command, Edit, Level, Note, Phase, Reason, World
from cctui.link import LinkError
from tests.worlds import NOW

NOTE = """---
task: "[[refactor-auth]]"
status: needs-you
---

# refactor-auth

> [!question] Needs you
> This plan waits for your word: run the task to accept it, or stop it.

## Plan

````
# Plan: move auth to the session store

1. Give `Session` a store of its own; keep the old
   cookie reader until the last caller is gone.
2. Move `login` and `logout`, then their tests:
```sh
pytest tests/auth -q
```
3. Delete `legacy_auth.py`.

Nothing outside of src/auth is touched.
````

Task [[refactor-auth]]
"""
RUN_NOTE = """---
task: "[[link-rot]]"
status: completed
tags:
  - cctui/run
---

# link-rot

Done in 4m, 21k tokens, \\$0.03, attempt 1.

> [!success] Success

- Claimed: yes, it says that it is done; the check has proven it.
- Check: `pytest -q tests/links` ended with 0.
- Changed, by git: 2 commits, 5 files; branch cctui/link-rot-0203 is kept.

> [!warning] Tool calls that were denied
> - `WebFetch(https://example.org/gone)`

## Result

```text
Found 12 dead links in 3 posts and mended 11.
One has no new home: it stands in notes/dead.md.
```

## Output

```text
......................................
38 passed in 2.31s
```

## Task

```text
Find dead links in the blog and mend them.
```

Task [[link-rot]] · day [[2026-02-03]]
"""
DIFF = """diff --git a/src/links.py b/src/links.py
index 3fa9c1d..a81c03f 100644
--- a/src/links.py
+++ b/src/links.py
@@ -12,7 +12,8 @@ def dead(url: str) -> bool:
     try:
         answer = head(url)
-    except Timeout:
-        return True
+    except Timeout:  # slow is not dead: one more try, with the patience of a person
+        answer = head(url, timeout=30)
+        return answer.status >= 500
     return answer.status >= 400
diff --git a/notes/dead.md b/notes/dead.md
new file mode 100644
index 0000000..77d0aa1
--- /dev/null
+++ b/notes/dead.md
@@ -0,0 +1,2 @@
+# Dead links
+- https://example.org/gone
"""


class FakeLink:
    def __init__(self, world: World, *, hosting: bool = True, clock: Callable[[], datetime] | None = None) -> None:
        self.world = world
        self.hosting = hosting
        self.trouble: str | None = None
        self.clock = clock or (lambda: NOW)
        self.heard: list[Callable[[World], None]] = []
        self.sent: list[Command] = []
        self.refuses: Reason | None = None
        """What the next command is refused with, whatever the core thinks of it."""
        self.fails = ""
        """What the disk says to every command."""
        self.left: list[str] = []
        self.texts: dict[str, str] = {}
        self.says = "reading papers\nfound 12\n"
        self.argv = ["true"]
        self.attached: list[tuple[str, bool]] = []
        """Runs whose terminal was asked for, and whether only to be watched."""
        self.edited: list[str] = []
        """Files that were to be opened in an editor."""
        self.changes = DIFF
        self.diff_fails = ""
        self.planned: list[Command | None] = []
        """What plans were asked for: of the World as it is (None), or as it would be after a command."""
        self.plan_fails = ""
        self.plan_waits: asyncio.Event | None = None
        """No plan comes before this."""

    def now(self) -> datetime:
        return self.clock()

    def subscribe(self, heard: Callable[[World], None]) -> Callable[[], None]:
        self.heard.append(heard)
        return lambda: self.heard.remove(heard)

    def publish(self, world: World) -> None:
        self.world = world
        for heard in list(self.heard):
            heard(world)

    async def send(self, command: Command) -> Reason | None:
        self.sent.append(command)
        if self.refuses:
            given, self.refuses = self.refuses, None
            return given
        if reason := refusal(self.world, command, self.now()):
            return reason
        self.publish(carry_out(self.world, command, self.now())[0])
        # The disk comes after the answer, as with the real engine.
        asyncio.get_running_loop().call_soon(lambda: self.publish(self.filed(self.world, command)))
        return None

    def filed(self, world: World, command: Command) -> World:
        """What the disk makes of a command: the file as the next scan finds it, or the note of what went wrong."""
        if self.fails:
            seq = max((note.seq for note in world.notes), default=0) + 1
            memory = replace(world.memory, done=world.memory.done[:-1])
            return replace(world, memory=memory, notes=(*world.notes, Note(seq, self.now(), Level.BAD, self.fails)))
        match command:
            case Add(name=name):
                some = next(iter(world.tasks.values()))
                task = replace(some, name=name, path=f"pending/{name}.md", phase=Phase.PENDING)
                changed = replace(world, tasks={**world.tasks, name: task})
                return replace(changed, line=queue.line(changed))
            case Edit(task=name, field="priority", value=str(value)) if value.isdigit():
                task = replace(world.tasks[name], priority=int(value))
                changed = replace(world, tasks={**world.tasks, name: task})
                return replace(changed, line=queue.line(changed))
            case Edit(task=name):
                return replace(world, tasks={**world.tasks, name: replace(world.tasks[name])})
            case _:
                return world

    async def text(self, path_or_name: str) -> str:
        plain = f"# {path_or_name}\n\nDo the work, then say what was done.\n"
        notes = {"refactor-auth-": NOTE, "/link-rot-": RUN_NOTE}
        known = next((note for part, note in notes.items() if part in path_or_name), plain)
        return self.texts.get(path_or_name, known)

    async def tail(self, run_id: str, lines: int = 200) -> str:
        return "\n".join(self.says.splitlines()[-lines:])

    async def diff(self, run_id: str) -> str:
        if self.diff_fails:
            raise LinkError(self.diff_fails)
        return self.changes

    async def plan(self, command: Command | None = None, *, samples: int = 0, days: float = 7.0) -> Plan | Reason:
        """Worked out here and now: no engine, no other process."""
        self.planned.append(command)
        if self.plan_waits:
            await self.plan_waits.wait()
        if self.plan_fails:
            raise LinkError(self.plan_fails)
        if command:
            return forecast.what_if(self.world, command, self.now())
        return forecast.sampled(self.world, self.now(), samples=min(samples, 8))

    def attach_argv(self, run_id: str, *, read_only: bool = True) -> list[str]:
        self.attached.append((run_id, read_only))
        return self.argv

    def edit_argv(self, name_or_path: str) -> list[str]:
        self.edited.append(name_or_path)
        return self.argv

    async def leave(self, how: Literal["detach", "stop"]) -> None:
        self.left.append(how)

    def becomes(self, run_id: str, **fields: object) -> None:
        """The run is found otherwise than before."""
        run = replace(self.world.runs[run_id], **fields)  # type: ignore[arg-type]
        self.publish(replace(self.world, runs={**self.world.runs, run_id: run}))

    def progress(self, run_id: str, line: str) -> None:
        """The run says something."""
        run = self.world.runs[run_id]
        spoke = replace(run, progress=replace(run.progress, last_line=line))
        self.publish(replace(self.world, runs={**self.world.runs, run_id: spoke}))
