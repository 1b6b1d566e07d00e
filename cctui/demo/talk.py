"""A simulated conversation: what it has used, and what is kept of it, so that a later process can resume it.

Standard library only; everything is kept below the demo's folder.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

MODEL = "simulated"
DOLLARS_PER_TOKEN = {"input": 2e-6, "output": 10e-6, "cache_read": 0.1e-6, "cache_write": 2.5e-6}


@dataclass(slots=True)
class Usage:
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def add(self, other: Usage) -> None:
        self.input += other.input
        self.output += other.output
        self.cache_read += other.cache_read
        self.cache_write += other.cache_write

    def dollars(self) -> float:
        total: float = sum(tokens * DOLLARS_PER_TOKEN[kind] for kind, tokens in asdict(self).items())
        return round(total, 6)

    def message(self) -> dict[str, int]:
        return {
            "input_tokens": self.input,
            "cache_creation_input_tokens": self.cache_write,
            "cache_read_input_tokens": self.cache_read,
            "output_tokens": self.output,
        }

    def model(self) -> dict[str, Any]:
        return {
            MODEL: {
                "inputTokens": self.input,
                "outputTokens": self.output,
                "cacheReadInputTokens": self.cache_read,
                "cacheCreationInputTokens": self.cache_write,
                "costUSD": self.dollars(),
            }
        }


@dataclass(slots=True)
class Conversation:
    """What is kept of a session, so that a later process can resume it."""

    session_id: str
    scene: str
    round: int = 0
    """Of the scene's rounds the one it is in."""
    done: int = 0
    """Steps of that round that were answered."""
    attempt: int = 1
    total: dict[str, int] = field(default_factory=dict)


TURNED = ("The check of this task failed", "Your plan has been accepted")
"""What the engine tells a conversation that has ended one round and is to begin the next."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the simulated Claude does for a task: rounds of steps, each with the answer that ends it."""

    rounds: list[list[list[Any]]]
    answers: list[str]
    percent: float
    week: float
    tokens: int
    seconds: float
    """These four for all rounds together."""
    failure: str = ""
    """What the first conversation fails with in the middle; empty: it does not."""

    @property
    def length(self) -> int:
        return sum(map(len, self.rounds))

    def turn(self, talk: Conversation, prompt: str) -> None:
        """Begin the next round, if the last one is complete and the prompt asks for more than going on."""
        complete = talk.done >= len(self.rounds[talk.round])
        if complete and talk.round + 1 < len(self.rounds) and any(words in prompt for words in TURNED):
            talk.round, talk.done = talk.round + 1, 0


def scene_of(scenes: dict[str, Any], name: str) -> Scene:
    """The scene called `name`; most have one round, written as `steps` and `answer`."""
    known = dict(scenes.get(name) or scenes["default"])
    if "steps" in known:
        known |= {"rounds": [known.pop("steps")], "answers": [known.pop("answer")]}
    return Scene(**known)


def session_path(folder: str, session_id: str) -> str:
    return f"{folder}/sessions/{session_id}.json"


def save(folder: str, talk: Conversation) -> None:
    path = session_path(folder, talk.session_id)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.tmp", "w") as file:
        json.dump(asdict(talk), file)
    os.replace(f"{path}.tmp", path)


def load(folder: str, session_id: str) -> Conversation | None:
    try:
        with open(session_path(folder, session_id)) as file:
            return Conversation(**json.load(file))
    except FileNotFoundError:
        return None


def attempts(folder: str, scene: str) -> int:
    """How many conversations were begun with this scene, this one included."""
    os.makedirs(f"{folder}/attempts", exist_ok=True)
    with open(f"{folder}/attempts/{scene}", "a+") as file:
        file.write("x")
        file.flush()
        return os.fstat(file.fileno()).st_size
