"""What one bad request, a dead thread or a full memory may do to the others: nothing."""

import threading
import time

import pytest
import torch
from readers import Reader, before_each_step, wait_for

from assistant.errors import EngineError
from assistant.schema import Finish, Message, Sampling

POISON = "☠"


def poisoned(engine, error):
    """Make every step fail that reads the poison."""
    token = engine.renderer.text_ids(POISON)[-1]

    def act(ids):
        if bool((ids == token).any()):
            raise error

    return before_each_step(engine, act)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(RuntimeError("bad kernel"), "try again"), (torch.OutOfMemoryError("out of memory"), "free memory")],
)
def test_a_poison_request_fails_alone(new_engine, error, remedy):
    engine = new_engine()
    expected = [Reader(engine, f"good {n}", max_new_tokens=60).result() for n in range(7)]
    with poisoned(engine, error):
        readers = [Reader(engine, f"good {n}", max_new_tokens=60) for n in range(7)]
        wait_for(lambda: all(reader.deltas and reader.deltas[-1].tokens > 3 for reader in readers))
        bad = Reader(engine, f"bad {POISON}")
        assert [reader.result() for reader in readers] == expected
        assert bad.result() == ("", None)
    assert isinstance(bad.error, EngineError)
    assert remedy in str(bad.error)
    wait_for(lambda: engine.state().state == "ready")
    assert Reader(engine, f"bad {POISON}").result()[1] is Finish.LENGTH


def test_sampled_answers_go_on_as_if_nothing_had_happened(new_engine):
    engine = new_engine()
    expected = Reader(engine, temperature=1.0, seed=9, max_new_tokens=60).result()
    failing = threading.Event()

    def act(_):
        if failing.is_set():
            failing.clear()
            raise RuntimeError("once")
        time.sleep(0.01)

    with before_each_step(engine, act):
        one = Reader(engine, temperature=1.0, seed=9, max_new_tokens=60)
        two = Reader(engine, "another")
        wait_for(lambda: one.deltas and one.deltas[-1].tokens > 10)
        wait_for(lambda: two.deltas and two.deltas[-1].tokens > 3)
        failing.set()
        assert one.result() == expected
        assert two.result()[1] is Finish.LENGTH


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("after", [0, 5])
def test_a_thread_that_dies_ends_its_stream_and_is_made_anew(new_engine, monkeypatch, after):
    engine = new_engine()
    batch = engine._dispatcher._batch
    step, count = batch._step, iter(range(100))

    def die():
        if next(count) == after:
            raise SystemExit  # not an Exception: nobody is told
        step()

    monkeypatch.setattr(batch, "_step", die)
    reader = Reader(engine)
    text, finish = reader.result(20)
    if after:
        assert text
        assert finish is Finish.ERROR
    else:
        assert isinstance(reader.error, EngineError)
    assert Reader(engine).result()[1] is Finish.LENGTH
    assert engine._dispatcher._batch is not batch


def test_requests_in_line_survive_a_breakdown(new_engine):
    engine = new_engine()
    failing = threading.Event()

    def act(_):
        time.sleep(0.01)
        if failing.is_set():
            failing.clear()
            raise RuntimeError("once")

    with before_each_step(engine, act):
        readers = [Reader(engine, f"r{n}") for n in range(12)]
        wait_for(lambda: engine.state().waiting == 4)
        failing.set()
        assert all(reader.result()[1] is Finish.LENGTH for reader in readers)


def test_an_engine_that_cannot_be_rebuilt_says_so(new_engine, monkeypatch):
    engine = new_engine()

    def refuse(_):
        raise MemoryError("no room for the cache")

    monkeypatch.setattr(engine._dispatcher, "_new_batch", refuse)
    with poisoned(engine, RuntimeError("bad")):
        bad, waiting = Reader(engine, POISON), Reader(engine)
        bad.result()
        waiting.result()
    assert isinstance(bad.error, EngineError)
    wait_for(lambda: engine.state().state == "failed")
    assert "no room for the cache" in engine.state().detail
    with pytest.raises(EngineError, match="no room"):
        next(engine.stream([Message("user", "x")], Sampling()))


def test_a_fault_while_scoring_is_that_callers_alone(new_engine):
    engine = new_engine()
    with poisoned(engine, torch.OutOfMemoryError("out of memory")):
        reader = Reader(engine, max_new_tokens=200)
        with pytest.raises(EngineError, match="out of memory"):
            engine.score([Message("user", POISON)], ["a", "b"])
        assert reader.result()[1] is Finish.LENGTH
