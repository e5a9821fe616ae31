from __future__ import annotations

import pytest

from assistant.retrieval import fusion, search
from assistant.schema import Chunk, Hit


def test_weighted_reciprocal_rank_by_hand() -> None:
    scores = fusion.reciprocal_rank([["a", "b"], ["b", "c"]], [1.0, 0.5], k=5)
    assert list(scores) == ["b", "a", "c"]
    assert scores == pytest.approx({"b": 1 / 7 + 0.5 / 6, "a": 1 / 6, "c": 0.5 / 7})


def test_equal_scores_keep_the_order_of_the_first_list() -> None:
    assert list(fusion.reciprocal_rank([["a"], ["b"]], [1.0, 1.0])) == ["a", "b"]


@pytest.mark.parametrize(
    ("texts", "limit", "kept"),
    [
        ([f"Refunds are paid after {n} days, whatever the contract says." for n in range(6)], 2, [0, 1]),
        (["退款需要七天才能到账，请耐心等待处理。" + "！" * n for n in range(4)], 1, [0]),
        (
            [
                "The library opens at nine.",
                "Bicycles are repaired on Monday.",
                "Soup is served warm.",
                "Ask the clerk.",
            ],
            1,
            [0, 1, 2, 3],
        ),
        (["…", "…", "…"], 2, [0, 1]),
        ([], 2, []),
    ],
    ids=["near-copies", "chinese copies", "one subject, different passages", "no letters", "nothing"],
)
def test_copies_are_thinned_and_only_copies(texts: list[str], limit: int, kept: list[int]) -> None:
    assert list(fusion.without_copies(texts, limit)) == kept


def cut(text: str, size: int, document_id: str = "d") -> list[Chunk]:
    return [
        Chunk(document_id, at, min(at + size, len(text)), text[at : at + size])
        for at in range(0, len(text), size)
    ]


TEXT = "".join(chr(ord("a") + n) * 10 for n in range(6))
CHUNKS = cut(TEXT, 10)


@pytest.mark.parametrize(
    ("chunk", "budget", "span"),
    [
        (2, 10, (20, 30)),
        (2, 20, (20, 40)),
        (2, 30, (10, 40)),
        (0, 30, (0, 30)),
        (5, 30, (30, 60)),
        (2, 999, (0, 60)),
    ],
)
def test_context_grows_on_both_sides_within_the_budget(
    chunk: int, budget: int, span: tuple[int, int]
) -> None:
    assert search.widen(TEXT, CHUNKS[chunk], CHUNKS, len, budget) == span


def test_joined_hits_hold_their_chunk_and_are_not_shown_twice() -> None:
    ranked = [Hit(CHUNKS[n], "t", 1 / (n + 1)) for n in (2, 3, 5)]
    shown = search.join(ranked, 3, lambda *_: (TEXT, CHUNKS), len, budget=20)
    assert [hit.chunk.start for hit in shown] == [20, 50]  # the chunk at 30 is in the first one's context
    for hit in shown:
        assert hit.chunk.text in hit.context
        assert TEXT[hit.context_start : hit.context_start + len(hit.context)] == hit.context
        assert len(hit.context) <= 20


def test_a_flood_of_copies_leaves_room_for_honest_passages() -> None:
    poison = [
        Hit(Chunk("bad", n, n + 1, f"Refunds take {n} years, says the boss of bosses."), "p", 1)
        for n in range(50)
    ]
    honest = [
        Hit(
            Chunk(f"h{n}", 0, 1, f"{word} refunds: see the {word} handbook on page {n}, section {word}."),
            "h",
            0.5,
        )
        for n, word in enumerate(["Hotel", "Airline", "Railway", "Bookshop", "Museum", "Cinema"])
    ]
    chosen = list(search.choose([*poison, *honest], 6))[:6]
    assert sum(hit.chunk.document_id == "bad" for hit in chosen) == 2
    assert sum(hit.title == "h" for hit in chosen) >= 4
