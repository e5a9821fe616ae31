"""What an adapter's folder says it can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.errors import AdapterError
from assistant.models import skills
from assistant.models.skills import Skills
from assistant.schema import AdapterRef


def test_without_a_file_it_is_any_model(tmp_path: Path) -> None:
    assert skills.of(AdapterRef("plain", str(tmp_path), "base")) == Skills()


def test_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / skills.FILE).write_text(json.dumps({"sentiment": True}), encoding="utf-8")
    assert skills.of(AdapterRef("able", str(tmp_path), "base")) == Skills(sentiment=True)


def test_what_adapters_of_earlier_versions_say_besides_is_passed_over(tmp_path: Path) -> None:
    said = {
        "grounded": True,
        "sentiment": True,
        "refusal": {"bias": 0.5, "model": 0.7, "threshold": 0.4},
        "passages": 3,
    }
    (tmp_path / skills.FILE).write_text(json.dumps(said), encoding="utf-8")
    assert skills.of(AdapterRef("old", str(tmp_path), "base")) == Skills(sentiment=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "Expecting"), ('{"sentiment": "perhaps"}', "sentiment"), ("[]", "dict")],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / skills.FILE).write_text(text, encoding="utf-8")
    with pytest.raises(AdapterError, match=f"(?s)able.*{said}"):
        skills.of(AdapterRef("able", str(tmp_path), "base"))
