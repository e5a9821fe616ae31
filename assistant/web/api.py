"""The OpenAI-compatible API.

The model ``youju`` answers from the documents of the key's owner; the name of the language model (or of an
adapter) is that model alone, unless the request carries our extension ``"youju": {…}``: which collections to
answer from, or documents of this one request, or another task (summarize, translate, sentiment). What only we
know (citations, verdicts, passages) rides in ``youju`` on the response, or on the last chunk.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response, StreamingResponse

from assistant import prompts
from assistant.errors import EngineError, ModelNotFoundError, TooLargeError, YoujuError
from assistant.request import Request as TurnRequest
from assistant.schema import Answer, Delta, Finish, Sentiment, Summary, Translation, TurnEvent
from assistant.scope import Scope
from assistant.store import User
from assistant.web import api_answers
from assistant.web.api_answers import Cut
from assistant.web.api_schema import ChatRequest, EmbeddingRequest, Grounding, parse
from assistant.web.auth import user_of
from assistant.web.draining import Drain
from assistant.web.responses import error_body
from assistant.web.streams import Threads

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.tools.summarize import SummaryEvent
    from assistant.tools.translate import TranslationEvent

    TaskEvent = SummaryEvent | TranslationEvent | Sentiment

GROUNDED = "youju"
"""The model name that answers from documents."""
POLL_S = 0.1
"""Seconds between looks at whether the client of an answer that is not streamed is still there."""
T = TypeVar("T")


def router(runtime: Assistant, drain: Drain) -> APIRouter:
    """``/v1/*``."""
    routes = APIRouter(prefix="/v1", responses=api_answers.DOCUMENTED_ERRORS)
    # Those in line and those running; the model's own queue refuses the ones that exceed it more exactly.
    threads = Threads(limit=2 * runtime.settings.max_queue)
    one_at_a_time = anyio.CapacityLimiter(1)

    @routes.post("/chat/completions", openapi_extra=api_answers.body_of(ChatRequest))
    async def chat_completions(request: Request) -> Response:
        """Answer the last message. Streams server-sent events when ``stream`` is true."""
        user = user_of(request)
        asked = parse(ChatRequest, request.headers.get("content-type", ""), await request.body())
        shape = api_answers.Completion(f"chatcmpl-{uuid.uuid4().hex}", int(time.time()), asked.model)
        if asked.youju is not None and asked.youju.task != "grounded":
            work = threads.iterate(_task(runtime, user, asked, asked.youju.task), drain.expired)
            return JSONResponse(await _while_connected(request, _done(work, shape, runtime, asked)))
        _known(asked.model, _chat_models(runtime))
        shape = replace(shape, cut=await _while_connected(request, _cut(runtime, asked)))
        turn = _turn(runtime, user, asked, shape.cut.used if shape.cut else None)
        events = threads.iterate(turn, drain.expired)
        if asked.stream:
            first = await _while_connected(request, _first_word(events))
            with_usage = asked.stream_options is not None and asked.stream_options.include_usage
            body = _stream(shape, first, events, with_usage)
            return StreamingResponse(
                body, media_type="text/event-stream", background=BackgroundTask(events.aclose)
            )
        return JSONResponse(shape.whole(await _while_connected(request, _collect(events))))

    @routes.get("/models")
    def models(request: Request) -> dict[str, Any]:
        """What can be named as ``model``."""
        user_of(request)
        return {"object": "list", "data": [api_answers.model(name) for name in _models(runtime)]}

    @routes.get("/models/{name:path}")
    def model(request: Request, name: str) -> dict[str, Any]:
        """One of them."""
        user_of(request)
        return api_answers.model(_known(name, _models(runtime)))

    @routes.post("/embeddings", openapi_extra=api_answers.body_of(EmbeddingRequest))
    async def embeddings(request: Request) -> Response:
        """Vectors of texts, as documents are embedded for search."""
        user_of(request)
        asked = parse(EmbeddingRequest, request.headers.get("content-type", ""), await request.body())
        if asked.model != runtime.settings.embedder:
            raise _unknown(asked.model, [runtime.settings.embedder])
        vectors, tokens = await anyio.to_thread.run_sync(_embed, runtime, asked.texts, limiter=one_at_a_time)
        encode = _base64 if asked.encoding_format == "base64" else _floats
        return JSONResponse(
            api_answers.embeddings(asked.model, [encode(vector) for vector in vectors], tokens)
        )

    return routes


async def _cut(runtime: Assistant, asked: ChatRequest) -> Cut | None:
    """How far an answer falls short of the length asked for; ``None`` where it fits."""
    if asked.most is None or asked.most <= runtime.settings.max_new_tokens:
        return None
    fits = await anyio.to_thread.run_sync(_room, runtime, asked)
    return Cut(asked.most, fits) if asked.most > fits else None


def _room(runtime: Assistant, asked: ChatRequest) -> int:
    """Tokens that an answer can have beside what is read for it: half the window where that is passages."""
    model = runtime.models.generator()
    if asked.youju is not None or asked.model == GROUNDED:
        left = model.window // 2
    else:
        *history, question = asked.turns
        left = model.window - model.count(prompts.chat(history, question.text, asked.system))
    return max(left, runtime.settings.max_new_tokens)


def _turn(
    runtime: Assistant, user: User, asked: ChatRequest, most: int | None
) -> Callable[[], Iterator[TurnEvent]]:
    """The turn that a request asks for, ready to run in a thread."""
    name = _known(asked.model, _chat_models(runtime))
    grounding = asked.youju or (Grounding() if name == GROUNDED else None)
    scope = _scope(runtime, user, grounding) if grounding is not None else None
    *history, question = asked.turns
    sampling = runtime.models.sampling(**asked.sampling(most))
    request = TurnRequest(question.text, sampling, tuple(history), asked.system)
    return lambda: runtime.chat_turn(user, request, scope, _adapter(runtime, name))


def _scope(runtime: Assistant, user: User, grounding: Grounding) -> Scope:
    """What a grounded answer is drawn from.

    Raises:
        NotFoundError: A collection is not there, or not this user's.
    """
    given = tuple((document.id, document.title, document.text) for document in grounding.documents)
    if grounding.collections == "all":
        return Scope(given=given)
    for collection_id in grounding.collections:
        runtime.workspace.store.collections.get(user, collection_id)
    return Scope(grounding.collections, given=given)


def _task(runtime: Assistant, user: User, asked: ChatRequest, task: str) -> Callable[[], Iterator[TaskEvent]]:
    """The work on the last message's text that a request asks for, ready to run in a thread."""
    name, text = _known(asked.model, _chat_models(runtime)), asked.turns[-1].text
    adapter = _adapter(runtime, name)
    if task == "summarize":
        length = (asked.youju and asked.youju.length) or "paragraph"
        return lambda: runtime.summarize(user, text, length=length, adapter=adapter)
    if task == "translate" and asked.youju is not None:
        target, terms = asked.youju.target, asked.youju.glossary
        return lambda: runtime.translate(user, text, target=target, terms=terms, adapter=adapter)
    return lambda: runtime.sentiment(user, [text], adapter=adapter)


def _adapter(runtime: Assistant, name: str) -> str | None:
    """The adapter that a model's name stands for: ``"none"`` the bare model, ``None`` the settings'."""
    if name in (ref.name for ref in runtime.models.adapters()):
        return name
    return "none" if name == runtime.settings.model else None


async def _done(
    events: AsyncIterator[TaskEvent],
    shape: api_answers.Completion,
    runtime: Assistant,
    asked: ChatRequest,
) -> dict[str, Any]:
    written = 0
    async for event in events:
        if isinstance(event, Delta) and event.finish:
            written += event.tokens
        if isinstance(event, Summary):
            return shape.summary(event)
        if isinstance(event, Translation):
            return shape.translation(
                event, runtime.models.generator().count_text(asked.turns[-1].text), written
            )
        if isinstance(event, Sentiment):
            read = runtime.models.generator().count(prompts.sentiment(asked.turns[-1].text))
            return shape.sentiment(event, read)
    raise EngineError(reason="the work never ended", remedy="try again")


async def _first_word(events: AsyncIterator[TurnEvent]) -> TurnEvent:
    """The event from which on the answer is under way; refusals come before it, as plain HTTP errors."""
    async for event in events:
        if isinstance(event, (Delta, Answer)):
            return event
    raise EngineError(reason="the answer ended before it began", remedy="try again")


async def _collect(events: AsyncIterator[TurnEvent]) -> Answer:
    async for event in events:
        if isinstance(event, Answer):
            if event.finish is Finish.ERROR:
                raise EngineError(reason="it stopped in the middle", remedy="try again")
            return event
    raise EngineError(reason="the answer never ended", remedy="try again")


async def _stream(
    shape: api_answers.Completion, first: TurnEvent, events: AsyncIterator[TurnEvent], with_usage: bool
) -> AsyncIterator[str]:
    yield _event(shape.chunk({"role": "assistant", "content": ""}))
    said = ""
    try:
        async for event in _chain(first, events):
            if isinstance(event, Delta):
                said += event.text
                yield _event(shape.chunk({"content": event.text})) if event.text else ": waiting\n\n"
            elif isinstance(event, Answer):
                if rest := _rest(event, said):
                    yield _event(shape.chunk({"content": rest}))
                yield _event(shape.last(event))
                if event.finish is Finish.ERROR:
                    raise EngineError(reason="it stopped in the middle", remedy="try again")
                if with_usage:
                    yield _event(shape.usage(event))
    except YoujuError as error:
        yield _event(error_body(error))
    except Exception:  # noqa: BLE001  # the status line is long gone: the stream must say that it failed
        api_answers.log_failure(shape.id)
        yield _event(error_body(EngineError(reason=f"internal error {shape.id}", remedy="try again")))
    yield "data: [DONE]\n\n"


def _rest(answer: Answer, said: str) -> str:
    """What the pieces sent lack of the answer; the whole of one that takes them back."""
    if answer.text.startswith(said):
        return answer.text[len(said) :]
    return f"\n\n{answer.text}" if answer.declined or answer.quoted else ""


async def _chain(first: T, rest: AsyncIterator[T]) -> AsyncIterator[T]:
    yield first
    async for item in rest:
        yield item


async def _while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do the work, unless the client leaves first; then it is cancelled, and with it the model's."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=POLL_S)
            if not task.done() and await request.is_disconnected():
                raise asyncio.CancelledError
        return task.result()
    finally:
        task.cancel()


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _models(runtime: Assistant) -> list[str]:
    return [*_chat_models(runtime), runtime.settings.embedder]


def _chat_models(runtime: Assistant) -> list[str]:
    return [GROUNDED, runtime.settings.model, *(ref.name for ref in runtime.models.adapters())]


def _known(name: str, names: list[str]) -> str:
    if name not in names:
        raise _unknown(name, names)
    return name


def _unknown(name: str, names: list[str]) -> ModelNotFoundError:
    return ModelNotFoundError(value=name[:200], reason="not served here", remedy=f"use {' or '.join(names)}")


def _embed(runtime: Assistant, texts: list[str]) -> tuple[list[list[float]], int]:
    embedder = runtime.models.embedder()
    counts = [embedder.count(text) for text in texts]
    for place, count in enumerate(counts):
        if count > embedder.window:
            raise TooLargeError(
                field=f"input.{place}",
                value=f"{count} tokens",
                limit=embedder.window,
                remedy="split the text",
            )
    return embedder.embed_documents(texts).tolist(), sum(counts)


def _floats(vector: list[float]) -> list[float]:
    return vector


def _base64(vector: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
