"""The check of one sentence, on a table that was labelled by reading."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from verdict_cases import CASES, PASSAGES, WRONG_PAGE

from assistant.evidence import verdicts
from assistant.schema import Verdict

WRONG = [
    (language, "wrong page", "no_source", sentence, PASSAGES[other][0])
    for block, other in WRONG_PAGE
    for language in [block[:2]]
    for owner, kind, verdict, sentence in CASES
    if owner == block and verdict == "supported" and kind != "paraphrase"
]
TABLE = [
    (block[:2], kind, verdict, sentence, PASSAGES[block][0]) for block, kind, verdict, sentence in CASES
] + WRONG


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_is_judged_as_readers_do(language: str) -> None:
    rows = [row for row in TABLE if row[0] == language]
    judged = [(row, verdicts.check(row[3], [row[4]])) for row in rows]
    wrong = [
        f"{row[1]}: {row[3]} -> {verdict} {reason}" for row, (verdict, reason) in judged if verdict != row[2]
    ]
    accuracy = 1 - len(wrong) / len(rows)
    print(f"{language}: accuracy {accuracy:.3f} of {len(rows)}")
    assert len(rows) >= 60
    assert accuracy >= 0.92, "\n".join(wrong)


def test_nothing_wrong_is_ever_called_supported() -> None:
    passed = [
        row
        for row in TABLE
        if row[2] != "supported" and verdicts.check(row[3], [row[4]])[0] is Verdict.SUPPORTED
    ]
    assert passed == []


@pytest.mark.parametrize("kind", ["number", "unit", "date", "negation", "name", "opposite"])
def test_every_planted_error_is_named(kind: str) -> None:
    named = {"unit": ("number:",), "opposite": ("negation:",), "date": ("date:", "number:")}.get(
        kind, (f"{kind}:",)
    )
    for _, own, _, sentence, source in TABLE:
        if own == kind:
            verdict, reason = verdicts.check(sentence, [source])
            assert verdict is Verdict.CONTRADICTED, sentence
            assert reason.startswith(named), (sentence, reason)


@pytest.mark.parametrize(
    ("sentence", "source", "reason"),
    [
        ("It costs 45 dollars.", "It costs 30 dollars.", "number:45 usd"),
        ("它的价格是45元。", "它的价格是30元。", "number:45 cny"),
        ("Growth reached 20%.", "Growth reached 12%.", "number:20%"),
        ("He left on 5 May 2020.", "He left on 6 May 2020.", "date:2020-05-05"),
        ("!!! [1]", "Anything.", "empty"),
        ("", "Anything.", "empty"),
    ],
)
def test_reasons_are_machine_readable(sentence: str, source: str, reason: str) -> None:
    assert verdicts.check(sentence, [source])[1] == reason


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("The database may hold 281 TB.", "The database may hold 281 terabytes."),
        ("About 1.2 million people live there.", "About 1,200,000 people live there."),
        ("退款需要一百二十天。", "退款需要120天。"),
        ("占百分之三十五点五。", "占35.5%。"),
        ("二十万人参加了活动。", "20万人参加了活动。"),
        ("The trip takes two weeks.", "The trip takes 14 days."),
        ("他于二〇二四年一月五日离开。", "他于2024年1月5日离开。"),
    ],
)
def test_numbers_agree_however_they_are_written(sentence: str, source: str) -> None:
    verdict, reason = verdicts.check(sentence, [source])
    assert not reason.startswith(("number", "date")), reason
    assert verdict is not Verdict.CONTRADICTED


def test_the_best_of_several_sources_counts() -> None:
    found = verdicts.examine(
        "Refunds take 14 days.", ["Bananas are yellow.", "Refunds take 14 days.", "Refunds take 30 days."]
    )
    assert (found.verdict, found.source) == (Verdict.SUPPORTED, 1)


def test_without_sources_there_is_no_source() -> None:
    assert verdicts.check("Refunds take 14 days.", []) == (Verdict.NO_SOURCE, "overlap:0.00")
    assert verdicts.check("Refunds take 14 days.", ["", "  "]) == (Verdict.NO_SOURCE, "overlap:0.00")


@pytest.mark.parametrize(
    ("sentence", "source", "verdict", "reason"),
    [
        ("退款在14天内支付。", "Refunds are paid within 14 days.", Verdict.PARTLY, "language:"),
        ("Refunds are paid within 14 days.", "退款在14天内支付。", Verdict.PARTLY, "language:"),
        ("Gift cards are not refunded.", "礼品卡不支持退款。", Verdict.PARTLY, "language:"),
        ("退款在30天内支付。", "Refunds are paid within 14 days.", Verdict.NO_SOURCE, "number:30"),
        ("Refunds are paid within 30 days.", "退款在14天内支付。", Verdict.NO_SOURCE, "number:30"),
        ("商店于1998年5月3日开业。", "The shop opened on 3 May 1998.", Verdict.PARTLY, "language:"),
        ("商店于1998年5月4日开业。", "The shop opened on 3 May 1998.", Verdict.NO_SOURCE, "date:"),
        ("运行 Grafana 即可。", "Start Grafana.", Verdict.PARTLY, "language:"),
        ("运行 Kibana 即可。", "Start Grafana.", Verdict.NO_SOURCE, "name:Kibana"),
    ],
)
def test_of_a_source_in_another_language_only_numbers_dates_and_names_compare(
    sentence: str, source: str, verdict: Verdict, reason: str
) -> None:
    found, why = verdicts.check(sentence, [source])
    assert found is verdict
    assert why.startswith(reason)


def test_a_source_in_the_sentences_own_language_goes_before_one_in_another() -> None:
    sources = ["退款在14天内支付。", "Refunds are paid within 14 days."]
    found = verdicts.examine("Refunds are paid within 14 days.", sources)
    assert (found.verdict, found.source) == (Verdict.SUPPORTED, 1)


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("图书馆星期一闭馆。", Verdict.SUPPORTED),
        ("图书馆礼拜一闭馆。", Verdict.SUPPORTED),
        ("图书馆星期二闭馆。", Verdict.CONTRADICTED),
    ],
)
def test_a_weekday_is_the_same_however_it_is_written(sentence: str, verdict: Verdict) -> None:
    assert verdicts.check(sentence, ["图书馆周一闭馆。"])[0] is verdict


@pytest.mark.parametrize("run", ["一" * 5000, "亿" * 600, "十百千" * 900])
def test_a_long_run_of_numerals_is_no_number_and_breaks_nothing(run: str) -> None:
    assert verdicts.check(f"共{run}元。", ["共三元。"])[0] is not Verdict.SUPPORTED
