"""cctui: the always-on scheduler for a Claude subscription's backlog."""

__version__ = "0.1.0"
