from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from assistant import config
from assistant.prompts import UNRELATED
from assistant.retrieval import embedder, language, search
from assistant.retrieval.index import Entry, Index, Scope
from assistant.schema import Chunk

SUBJECTS = {"refund": 0, "退款": 0, "battery": 1, "电池": 1, "garden": 2, "花园": 2}


class Leaning:
    """A subject, and a language that weighs more: Chinese questions find Chinese passages, whatever they say."""

    id = "leaning"
    dim = 5
    window = 64

    def count(self, text: str) -> int:
        return len(text)

    def embed_query(self, text: str) -> np.ndarray:
        return self.embed_documents([text])[0]

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[3 if language.is_chinese(text) else 4] = 2.0
            row[[at for word, at in SUBJECTS.items() if word in text]] = 1.0
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("退款要几天？", "A refund takes three days."),
        ("How long does the battery last?", "电池可用十四个月。"),
    ],
)
def test_a_passage_on_the_subject_comes_before_others_in_the_language_of_the_question(
    tmp_path: Path, question: str, wanted: str
) -> None:
    texts = [
        "A refund takes three days.",
        "The garden opens at nine.",
        "电池可用十四个月。",
        "花园九点开放。",
    ]
    model, index = Leaning(), Index(tmp_path)
    index.prepare(model.id, model.dim)
    entries = [Entry("u", "c", "", Chunk(f"d{at}", 0, len(text), text)) for at, text in enumerate(texts)]
    index.add(entries, model.embed_documents(texts))
    found = search.stages(index, model, [question], Scope("u"), lambda _: True).fused
    assert found[0].chunk.text == wanted
    cosines = [
        float(model.embed_query(question) @ model.embed_documents([hit.chunk.text])[0]) for hit in found
    ]
    assert [hit.dense for hit in found] == pytest.approx(cosines)
    assert max(cosines) > cosines[0], "by its cosine another one is nearer"


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("怎样用 apt-get 安装软件包？", True),
        ("退款", True),
        ("Lanhu 澜湖 makes sensors for water", False),
        ("refund", False),
        ("2026 …", False),
        ("", False),
    ],
)
def test_names_and_commands_do_not_change_the_language(text: str, chinese: bool) -> None:
    assert language.is_chinese(text) == chinese


def test_questions_of_both_languages_are_the_same_ones() -> None:
    assert len(UNRELATED["en"]) == len(UNRELATED["zh"])
    assert all(language.is_chinese(text) for text in UNRELATED["zh"])
    assert not any(language.is_chinese(text) for text in UNRELATED["en"])


@pytest.mark.weights
def test_the_default_embedder_finds_the_english_answer_among_chinese_passages() -> None:
    settings = config.load()
    model = embedder.load(settings.embedder, settings.models_dir)
    question = model.embed_query("传感器的电池能用多久？")
    answer, *others = model.embed_documents(
        [
            "At the default interval the battery lasts 14 months and can be replaced without tools.",
            "出差须至少提前三个工作日在系统中提交申请。",
            "发票遗失的，可凭付款记录报销金额的百分之七十。",
            "客服热线每天九点到十八点开通。",
            "门票可以在网站上购买，当天有效。",
        ]
    )
    freed = language.removed(question, language.axis(model))
    assert answer @ question < max(other @ question for other in others)
    assert answer @ freed > max(other @ freed for other in others)
