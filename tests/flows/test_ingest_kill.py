"""An import that is killed at any moment leaves the data folder as it was before, or as it is after."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from fakes import WordEmbedder

from assistant.retrieval.library import Library
from assistant.store import Store

ROUNDS = 6
STEPS = 250
"""Steps that the child reports in some three turns of its loop: a round ends after fewer."""
CHILD = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from fakes import WordEmbedder
from assistant.retrieval import ingest
from assistant.retrieval.library import Library
from assistant.store import Store
ingest._GROUP = 6
home = Path(sys.argv[1])
store = Store(f"sqlite:///{{home / 'youju.db'}}")
store.migrate()
model = WordEmbedder()
step = lambda record: print("step", record.state, flush=True)
library = Library(store, home / "index", home / "files", home / "staging", lambda: model)
library.recover()
user = store.users.local()
collection = store.collections.default(user).id
print("begin", flush=True)
n = 0
while True:
    n += 1
    rows = "\\n".join('{{"title": "r%s-%d", "text": "Row %d of round %s costs %d pounds"}}' % (sys.argv[2], i, i, sys.argv[2], n) for i in range(n * 10, n * 10 + 10))
    library.ingest(user, collection, "rows.jsonl", rows.encode(), step)
    (record,) = library.ingest(user, collection, "a.md", ("# Part\\n\\nWords of document %s %d. " % (sys.argv[2], n)).encode() * 40, step)
    print("done", record.id, flush=True)
    if n % 2 == 0:
        print("going", record.id, flush=True)
        library.delete(user, record.id)
        print("gone", record.id, flush=True)
        library.purge()
"""


def start(home: Path, number: int) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    code = CHILD.format(paths=[str(root), str(root / "tests")])
    command = [sys.executable, "-c", code, str(home), str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(lines: list[str]) -> tuple[set[str], set[str]]:
    """Ids that the child said are in, and are out; one on its way out may be either."""
    words = [line.split() for line in lines if len(line.split()) == 2]
    done, going, gone = ({word[1] for word in words if word[0] == said} for said in ("done", "going", "gone"))
    return done - going, gone


def check(home: Path, done: set[str], gone: set[str]) -> None:
    store = Store(f"sqlite:///{home / 'youju.db'}")
    store.migrate()
    library = Library(store, home / "index", home / "files", home / "staging", WordEmbedder)
    user = store.users.local()
    records = {record.id: record for record in store.documents.list(user)}
    ready = {id_ for id_, record in records.items() if record.state == "ready"}
    before = library.search(user, "row of round costs document words", k=20)
    assert {
        hit.chunk.document_id for hit in before.fused
    } <= ready  # nothing half done is found, even unswept
    library.recover()
    assert done <= ready
    assert not gone & set(records)
    assert library._index.document_ids() == ready
    for id_ in ready:
        text = library.document(user, id_).text
        chunks = library.chunks(user, id_)
        assert len(chunks) == records[id_].chunks
        assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert {path.name for path in (home / "files").glob("*")} <= set(records)
    assert not (home / "staging").exists()
    pointer = home / "index" / "current.json"
    named = [json.loads(pointer.read_text())["folder"]] if pointer.exists() else []
    assert [path.name for path in (home / "index").glob("*") if path.is_dir()] == named
    library.close()
    store.close()


def test_kill_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(20_261_122)
    done: set[str] = set()
    gone: set[str] = set()
    for number in range(ROUNDS):
        child = start(tmp_path, number)
        assert child.stdout is not None
        assert child.stdout.readline() == "begin\n"
        seen = [child.stdout.readline() for _ in range(chance.randrange(STEPS))]
        time.sleep(chance.uniform(0.0, 0.02))
        child.send_signal(signal.SIGKILL)
        kept, deleted = told([*seen, *child.stdout.read().splitlines()])
        child.wait()
        done, gone = done | kept, gone | deleted
        check(tmp_path, done, gone)
    assert done, "no round came far enough to try anything"
