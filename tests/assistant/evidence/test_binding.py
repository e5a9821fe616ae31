"""A fact that stands in the source, but of something else."""

from __future__ import annotations

import pytest

from assistant.evidence import answering, binding, verdicts
from assistant.schema import Chunk, Hit, Verdict

SERVERS = (
    "The Orion server is restarted every night at 03:40. Logs of Orion are kept for 21 days.\n"
    "The Lyra server is restarted every Sunday. Logs of Lyra are kept for 9 weeks.\n"
    "The time to recover of Orion is 6 hours and the time to recover of Lyra is 2 days."
)
PEOPLE = (
    "Mara Lind is based in Bergen and leads the survey team. Kofi Asante is based in Accra, where he opened "
    "the laboratory in 2017. Both report to Ines Prado."
)
PLANS = (
    "| Plan | Price | Seats |\n|---|---|---|\n| Seed | 9 EUR | 2 |\n| Grove | 29 EUR | 12 |\n| Forest | 99 EUR | 40 |\n\n"
    "Single sign-on is included in Forest only."
)
HELP = (
    "| Plan | Seats | Help |\n|---|---|---|\n| Seed | 2 | e-mail |\n| Grove | 12 | e-mail and chat |\n| Forest | 40 | phone |\n\n"
    "Plans can be paid by card."
)
ROWS = "name: Drill\nday: 14 EUR\nweek: 60 EUR\n\nname: Saw\nday: 19 EUR\nweek: 80 EUR"
TRAVEL = "住宿标准：甲类城市每晚不超过580元，乙类城市每晚不超过420元。高铁乘坐二等座；单程超过五小时的，可乘坐一等座。"
RETURNS = "Refunds are paid within 14 days of the return; for gift cards within 30 days."
NOTICE = "During probation either side may end the contract with two weeks' notice. After it the notice period is two months."
MANY = (
    "The pump costs 40 EUR. It is delivered by Nordlys, and the hose costs 12 EUR. Rana Ali tests the pump."
)


@pytest.mark.parametrize(
    ("source", "sentence", "odd"),
    [
        (SERVERS, "The time to recover of Orion is 2 days.", "2 day"),
        (SERVERS, "The time to recover of Lyra is 6 hours.", "6 hour"),
        (SERVERS, "The Lyra server is restarted every night at 03:40.", "Lyra"),
        (SERVERS, "Logs of Lyra are kept for 21 days.", "21 day"),
        (PEOPLE, "Mara Lind is based in Accra.", "Accra"),
        (PEOPLE, "Kofi Asante leads the survey team.", "Kofi Asante"),
        (PLANS, "The Seed plan costs 29 EUR.", "29 eur"),
        (PLANS, "The Grove plan has 40 seats.", "40"),
        (PLANS, "The Grove plan includes single sign-on.", "Grove"),
        (ROWS, "The saw costs 14 EUR a day.", "14 eur"),
        (HELP, "Phone help is included in the Seed plan.", "phone"),
        (TRAVEL, "甲类城市每晚不超过420元。", "420 cny"),
        (TRAVEL, "高铁可乘坐一等座。", "一"),
    ],
)
def test_what_is_said_of_something_else_is_contradicted(source: str, sentence: str, odd: str) -> None:
    assert binding.exchanged(sentence, source) == odd
    verdict, reason = verdicts.check(sentence, [source])
    assert verdict in (Verdict.CONTRADICTED, Verdict.NO_SOURCE)
    assert verdict is Verdict.NO_SOURCE or reason == f"exchanged:{odd}" or not reason.startswith("exchanged")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (SERVERS, "The time to recover of Orion is 6 hours."),
        (SERVERS, "The Orion server is restarted every night at 03:40."),
        (SERVERS, "Logs of Lyra are kept for 9 weeks."),
        (PEOPLE, "Kofi Asante is based in Accra."),
        (PEOPLE, "Mara Lind leads the survey team."),
        (PEOPLE, "The laboratory was opened in 2017 by Kofi Asante."),
        (PLANS, "The Grove plan costs 29 EUR and has 12 seats."),
        (PLANS, "Seed costs 9 EUR, Grove 29 EUR and Forest 99 EUR."),
        (PLANS, "The Forest plan includes single sign-on."),
        (PLANS, "The Grove plan does not include single sign-on."),
        (ROWS, "The drill costs 14 EUR a day."),
        (HELP, "Phone help is included in the Forest plan."),
        (HELP, "The Seed plan has help by e-mail and 2 seats."),
        (HELP, "Seed has e-mail, Forest has phone."),
        (HELP + " Every plan has help by phone.", "Phone help is included in the Seed plan."),
        (HELP, "The Seed plan can be paid by card."),
        (HELP + "\n\n| Tool | Colour |\n|---|---|\n| Rake | red |", "The rake has the colour red."),
        (TRAVEL, "甲类城市每晚不超过580元。"),
        (TRAVEL, "单程超过五小时的，高铁可乘坐一等座。"),
        (RETURNS, "Refunds for gift cards are paid within 30 days of the return."),
        (RETURNS, "Refunds are paid within 14 days of the return."),
        (MANY, "Nordlys delivers the pump."),  # "it" may be the pump
        (MANY, "The hose costs 12 EUR."),
        ("", "The hose costs 12 EUR."),
        (NOTICE, "The notice period past probation is two months."),
    ],
)
def test_what_is_true_or_cannot_be_told_is_left_alone(source: str, sentence: str) -> None:
    assert binding.exchanged(sentence, source) == ""


def hit(text: str) -> Hit:
    return Hit(Chunk("d", 0, len(text), text), "Rules", 1.0)


@pytest.mark.parametrize(
    ("question", "answer", "verdict"),
    [
        ("What is the time to recover of Orion?", "2 days. [1]", Verdict.CONTRADICTED),
        ("What is the time to recover of Orion?", "6 hours. [1]", Verdict.SUPPORTED),
        ("How much is the Seed plan?", "29 EUR. [1]", Verdict.CONTRADICTED),
        ("How much is the Seed plan?", "9 EUR. [1]", Verdict.SUPPORTED),
    ],
)
def test_a_short_answer_is_held_against_what_is_asked_about(
    question: str, answer: str, verdict: Verdict
) -> None:
    _, _, (sentence,) = answering.examine(answer, [hit(SERVERS + "\n\n" + PLANS)], question)
    assert sentence.verdict is verdict
