import pytest

from assistant.retrieval import identifiers


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What is H-704?", ["H-704"]),
        ("E-208怎么处理", ["E-208"]),
        ("what happens at 02:15, and at 02:15 on Sunday", ["02:15"]),
        ("how many sensors for a GW-10 or a w2?", ["GW-10", "w2"]),
        ("How many days can I work from home?", []),
    ],
)
def test_codes_and_numbers_are_taken_from_a_question(question: str, found: list[str]) -> None:
    assert identifiers.find(question) == found


@pytest.mark.parametrize(
    ("identifier", "text", "stands"),
    [
        ("E-208", "E-208 | 封口温度过低", True),
        ("e-208", "代码E-208表示", True),
        ("E-208", "E-207, E-2081 and XE-208", False),
        ("H-70", "H-704", False),
        ("704", "H-704", True),
        ("5", "5.2 bar at 5:30", False),
        ("15", "at 02:15", False),
        ("02:15", "every night at 02:15.", True),
        ("8042", "extension 8042.", True),
    ],
)
def test_an_identifier_stands_whole(identifier: str, text: str, stands: bool) -> None:
    assert identifiers.stands(identifier, text) is stands
