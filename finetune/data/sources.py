"""Rows that share a document have one source, however many rows lie between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from finetune.data.rows import digest
from finetune.schema import Example


def joined(examples: Sequence[Example]) -> list[Example]:
    """Give all examples that are linked by shared documents the same source: the least digest among them.

    A row's own ``source`` stands as it is: whoever wrote it knows more.
    """
    parent: dict[str, str] = {}
    documents = [_documents(example) for example in examples]
    for found in documents:
        for each in found[1:]:
            _join(parent, found[0], each)
    return [
        replace(example, source=_root(parent, found[0])) if found else example
        for example, found in zip(examples, documents, strict=True)
    ]


def _documents(example: Example) -> list[str]:
    case = example.case
    if case is None or example.task != "grounded" or case.get("source"):
        return []
    return [digest(document["text"]) for document in case["documents"]]


def _root(parent: dict[str, str], one: str) -> str:
    while (above := parent.setdefault(one, one)) != one:
        parent[one] = parent[above]
        one = above
    return one


def _join(parent: dict[str, str], one: str, other: str) -> None:
    low, high = sorted((_root(parent, one), _root(parent, other)))
    parent[high] = low
