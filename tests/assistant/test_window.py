import pytest

from assistant import window
from assistant.errors import ContextOverflowError
from assistant.schema import Message

SYSTEM = Message("system", "be brief")
OLD = [Message("user", "one two"), Message("assistant", "three four")]
NEWER = [Message("user", "five"), Message("assistant", "six")]
NEW = Message("user", "seven eight nine")


def words(messages):
    return sum(len(message.text.split()) for message in messages)


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (11, [SYSTEM, *OLD, *NEWER, NEW]),
        (10, [SYSTEM, *NEWER, NEW]),
        (7, [SYSTEM, *NEWER, NEW]),
        (6, [SYSTEM, NEW]),
        (5, [SYSTEM, NEW]),
    ],
)
def test_the_oldest_pair_goes_first(limit, kept):
    assert window.fit([SYSTEM, *OLD, *NEWER, NEW], words, limit) == kept


def test_a_message_that_does_not_fit_alone_is_refused_with_both_numbers():
    with pytest.raises(ContextOverflowError, match="needs 5 tokens, the model's window leaves 4"):
        window.fit([SYSTEM, *OLD, NEW], words, 4)


def test_without_a_system_message():
    assert window.fit([*OLD, NEW], words, 4) == [NEW]


def test_an_answer_never_opens_a_conversation():
    two_questions = [Message("user", "one"), *OLD, NEW]
    assert window.fit(two_questions, words, 6) == [NEW]


def test_nothing_is_dropped_or_changed_when_all_fits():
    messages = [*OLD, NEW]
    assert window.fit(messages, words, 99) == messages
    assert messages == [*OLD, NEW]
    assert window.fit([], words, 1) == []
