import pytest

from assistant.engine.lookup import LONGEST, Lookup, agreed

PASSAGE = [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("text", "draft"),
    [
        ([*PASSAGE, 9, 1, 2, 3], [4, 5, 6]),
        ([*PASSAGE, 9, 5, 6, 7], [8, 9, 5]),
        ([1, 2, 3, 4, 1, 2, 3, 9, 1, 2, 3], [9, 1, 2]),  # the last place counts
        ([*PASSAGE, 9, 2, 3], [4]),  # two tokens are a weaker sign
        ([*PASSAGE, 9, 3], []),  # one may stand anywhere
        ([7, 7, 7, 7, 7], [7, 7, 7]),  # what repeats itself goes on so
        ([1, 2], []),
        ([], []),
    ],
)
def test_a_draft_is_what_followed_the_last_words(text, draft):
    assert Lookup().draft(text) == draft


def test_the_index_grows_with_the_text():
    whole, grown = Lookup(), Lookup()
    text = [*PASSAGE, 9, 1, 2, 3]
    for end in range(len(text)):
        grown.draft(text[:end])
    assert grown.draft(text) == whole.draft(text)


def written(lookup, follow, rounds):
    """Lengths of the drafts while a text goes on as ``follow`` says, in a circle of ten."""
    text, lengths = list(range(10)) * 2, []
    for n in range(rounds):
        lengths.append(len(lookup.draft(text)))
        text.append(text[-10] if follow(n) else 100 + n)
        text += [1, 2, 3] if not follow(n) else []
    return lengths


def test_it_stops_where_its_guesses_fail_and_begins_again_where_they_hold():
    lookup = Lookup()
    lengths = written(lookup, lambda n: n >= 20, 50)
    assert lengths[0] == LONGEST
    assert lengths[15:20] == [0] * 5
    assert lengths[-1] == LONGEST


@pytest.mark.parametrize(
    ("draft", "written", "tokens"),
    [
        ([], [5], [5]),
        ([5, 6], [5, 6, 7], [5, 6, 7]),
        ([5, 6], [5, 9, 7], [5, 9]),
        ([5, 6], [9, 6, 7], [9]),
    ],
)
def test_a_wrong_guess_is_replaced_and_ends_the_draft(draft, written, tokens):
    assert agreed(draft, written) == tokens
