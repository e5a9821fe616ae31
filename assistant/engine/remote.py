"""A model behind an OpenAI-compatible address: vLLM, SGLang, llama.cpp, or another Youju."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Generator as PythonGenerator
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from assistant.engine import choosing
from assistant.engine.decoding import Stops
from assistant.engine.limits import HEARTBEAT_S, check, deadline
from assistant.engine.protocol import EngineState
from assistant.errors import ContextOverflowError, DeadlineError, EngineError
from assistant.schema import Delta, Finish, Message, Sampling

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from assistant.rendering import Renderer

_PER_MESSAGE = 8  # tokens of a turn's header and end, generously
_TOP = 20  # most alternatives that servers tell
_SERVER_STOPS = 4  # most stop strings that the original API takes; the rest is watched for here


@dataclass(eq=False, slots=True)
class _Call:
    """One request on its way."""

    sampling: Sampling
    submitted: float = field(default_factory=time.monotonic)
    events: SimpleQueue[str | Finish | Exception] = field(default_factory=SimpleQueue)


class RemoteGenerator:
    """A chat model that another server runs. See ``Generator`` for its methods.

    Args:
        base_url: E.g. ``http://127.0.0.1:8000/v1``.
        api_key: May be empty.
        model: The name that the server knows it by; an adapter's name takes its place.
        window: Prompt and reply together, tokens.
        renderer: Of the same model, to count exactly. Without it ``count`` is a high estimate: a token for
            every three ASCII characters and two for any other character.
    """

    def __init__(
        self, base_url: str, api_key: str, model: str, window: int, renderer: Renderer | None = None
    ) -> None:
        self.name = model
        self.window = window
        self._base_url = base_url
        self._api_key = api_key or "none"
        self._renderer = renderer
        self._running: set[_Call] = set()
        self._tokens = 0
        self._progress = time.monotonic()
        self._closed = False
        self._tells = True  # likelihoods, as far as is known
        self._client: AsyncOpenAI | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="remote-engine", daemon=True).start()

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt; a high estimate without a renderer."""
        if self._renderer is not None:
            return len(self._renderer.ids(messages, open_reply=True))
        return _PER_MESSAGE + sum(_PER_MESSAGE + self.count_text(message.text) for message in messages)

    def count_text(self, text: str) -> int:
        """Tokens of a text; a high estimate without a renderer."""
        if self._renderer is not None:
            return len(self._renderer.text_ids(text))
        plain = sum(character.isascii() for character in text)
        return math.ceil(plain / 3) + 2 * (len(text) - plain)

    def stream(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        adapter: str | None = None,
        user: str = "",
    ) -> PythonGenerator[Delta, None, None]:
        """Answer, piece by piece; see ``Generator.stream``."""
        check(sampling)
        limit = self.window - sampling.max_new_tokens
        if (needed := self.count(messages)) > limit:
            raise ContextOverflowError(needed=needed, limit=limit)
        if self._closed:
            raise EngineError(reason="it is stopped", remedy="start the server again")
        call = _Call(sampling)
        self._running.add(call)
        task = asyncio.run_coroutine_threadsafe(self._fetch(call, messages, adapter), self._loop)
        try:
            yield from self._follow(call)
        finally:
            task.cancel()  # closes the connection, which is how a server learns that nobody reads
            self._running.discard(call)

    def _follow(self, call: _Call) -> PythonGenerator[Delta, None, None]:
        stops, finish, tokens = Stops(call.sampling.stop), None, 0
        while finish is None:
            event = _next(call)
            fault = event if isinstance(event, Exception) else None
            text = stops.push(event) if isinstance(event, str) and not isinstance(event, Finish) else ""
            tokens += isinstance(event, str) and not isinstance(event, Finish)
            if stops.stopped:
                finish = Finish.STOP
            elif isinstance(event, Finish):
                finish = event
            elif fault or (fault := deadline(call.sampling, call.submitted, tokens)):
                if not tokens:
                    raise fault
                finish = Finish.TIMEOUT if isinstance(fault, DeadlineError) else Finish.ERROR
            text += stops.rest() if finish else ""
            yield Delta(text, finish, tokens=tokens)

    async def _fetch(self, call: _Call, messages: Sequence[Message], adapter: str | None) -> None:
        """Put the answer's pieces, and then its end or error, into the call."""
        try:
            async with await self._request(
                messages,
                adapter,
                stream=True,
                max_tokens=call.sampling.max_new_tokens,
                **_options(call.sampling),
            ) as answer:
                finish = Finish.ERROR  # unless the server says how it ended
                async for chunk in answer:
                    for choice in chunk.choices[:1]:
                        self._took(call, choice.delta.content or "")
                        if choice.finish_reason:
                            finish = Finish.LENGTH if choice.finish_reason == "length" else Finish.STOP
            call.events.put(finish)
        except Exception as fault:  # noqa: BLE001 - told to the reader, whatever it is
            call.events.put(self._explain(fault))

    def _took(self, call: _Call, text: str) -> None:
        if text:
            self._tokens += 1
            self._progress = time.monotonic()
            call.events.put(text)

    async def _request(self, messages: Sequence[Message], adapter: str | None, **options: Any) -> Any:
        if self._client is None:
            from openai import AsyncOpenAI

            self._client = AsyncOpenAI(base_url=self._base_url, api_key=self._api_key, max_retries=0)
        return await self._client.chat.completions.create(
            model=adapter or self.name,
            messages=[{"role": message.role, "content": message.text} for message in messages],  # type: ignore[misc]
            **options,
        )

    def score(
        self, messages: Sequence[Message], replies: Sequence[str], *, adapter: str | None = None
    ) -> list[float]:
        """Log-likelihood of the token that each reply begins with, nats.

        Servers tell the likeliest first tokens only; a reply that is not among them gets the likelihood of
        the last that is. Where a server tells none, or two replies begin with one token, the reply that the
        model wrote gets nine tenths and the others share the rest; where it wrote none, all are equal. A
        single reply is compared with nothing: it gets 0 (certain), and nothing is asked.

        Raises:
            EngineError: The server cannot be reached, refuses, or answers nothing.
        """
        if len(replies) < 2:
            return [0.0] * len(replies)
        most = choosing.room(replies, self.count_text(choosing.opening(replies)))
        request = self._choice(messages, adapter, max_tokens=most, temperature=0.0)
        try:
            choice = asyncio.run_coroutine_threadsafe(request, self._loop).result()
        except Exception as fault:
            raise self._explain(fault) from fault
        if choice is None:
            raise EngineError(reason=f"{self._base_url} answers without a choice", remedy="try again")
        return choosing.likelihoods(choice, replies)

    async def _choice(self, messages: Sequence[Message], adapter: str | None, **options: Any) -> Any:
        """The answer's first choice, with likelihoods where the server gives them."""
        if self._tells:
            from openai import BadRequestError, UnprocessableEntityError

            try:
                answer = await self._request(messages, adapter, logprobs=True, top_logprobs=_TOP, **options)
                return next(iter(answer.choices or ()), None)
            except (BadRequestError, UnprocessableEntityError):
                pass  # some refuse to be asked for likelihoods, another Youju among them
        answer = await self._request(messages, adapter, **options)
        self._tells = False  # only once it answers without: it may have refused something else
        return next(iter(answer.choices or ()), None)

    def score_many(
        self,
        batch: Sequence[tuple[Sequence[Message], Sequence[str]]],
        *,
        adapter: str | None = None,
    ) -> list[list[float]]:
        """``score`` for many prompts, one after the other."""
        return [self.score(messages, replies, adapter=adapter) for messages, replies in batch]

    def _explain(self, fault: Exception) -> EngineError:
        import openai

        if isinstance(fault, openai.AuthenticationError):
            return EngineError(reason=f"{self._base_url} refuses the key", remedy="set YOUJU_API_KEY")
        if isinstance(fault, openai.APIStatusError):
            told = self._without_key(fault.message)[:200]
            reason = f"{self._base_url} answers {fault.status_code} ({told})"
            return EngineError(reason=reason, remedy="try again, or look at that server's log")
        if isinstance(fault, openai.APIConnectionError):
            reason = f"{self._base_url} cannot be reached ({fault.__cause__ or fault})"
            return EngineError(reason=reason, remedy="start that server, or set YOUJU_BASE_URL")
        told = self._without_key(f"{type(fault).__name__}: {fault}")[:300]
        return EngineError(reason=told, remedy="try again")

    def _without_key(self, text: str) -> str:
        """Some servers repeat the key that they were sent."""
        return text.replace(self._api_key, "***") if len(self._api_key) > 4 else text

    def state(self) -> EngineState:
        """What this process knows of it."""
        progress = self._progress if self._running else time.monotonic()
        return EngineState(
            "stopped" if self._closed else "ready",
            detail=self._base_url,
            running=len(self._running),
            tokens_total=self._tokens,
            last_progress=progress,
            device="remote",
        )

    def close(self) -> None:
        """Let go of the server; open streams end with an error."""
        if self._closed:
            return
        self._closed = True
        for call in list(self._running):
            call.events.put(EngineError(reason="it was stopped", remedy="start the server again"))
        self._loop.call_soon_threadsafe(self._loop.stop)


def _next(call: _Call) -> str | Finish | Exception | None:
    try:
        return call.events.get(timeout=HEARTBEAT_S)
    except Empty:
        return None


def _options(sampling: Sampling) -> dict[str, Any]:
    options: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling.seed is not None:
        options["seed"] = sampling.seed
    if sampling.stop:
        options["stop"] = list(sampling.stop[:_SERVER_STOPS])
    return options
