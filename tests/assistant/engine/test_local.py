import json
import shutil
import threading
import time
from itertools import pairwise

import pytest
from readers import Reader, before_each_step, wait_for

from assistant.engine.local import LocalGenerator
from assistant.engine.protocol import Generator
from assistant.errors import (
    AdapterError,
    BadRequestError,
    ContextOverflowError,
    DeadlineError,
    EngineError,
    QueueFullError,
    TooManyRequestsError,
)
from assistant.schema import Finish, Message, Sampling

HELLO = [Message("user", "hello")]


def answer(engine, text="hello", **options):
    return Reader(engine, text, **options).result()


def held(engine):
    """Requests on the model or in line, counted where they are kept."""
    batch = engine._dispatcher._batch
    return len(engine._dispatcher._line.everyone()) + (not batch.empty)


def test_it_is_a_generator(engine):
    typed: Generator = engine
    assert typed.name == "tiny"
    assert typed.window == 1024
    state = typed.state()
    assert (state.state, state.quantization, state.device) == ("ready", "nf4", "cpu")


def test_the_weights_are_nf4_with_double_quantization(engine):
    import bitsandbytes as bnb

    layers = [module for module in engine.model.modules() if isinstance(module, bnb.nn.Linear4bit)]
    assert len(layers) == 14
    assert all(layer.weight.quant_type == "nf4" for layer in layers)
    states = [layer.weight.quant_state for layer in layers]  # which the kernel for CPUs has repacked
    assert all(getattr(state, "original_nested", state.nested) for state in states)


def test_greedy_answers_are_those_of_transformers_generate(engine):
    import torch

    ids = torch.tensor([engine.renderer.ids(HELLO, open_reply=True)])
    with torch.inference_mode():
        bare = engine.model.generate(ids, max_new_tokens=30, do_sample=False)[0, ids.shape[1] :]
    assert answer(engine) == (engine.tokenizer.decode(bare.tolist()), Finish.LENGTH)


def test_the_last_delta_says_why_and_how_many(engine):
    reader = Reader(engine, max_new_tokens=7)
    reader.result()
    assert [delta.finish for delta in reader.deltas[:-1]] == [None] * (len(reader.deltas) - 1)
    assert reader.deltas[-1].tokens == 7
    assert all(a.tokens <= b.tokens for a, b in pairwise(reader.deltas))


def test_a_seed_fixes_the_answer_whoever_else_is_served(engine):
    alone = answer(engine, temperature=1.0, seed=5)
    crowd = [Reader(engine, f"other {n}", temperature=1.3, seed=n) for n in range(5)]
    assert answer(engine, temperature=1.0, seed=5) == alone
    assert answer(engine, temperature=1.0, seed=6) != alone
    for reader in crowd:
        reader.result()


def test_greedy_and_sampled_share_a_batch(engine):
    greedy = answer(engine)
    readers = [Reader(engine, temperature=n % 2 * 1.5, seed=n) for n in range(8)]
    results = [reader.result() for reader in readers]
    assert results[0::2] == [greedy] * 4
    assert len({text for text, _ in results[1::2]}) == 4


def test_a_stop_string_ends_the_answer_and_frees_the_model(engine):
    text, _ = answer(engine, max_new_tokens=60)
    stop = text[10:14]
    shown, finish = answer(engine, max_new_tokens=60, stop=(stop,))
    assert (shown, finish) == (text[: text.index(stop)], Finish.STOP)
    wait_for(lambda: not held(engine))


def test_an_end_token_of_the_model_ends_the_answer(engine, tiny_folder, tmp_path):
    text, _ = answer(engine)
    word = engine.tokenizer.encode(" gamma").ids
    assert " gamma" in text
    assert len(word) == 1
    folder = shutil.copytree(tiny_folder, tmp_path / "tiny")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, *word]}))
    other = LocalGenerator(folder)
    try:
        assert answer(other) == (text[: text.index(" gamma")] + " gamma", Finish.STOP)
    finally:
        other.close()


@pytest.mark.parametrize("stage", ["queued", "prefill", "first token", "middle", "last token", "over"])
def test_closing_frees_the_model_within_one_token(engine, stage):
    steps, gate, entered = [], threading.Event(), threading.Event()

    def act(ids):
        steps.append(ids)
        entered.set()
        gate.wait(20)
        time.sleep(0.005)

    crowd = []
    wanted = {"first token": 1, "middle": 15, "last token": 29}.get(stage, 0)
    with before_each_step(engine, act):
        if stage == "queued":
            crowd = [Reader(engine, f"crowd {n}") for n in range(8)]
            wait_for(lambda: len(engine._dispatcher._line.running) == 8)
        if stage not in ("queued", "prefill"):
            gate.set()
        stream = engine.stream(HELLO, Sampling(max_new_tokens=30))
        first = next(stream)
        if stage == "queued":
            assert first.queue_position == 1
        if stage == "prefill":
            wait_for(entered.is_set)
        while first.tokens < wanted or (stage == "over" and first.finish is None):
            first = next(stream)
        stream.close()
        gate.set()
        at_close = len(steps)
        for reader in crowd:
            reader.result()
        wait_for(lambda: not held(engine))
        assert len(steps) - at_close <= (2 if not crowd else 40)
    stream.close()
    assert answer(engine)[1] is Finish.LENGTH


def test_many_streams_dropped_anywhere_leave_nothing_behind(engine):
    threads = threading.active_count()
    for n in range(40):
        streams = [engine.stream(HELLO, Sampling(max_new_tokens=30)) for _ in range(n % 4 + 1)]
        for k, stream in enumerate(streams):
            for _ in range((n + k) % 5):
                next(stream)
            stream.close()
    wait_for(lambda: not held(engine))
    assert threading.active_count() == threads
    assert answer(engine)[1] is Finish.LENGTH


def test_a_stream_never_started_holds_nothing(engine):
    engine.stream(HELLO, Sampling()).close()
    assert not held(engine)


def test_the_line_says_the_place_and_moves_on(new_engine):
    engine = new_engine(max_queue=2)
    gate = threading.Event()
    with before_each_step(engine, lambda _: gate.wait(20)):
        running = []
        for n in range(8):  # one after the other: all at once they would fill the line of 2
            running.append(Reader(engine, f"r{n}"))
            wait_for(lambda: engine.state().running == len(running))
        waiting = [Reader(engine, f"w{n}") for n in range(2)]
        wait_for(lambda: engine.state().waiting == 2)
        wait_for(lambda: all(reader.deltas for reader in waiting))
        assert sorted(reader.deltas[-1].queue_position for reader in waiting) == [1, 2]
        with pytest.raises(QueueFullError, match="limit is 2"):
            next(engine.stream(HELLO, Sampling()))
        gate.set()
        results = [reader.result() for reader in running + waiting]
    assert all(finish is Finish.LENGTH for _, finish in results)


def test_heartbeats_come_while_the_model_is_stuck(engine):
    gate = threading.Event()
    with before_each_step(engine, lambda _: gate.wait(20)):
        stream = engine.stream(HELLO, Sampling(max_new_tokens=2))
        times = [time.monotonic()]
        for _ in range(4):
            assert next(stream).text == ""
            times.append(time.monotonic())
        gate.set()
        list(stream)
    assert all(b - a < 5 for a, b in pairwise(times))  # a hang would last 20 s


def test_one_user_has_a_cap_and_another_gets_in(new_engine):
    engine = new_engine(max_per_user=3)
    gate = threading.Event()
    with before_each_step(engine, lambda _: gate.wait(20)):
        readers = [Reader(engine, user="ann") for _ in range(3)]
        wait_for(lambda: engine.state().running == 3)
        with pytest.raises(TooManyRequestsError, match="limit 3"):
            next(engine.stream(HELLO, Sampling(), user="ann"))
        other = Reader(engine, user="bob")
        gate.set()
        assert other.result()[1] is Finish.LENGTH
    assert all(reader.result()[1] is Finish.LENGTH for reader in readers)


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)])
def test_the_window_is_a_hard_border(engine, extra, fits):
    long = [Message("user", "hello " * 100)]
    new = engine.window - engine.count(long) + extra
    if fits:
        stream = engine.stream(long, Sampling(max_new_tokens=new))
        next(stream)
        stream.close()
    else:
        with pytest.raises(ContextOverflowError, match=f"needs {engine.count(long)} tokens"):
            next(engine.stream(long, Sampling(max_new_tokens=new)))
        assert engine.state().running == engine.state().waiting == 0


def test_requests_that_together_exceed_the_cache_wait_for_one_another(engine):
    gate, batch = threading.Event(), engine._dispatcher._batch
    with before_each_step(engine, lambda _: gate.wait(20)):
        readers = [Reader(engine, "hello " * 40, max_new_tokens=700, until=5) for _ in range(6)]
        wait_for(lambda: engine.state().running > 0)
        wait_for(lambda: all(reader.deltas for reader in readers))
        running = list(engine._dispatcher._line.running.values())
        assert sum(batch.cost(ticket.length) for ticket in running) <= batch.capacity
        assert 1 < len(running) < 6
        gate.set()
        for reader in readers:
            reader.result()
    assert all(reader.deltas[-1].tokens >= 5 for reader in readers)
    assert engine._dispatcher._batch is batch  # nothing broke down


@pytest.mark.parametrize(
    ("options", "stage"),
    [({"first_token_s": 0.2}, "first token"), ({"total_s": 0.2}, "whole answer")],
)
def test_a_deadline_before_the_first_token_is_an_error(engine, options, stage):
    gate = threading.Event()
    with before_each_step(engine, lambda _: gate.wait(20)):
        with pytest.raises(DeadlineError, match=f"within 0.2 seconds \\({stage}\\)"):
            list(engine.stream(HELLO, Sampling(**options)))
        gate.set()
        wait_for(lambda: not held(engine))


def test_the_total_deadline_keeps_the_text_so_far(engine):
    with before_each_step(engine, lambda _: time.sleep(0.05)):
        reader = Reader(engine, max_new_tokens=500, total_s=1.5)
        text, finish = reader.result()
    assert finish is Finish.TIMEOUT
    assert text
    wait_for(lambda: not held(engine))


@pytest.mark.parametrize(
    ("error", "options", "call"),
    [
        (BadRequestError, {"max_new_tokens": 0}, {}),
        (BadRequestError, {"temperature": float("nan")}, {}),
        (AdapterError, {}, {"adapter": "nobody"}),
    ],
)
def test_bad_requests_are_refused_before_they_wait(engine, error, options, call):
    with pytest.raises(error):
        next(engine.stream(HELLO, Sampling(**options), **call))
    assert engine.state().running == engine.state().waiting == 0


def test_progress_is_told(engine):
    before = engine.state()
    answer(engine, max_new_tokens=12)
    wait_for(lambda: engine.state().tokens_total == before.tokens_total + 12)
    gate = threading.Event()
    with before_each_step(engine, lambda _: gate.wait(20)):
        reader = Reader(engine)
        wait_for(lambda: engine.state().running == 1)
        stuck = engine.state().last_progress
        time.sleep(0.3)
        assert engine.state().last_progress == stuck  # what a health check looks at
        gate.set()
        reader.result()
    wait_for(lambda: engine.state().last_progress > stuck)


def test_closing_ends_open_streams_with_an_error(new_engine):
    engine = new_engine()
    with before_each_step(engine, lambda _: time.sleep(0.02)):
        reader = Reader(engine, max_new_tokens=900)
        wait_for(lambda: reader.deltas and reader.deltas[-1].tokens > 2)
        engine.close()
        text, finish = reader.result(20)
    assert finish is Finish.ERROR
    assert text
    assert engine.state().state == "stopped"
    with pytest.raises(EngineError, match="stopped"):
        next(engine.stream(HELLO, Sampling()))
    engine.close()


def test_memory_is_given_back_once_after_a_rest_and_never_between_two_tokens(engine, monkeypatch):
    monkeypatch.setattr("assistant.engine.dispatcher.REST_S", 0.2)
    trims = []
    monkeypatch.setattr("assistant.engine.memory.trim", lambda: trims.append(held(engine)))
    answer(engine)
    wait_for(lambda: trims)
    time.sleep(0.6)
    assert trims == [0]
    answer(engine)
    wait_for(lambda: len(trims) == 2)
    assert trims == [0, 0]
