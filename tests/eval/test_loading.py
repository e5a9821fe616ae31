"""Suites are whole before anything is measured; a fault names file, line, field and way out."""

import json
from pathlib import Path

import pytest

from assistant.schema import Message
from eval.errors import SuiteError
from eval.loading import load
from eval.schema import ChatCase, DialogueCase, GroundedCase, PlainCase, RetrievalCase, task_of

GOOD = {"id": "a", "task": "sentiment", "lang": "en", "text": "Fine.", "label": "positive"}
PASSAGE = {"id": "d", "title": "", "text": "The bridge was built in 1903."}
ASKED = {
    "id": "g", "task": "grounded", "lang": "en", "question": "When was it built?",
    "documents": [PASSAGE], "answers": ["1903"], "answerable": True,
}  # fmt: skip
CHAT = {"id": "c", "task": "chat", "messages": [{"role": "user", "content": "Hi"}]}


PLAIN = {
    "id": "p", "lang": "en", "kind": "direct", "question": "when is payday", "answers": ["the 25th"],
    "must": ["25"], "must_not": [], "answerable": True, "document": "handbook.md", "evidence": "On the 25th.",
}  # fmt: skip
HELLO = {
    **PLAIN, "id": "h", "kind": "smalltalk", "question": "hello", "answers": [], "must": [], "answerable": None,
    "document": "", "evidence": "", "expect": "smalltalk",
}  # fmt: skip
DIALOGUE = {
    "id": "t", "task": "dialogue", "lang": "en", "collection": "ours", "question": "And then?", "documents": [PASSAGE],
    "history": [{"role": "user", "content": "When was it built?"}, {"role": "assistant", "text": "In 1903."}],
    "answer": "It was opened.", "answerability": "partial", "kinds": ["Follow-up"],
}  # fmt: skip
REWRITE = {"id": "r", "lang": "en", "earlier": ["Who?"], "question": "When?", "standalone": "When did he?"}
VERDICT = {
    "id": "v",
    "lang": "zh",
    "claim": "甲。",
    "evidence": "乙。",
    "label": "unsupported",
    "why": ["甲"],
}


def written(folder: Path, *lines: object, name: str = "mine.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines), encoding="utf-8")
    return path


def test_a_header_names_the_suite(tmp_path: Path) -> None:
    suite = load(written(tmp_path, {"suite": "ours", "version": 3, "licence": "MIT"}, GOOD))
    assert (suite.name, suite.version, suite.licence, len(suite.cases)) == ("ours", 3, "MIT", 1)


def test_without_one_the_file_does(tmp_path: Path) -> None:
    suite = load(written(tmp_path, GOOD))
    assert (suite.name, suite.version) == ("mine", 0)


def test_documents_shared_by_cases_stand_once(tmp_path: Path) -> None:
    suite = load(written(tmp_path, ASKED, {**ASKED, "id": "h"}))
    assert [passage.id for passage in suite.passages] == ["d"]
    assert isinstance(suite.cases[0], GroundedCase)


def test_openai_messages_are_read(tmp_path: Path) -> None:
    checked = {**CHAT, "checks": [{"id": "length_constraints:number_words", "arguments": {"num_words": 3}}]}
    (case,) = load(written(tmp_path, checked)).cases
    assert isinstance(case, ChatCase)
    assert case.messages[0].text == "Hi"
    assert case.checks[0].arguments == {"num_words": 3}


def test_a_folder_of_corpus_and_queries_is_a_retrieval_suite(tmp_path: Path) -> None:
    written(tmp_path, PASSAGE, name="corpus.jsonl")
    written(tmp_path, {"id": "1", "query": "桥是什么时候建的？", "relevant": ["d"]}, name="queries.jsonl")
    (case,) = load(tmp_path).cases
    assert isinstance(case, RetrievalCase)
    assert (case.lang, case.relevant) == ("zh", ("d",))


def test_a_line_without_a_task_is_known_by_its_fields(tmp_path: Path) -> None:
    lines = [PLAIN, HELLO, DIALOGUE, REWRITE, VERDICT]
    unnamed = [{key: value for key, value in line.items() if key != "task"} for line in lines]
    for given in (lines, unnamed):
        suite = load(written(tmp_path, *given))
        assert [task_of(case) for case in suite.cases] == ["plain", "plain", "dialogue", "rewrite", "verdict"]
        assert suite.passages == ()


def test_fields_of_plain_questions_and_dialogues(tmp_path: Path) -> None:
    both = {**PLAIN, "all": [["a", "b"], ["c"]], "history": [{"role": "user", "text": "hi"}]}
    plain, hello, dialogue = load(written(tmp_path, both, HELLO, DIALOGUE)).cases
    assert isinstance(plain, PlainCase)
    assert (plain.all, plain.history) == ((("a", "b"), ("c",)), (Message("user", "hi"),))
    assert isinstance(hello, PlainCase)
    assert (hello.answerable, hello.document) == (None, "")
    assert isinstance(dialogue, DialogueCase)
    assert [message.text for message in dialogue.history] == ["When was it built?", "In 1903."]
    assert dialogue.documents[0].id == "d"


def test_a_folder_of_files_is_one_suite(tmp_path: Path) -> None:
    written(tmp_path, GOOD, name="a.jsonl")
    written(tmp_path, CHAT, name="b.jsonl")
    assert [case.id for case in load(tmp_path).cases] == ["a", "c"]


def test_other_bytes_are_another_suite(tmp_path: Path) -> None:
    first = load(written(tmp_path, GOOD)).sha256
    assert load(written(tmp_path, {**GOOD, "label": "negative"})).sha256 != first


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{"], ["line 1", "one JSON object"]),
        ([[1]], ["one JSON object"]),
        ([GOOD, GOOD], ["line 2", "field id", "line 1 has it"]),
        ([{**GOOD, "task": "translate"}], ["field task", "translate", "sentiment, grounded"]),
        ([{**GOOD, "label": "happy"}], ["field label", "happy", "negative"]),
        ([{**GOOD, "text": "  "}], ["field text", "write something"]),
        ([{**GOOD, "text": 5}], ["field text", "5", "string"]),
        ([{**GOOD, "lang": "fr"}], ["field lang", "fr"]),
        ([{k: v for k, v in GOOD.items() if k != "label"}], ["field label", "required"]),
        (['{"id": "a", "id": "b"}'], ["twice"]),
        ([{**ASKED, "answers": []}], ["field answers", "needs an answer"]),
        ([{**ASKED, "answerable": False}], ["field answers", "unanswerable"]),
        ([{**ASKED, "documents": []}], ["field documents", "at least one"]),
        ([{**ASKED, "documents": [{"id": "d", "title": "x"}]}], ["field documents.0.text", "required"]),
        (
            [ASKED, {**ASKED, "id": "h", "documents": [{**PASSAGE, "text": "Other."}]}],
            ["line 2", "documents.id", "other words"],
        ),
        ([{**CHAT, "messages": []}], ["field messages", "user's"]),
        ([{**CHAT, "check": []}], ["field check", "did you mean 'checks'"]),
        ([{**PLAIN, "must": []}], ["field must", "a right answer holds"]),
        ([{**PLAIN, "must": [" "]}], ["field must.0", "write something"]),
        ([{**DIALOGUE, "answerability": "maybe"}], ["field answerability", "partial"]),
        ([{**VERDICT, "label": "true"}], ["field label", "unsupported"]),
        ([{**VERDICT, "evidence": ""}], ["field evidence", "write something"]),
        ([{**REWRITE, "standalone": 5}], ["field standalone", "string"]),
        ([{"suite": "x", "version": "1"}, GOOD], ["field version", "whole number"]),
        ([], ["no case"]),
        ([{"suite": "x"}], ["no case"]),
    ],
)  # fmt: skip
def test_faults_are_named(tmp_path: Path, lines: list[object], words: list[str]) -> None:
    with pytest.raises(SuiteError) as fault:
        load(written(tmp_path, *lines))
    for word in ["mine.jsonl", *words]:
        assert word in str(fault.value)


def test_all_faults_are_counted(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="and 2 more faults"):
        load(written(tmp_path, {**GOOD, "label": "x"}, {**GOOD, "id": "b", "label": "x"}, "{"))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(b'{"id": "a"}\n\xff\xfe')
    with pytest.raises(SuiteError, match=r"line 2.*UTF-8"):
        load(path)


def test_a_query_for_a_passage_that_is_not_there(tmp_path: Path) -> None:
    written(tmp_path, PASSAGE, name="corpus.jsonl")
    written(tmp_path, {"id": "1", "query": "q", "relevant": ["e"]}, name="queries.jsonl")
    with pytest.raises(SuiteError, match=r"queries\.jsonl, line 1, field relevant"):
        load(tmp_path)


def test_an_unknown_name_lists_the_built_in_ones() -> None:
    with pytest.raises(SuiteError, match="no such file"):
        load("no-such-suite")
