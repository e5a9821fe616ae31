from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import torch
from readers import wait_for

from assistant.errors import ContextOverflowError, EmptyInputError
from assistant.schema import Message

PROMPT = [Message("system", "Judge."), Message("user", "the answer of a user")]


def by_hand(engine, messages, reply):
    """One forward pass over prompt and reply, nothing shared, nothing padded."""
    prompt, tail = engine.renderer.ids(messages, open_reply=True), engine.renderer.text_ids(reply)
    with torch.inference_mode():
        logits = engine.model(torch.tensor([prompt + tail])).logits[0].float().log_softmax(-1)
    return sum(float(logits[len(prompt) - 1 + n, token]) for n, token in enumerate(tail))


@pytest.mark.parametrize("replies", [[" alpha", " beta"], [" alpha", "negative indeed", "退款"], ["x"]])
def test_scores_are_the_sum_over_the_replys_tokens(engine, replies):
    scores = engine.score(PROMPT, replies)
    assert scores == pytest.approx(
        [by_hand(engine, PROMPT, reply) for reply in replies], abs=0.15
    )  # bfloat16
    assert all(score < 0 for score in scores)


def test_many_prompts_of_different_length_score_as_one_by_one(engine):
    prompts = [[Message("user", "the question " * n + str(n))] for n in (1, 9, 30, 2, 60, 1, 15)]
    replies = [" alpha", "negative", "no"]
    together = engine.score_many([(prompt, replies) for prompt in prompts])
    for prompt, scores in zip(prompts, together, strict=True):
        assert scores == pytest.approx(engine.score(prompt, replies), abs=0.15)


def test_equal_prompts_score_equally(engine):
    first, second = engine.score_many([(PROMPT, ["yes", "no"])] * 2)
    assert first == second


def test_callers_keep_no_workers_of_openmp(engine):
    """With more workers than cores in a process they stop spinning, and decoding runs at half speed."""
    engine.score(PROMPT, ["yes"])
    with ThreadPoolExecutor(3) as callers:
        list(callers.map(lambda _: None, range(3)))
        before = psutil.Process().num_threads() - len(callers._threads)
        list(callers.map(lambda _: engine.score(PROMPT, ["yes", "no"]), range(9)))
        wait_for(lambda: psutil.Process().num_threads() <= before + len(callers._threads), 5)


def test_nothing_to_score(engine):
    assert engine.score_many([]) == []
    with pytest.raises(EmptyInputError, match="replies"):
        engine.score(PROMPT, [])
    with pytest.raises(EmptyInputError, match="replies"):
        engine.score(PROMPT, ["yes", ""])


def test_a_prompt_over_the_window_is_refused_with_numbers(engine):
    with pytest.raises(ContextOverflowError, match="leaves 10"):
        engine.score([Message("user", "hello " * 500)], ["yes"])
