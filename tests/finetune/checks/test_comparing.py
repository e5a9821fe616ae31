"""Duplicates, overlaps and conflicts: found in both languages, and only where they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from assistant.schema import Message
from finetune.checks import check
from finetune.data.loading import Loaded, load
from finetune.schema import Example, Fault, Origin

EN = "The ferry to Harrow Island leaves the north pier every two hours from six in the morning until ten at night."
ZH = "去哈罗岛的渡轮从早上六点到晚上十点，每两个小时从北码头开出一班，周末加开两班。"
LONG_EN = (
    f"{EN} Tickets are sold on board; children under five and bicycles travel free, dogs pay half the fare."
)
LONG_ZH = f"{ZH}船票在船上购买，五岁以下的儿童和自行车免费，狗买半票，大风天停航，请留意码头的公告牌。"


FOG = " ".join(f"On day {n} the fog was so thick that mast {n * 7} could not be seen." for n in range(8))
CAKE = " ".join(f"Table {n} wants cake number {n * 5} with cream, and tea for {n} guests." for n in range(8))


def example(n: int, *said: str, task: str = "chat") -> Example:
    messages = tuple(Message("assistant" if k % 2 else "user", text) for k, text in enumerate(said))
    return Example(str(n), messages, f"source-{n}", task, "en", Origin("data.jsonl", n))


def found(
    said: Sequence[tuple[str, ...]], documents: Sequence[str] = (), suites: Sequence[Path] = ()
) -> list[Fault]:
    examples = tuple(example(n, *texts) for n, texts in enumerate(said, 1))
    loaded = Loaded(examples, (), (), ())
    return list(check(loaded, renderer=None, max_length=1024, suites=suites, documents=documents).faults)


def kinds(faults: Sequence[Fault]) -> list[tuple[int, str, bool]]:
    return [(fault.origin.row, fault.kind, fault.hard) for fault in faults]


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (EN, EN.upper().replace(" ", "  "), "duplicate"),
        (ZH, ZH.replace("，", ","), "duplicate"),
        (EN, EN.replace(",", "").rstrip("."), "near-duplicate"),
        (EN, EN.replace("ten", "eleven"), "near-duplicate"),
        (ZH, ZH.replace("十点", "九点"), "near-duplicate"),
        (EN, EN.replace("two", "three").replace("ten", "eleven").replace("north", "south"), None),  # 62 %
        (
            EN,
            "Dogs, bicycles and children pay half the fare on the ferry to the island, six days a week.",
            None,
        ),
        (ZH, "周末的北码头很热闹，孩子们在岸边看渡轮进港，老人们坐着下棋，一直待到晚上。", None),
        ("Good morning", "Good evening", None),
    ],
)
def test_what_is_said_twice(one: str, other: str, kind: str | None) -> None:
    faults = found([(one, "That is right."), ("Something else?", "No."), (other, "That is right.")])
    assert [(fault.origin.row, fault.kind) for fault in faults] == ([(3, kind)] if kind else [])
    assert all("row 1" in fault.reason for fault in faults)


def test_a_long_instruction_that_all_rows_share_is_no_likeness() -> None:
    wording = "You are given a line from the ship's log. " * 8 + "Say in one word whether the sea was calm: "
    lines = (
        "wind from the west",
        "a heavy swell",
        "fog until noon",
        "mirror-like, no wind",
        "waves over the deck",
    )
    rows = [(f"{wording}{line} {n * 7919}", "Calm" if n % 2 else "Rough") for n, line in enumerate(lines * 2)]
    assert found(rows) == []


def test_the_same_question_about_two_documents_is_no_likeness(tmp_path: Path) -> None:
    row = (
        '{{"task":"grounded","lang":"en","question":"In which year was the old town hall built by the city?",'
        '"documents":[{{"id":"d","title":"t","text":"{0}"}}],"answers":["{1}"],"answerable":true}}\n'
    )
    path = tmp_path / "data.jsonl"
    path.write_text(
        row.format("Built in 1880, it burnt twice.", "1880") + row.format("It dates from 1921.", "1921")
    )
    report = check(load([str(path)]), renderer=None, max_length=1024, suites=(), documents=())
    assert report.faults == ()


@pytest.mark.parametrize(
    ("passage", "document", "alike"),
    [
        (LONG_EN, f"Harbour guide. {LONG_EN} The café opens at nine.", True),
        (f"Read this: {LONG_EN} What is it about?", LONG_EN, True),
        (LONG_ZH, f"港口指南。{LONG_ZH}咖啡馆九点开门。", True),
        (
            LONG_EN,
            "The harbour café opens at nine in the morning, and every two hours a fresh cake is baked. " * 5,
            False,
        ),
        (
            LONG_ZH,
            "港口的咖啡馆早上九点开门，晚上十点关门，周末加开露台，儿童和老人打八折，请留意门口的公告。" * 3,
            False,
        ),
        ("The ferry leaves from the north pier every two hours.", LONG_EN, False),
        (f"{LONG_EN} {FOG}", f"{LONG_EN} {CAKE}", False),  # a third of both
    ],
)
def test_overlap_with_the_documents_is_a_warning(passage: str, document: str, alike: bool) -> None:
    faults = found([(passage, "It is about a ferry.")], documents=["Nothing of it here.", document])
    assert kinds(faults) == ([(1, "overlap-index", False)] if alike else [])


@pytest.mark.parametrize(
    ("asked", "alike"),
    [
        ("Which pier does the ferry to Harrow Island leave from in winter?", True),
        ("Tell me: which pier does the ferry to Harrow Island leave from in winter? Thanks!", True),
        ("which pier, does the ferry", False),
        ("Which bus does the guest from Harrow Island take in winter?", False),
        ("Where is the pier?", True),  # short: the same words
        ("Where is the new pier?", False),
    ],
)
def test_overlap_with_a_suite_of_ones_own_stops(asked: str, alike: bool, tmp_path: Path) -> None:
    suite = tmp_path / "ours.jsonl"
    suite.write_text(
        '{"suite": "ours", "version": 1}\n'
        '{"id": "pier", "task": "grounded", "lang": "en", "answerable": false, "answers": [], '
        '"question": "Which pier does the ferry to Harrow Island leave from in winter?", '
        '"documents": [{"id": "d", "title": "t", "text": "It has a north pier."}]}\n'
        '{"id": "short", "task": "sentiment", "lang": "en", "text": "Where is the pier?", "label": "neutral"}\n'
    )
    faults = found([(asked, "I do not know that.")], suites=[suite])
    assert kinds(faults) == ([(1, "overlap-suite", True)] if alike else [])
    assert all("of ours.jsonl" in fault.reason for fault in faults)


@pytest.mark.parametrize(
    ("replies", "against"),
    [
        (("positive", "negative"), True),
        (("正面", "负面"), True),
        (("Yes.", "No."), True),
        (("Not in the documents.", "At six."), True),
        (("It is at six.", "The museum closes at six in the evening."), False),  # two right wordings
        (("Hi!", "Hello!"), False),
        (("Yes", "yes."), False),
    ],
)
def test_conflicts(replies: tuple[str, str], against: bool) -> None:
    rows = [("Does the museum close at six?", reply) for reply in replies]
    hard = [each for each in kinds(found(rows)) if each[1] == "conflict"]
    assert hard == ([(2, "conflict", True)] if against else [])


def test_labels_of_ones_own_conflict_too() -> None:
    rows = [("The parcel is late again.", "shipping"), ("Where is my parcel?", "shipping"), ("My card fails.", "money"),
            ("The parcel is late again.", "money")]  # fmt: skip
    assert kinds(found(rows)) == [(4, "conflict", True)]
