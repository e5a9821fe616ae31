"""The mixture of our own adapters, made of a few invented rows."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from assistant import prompts
from finetune import mixture
from finetune.portions import Portions

PORTIONS = Portions(
    passages={"en": 1.0, "zh": 1.0},
    sentiment={"movieReviewSnippets": 4, "zh": 2},
    summaries={"en": 1, "zh": 1},
)


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    def asked(lang: str, article: int, passage: int, question: int, answerable: bool) -> dict[str, Any]:
        name = f"{lang}-{article}-{passage}"
        text = f"{name}: 國家 number {question}." if lang == "zh" else f"{name} says number {question}."
        return {
            "id": f"{name}-{question}", "lang": lang, "question": f"What does {name} say ({question})?",
            "documents": [{"id": name, "title": f"{lang} {article}", "text": text}],
            "answers": [name] if answerable else [], "answerable": answerable,
        }  # fmt: skip

    for lang in ("en", "zh"):
        rows = [
            asked(lang, article, passage, question, lang == "zh" or question < 2)
            for article in range(4) for passage in range(4) for question in range(3)
        ]  # fmt: skip
        lines(tmp_path / "grounded" / f"{lang}.train.jsonl", rows)
        kind = "movieReviewSnippets" if lang == "en" else "0"
        felt = [
            {
                "id": f"s-{kind}-{n}",
                "lang": lang,
                "text": f"text {n}",
                "label": ("negative", "positive")[n % 2],
            }
            for n in range(20)
        ]
        lines(tmp_path / "sentiment" / f"{lang}.train.jsonl", felt)
        lines(
            tmp_path / "summarize" / f"{lang}.train.jsonl",
            [{"id": f"sum-{lang}", "lang": lang, "text": "Long.", "references": ["Short."]}],
        )
    return tmp_path


def test_an_answer_names_the_passage_that_holds_it_and_the_rest_is_refused(data: Path) -> None:
    rows = [row for row in mixture.build(data, PORTIONS) if row.task == "grounded"]
    refused = {"en": 0, "zh": 0}
    for row in rows:
        asked, said = row.messages[-2].text, row.messages[-1].text
        passages = dict(re.findall(r"^\[(\d)\] (\S+?)(?::| says)", asked, re.MULTILINE))
        about = re.search(r"What does (\S+) say", asked)
        assert about
        if said == prompts.NOT_FOUND[row.language]:
            refused[row.language] += 1
            assert about[1] not in passages.values() or row.id.endswith("-2")
        else:
            name, number = re.fullmatch(r"(\S+) \[(\d)\]", said).groups()  # type: ignore[union-attr]
            assert passages[number] == name == about[1]
    assert refused == {"en": 16 + 16, "zh": 16 * 2}, "a file's own ones and one away; two of three away"


def test_most_chinese_passages_are_simplified_with_their_questions(data: Path) -> None:
    rows = [row for row in mixture.build(data, PORTIONS) if row.language == "zh" and row.task == "grounded"]
    kinds = Counter(character for row in rows for character in "国國" if character in row.messages[-2].text)
    assert kinds["国"] > kinds["國"] > 0


def test_each_kind_has_its_portion_and_a_seed_gives_the_same_rows(data: Path) -> None:
    made = mixture.build(data, PORTIONS)
    felt = Counter(row.language for row in made if row.task == "sentiment")
    assert felt == {"en": 4, "zh": 2}
    assert sum(row.task == "summarize" for row in made) == 2
    assert mixture.build(data, PORTIONS) == made
    assert mixture.build(data, PORTIONS, seed=1) != made


def test_cut_passages_keep_the_sentences_that_share_most_with_the_question(data: Path) -> None:
    path = data / "grounded" / "en.train.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        text = row["documents"][0]["text"]
        row["documents"][0]["text"] = (
            f"Winters are long. Rivers freeze. Nobody sails. {text} Then spring comes."
        )
    lines(path, rows)
    cut = Portions(passages={"en": 1.0}, sentiment={}, summaries={"en": 0}, cut=True)
    made = mixture.build(data, cut)
    assert made
    answered = [row for row in made if row.messages[-1].text != prompts.NOT_FOUND["en"]]
    assert answered
    for row in answered:
        asked, said = row.messages[-2].text, row.messages[-1].text
        assert "Winters" not in asked
        assert said.removesuffix(" [1]") in asked
    assert not any(re.search(r"^\[2\]", row.messages[-2].text, re.MULTILINE) for row in made), (
        "they stand alone"
    )


def test_texts_of_an_earlier_mixture_are_left_out(data: Path) -> None:
    first = {row.id for row in mixture.build(data, PORTIONS) if row.task == "sentiment"}
    second = {row.id for row in mixture.build(data, PORTIONS, but=first) if row.task == "sentiment"}
    assert second
    assert not first & second


def test_nothing_is_learnt_about_passages_and_articles_held_out(data: Path) -> None:
    made = mixture.build(data, PORTIONS, held_out={"en-0-1", "zh 2"})
    asked = "\n".join(row.messages[-2].text for row in made if row.task == "grounded")
    assert "en-0-0 says" in asked
    assert "en-0-1" not in asked
    assert "zh-1-0" in asked
    assert "zh-2-" not in asked


def test_our_own_questions_are_answered_by_their_passages() -> None:
    rows = [
        json.loads(line)
        for line in (Path(mixture.__file__).parent / "manuals.jsonl").read_text().splitlines()
    ]
    assert len({row["id"] for row in rows}) == len(rows) >= 300
    for row in rows:
        assert row["answerable"] == bool(row["answers"])
        assert all(answer in row["documents"][0]["text"] for answer in row["answers"])


def test_manuals_are_asked_cut_and_whole_and_of_another_passage(data: Path) -> None:
    made = mixture.build(data, Portions({}, {}, {}, manuals=("en",)))
    replies = {
        kind: [e.messages[-1].text for e in made if e.id.endswith(kind)]
        for kind in ("-whole", "-far", "-away")
    }
    assert all(reply == prompts.NOT_FOUND["en"] for kind in ("-far", "-away") for reply in replies[kind])
    assert len(replies["-whole"]) >= 300
    answered = [e for e in made if e.messages[-1].text != prompts.NOT_FOUND["en"]]
    for example in answered:
        assert example.messages[-1].text.removesuffix(" [1]") in example.messages[-2].text
    assert 0.4 < len(answered) / len(made) < 0.7
