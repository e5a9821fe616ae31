"""The empty chat: what Youju does, and three questions that its documents can answer."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant import samples
from assistant.errors import YoujuError
from assistant.web.pages.bridge import Reader

if TYPE_CHECKING:
    from assistant.runtime import Runtime
    from assistant.store import DocumentRecord

SHOWN = 3
READ = 12
"""Documents that are opened in search of a question."""
LONGEST = 90
_NUMBER = re.compile(r"^(第?[一二三四五六七八九十\d]+[、.．)）章节]\s*|\d{1,2}(\.\d{1,2})*\s+)+")
"""What counts a heading: part of its place, not of its words."""
_EMPTY = re.compile(
    "introduction|(table of )?contents|overview|summary|appendix|references|abstract|conclusions?|preface|index|notes|"
    "目录|前言|引言|概述|摘要|附录|参考文献|总结|结论|简介",
    re.IGNORECASE,
)
"""Headings that say nothing of what stands below them."""


def empty(runtime: Runtime, reader: Reader, *, own_files: bool = False) -> Markup:
    """The start of a conversation."""
    say = reader.say
    asked = [] if own_files else questions(runtime, reader)
    items = Markup("").join(
        Markup('<li><button type="button" data-ask-this>{}</button></li>').format(words) for words in asked
    )
    hint = say("drop_here") if asked or own_files else say("no_documents_yet")
    return Markup(
        '<section class="empty"><h1>{}</h1><p>{}</p><ul class="examples">{}</ul>'
        '<button type="button" class="drop-zone" data-ui="attach">{}</button></section>'
    ).format(say("greeting"), say("tagline"), items, hint)


def questions(runtime: Runtime, reader: Reader) -> list[str]:
    """Questions that the documents answer: their own before the samples', the reader's language first."""
    ready = [record for record in runtime.store.documents.list(reader.user) if record.state == "ready"]
    sample = {c.id for c in runtime.store.collections.list(reader.user) if c.name == samples.NAME}
    groups: dict[tuple[bool, bool], list[list[str]]] = {}
    for record in sorted(ready, key=lambda record: (record.created, record.id))[:READ]:
        of_sample = record.collection_id in sample
        asked = _sampled(record) if of_sample else _asked_in(runtime, reader, record)
        groups.setdefault((of_sample, record.language != reader.language), []).append(asked)
    # One of each document, then a second one of each: three questions about one file would look like all there is.
    turns = (words for key in sorted(groups) for turn in zip_longest(*groups[key]) for words in turn if words)
    return list(dict.fromkeys(turns))[:SHOWN]


def _sampled(record: DocumentRecord) -> list[str]:
    return [question.question for question in samples.questions() if question.file == record.filename]


def _asked_in(runtime: Runtime, reader: Reader, record: DocumentRecord) -> list[str]:
    """What stands in it as a question; and what it says about its other headings."""
    try:
        marks = runtime.library.document(reader.user, record.id).marks
    except YoujuError:
        return []
    headings = [mark.label for mark in marks if mark.kind == "heading" and mark.label != record.title]
    asked = [words for words in (record.title, *headings) if _is_question(words)]
    topics = [_NUMBER.sub("", words) for words in headings if not _is_question(words)]
    return asked + [about(words, record.language) for words in topics if _is_topic(words)]


def about(heading: str, language: str) -> str:
    """A question about a section, in the document's own language."""
    if language == "zh":
        return f"关于“{heading}”，文档是怎么说的？"
    return f"What does the document say about “{heading}”?"


def _is_question(words: str) -> bool:
    return words.endswith(("?", "？")) and len(words) <= LONGEST


def _is_topic(words: str) -> bool:
    return not _EMPTY.fullmatch(words) and 2 <= len(words) <= LONGEST // 2 and any(c.isalpha() for c in words)
