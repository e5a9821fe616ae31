"""Rows of suites as conversations, with exactly the prompts that serving uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assistant import prompts
from assistant.evidence.words import normalize, terms
from assistant.schema import LABELS, Language, Message
from assistant.tools.summarize import as_long_as
from finetune.data.conversations import turns
from finetune.data.rows import Row, RowError, digest, items, language, name, optional, record, short, text
from finetune.schema import Example


def grounded(row: Row) -> list[Example]:
    """A question to documents, an answer that cites the one it stands in, or the refusal."""
    fields = row.fields
    question = text(fields.get("question"), "question")
    documents = _documents(fields.get("documents"))
    lang = language(fields, question)
    asked = prompts.grounded(question, documents, lang)
    answer = _answer(row, documents, lang)
    return [_example(row, asked, answer, "grounded", lang, digest(documents[0]))]


def sentiment(row: Row) -> list[Example]:
    """A text and what people felt in it."""
    said = text(row.fields.get("text"), "text")
    label = row.fields.get("label")
    if label not in LABELS:
        raise RowError("label", f"is {short(label)}: use {', '.join(LABELS)}", "label")
    reply = prompts.SENTIMENT_REPLIES[LABELS.index(label)]
    lang = language(row.fields, said)
    return [_example(row, prompts.sentiment(said), reply, "sentiment", lang, digest(said))]


def summarize(row: Row) -> list[Example]:
    """A text and a summary of it by a person."""
    whole = text(row.fields.get("text"), "text")
    reference = text(items(row.fields.get("references"), "references")[0], "references[0]")
    lang = language(row.fields, reference)
    asked = prompts.summary(whole, as_long_as([reference]), "prose", lang)
    return [_example(row, asked, reference, "summarize", lang, digest(whole))]


def chat(row: Row) -> list[Example]:
    """A conversation that ends with the user, and what a good reply would be."""
    said = turns(row.fields.get("messages"), "messages")
    if said[-1].role != "user":
        raise RowError("messages", "the last turn of a case is the user's; the reply is a reference", "role")
    reply = text(items(row.fields.get("references"), "references")[0], "references[0]")
    first = next(message.text for message in said if message.role == "user")
    return [_example(row, said, reply, "chat", language(row.fields, reply), digest(first))]


def _example(
    row: Row, asked: Sequence[Message], reply: str, task: str, lang: Language, origin: str
) -> Example:
    whole = (*asked, Message("assistant", reply.strip()))
    case = {**row.fields, "id": name(row), "task": task, "lang": lang}
    own = optional(row.fields, "source")
    return Example(case["id"], whole, own or origin, task, lang, row.origin, case)


def _documents(value: Any) -> list[str]:
    return [
        text(record(document, f"documents[{n}]").get("text"), f"documents[{n}].text")
        for n, document in enumerate(items(value, "documents"))
    ]


def _answer(row: Row, documents: Sequence[str], lang: Language) -> str:
    answerable = row.fields.get("answerable")
    if not isinstance(answerable, bool):
        raise RowError("answerable", f"is {short(answerable)}: write true or false", "type")
    answers = row.fields.get("answers")
    if not answerable:
        if answers:
            raise RowError("answers", "an unanswerable question has none: empty it", "label")
        return prompts.NOT_FOUND[lang]
    answer = text(items(answers, "answers")[0], "answers[0]").strip()
    return f"{answer} [{_passage(answer, documents)}]"


def _passage(answer: str, documents: Sequence[str]) -> int:
    """The first one that holds the answer word for word, else the one that shares most with it, from 1."""
    plain = normalize(answer).casefold()
    for n, document in enumerate(documents, 1):
        if plain in normalize(document).casefold():
            return n
    wanted = set(terms(answer))
    shared = [len(wanted.intersection(terms(document))) for document in documents]
    if not max(shared):
        reason = (
            "none of the documents holds any word of it, so no citation can be right: the row is left out"
        )
        raise RowError("answers[0]", reason, "uncited", hard=False)
    return shared.index(max(shared)) + 1
