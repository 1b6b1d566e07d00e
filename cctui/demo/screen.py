"""The app of the demo: the real one, which leaves nothing behind when it is left."""

from __future__ import annotations

from cctui.tui.app import CctuiApp


class Night(CctuiApp):
    async def leave(self, where: str) -> None:
        """However one leaves: no engine could go on, for its folder goes with the demo."""
        if await self.sure("End the demo? Its runs end with it."):
            await self.let_go("stop")
