"""All figures of one run: `./script/bench [NAME…] [--json]`."""

from __future__ import annotations

import argparse
import importlib
import json
from dataclasses import asdict

from tests.bench.measure import Figure

NAMES = ("core", "plan", "dispatch", "line", "app", "keys", "scheduling")
ASKED_FOR = ("peers",)
"""Only when they are named: they fetch other people's programs."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)}, all by default; or peers")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if unknown := set(args.names) - {*NAMES, *ASKED_FOR}:
        known = ", ".join((*NAMES, *ASKED_FOR))
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {known}")
    figures: list[Figure] = []
    for name in args.names or NAMES:
        bench = importlib.import_module(f"tests.bench.{name}")
        figures += bench.figures()
        if hasattr(bench, "tables") and not args.json:
            print(bench.tables())
    if args.json:
        print(json.dumps([{**asdict(figure), "held": figure.held} for figure in figures], indent=1))
    else:
        _show(figures)
    return 0 if all(figure.held for figure in figures) else 1


def _show(figures: list[Figure]) -> None:
    for figure in figures:
        sign = "✓" if figure.held else "×"
        base = f"  ({figure.base})" if figure.base else ""
        print(f"{sign} {figure.name:<48} {figure.value:>9.2f} {figure.unit:<12} ≤ {figure.bound:.2f}{base}")


if __name__ == "__main__":
    raise SystemExit(main())
