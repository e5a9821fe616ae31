"""``youju ask`` and ``youju chat``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.commands.options import (
    AsJson,
    AsUser,
    InCollection,
    acting,
    collection_of,
    doubts,
    note,
    print_json,
    progress,
    scope,
    searching,
    with_settings,
)
from assistant.config import Settings
from assistant.errors import EmptyInputError, YoujuError
from assistant.request import Request
from assistant.schema import Answer, Citation, Delta, Found, Quoted, Status, TurnEvent
from assistant.scope import Scope

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import User

ask = typer.Typer(add_completion=False)
chat = typer.Typer(add_completion=False)
LEAVE = {"/quit", "/exit", "/q"}
QUOTED = {
    Quoted.UNSUPPORTED: "(Quoted word for word: what the model wrote does not stand in the passages.)",
    Quoted.READER: "(Quoted word for word: the model in use is too small to write an answer.)",
}


@ask.command()
@with_settings
def _ask(
    settings: Settings,
    question: Annotated[str, typer.Argument()],
    *,
    collection: InCollection = None,
    user: AsUser = None,
    as_json: AsJson = False,
) -> None:
    """Answer one question from your documents, with sources. A refusal is an answer too: exit code 0."""
    if not question.strip():
        raise EmptyInputError(field="question", remedy="write what you want to know")
    with searching(settings) as runtime:
        who = acting(runtime, user)
        where = Scope(scope(runtime, who, collection))
        request = Request(question, runtime.models.sampling())
        with progress("Youju") as update:
            turn = runtime.chat_turn(who, request, where)
            answer = _last(turn, lambda event: update(_doing(event), 0.0))
    if as_json:
        print_json(as_object(question, answer))
    else:
        typer.echo(in_words(answer))


@chat.command()
@with_settings
def _chat(settings: Settings, *, collection: InCollection = None, user: AsUser = None) -> None:
    """Chat with your documents. Ctrl-C stops an answer, /quit leaves; the pages keep the history."""
    with searching(settings) as runtime:
        who = acting(runtime, user)
        conversation = runtime.workspace.store.conversations.create(who)
        if found := collection_of(runtime, who, collection):
            wanted = {"mode": "collection", "collection_id": found.id}
            runtime.workspace.store.conversations.set_scope(who, conversation.id, json.dumps(wanted))
        note("Ask anything about your documents. /quit leaves.")
        for question in _questions():
            _turn(runtime, who, conversation.id, question)


def _questions() -> Iterator[str]:
    while True:
        try:
            question = input("\n› ").strip()
        except EOFError:
            return
        if question in LEAVE:
            return
        if question:
            yield question


def _turn(runtime: Assistant, user: User, conversation_id: str, question: str) -> None:
    """One turn; a fault or a Ctrl-C ends the turn, not the chat."""
    from assistant.web import turns

    events = turns.run(runtime, user, conversation_id, turns.Ask(question))
    try:
        with closing(events):
            _show(events)
    except KeyboardInterrupt:
        note("(stopped)")
    except YoujuError as fault:
        note(f"youju: {fault}")


def _show(events: Iterator[TurnEvent]) -> None:
    """Write the words as they come; what the check made of them takes their place."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console, text, doing = Console(), "", ""

    def draw(event: TurnEvent) -> None:
        nonlocal text, doing
        text += event.text if isinstance(event, Delta) else ""
        doing = _doing(event) or doing
        live.update(Text(text) if text else Text(doing, style="dim"))

    with Live(console=console, transient=True, auto_refresh=console.is_terminal) as live:
        answer = _last(events, draw)
    console.print(Text(in_words(answer)))


def _last(events: Iterator[TurnEvent], see: Callable[[TurnEvent], None]) -> Answer:
    for event in events:
        if isinstance(event, Answer):
            return event
        see(event)
    raise AssertionError("a turn ends with its answer")


def _doing(event: TurnEvent) -> str:
    match event:
        case Status(step="searching", count=count):
            return f"searching {count} documents"
        case Status(step=step):
            return step
        case Found(hits=hits):
            return f"{len(hits)} passages found"
        case Delta(queue_position=place) if place:
            return f"place {place} in line"
        case Delta(tokens=tokens):
            return f"writing, {tokens} tokens"
    return ""


def as_object(question: str, answer: Answer) -> dict[str, Any]:
    """The answer for scripts."""
    return {
        "question": question,
        "text": answer.text,
        "declined": answer.declined,
        "quoted": answer.quoted,
        "judged": answer.judged,
        "finish": answer.finish.value,
        "confidence": answer.confidence,
        "citations": [_citation(c) for c in answer.citations],
        "sentences": [
            {"text": s.text, "verdict": s.verdict.value, "citations": list(s.citations), "reason": s.reason}
            for s in answer.sentences
        ],
        "best": _citation(answer.best) if answer.best else None,
        "seconds": round(answer.seconds, 3),
    }


def _citation(citation: Citation) -> dict[str, Any]:
    return {
        "n": citation.n,
        "document": citation.title,
        "document_id": citation.document_id,
        "page": citation.page,
        "start": citation.start,
        "end": citation.end,
        "text": citation.text,
    }


def in_words(answer: Answer) -> str:
    """The answer for people: its sentences with their verdicts, then the sources."""
    lines = [answer.text, ""]
    lines += [QUOTED[answer.quotation]] if answer.quoted else []
    lines += doubts((s.verdict, s.text) for s in answer.sentences)
    lines += [f"[{c.n}] {_place(c)}: {_short(c.text)}" for c in answer.citations]
    if answer.best and not answer.citations:
        kind = "Nearest" if answer.declined else "Best"
        lines.append(f"{kind} passage: {_place(answer.best)}: {_short(answer.best.text)}")
    return "\n".join(lines).strip()


def _place(citation: Citation) -> str:
    page = f", page {citation.page}" if citation.page else ""
    return f"{citation.title}{page}"


def _short(text: str, limit: int = 240) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[:limit]}…"
