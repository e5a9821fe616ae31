import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.retrieval.chunking import split
from assistant.schema import Chunk, Document, Mark


def words(text: str) -> int:
    """A token for each word and each Chinese character, and two for the frame, as BERT counts."""
    return len(re.findall(r"[\u4e00-\u9fff]|\w+|[^\w\s]", text)) + 2


def document(text: str, *marks: Mark) -> Document:
    return Document(id="d", title="t", text=text, sha256="", media_type="text/plain", marks=marks)


def sectioned(*sections: tuple[str, str]) -> Document:
    """Headings and what stands under them."""
    text, marks = "", []
    for heading, body in sections:
        text += "\n\n" * bool(text)
        marks.append(Mark(len(text), "heading", heading))
        text += f"{heading}\n\n{body}"
    return document(text, *marks)


def covered(text: str, chunks: list[Chunk]) -> set[int]:
    return {at for chunk in chunks for at in range(chunk.start, chunk.end)}


PROSE = st.text(st.sampled_from("ab .。！\n\t中文，…\u3000-x0!?’”)"), max_size=400)


@given(PROSE, st.integers(1, 40), st.integers(0, 20), st.data())
def test_chunks_are_slices_that_cover_the_text(
    text: str, size: int, overlap: int, data: st.DataObject
) -> None:
    starts = data.draw(st.lists(st.integers(0, max(len(text) - 1, 0)), max_size=5, unique=True))
    source = document(text, *(Mark(start, "heading", f"h{start}") for start in starts))
    chunks = split(source, words, size, overlap)
    for chunk in chunks:
        assert source.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        assert words(chunk.text) <= max(size, 3)
        assert chunk.heading in {"", *(f"h{start}" for start in starts)}
    assert [chunk.end for chunk in chunks] == sorted({chunk.end for chunk in chunks})
    assert [chunk.start for chunk in chunks] == sorted({chunk.start for chunk in chunks})
    missed = set(range(len(text))) - covered(text, chunks)
    assert all(text[at].isspace() for at in missed)


def test_sentences_stay_whole_in_both_languages() -> None:
    english = "The first sentence is here. The second one follows it. A third ends the text."
    chinese = "第一句话在这里。第二句话跟着它！第三句话结束了。"
    assert [chunk.text for chunk in split(document(english), words, 10)] == re.split(r"(?<=\.) ", english)
    assert [chunk.text for chunk in split(document(chinese), words, 12)] == re.findall(r".+?[。！]", chinese)


def test_paragraph_is_preferred_to_a_full_chunk() -> None:
    text = "One two three. Four five six.\n\nSeven eight nine. Ten eleven twelve."
    assert [chunk.text for chunk in split(document(text), words, 14)] == text.split("\n\n")


def test_overlap_repeats_whole_sentences_of_the_same_section() -> None:
    text = "A one two. B one two. C one two. D one two."
    assert [chunk.text for chunk in split(document(text), words, 10, 4)] == [
        "A one two. B one two.",
        "B one two. C one two.",
        "C one two. D one two.",
    ]
    source = sectioned(("First", "a b c d e f g h. " * 2), ("Second", "i j k l m n o p. " * 2))
    assert [chunk.heading for chunk in split(source, words, 24, 10)] == ["First", "Second"]


def test_sections_stay_apart_unless_tiny() -> None:
    long = "word " * 20 + "."
    apart = split(sectioned(("A", long), ("B", long)), words, 60)
    assert [(chunk.heading, chunk.text[0]) for chunk in apart] == [("A", "A"), ("B", "B")]
    joined = split(sectioned(("A", "tiny."), ("B", "small."), ("C", long)), words, 60)
    assert [chunk.text[0] for chunk in joined] == ["A"]
    assert joined[0].heading == "A"


def test_heading_goes_with_what_follows_it() -> None:
    long = "word " * 40 + "."
    chunks = split(sectioned(("A", long), ("Lonely heading", ""), ("B", long)), words, 50)
    assert [(chunk.heading, chunk.text[:6]) for chunk in chunks] == [("A", "A\n\nwor"), ("B", "Lonely")]


def test_page_and_heading_are_those_in_force_at_the_start() -> None:
    marks = Mark(0, "page", "1"), Mark(12, "page", "2"), Mark(12, "heading", "Next")
    source = document("First page.\nNext\nSecond page.", *marks)
    assert [(chunk.page, chunk.heading) for chunk in split(source, words, 6)] == [(1, ""), (2, "Next")]


def test_line_without_end_is_cut_at_spaces() -> None:
    chunks = split(document("lorem " * 5000), words, 50)
    assert {chunk.text for chunk in chunks[:-1]} <= {" ".join(["lorem"] * n) for n in range(1, 49)}
    assert all(words(chunk.text) <= 50 for chunk in chunks)
    assert sum(chunk.text.count("lorem") for chunk in chunks) == 5000


def test_text_that_counts_as_one_token_is_cut_by_characters() -> None:
    """WordPiece calls any word of over 100 letters unknown: one token."""
    chunks = split(document("x" * 100_000), lambda text: 3, 20)
    assert max(len(chunk.text) for chunk in chunks) <= 200
    assert "".join(chunk.text for chunk in chunks) == "x" * 100_000


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_blank_document_has_no_chunks(text: str) -> None:
    assert split(document(text), words, 10) == []


def test_text_is_counted_about_once() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return words(text)

    text = "A sentence of some words here, as in any manual. " * 2000
    split(document(text), count, 200, 40)
    assert counted < 1.2 * len(text)
