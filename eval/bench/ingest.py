"""What adding documents costs beyond embedding them: the same chunks through library and bare model."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from assistant import config
from assistant.retrieval import embedder
from assistant.retrieval.embedder import Embedder
from assistant.retrieval.library import Library
from assistant.store import Store
from eval.bench.results import Row, save

DOCUMENTS = 24
TURNS = 3
"""The two take turns, and the median of the turns' ratios counts: other work slows single ones."""


def ingest(data: bytes, model: Embedder) -> tuple[float, list[str]]:
    """Seconds from a file to searchable, and the chunks that were embedded."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = Store(f"sqlite:///{home / 'bench.db'}")
        store.migrate()
        user = store.users.local()
        library = Library(store, home / "index", home / "files", home / "staging", lambda: model)
        collection = store.collections.default(user).id
        begin = time.perf_counter()
        records = library.ingest(user, collection, "documents.jsonl", data)
        seconds = time.perf_counter() - begin
        chunks = [chunk.text for record in records for chunk in library.chunks(user, record.id)]
        library.close()
        store.close()
    return seconds, chunks


def measure(path: Path, model: Embedder) -> list[Row]:
    """Throughput of both, and their ratio."""
    lines = path.read_text(encoding="utf-8").splitlines()[:DOCUMENTS]
    model.embed_documents([json.loads(lines[0])["content"]])  # the first call pays for threads and pages
    ours: list[float] = []
    bare: list[float] = []
    chunks: list[str] = []
    for _ in range(TURNS):
        seconds, chunks = ingest("\n".join(lines).encode(), model)
        ours.append(seconds)
        begin = time.perf_counter()
        model.embed_documents(chunks)
        bare.append(time.perf_counter() - begin)
    n = len(chunks)
    beside = f"bare embedder {n / min(bare):.1f} chunks/s"
    ratio = statistics.median(theirs / own for theirs, own in zip(bare, ours, strict=True))
    return [
        Row("ingest over bare embedder", ratio, target=">= 0.9", beside=beside, n=n),
        Row("ingest", n / min(ours), "chunks/s", beside=beside, n=n),
        Row("ingest", len(lines) / min(ours), "documents/s", n=len(lines)),
    ]


def main() -> None:
    """Measure, print, save."""
    settings = config.load()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("YOUJU_DATA"), help="folder of data sets")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data or YOUJU_DATA: where the data sets are")
    model = embedder.load(settings.embedder, settings.models_dir)
    save("ingest", measure(Path(options.data) / "documents" / "bank-help-centre.jsonl", model))


if __name__ == "__main__":
    main()
