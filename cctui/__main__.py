"""``python -m cctui`` is ``cctui``."""

from cctui.cli.main import cctui

if __name__ == "__main__":
    cctui()
