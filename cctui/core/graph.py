"""A graph of names that need other names: its order and its circles.  Pure; linear but for the circles themselves."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter


def heirs_first(graph: Mapping[str, list[str]]) -> tuple[list[str], bool]:
    """The names of `graph` (name → names it needs, all of it), whatever waits before what it waits for; and whether
    there is a circle in it, which is cut anywhere."""
    begun: set[str] = set()
    ended: dict[str, None] = {}
    circular = False
    for start in graph:
        path = [start]
        while path:
            here = path[-1]
            if here in begun:  # all that it needs has been met
                path.pop()
                ended[here] = None
                continue
            begun.add(here)
            for need in graph[here]:
                if need not in begun:
                    path.append(need)
                elif need not in ended:
                    circular = True
    return list(reversed(ended)), circular


def cycles(graph: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Circles among `graph` (name → names it needs), each once, until the rest is free of them."""
    rest = dict(_knotted(graph))
    while rest:
        try:
            TopologicalSorter(rest).prepare()
        except CycleError as error:
            circle = list(reversed(error.args[1][1:]))
            yield circle
            rest = dict(_knotted({name: needs for name, needs in rest.items() if name not in circle}))
        else:
            return


def without(graph: Mapping[str, list[str]], names: Container[str]) -> dict[str, list[str]]:
    """The graph less these names."""
    return {name: [need for need in needs if need not in names] for name, needs in graph.items() if name not in names}


def _knotted(graph: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What is left of `graph` when everything that can be done one after another is taken away (Kahn)."""
    waits_for: dict[str, int] = {}
    wanted_by: dict[str, list[str]] = {}
    free: list[str] = []
    for name, others in graph.items():
        number = 0
        for other in others:
            if other in graph:
                number += 1
                wanted_by.setdefault(other, []).append(name)
        waits_for[name] = number
        if number == 0:
            free.append(name)
    while free:
        done = free.pop()
        del waits_for[done]
        for name in wanted_by.get(done, ()):
            waits_for[name] -= 1
            if waits_for[name] == 0:
                free.append(name)
    return {name: sorted({other for other in graph[name] if other in waits_for}) for name in waits_for}
