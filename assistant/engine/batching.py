"""transformers' continuous batching, with the edges that it leaves to its caller filed off.

One request that does not fit its cache would end its thread for everyone: whoever adds requests keeps the
sum of their lengths under ``capacity``. After a fault it does not come back: make a new ``Batch``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Queue
from typing import Any

import torch  # noqa: TID253
from transformers import GenerationConfig, PreTrainedModel  # noqa: TID253
from transformers.generation.configuration_utils import ContinuousBatchingConfig  # noqa: TID253

from assistant.engine import scoring
from assistant.engine.drawing import Draw, PerRequestSampling

PAGE = 32
_STEP_TOKENS = 256  # prompts are read in slices of this many, so that running answers go on in between


class Batch:
    """One running manager over one model.

    Args:
        model: Loaded, in evaluation mode.
        capacity: Tokens of all requests together.
        slots: Requests in one step.
        ends: Token ids that end an answer.
        results: Where its thread puts each ``GenerationOutput``.

    Raises:
        RuntimeError: It does not start, e.g. for want of memory.
    """

    def __init__(
        self, model: PreTrainedModel, capacity: int, slots: int, ends: Sequence[int], results: Queue[Any]
    ) -> None:
        self.capacity = capacity // PAGE * PAGE
        self._model = model
        self._manager = model.init_continuous_batching(
            generation_config=GenerationConfig(
                do_sample=False, eos_token_id=list(ends), pad_token_id=ends[0]
            ),
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=PAGE,
                num_blocks=capacity // PAGE,
                max_batch_tokens=max(_STEP_TOKENS, slots),
                max_requests_per_batch=slots,
                safety_margin=0.0,  # admission already keeps to the capacity
                use_cuda_graph=False,  # rows draw for themselves in Python
                use_async_batching=False,
                auto_switch_to_flash=model.device.type == "cuda",
            ),
        )
        processors = self._manager.logit_processor
        processors.logits_processor.append(PerRequestSampling())
        processors.tensors_required, processors.do_processing = 1, True
        processors.supported_keys = dict(PerRequestSampling.supported_kwargs)
        self._manager.output_router.output_queue = results
        # It runs without gradients only; leaving out what views and versions keep book of saves a tenth of a
        # step of a small model.
        self._manager._run_generation_loop = torch.inference_mode()(self._manager._run_generation_loop)
        self._manager.start()
        with self.paused():  # its loop is there and holds its cache, or says why not
            pass

    @staticmethod
    def cost(tokens: int) -> int:
        """Capacity that a request of this length takes."""
        return -(-tokens // PAGE) * PAGE

    @property
    def alive(self) -> bool:
        """False once a fault has ended the thread."""
        return bool(self._manager.is_running())

    @property
    def failing(self) -> bool:
        """A fault is ending the thread: errors of single requests are its echo."""
        return self._manager.background_thread_status.can_accept_new_requests() is not None

    @property
    def fault(self) -> BaseException | None:
        """What ended the thread, where it is known."""
        error: BaseException | None = self._manager.background_thread_status.fatal_error
        return error

    @property
    def empty(self) -> bool:
        """Nothing is held on the model any more; cancelled requests are gone too."""
        manager, processor = self._manager, self._manager.batch_processor
        queued = not manager.input_queue.empty() or not manager.cancel_queue.empty()
        return not queued and (processor is None or not processor.has_pending_requests())

    def add(self, request_id: str, ids: list[int], max_new_tokens: int, draw: Draw | None) -> None:
        """Start a request; results carry its id."""
        options = {} if draw is None else {"draw": draw}
        self._manager.add_request(
            ids, request_id=request_id, max_new_tokens=max_new_tokens, streaming=True, **options
        )

    def cancel(self, request_id: str) -> None:
        """Free a request before the next step; harmless once it is over."""
        self._manager.cancel_request(request_id)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold all requests between two steps, so that the caller may use the model.

        Raises:
            RuntimeError: The thread is gone.
        """
        with self._manager.pause():
            yield

    def score(
        self, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[Sequence[int]]]
    ) -> list[list[float]]:
        """Score replies to prompts; call paused, in a thread that ends. See ``scoring.score``."""
        return scoring.score(self._model, prompts, replies)

    def forget(self) -> None:
        """Drop cached prefixes: they hold what the adapter in use made of them. Call paused and empty."""
        if self._manager.batch_processor is not None:
            self._manager.batch_processor.cache.evict_cached_blocks()

    def close(self) -> None:
        """Stop now and free the cache; a step that hangs is left behind after a while."""
        self._manager.stop(block=True, timeout=5.0, hard_stop=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
