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
    done: int = 0
    """Steps of the scene that were answered."""
    attempt: int = 1
    total: dict[str, int] = field(default_factory=dict)


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
