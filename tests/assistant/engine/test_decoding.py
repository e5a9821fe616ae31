import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.engine.decoding import Reply, first_stop


@pytest.fixture(scope="module")
def tokenizer(tiny_folder):
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(tiny_folder / "tokenizer.json"))


def pieces(reply, tokens):
    found = [reply.push_tokens([token]) for token in tokens]
    return [*found, reply.rest()]


def test_half_a_character_waits_for_its_other_half(tokenizer):
    tokens = tokenizer.encode("龘🎈x", add_special_tokens=False).ids
    assert len(tokens) > 3  # neither is one token of this tokenizer
    shown = pieces(Reply(tokenizer), tokens)
    assert "".join(shown) == "龘🎈x"
    assert not any("\ufffd" in piece for piece in shown)


@pytest.mark.parametrize(
    ("text", "stop", "shown", "stopped"),
    [
        ("one two three", ("two",), "one ", True),
        ("one two three", ("three!",), "one two three", False),  # held back, then let go
        ("one two three", ("o t", "two"), "one ", True),
        ("one", ("one",), "", True),
        ("问题一。问题二", ("。问题",), "问题一", True),
    ],
)
def test_stop_strings_across_token_borders(tokenizer, text, stop, shown, stopped):
    reply = Reply(tokenizer, stop)
    tokens = tokenizer.encode(text, add_special_tokens=False).ids
    assert "".join(pieces(reply, tokens)) == shown
    assert reply.stopped is stopped
    assert reply.push_tokens(tokens) == "" or not stopped


def test_control_tokens_leave_no_text(tokenizer):
    assert "".join(pieces(Reply(tokenizer), [1, *tokenizer.encode("hi").ids, 2])) == "hi"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    text=st.text("abé龘 ", max_size=30), stop=st.lists(st.text("abé龘 ", min_size=1, max_size=4), max_size=3)
)
def test_the_text_shown_is_the_text_up_to_the_first_stop_string(tokenizer, text, stop):
    reply = Reply(tokenizer, stop)
    shown = ""
    for token in tokenizer.encode(text, add_special_tokens=False).ids:
        if reply.stopped:
            break
        shown += reply.push_tokens([token])
    shown += reply.rest()
    end = first_stop(text, stop)
    assert text.startswith(shown)
    if end is None:
        assert shown == text
        assert not reply.stopped
    else:
        assert reply.stopped
        assert first_stop(shown, stop) is None
