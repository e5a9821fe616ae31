"""The empty chat: what Youju does, and three questions that its documents can answer."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant import samples
from assistant.errors import YoujuError
from assistant.models.catalog import AUTO, DEFAULTS, resolve
from assistant.web import i18n
from assistant.web.pages.bridge import Reader

if TYPE_CHECKING:
    from assistant.assistant import Assistant
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
_QUESTION = re.compile(
    r"(?:^|[.!?。！？]\s+|^[-*•\d.、) ]+)"
    r"((?:How|What|When|Where|Who|Why|Which|Can|Do|Does|Is|Are|May|Must|Should)\b[^.!?\n]{12,80}\?"
    r"|[^，。！？\s][^。！？\n]{3,40}？)",
    re.MULTILINE,
)
"""Questions in the text itself, as a list of frequent ones has them."""
_HOW = re.compile(r"(how|what|when|where) to ", re.IGNORECASE)
_WORKS = re.compile(r"how (.+[^s]) works", re.IGNORECASE)
_ASKS = re.compile(r"(how|what|when|where|who|why|which)\b", re.IGNORECASE)
_ABOUT = re.compile(r"^(about|关于)\s*", re.IGNORECASE)
_HOW_ZH = re.compile("如何|怎样|怎么|为什么|什么|哪些|何时")


def empty(runtime: Assistant, reader: Reader, *, own_files: bool = False) -> Markup:
    """The start of a conversation."""
    say = reader.say
    asked = [] if own_files else questions(runtime, reader)
    items = Markup("").join(
        Markup('<li><button type="button" data-ask-this>{}</button></li>').format(words) for words in asked
    )
    hint = say("drop_here") if asked or own_files else say("no_documents_yet")
    return Markup(
        '<section class="empty"><h1>{}</h1><p>{}</p><ul class="examples">{}</ul>'
        '<button type="button" class="drop-zone" data-ui="attach">{}</button>{}</section>'
    ).format(say("greeting"), say("tagline"), items, hint, _only_quotes(runtime, reader))


def _only_quotes(runtime: Assistant, reader: Reader) -> Markup:
    """Of a model too small to write: what it does, and the command that brings the default reader."""
    if runtime.models.reads():
        return Markup("")
    default = resolve(AUTO)
    name = default.name if default.reads else DEFAULTS[-1][0]
    return Markup('<p class="hint">{} <code>youju serve --model {}</code></p>').format(
        reader.say("only_quotes", model=runtime.settings.model), name
    )


def questions(runtime: Assistant, reader: Reader) -> list[str]:
    """Questions that the documents answer: their own before the samples', the reader's language first."""
    ready = [
        record for record in runtime.workspace.store.documents.list(reader.user) if record.state == "ready"
    ]
    sample = {c.id for c in runtime.workspace.store.collections.list(reader.user) if c.name == samples.NAME}
    groups: dict[tuple[bool, bool, int], list[list[str]]] = {}
    for record in sorted(ready, key=lambda record: (record.created, record.id))[:READ]:
        of_sample = record.collection_id in sample
        kinds = (_sampled(record),) if of_sample else _asked_in(runtime, reader, record)
        for kind, asked in enumerate(kinds):
            groups.setdefault((of_sample, record.language != reader.language, kind), []).append(asked)
    # One of each document, then a second one of each: three questions about one file would look like all there is.
    turns = (words for key in sorted(groups) for turn in zip_longest(*groups[key]) for words in turn if words)
    return list(dict.fromkeys(turns))[:SHOWN]


def _sampled(record: DocumentRecord) -> list[str]:
    return [question.question for question in samples.questions() if question.file == record.filename]


def _asked_in(runtime: Assistant, reader: Reader, record: DocumentRecord) -> tuple[list[str], list[str]]:
    """The questions that stand in it, and those that its headings make."""
    try:
        document = runtime.workspace.library.document(reader.user, record.id)
    except YoujuError:
        return [], []
    headings = [
        mark.label for mark in document.marks if mark.kind == "heading" and mark.label != record.title
    ]
    asked = [words for words in (record.title, *headings) if _is_question(words)]
    asked += [words for words in _QUESTION.findall(document.text) if _is_question(words)]
    # A row of a JSONL file becomes TITLE.txt; its headings ("Eligibility") mean nothing without that title.
    topics = [record.title] if record.filename == f"{record.title}.txt" else headings
    made = [about(words, record.language, document.text) for words in topics if not _is_question(words)]
    return asked, [words for words in made if words]


def about(heading: str, language: str, text: str = "") -> str:
    """A heading as someone would ask it, in the document's own language; "" where it says nothing."""
    topic = _ABOUT.sub("", _NUMBER.sub("", heading).rpartition(": ")[2]).strip()
    if not _is_topic(topic):
        return ""
    if language == "zh":
        asked = f"{topic}？" if _HOW_ZH.match(topic) else f"关于{topic}，我需要了解什么？"
        return i18n.spaced(asked).replace(i18n.THIN, " ")
    topic = _quiet(topic, text)
    if how := _HOW.match(topic):
        asks = "How do I" if how[1].lower() == "how" else f"{how[1].capitalize()} should I"
        return f"{asks} {topic[how.end() :]}?"
    if works := _WORKS.fullmatch(topic):
        return f"How does {works[1]} work?"
    return "" if _ASKS.match(topic) else f"What should I know about {topic}?"


def _quiet(words: str, text: str) -> str:
    """Without the capitals of a headline; what the text has with one inside its sentences is a name."""
    names = set(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+\b", text)) - set(
        map(str.title, re.findall(r"\b[a-z]+\b", text))
    )
    return re.sub(r"\b[A-Z][a-z]*\b", lambda word: word[0] if word[0] in names else word[0].lower(), words)


def _is_question(words: str) -> bool:
    return words.endswith(("?", "？")) and len(words) <= LONGEST


def _is_topic(words: str) -> bool:
    return (
        not _EMPTY.fullmatch(words)
        and 2 <= len(words) <= LONGEST * 2 // 3
        and any(c.isalpha() for c in words)
    )
