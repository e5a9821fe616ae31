"""Our own questions about invented documents, in each form that a reader is asked in.

``reader/*.jsonl`` beside this file holds passages as a search shows them, a question as a colleague types it,
the answer that they give, and answers that a careless reader would give; its ``claims.jsonl`` sentences about
passages, true and false. Of each question the adapter learns to write the answer, where there is one, to tell
whether the passages hold one, and to judge the right answer and a wrong one. Questions about the same
passages share their beginning, so these forms cost few tokens.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant import prompts
from assistant.prompts import HELD_REPLIES, VERIFIED_REPLIES
from assistant.schema import Language, Message
from finetune.schema import Example, Origin

FOLDER = Path(__file__).parent / "reader"
_FILES = ("en.jsonl", "zh.jsonl", "across.jsonl")
_MARK = re.compile(r"\[(\d+)\]")
_WRONG = 0.85
"""Share of the answerable questions of which a wrong answer is judged besides; of the others all are: so that
yes and no come about equally often."""
_BESIDE = 2
"""Passages of another document that are shown besides, as a search finds them."""


def own(languages: Iterable[Language], draw: random.Random) -> Iterator[Example]:
    """All forms of our own questions.

    Args:
        languages: Of the questions.
        draw: Chooses the wrong answers.
    """
    wanted = set(languages)
    for row in (row for file in _FILES for row in _beside(_rows(FOLDER / file))):
        if row["lang"] in wanted:
            yield from forms(row, draw)
    yield from statements([row for row in _rows(FOLDER / "claims.jsonl") if row["lang"] in wanted])
    for row in _rows(FOLDER / "rewrites.jsonl"):
        if row["lang"] in wanted:
            history = [Message(turn["role"], turn["text"]) for turn in row["history"]]
            yield rewriting(row["id"], history, row["question"], row["standalone"], row["lang"])


def _beside(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows with passages of another document: before their own, for every second document behind them."""
    passages = {row["source"]: row["passages"][:_BESIDE] for row in rows}
    sources = list(passages)
    for row in rows:
        place = sources.index(row["source"])
        others = passages[sources[place - 1]]
        if place % 2:
            yield {**row, "passages": [*row["passages"], *others]}
        else:
            yield {**_renumbered(row, len(others)), "passages": [*others, *row["passages"]]}


def _renumbered(row: dict[str, Any], more: int) -> dict[str, Any]:
    """With ``[n]`` as so many passages stand before."""

    def moved(text: str) -> str:
        return _MARK.sub(lambda mark: f"[{int(mark[1]) + more}]", text)

    answer = row["answer"] and moved(row["answer"])
    return {**row, "answer": answer, "wrong": [moved(text) for text in row["wrong"]]}


def forms(row: Mapping[str, Any], draw: random.Random, *, written: bool = True) -> Iterator[Example]:
    """A question about passages, in every form.

    That they hold no answer is told and judged, never written: a likelihood has a threshold that can be
    fitted on people's own documents, a written refusal has none. A reader that learnt to write them refused
    nine of nineteen answerable Chinese questions, most of which it held for answerable.

    Args:
        row: With question, passages, answer (``None`` where they hold none) and wrong answers.
        draw: Chooses which wrong one is judged.
        written: The answer is one to learn to write, too.
    """
    language: Language = row["lang"]
    passages = [f"{passage['title']}\n{passage['text']}" for passage in row["passages"]]
    asked = prompts.grounded(row["question"], passages, language)
    answer = row["answer"]
    if written and answer:
        yield _example(row, "", asked, answer, "grounded")
    yield _example(row, "-held", prompts.held(asked), HELD_REPLIES[answer is None], "judge")
    yes, no = VERIFIED_REPLIES[language]
    if answer:
        yield _example(row, "-right", prompts.verified(asked, language, answer), yes, "judge")
    if row["wrong"] and (not answer or draw.random() < _WRONG):
        wrong = draw.choice(row["wrong"])
        yield _example(row, "-wrong", prompts.verified(asked, language, wrong), no, "judge")


def of_passages(rows: Sequence[Mapping[str, Any]], draw: random.Random) -> Iterator[Example]:
    """Questions about one passage each whose answers are spans: judged, and not to be imitated.

    The wrong answer is that of another question about the same passage.
    """
    answers: dict[str, set[str]] = {}
    for row in rows:
        answers.setdefault(row["documents"][0]["id"], set()).update(row["answers"][:1])
    for row in rows:
        document = row["documents"][0]
        others = sorted(answers[document["id"]] - set(row["answers"]))
        asked = {
            "id": row["id"], "lang": row["lang"], "question": row["question"], "passages": [document],
            "answer": row["answers"][0] if row["answerable"] else None,
            "wrong": others, "source": document["title"],
        }  # fmt: skip
        yield from forms(asked, draw, written=False)


def statements(rows: Sequence[Mapping[str, Any]]) -> Iterator[Example]:
    """Sentences with a passage: does it say all of them?"""
    for row in rows:
        language: Language = row["lang"]
        asked = prompts.stated([row["evidence"]], row["claim"], language)
        reply = VERIFIED_REPLIES[language][row["label"] != "supported"]
        yield _example({**row, "source": row["evidence"][:80]}, "", asked, reply, "judge")


def rewriting(
    name: str, history: Sequence[Message], question: str, standalone: str, language: Language
) -> Example:
    """A follow-up as the question that stands alone."""
    asked = prompts.rewrite(history, question, language)
    return _example({"id": name, "lang": language, "source": name}, "", asked, standalone, "rewrite")


def _example(row: Mapping[str, Any], form: str, asked: Sequence[Message], reply: str, task: str) -> Example:
    messages = (*asked, Message("assistant", reply))
    return Example(row["id"] + form, messages, row["source"], task, row["lang"], Origin("mixture", 0))


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
