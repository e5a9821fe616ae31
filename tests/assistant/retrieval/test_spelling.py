"""A mistyped word is searched for as the documents write it; every other word is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.retrieval.index import Entry, Index, Scope
from assistant.retrieval.spelling import mended
from assistant.schema import Chunk

TEXTS = (
    "Passwords are at least 14 characters long.",
    "Expenses are reimbursed within ten days; receipts go to Accounts.",
    "Calibration kit CK-2 and battery type LH-36.",
    "员工的密码至少十四位。",
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("index")
    made = Index(folder)
    made.prepare("fixed", 4)
    chunks = [Chunk(f"d{at}", 0, len(text), text) for at, text in enumerate(TEXTS)]
    made.add([Entry("u", "c", "", chunk) for chunk in chunks], np.eye(4, dtype=np.float32))
    made.tidy()
    return made


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("how long must my pasword be", "how long must my passwords be"),
        ("are expences paid back?", "are expenses paid back?"),
        ("how long must a password be", "how long must a password be"),
        ("are expense claims reimbursed", "are expense claims reimbursed"),
        ("what about their dog", "what about their dog"),
        ("what is CK-3 or CALIBRATOR-2", "what is CK-3 or CALIBRATOR-2"),
        ("密码要多长", "密码要多长"),
        ("is there a swimming pool", "is there a swimming pool"),
    ],
)
def test_words(index: Index, typed: str, searched: str) -> None:
    assert mended(index, typed, Scope("u")) == searched


def test_only_the_words_of_documents_in_scope_mend(index: Index) -> None:
    assert mended(index, "my pasword", Scope("someone else")) == "my pasword"
