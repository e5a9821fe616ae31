"""A model in this process: many readers, one set of weights."""

from __future__ import annotations

import atexit
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Generator as PythonGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import psutil
import torch  # noqa: TID253

from assistant.engine import loading
from assistant.engine.batching import PAGE, Batch
from assistant.engine.decoding import Reply
from assistant.engine.dispatcher import AnyBatch, Dispatcher
from assistant.engine.lean import Lean, suits
from assistant.engine.lean_batch import LeanBatch
from assistant.engine.lending import Lent
from assistant.engine.limits import HEARTBEAT_S, check, deadline
from assistant.engine.line import Line, Ticket
from assistant.engine.protocol import EngineState, Lend
from assistant.engine.shelf import Shelf
from assistant.engine.threads import in_passing
from assistant.errors import (
    AdapterError,
    ContextOverflowError,
    DeadlineError,
    EmptyInputError,
    EngineError,
    ModelFileError,
)
from assistant.rendering import Renderer
from assistant.schema import AdapterRef, Delta, Finish, Message, Sampling

SLOTS = 8
_MIN_WINDOW = 512
_MEMORY_SHARE = 0.4  # of what is free once the weights are in
_SCORE_TOKENS = 2048  # of prompts read in one go: it holds the streams for well under a second


class LocalGenerator:
    """A chat model on this machine, in 4-bit where that runs. See ``Generator`` for its methods.

    Args:
        model_dir: Folder with the model's safetensors, tokenizer and chat template.
        name: What people call it; adapters name it as their base.
        adapters: By name. Read at each request, so a live mapping shows new ones at once.
        quantization: ``nf4``, or ``none`` for 16 or 32 bit.
        window: Most tokens of prompt and reply together; less where the model or the memory holds less.
        max_queue: Requests that may wait.
        max_per_user: Requests of one named user that may wait or run.
        template_sha256: Pin of the chat template; ``None`` takes what the model brings.
        lend: Decorates what computes, where a GPU is lent for the length of a call; then nothing else touches
            it, and requests run one after the other.

    Raises:
        ModelFileError: The files cannot be loaded, or the template is not the pinned one.
        EngineError: Not enough memory.
    """

    def __init__(
        self,
        model_dir: Path,
        *,
        name: str = "",
        adapters: Mapping[str, AdapterRef] | None = None,
        quantization: loading.Quantization = "nf4",
        window: int = 4096,
        max_queue: int = 32,
        max_per_user: int = 4,
        template_sha256: str | None = None,
        lend: Lend | None = None,
    ) -> None:
        loaded = _loaded(Path(model_dir), quantization, lend is not None)
        self.name = name or Path(model_dir).name
        self._adapters = adapters if adapters is not None else {}
        self.model, self._loaded = loaded.model, loaded
        self.tokenizer = loaded.tokenizer.backend_tokenizer
        self._ends = _ends(loaded)
        shelf, line = Shelf(loaded.model, self.name), Line(max_queue, max_per_user)
        self.window, capacity = _sizes(loaded.model, window)
        self._dispatcher: Dispatcher | Lent
        with ThreadPoolExecutor(1) as beside:  # a second of vocabulary beside a second of weights
            renderer = beside.submit(Renderer, loaded.tokenizer, template_sha256)
            new_batch = self._batches(shelf, capacity) if lend is None else None
            self.renderer = renderer.result()
        if new_batch is not None:
            self._dispatcher = Dispatcher(new_batch, shelf, line, SLOTS)
        else:
            assert lend is not None
            self._dispatcher = Lent(shelf, self._ends, line, lend)
        atexit.register(self.close)

    def _batches(self, shelf: Shelf, capacity: int) -> Callable[[Queue[Any]], AnyBatch]:
        """What makes a batch: of the lean step where it computes this model, else transformers' own."""
        if not suits(self.model):
            return lambda results: Batch(self.model, capacity, SLOTS, self._ends, results)
        lean = in_passing(lambda: Lean(self.model, self.window))
        return lambda results: LeanBatch(lean, shelf, capacity, self._ends, results)

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt, the reply's header included."""
        return len(self.renderer.ids(messages, open_reply=True))

    def count_text(self, text: str) -> int:
        """Tokens of a text alone."""
        return len(self.renderer.text_ids(text))

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
        ids = self.renderer.ids(messages, open_reply=True)
        limit = self.window - sampling.max_new_tokens
        if len(ids) > limit:
            raise ContextOverflowError(needed=len(ids), limit=limit)
        ticket = self._dispatcher.submit(ids, sampling, self._adapter(adapter), user)
        try:
            yield from self._follow(ticket)
        finally:
            self._dispatcher.leave(ticket)

    def _follow(self, ticket: Ticket) -> PythonGenerator[Delta, None, None]:
        """Pass on tokens as text until the request ends."""
        reply, finish, tokens = Reply(self.tokenizer, ticket.sampling.stop), None, 0
        while finish is None:
            fresh, over, fault = _next_events(ticket)
            tokens += len(fresh)
            text = reply.push_tokens(fresh)
            if reply.stopped:
                finish = Finish.STOP
            elif over:
                finish = self._finish(ticket)
            elif (
                fault is not None
                or (fault := deadline(ticket.sampling, ticket.submitted, tokens)) is not None
            ):
                if not tokens:
                    raise fault
                finish = Finish.TIMEOUT if isinstance(fault, DeadlineError) else Finish.ERROR
            text += reply.rest() if finish else ""
            yield Delta(text, finish, 0 if tokens else self._dispatcher.position(ticket), tokens)

    def _finish(self, ticket: Ticket) -> Finish:
        return Finish.STOP if ticket.tokens and ticket.tokens[-1] in self._ends else Finish.LENGTH

    def score(
        self, messages: Sequence[Message], replies: Sequence[str], *, adapter: str | None = None
    ) -> list[float]:
        """Log-likelihood of each reply, nats, summed over its tokens."""
        return self.score_many([(messages, replies)], adapter=adapter)[0]

    def score_many(
        self,
        batch: Sequence[tuple[Sequence[Message], Sequence[str]]],
        *,
        adapter: str | None = None,
    ) -> list[list[float]]:
        """``score`` for many prompts, each with the same number of replies; far faster than one by one.

        Raises:
            ContextOverflowError, AdapterError, EngineError: As ``stream`` does.
            EmptyInputError: A reply without a token.
        """
        ref = self._adapter(adapter)
        rows = [self._score_row(messages, replies) for messages, replies in batch]
        order = sorted(range(len(rows)), key=lambda n: len(rows[n][0]))  # alike lengths need little padding
        found: dict[int, list[float]] = {}
        for part in _parts(order, rows):
            found.update(zip(part, self._score([rows[n] for n in part], ref), strict=True))
            time.sleep(0.001)  # let a waiting change of adapter in
        return [found[n] for n in range(len(rows))]

    def _score(
        self, rows: Sequence[tuple[list[int], list[list[int]]]], adapter: AdapterRef | None
    ) -> list[list[float]]:
        prompts, replies = zip(*rows, strict=True)
        with _mapped_faults():
            return self._dispatcher.score(prompts, replies, adapter)

    def _score_row(
        self, messages: Sequence[Message], replies: Sequence[str]
    ) -> tuple[list[int], list[list[int]]]:
        prompt = self.renderer.ids(messages, open_reply=True)
        encoded = [self.renderer.text_ids(reply) for reply in replies]
        if not encoded or not all(encoded):
            raise EmptyInputError(field="replies", remedy="give texts to score")
        limit = self.window - max(map(len, encoded))
        if len(prompt) > limit:
            raise ContextOverflowError(needed=len(prompt), limit=limit)
        return prompt, encoded

    def _adapter(self, name: str | None) -> AdapterRef | None:
        if name is None:
            return None
        try:
            return self._adapters[name]
        except KeyError:
            known = ", ".join(sorted(self._adapters)) or "none"
            raise AdapterError(name=name, reason="it was not found", remedy=f"there are: {known}") from None

    def state(self) -> EngineState:
        """What the engine is doing; never blocks for long."""
        return dataclasses.replace(
            self._dispatcher.state(),
            device=str(self.model.device),
            quantization=self._loaded.quantization,
        )

    def close(self) -> None:
        """Stop the engine; open streams end with an error."""
        atexit.unregister(self.close)
        self._dispatcher.close()


def _loaded(folder: Path, quantization: loading.Quantization, lent: bool) -> loading.Loaded:
    """Load here, where a GPU is only lent: its stand-in until then covers no other thread."""
    return loading.load_to_lend(folder) if lent else in_passing(lambda: loading.load(folder, quantization))


def _next_events(ticket: Ticket) -> tuple[list[int], bool, Exception | None]:
    """Wait for news, at most a heartbeat: new tokens, whether it is over, and the error that ended it."""
    tokens: list[int] = []
    try:
        event = ticket.events.get(timeout=HEARTBEAT_S)
        while isinstance(event, list):
            tokens += event
            event = ticket.events.get_nowait()
    except Empty:
        return tokens, False, None
    return tokens, event is None, event


def _parts(order: Sequence[int], rows: Sequence[tuple[list[int], list[list[int]]]]) -> Iterator[list[int]]:
    """Cut the rows, shortest prompt first, into batches that are read in one go."""
    part: list[int] = []
    for n in order:
        if part and len(rows[n][0]) * (len(part) + 1) > _SCORE_TOKENS:
            yield part
            part = []
        part.append(n)
    if part:
        yield part


@contextmanager
def _mapped_faults() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as fault:  # torch's out-of-memory error is a RuntimeError
        raise EngineError(reason=str(fault)[:300], remedy="try again with shorter texts") from fault


def _ends(loaded: loading.Loaded) -> list[int]:
    """Ids that close the assistant's turn: what the model's files say, and the tokenizer's end token."""
    config = loaded.model.generation_config
    given = config.eos_token_id if config is not None else None
    ids = [*(given if isinstance(given, list) else [given]), loaded.tokenizer.eos_token_id]
    ends = sorted({token for token in ids if token is not None})
    if not ends:
        reason = "no token ends its answers (eos_token_id)"
        raise ModelFileError(
            name=loaded.tokenizer.name_or_path, reason=reason, remedy="use an instruct model"
        )
    return ends


def _sizes(model: Any, wanted: int) -> tuple[int, int]:
    """The window, and the tokens that all requests together may hold, by the memory that is free.

    Raises:
        EngineError: It holds not even a small window.
    """
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    per_token = 2 * config.num_hidden_layers * heads * width * model.dtype.itemsize  # keys and values
    cuda = model.device.type == "cuda"
    free = torch.cuda.mem_get_info()[0] if cuda else psutil.virtual_memory().available
    holds = int(free * _MEMORY_SHARE) // per_token
    window = min(wanted, config.max_position_embeddings, holds) // PAGE * PAGE
    if window < min(_MIN_WINDOW, wanted, config.max_position_embeddings) // PAGE * PAGE:
        needed, has = _MIN_WINDOW * per_token >> 20, free >> 20
        raise EngineError(
            reason=f"its memory of a conversation needs {needed} MB, {has} MB are free",
            remedy="free memory, or choose a smaller model",
        )
    return window, min(holds, window * SLOTS // 2)
