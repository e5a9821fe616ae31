"""Collections on the left, the files of one of them in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.web import i18n
from assistant.web.pages import parts, sureness
from assistant.web.pages.bridge import Reader
from assistant.web.pages.icons import icon

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import Collection, DocumentRecord

COLUMNS = ("name", "pages", "chunks", "language", "added", "state")
LANGUAGE_NAMES = {"en": {"en": "English", "zh": "Chinese"}, "zh": {"en": "英文", "zh": "中文"}}
SHOWN = 1000
"""Rows of the table; the filter finds the others' names by search instead."""


def html(runtime: Assistant, reader: Reader, collection_id: str) -> Markup:
    """The whole page but for progress and detail."""
    say = reader.say
    collections = runtime.workspace.store.collections.list(reader.user)
    chosen = runtime.workspace.store.collections.get(reader.user, collection_id)
    records = runtime.workspace.store.documents.list(reader.user, collection_id)
    return Markup(
        '{head}<div class="shelf" data-collection="{id}"><aside><h2>{collections}</h2>{items}'
        '<button type="button" class="text" data-docs="create" data-prompt="{name}">{plus}{new}</button></aside>'
        '<div class="stock">{drop}{finder}{sure}{table}</div></div>'
    ).format(
        head=parts.page_head(reader, "documents"), id=collection_id, collections=say("collections"),
        items=Markup("").join(_collection(reader, c, c.id == chosen.id) for c in collections),
        name=say("collection_name"), plus=icon("plus"), new=say("new_collection"), drop=_drop(reader),
        finder=_finder(reader, bool(records)), sure=sureness.line(runtime, reader, chosen), table=_table(reader, records),
    )  # fmt: skip


def _collection(reader: Reader, collection: Collection, chosen: bool) -> Markup:
    say = reader.say
    if collection.user_id != reader.user.id:
        return _common(collection, chosen)
    sure = say("delete_collection", name=collection.name, count=collection.documents)
    return Markup(
        '<div class="chat-item{active}"><a href="/?p=documents" data-docs="show" data-collection="{id}">{name}'
        '<small>{count}</small></a><details class="menu"><summary aria-label="{more}">{dots}</summary>'
        '<div class="menu-list"><button type="button" data-docs="rename" data-id="{id}" data-prompt="{ask}" '
        'data-value="{name}">{rename}</button><button type="button" class="danger" data-docs="delete-collection" '
        'data-id="{id}" data-confirm="{sure}">{delete}</button></div></details></div>'
    ).format(
        active=" active" if chosen else "", id=collection.id, name=collection.name, count=collection.documents,
        more=say("more"), dots=icon("more"), ask=say("collection_name"), rename=say("rename"), sure=sure,
        delete=say("delete"),
    )  # fmt: skip


def _common(collection: Collection, chosen: bool) -> Markup:
    """One that everybody reads: nothing about it can be changed here."""
    return Markup(
        '<div class="chat-item{}"><a href="/?p=documents" data-docs="show" data-collection="{}">{}<small>{}</small></a>'
        "</div>"
    ).format(" active" if chosen else "", collection.id, collection.name, collection.documents)


def _drop(reader: Reader) -> Markup:
    return Markup(
        '<button type="button" class="drop-zone" data-ui="attach-documents">{}<span>{}</span></button>'
    ).format(icon("plus"), reader.say("add_hint"))


def _finder(reader: Reader, any_documents: bool) -> Markup:
    say = reader.say
    return Markup(
        '<div class="finder"><label class="search">{glass}<input type="search" data-filter placeholder="{filter}" '
        'aria-label="{filter}"></label><form class="inspect" data-inspect><label class="search">{glass}'
        '<input name="query" maxlength="2000" placeholder="{hint}" aria-label="{hint}"{off}></label>'
        '<button class="plain"{off}>{go}</button></form></div>'
    ).format(
        glass=icon("search"), filter=say("filter_documents"), hint=say("inspector_hint"), go=say("inspect"),
        off=Markup("") if any_documents else Markup(" disabled"),
    )  # fmt: skip


def _table(reader: Reader, records: list[DocumentRecord]) -> Markup:
    if not records:
        return parts.hint(reader.say("no_documents"))
    head = Markup("").join(Markup("<th>{}</th>").format(reader.say(f"column_{name}")) for name in COLUMNS)
    rows = Markup("").join(_row(reader, record) for record in records[:SHOWN])
    return Markup(
        '<div class="scroll"><table class="documents"><thead><tr>{}<th></th></tr></thead><tbody>{}</tbody></table>'
        "</div>{}"
    ).format(head, rows, parts.cut_off(reader, records, SHOWN))


def _row(reader: Reader, record: DocumentRecord) -> Markup:
    language = LANGUAGE_NAMES[reader.language].get(record.language, record.language)
    name = Markup('<a href="/?p=documents&amp;d={0}" data-docs="preview" data-id="{0}">{1}</a>').format(
        record.id, record.title
    )
    return Markup(
        '<tr data-name="{low}"><td>{name}</td><td>{pages}</td><td>{chunks}</td><td>{language}</td>'
        "<td>{added}</td><td>{state}</td><td>{bin}</td></tr>"
    ).format(
        low=f"{record.title} {record.filename}".lower(), id=record.id,
        name=name if record.state == "ready" else record.title or record.filename, pages=record.pages or "–",
        chunks=record.chunks or "–", language=language or "–", added=f"{record.created:%Y-%m-%d}",
        state=_state(reader, record), bin=_bin(reader, record),
    )  # fmt: skip


def _bin(reader: Reader, record: DocumentRecord) -> Markup:
    """The button that deletes, for what is the reader's own."""
    if record.user_id != reader.user.id:
        return Markup("")
    return Markup(
        '<button type="button" class="tool" data-docs="delete" data-id="{}" data-confirm="{}" title="{delete}" '
        'aria-label="{delete}">{}</button>'
    ).format(
        record.id, reader.say("delete_document", name=record.title, chunks=record.chunks), icon("trash"),
        delete=reader.say("delete"),
    )  # fmt: skip


def _state(reader: Reader, record: DocumentRecord) -> Markup:
    words = reader.say(f"state_{record.state}")
    if record.state == "failed":
        again = Markup('<button type="button" class="text" data-docs="retry" data-id="{}">{}</button>')
        return Markup('<span class="state failed">{}</span> {}<small>{}</small>').format(
            words,
            again.format(record.id, reader.say("try_again")) if record.user_id == reader.user.id else "",
            i18n.kept_error(record.error or "", reader.language),
        )
    if record.state == "ready":
        return Markup('<span class="state ready">{}</span>').format(words)
    return Markup('<span class="state">{}</span> <progress value="{}" max="1"></progress>').format(
        words, f"{record.progress:.2f}"
    )
