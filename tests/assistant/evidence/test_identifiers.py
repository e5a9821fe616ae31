"""Codes, weekdays and what else a question names exactly."""

from __future__ import annotations

import pytest

from assistant.evidence import identifiers


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("What does E-208 mean?", {"e208"}),
        ("E-207 or E-208?", {"e207", "e208"}),
        ("错误ERR-4044怎么办？", {"err4044"}),
        ("error err4031", {"err4031"}),
        ("Is GW-10 the same as GW10?", {"gw10"}),
        ("ＧＷ－10 怎么重启？", {"gw10"}),
        ("Which form is A4.2-7?", {"a427"}),
        ("Can I play an mp3?", set()),
        ("What happens on day 2?", set()),
        ("How do I reset it within 14 days?", set()),
        ("14天内可以退款吗？", set()),
        ("What is it?", set()),
    ],
)
def test_codes_are_told_from_words_with_a_number(text: str, codes: set[str]) -> None:
    assert identifiers.codes(text) == codes


@pytest.mark.parametrize(
    ("question", "passages", "missing"),
    [
        ("E-208?", "Error E-207: the door is open.", {"e208"}),
        ("E-208?", "Error E-2081: the door is open.", {"e208"}),
        ("E-208?", "See page 208.", {"e208"}),
        ("E-208?", "Error TE-208.", {"e208"}),
        ("E-208?", "| E-207 | door |\n| E-208 | fan |", set()),
        ("E208?", "E-208", set()),
        ("E-208?", "错误E208表示风扇故障", set()),
        ("ERR-4044?", "ERR_4044 is raised", set()),
        ("GW-10?", "The GW 10, the GW-11", set()),
        ("GW10?", "GW-100", {"gw10"}),
        ("GW-10?", "Ｇｗ－10", set()),
        ("Anything?", "", set()),
    ],
)
def test_a_code_is_there_only_as_a_whole(question: str, passages: str, missing: set[str]) -> None:
    assert identifiers.missing_codes(question, passages) == missing


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Is it open on Saturday?", {5}),
        ("Saturdays and Sundays", {5, 6}),
        ("Monday to Friday", {0, 1, 2, 3, 4}),
        ("Mondays through Thursdays", {0, 1, 2, 3}),
        ("Tuesday-Thursday", {1, 2, 3}),
        ("Tuesday and Thursday", {1, 3}),
        ("周六开门吗？", {5}),
        ("星期天休息", {6}),
        ("周一至周五", {0, 1, 2, 3, 4}),
        ("周一至五", {0, 1, 2, 3, 4}),
        ("星期二到星期四", {1, 2, 3}),
        ("周二和周四", {1, 3}),
        ("备份每周一次", set()),
        ("每周一下午备份", {0}),
        ("Every day", set()),
        ("open from Saturday to Monday", {5, 6, 0}),
        ("周六到周一不营业", {5, 6, 0}),
    ],
)
def test_weekdays_with_what_lies_between(text: str, days: set[int]) -> None:
    assert identifiers.weekdays(text) == days


@pytest.mark.parametrize(
    ("question", "passages", "share"),
    [
        ("When are refunds paid?", "", 1.0),
        ("What does E-208 mean?", "E-208 is the fan.", 1.0),
        ("What does E-208 mean?", "E-207 is the door.", 0.0),
        ("Who is Mary Jones?", "Mary Jones runs the shop.", 1.0),
        ("Who is Mary Jones?", "Nobody.", 0.0),
        ("Can I come at 18:30?", "The desk closes at 18:30.", 1.0),
        ("18：30还能来吗？", "营业到18:30。", 1.0),
        ("What happened in 1998?", "The shop opened in 1998.", 1.0),
        ("What happened in 1998?", "The shop opened in 1997.", 0.0),
    ],
)
def test_the_share_of_what_is_named_that_the_passages_hold(
    question: str, passages: str, share: float
) -> None:
    assert identifiers.share(question, passages) == share


def test_of_two_things_named_one_is_half() -> None:
    assert identifiers.share("E-207 or E-208?", "E-207 is the door.") == 0.5
