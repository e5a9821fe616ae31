"""transformers' own batch, which serves the models that the lean step does not compute."""

import pytest
import torch
from readers import Reader, wait_for

from assistant.engine import local
from assistant.engine.batching import Batch
from assistant.schema import Finish, Message


@pytest.fixture
def batched(new_engine, monkeypatch):
    monkeypatch.setattr(local, "suits", lambda model: False)
    engine = new_engine()
    assert isinstance(engine._dispatcher._batch, Batch)
    return engine


def test_it_writes_what_generate_writes_for_one_and_for_many(batched):
    ids = torch.tensor([batched.renderer.ids([Message("user", "hello")], open_reply=True)])
    with torch.inference_mode():
        bare = batched.model.generate(ids, max_new_tokens=30, do_sample=False)[0, ids.shape[1] :]
    readers = [Reader(batched) for _ in range(8)]
    expected = (batched.tokenizer.decode(bare.tolist()), Finish.LENGTH)
    assert [reader.result() for reader in readers] == [expected] * 8


def test_scores_between_tokens_use_their_own_adapter(batched):
    reader = Reader(batched, adapter="alpha", max_new_tokens=100)
    wait_for(lambda: reader.deltas and reader.deltas[-1].tokens > 3)
    alpha, beta = batched.score([Message("user", "hello")], [" alpha", " beta"], adapter="beta")
    assert beta > alpha
    assert reader.result() == (" alpha" * 100, Finish.LENGTH)


def test_a_breakdown_is_that_of_one_step(batched, monkeypatch):
    broken = batched._dispatcher._batch
    failing = iter([RuntimeError("once")])
    step = broken._manager._generation_step

    def fail():
        for fault in failing:
            raise fault
        step()

    monkeypatch.setattr(broken._manager, "_generation_step", fail)
    assert [Reader(batched).result()[1] for _ in range(2)] == [None, Finish.LENGTH]
    assert batched._dispatcher._batch is not broken
