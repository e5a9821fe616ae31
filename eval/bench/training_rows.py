"""Conversations for ``eval.bench.training``, drawn from the data folder in the form that serving asks in."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import prompts
from assistant.rendering import Renderer
from assistant.schema import LABELS, Message

LONGEST = 1024
"""Tokens of a row, TRL's own limit: nothing is cut on either side."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One conversation.

    Attributes:
        messages: Question and reply.
        source: The passage; the row's own id where it has none.
        task: ``grounded`` or ``sentiment``.
        tokens: Of prompt and reply, counted once.
    """

    messages: tuple[Message, ...]
    source: str
    task: str
    tokens: int


def draw(
    data: Path, renderer: Renderer, n: int, seed: int, *, alone: bool = False, but: Collection[str] = ()
) -> list[Drawn]:
    """Draw whole passages with all their questions, and as many sentiments, in all about ``n`` rows.

    Args:
        data: The data folder.
        renderer: Counts the tokens.
        n: Rows.
        seed: Of the draw.
        alone: Take one question of each passage only.
        but: Sources that are left out.
    """
    found: list[Drawn] = []
    for rows in (_read(data / "grounded" / "en.train.jsonl"), _read(data / "sentiment" / "en.train.jsonl")):
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            groups.setdefault(_source(row), []).append(row)
        names = sorted(groups.keys() - set(but))
        random.Random(seed).shuffle(names)
        found += _fill((groups[name][:1] if alone else groups[name] for name in names), renderer, n // 2)
    random.Random(seed).shuffle(found)
    return found


def write(rows: Sequence[Drawn], path: Path) -> Path:
    """As messages JSONL, which both sides read."""
    lines = [{"messages": [{"role": m.role, "content": m.text} for m in row.messages]} for row in rows]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def _fill(groups: Iterator[list[dict[str, Any]]], renderer: Renderer, n: int) -> list[Drawn]:
    found: list[Drawn] = []
    for group in groups:
        for row in group:
            messages = _conversation(row)
            tokens = len(renderer.ids(messages, open_reply=False))
            if tokens <= LONGEST:
                found.append(Drawn(messages, _source(row), row["task"], tokens))
        if len(found) >= n:
            break
    return found


def _conversation(row: dict[str, Any]) -> tuple[Message, ...]:
    if row["task"] == "sentiment":
        reply = prompts.SENTIMENT_REPLIES[LABELS.index(row["label"])]
        return (*prompts.sentiment(row["text"]), Message("assistant", reply))
    passages = [document["text"] for document in row["documents"]]
    reply = f"{row['answers'][0]} [1]" if row["answers"] else prompts.NOT_FOUND["en"]
    return (*prompts.grounded(row["question"], passages, "en"), Message("assistant", reply))


def _source(row: dict[str, Any]) -> str:
    return str(row["documents"][0]["id"] if row.get("documents") else row["id"])


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
