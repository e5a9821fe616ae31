import pytest
import torch

from assistant.engine.prefixes import KEPT, Cache, Prefixes, Shape

SHAPE = Shape(2, 1, 4, torch.float32)


def read(ids):
    """A cache whose keys say which token they are of."""
    cache = Cache(SHAPE, len(ids) + 5)
    cache.tokens = list(ids)
    cache.keys[..., : len(ids), :] = torch.tensor(ids, dtype=torch.float32)[:, None]
    cache.values[..., : len(ids), :] = -cache.keys[..., : len(ids), :]
    return cache


LONG = list(range(100))


@pytest.mark.parametrize(
    ("kept", "ids", "known"),
    [
        (LONG, [*range(60), 999, 998], 60),
        (LONG, LONG, 99),  # the last token is read for what comes after it
        (LONG, [*LONG, 7], 100),
        (LONG, [*range(10), 999, 998], 0),  # not worth a copy
        (LONG, [5, *LONG], 0),
        (LONG, [5], 0),
    ],
)
def test_a_prompt_begins_with_what_is_known_of_it(kept, ids, known):
    prefixes = Prefixes(1000)
    prefixes.keep("a", read(kept))
    cache = prefixes.cache("a", ids, SHAPE, len(ids) + 3)
    assert cache.tokens == ids[:known]
    assert cache.keys[0, 0, 0, :known, 0].tolist() == ids[:known]
    assert cache.values[1, 0, 0, :known, 3].tolist() == [-float(token) for token in ids[:known]]


def test_another_adapter_reads_for_itself():
    prefixes = Prefixes(1000)
    prefixes.keep("a", read(LONG))
    assert prefixes.cache("b", LONG, SHAPE, 200).tokens == []


def test_what_runs_is_known_too_and_stays_its_owners():
    running = read(LONG)
    cache = Prefixes(1000).cache("a", [*LONG, 7], SHAPE, 200, [running])
    cache.keys[:] = 0
    assert running.keys[0, 0, 0, 50, 0] == 50


def test_the_longest_beginning_counts():
    prefixes = Prefixes(1000)
    for length in (40, 80, 60):
        prefixes.keep(f"own {length}", read(LONG[:length]))
        prefixes.keep("a", read([*LONG[:length], 500 + length]))
    assert len(prefixes.cache("a", [*LONG, 7], SHAPE, 200).tokens) == 80


def test_the_one_unused_longest_goes():
    prefixes = Prefixes(100_000)
    texts = [[n] * 20 for n in range(KEPT + 1)]
    for text in texts[:KEPT]:
        prefixes.keep("a", read(text))
    prefixes.cache("a", texts[0], SHAPE, 50)
    prefixes.keep("a", read(texts[KEPT]))
    known = [len(prefixes.cache("a", text, SHAPE, 50).tokens) for text in texts]
    assert known == [19, 0, *[19] * (KEPT - 1)]


def test_tokens_are_bounded():
    prefixes = Prefixes(150)
    prefixes.keep("a", read([1] * 100))
    prefixes.keep("a", read([2] * 100))
    assert prefixes.cache("a", [1] * 100, SHAPE, 120).tokens == []
    assert len(prefixes.cache("a", [2] * 100, SHAPE, 120).tokens) == 99


def test_a_text_that_went_on_replaces_its_beginning():
    prefixes = Prefixes(150)
    prefixes.keep("a", read(LONG[:70]))
    prefixes.keep("a", read(LONG))  # both together would be too many
    assert len(prefixes.cache("a", [*LONG, 7], SHAPE, 120).tokens) == 100
