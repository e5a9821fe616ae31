"""A GPU that is lent by the call: nothing touches the model before, and answers are those of the batch."""

from __future__ import annotations

import contextvars
import functools
import inspect
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.engine.local import LocalGenerator
from assistant.errors import AdapterError, ContextOverflowError, EngineError, TooManyRequestsError
from assistant.schema import AdapterRef, Delta, Finish, Message, Sampling

ASK = [Message("user", "Tell me about the sea.")]
WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


def _sent(value: Any) -> Any:
    """As it comes out in another process."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - made here


class Lender:
    """Decorates as ``spaces.GPU`` does: what goes in and out is pickled, calls are counted, some are refused."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refuse = ""
        self.closed = 0

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def stream(*values: Any) -> Iterator[Any]:
                self._enter()
                finished = False
                try:
                    for item in function(*_sent(values)):
                        yield _sent(item)
                    finished = True
                finally:
                    self.closed += not finished

            return stream

        @functools.wraps(function)
        def call(*values: Any) -> Any:
            self._enter()
            return _sent(function(*_sent(values)))

        return call

    def _enter(self) -> None:
        self.calls.append(WHO.get())
        if self.refuse:
            raise RuntimeError(self.refuse)


@pytest.fixture
def lender() -> Lender:
    return Lender()


@pytest.fixture
def lent(new_engine: Callable[..., LocalGenerator], lender: Lender) -> LocalGenerator:
    return new_engine(quantization="none", lend=lender)


def said(deltas: Iterator[Delta]) -> tuple[str, Finish | None]:
    everything = list(deltas)
    return "".join(delta.text for delta in everything), everything[-1].finish


def test_the_answer_is_that_of_the_batch(
    lent: LocalGenerator, new_engine: Callable[..., LocalGenerator]
) -> None:
    own = new_engine(quantization="none")
    sampling = Sampling(max_new_tokens=12)
    for adapter in ("alpha", "gamma", "alpha"):
        found = said(lent.stream(ASK, sampling, adapter=adapter))
        assert found == said(own.stream(ASK, sampling, adapter=adapter))
        assert adapter in found[0]
    replies = [" alpha", " gamma"]
    ours, theirs = (engine.score(ASK, replies, adapter=adapter) for engine in (lent, own))
    assert ours == pytest.approx(theirs, abs=0.05)


def test_a_seed_fixes_the_draws(lent: LocalGenerator) -> None:
    drawn = [
        said(lent.stream(ASK, Sampling(max_new_tokens=12, temperature=0.9, top_p=0.9, seed=seed)))
        for seed in (7, 7, 8)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_nothing_runs_before_the_first_call(lent: LocalGenerator, lender: Lender) -> None:
    assert lender.calls == []
    assert lent.state().state == "ready"
    assert lent.count(ASK) > 0
    stream = lent.stream(ASK, Sampling(max_new_tokens=4))
    assert lender.calls == []
    assert said(stream)[1] is not None
    assert len(lender.calls) == 1


def test_a_call_is_made_in_the_reader_s_context(lent: LocalGenerator, lender: Lender) -> None:
    def ask(name: str) -> None:
        WHO.set(name)
        said(lent.stream(ASK, Sampling(max_new_tokens=2), user=name))

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(lender.calls) == ["ada", "bob"]


def test_leaving_ends_the_call(lent: LocalGenerator, lender: Lender) -> None:
    stream = lent.stream(ASK, Sampling(max_new_tokens=200))
    while not next(stream).tokens:
        pass
    stream.close()
    assert said(lent.stream(ASK, Sampling(max_new_tokens=2)))[1] is not None  # its turn comes
    assert lender.closed == 1
    assert lent.state().running == 0


def test_what_the_lender_says_reaches_the_reader(lent: LocalGenerator, lender: Lender) -> None:
    lender.refuse = "You have exceeded your GPU quota"
    with pytest.raises(EngineError, match="exceeded your GPU quota"):
        said(lent.stream(ASK, Sampling(max_new_tokens=2)))
    with pytest.raises(EngineError, match="exceeded your GPU quota"):
        lent.score(ASK, ["good"])
    lender.refuse = ""
    assert said(lent.stream(ASK, Sampling(max_new_tokens=2)))[1] is not None


def test_limits_hold_before_anything_is_lent(lent: LocalGenerator, lender: Lender) -> None:
    with pytest.raises(ContextOverflowError):
        said(lent.stream([Message("user", "sea " * 9000)], Sampling(max_new_tokens=2)))
    assert lender.calls == []


def test_an_adapter_that_cannot_be_used_says_why(
    new_engine: Callable[..., LocalGenerator], lender: Lender, tmp_path: Path
) -> None:
    broken = {"broken": AdapterRef("broken", str(tmp_path), "another-model")}
    lent = new_engine(adapters=broken, quantization="none", lend=lender)
    with pytest.raises(AdapterError, match="trained on another-model"):
        said(lent.stream(ASK, Sampling(max_new_tokens=2), adapter="broken"))
    with pytest.raises(AdapterError, match="trained on another-model"):
        lent.score(ASK, [" good"], adapter="broken")
    assert said(lent.stream(ASK, Sampling(max_new_tokens=2)))[1] is not None


def test_one_user_has_so_many_requests(new_engine: Callable[..., LocalGenerator], lender: Lender) -> None:
    lent = new_engine(quantization="none", max_per_user=1, lend=lender)
    first = lent.stream(ASK, Sampling(max_new_tokens=200), user="ada")
    next(first)
    second = lent.stream(ASK, Sampling(max_new_tokens=2), user="ada")
    with pytest.raises(TooManyRequestsError):
        next(second)
    first.close()


def test_closing_ends_those_who_wait(lent: LocalGenerator) -> None:
    stream = lent.stream(ASK, Sampling(max_new_tokens=200))
    next(stream)
    lent.close()
    late = lent.stream(ASK, Sampling(max_new_tokens=2))
    with pytest.raises(EngineError):
        next(late)
    assert said(stream)[1] in (Finish.ERROR, Finish.LENGTH)
    assert lent.state().state == "stopped"
