"""``python -m cctui`` is ``cctui``."""

from cctui.cli.entry import cctui

if __name__ == "__main__":
    cctui()
