"""An index of an earlier version serves by words until it is made anew."""

from __future__ import annotations

import json
from pathlib import Path

import lancedb
import numpy as np

from assistant.retrieval.index import TABLE, Entry, Index, Scope
from assistant.schema import Chunk

NEW = ["header", "chinese"]


def test_an_index_without_the_new_columns_is_read(tmp_path: Path) -> None:
    made = Index(tmp_path)
    made.prepare("old-titled", 2)
    made.add([Entry("u", "c", "t", Chunk("d", 0, 7, "refunds"))], np.ones((1, 2), np.float32))
    folder = tmp_path / json.loads((tmp_path / "current.json").read_text())["folder"]
    lancedb.connect(str(folder)).open_table(TABLE).drop_columns(NEW)
    again = Index(tmp_path)
    assert again.embedder == "old-titled"
    assert [found.chunk.text for found in again.lexical("refunds", Scope("u"), 3)] == ["refunds"]
    assert [chunk.header for chunk in again.chunks(Scope("u"))] == [""]
