"""A runtime for the pages: the real store, documents held in memory, answers by script. No model, no index."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assistant.config import Settings
from assistant.engine.protocol import EngineState
from assistant.errors import NoTextError, NotFoundError
from assistant.measurements import Measurements
from assistant.request import Request
from assistant.schema import (
    AdapterRef,
    Answer,
    Chunk,
    Citation,
    Delta,
    Document,
    Doubt,
    Finish,
    Found,
    Hit,
    Mark,
    Sampling,
    Sentence,
    Sentiment,
    Source,
    Status,
    Summary,
    SummaryProgress,
    SummarySentence,
    TranslatedSentence,
    Translation,
    TranslationProgress,
    Verdict,
)
from assistant.scope import EVERYTHING, Scope
from assistant.store import Store, User

HANDBOOK = """Staff handbook

How many days of leave do I have?
Every employee has 25 days of paid leave a year. Up to 5 days may be carried over until 31 March of the next year. Leave is requested in the portal at least two weeks ahead.

Working from home
Employees may work from home up to three days a week. The team agrees on one common day in the office. Equipment worth up to 600 EUR is paid for.

Expenses
Travel expenses are refunded within 14 days. Receipts are needed for every amount above 20 EUR.
"""
BY_HEART = {
    "Every employee has 25 days of paid leave a year.": "每位员工每年有 25 天带薪休假。",
    "Leave is requested in the portal at least two weeks ahead.": "休假须至少提前两周在门户网站上申请。",
    "Travel expenses are refunded within 14 days.": "差旅费在两周之内报销。",
}
REFUND = """退款政策

怎样申请退款？
收到商品后 7 天内可以申请退款。退款会在 3 个工作日内退回原支付账户。定制商品不支持退款。

运费由谁承担？
商品有质量问题时，运费由商家承担；其他情况由买家承担。
"""


class DemoLibrary:
    """Documents in memory; search counts common characters."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.documents: dict[str, Document] = {}

    def ingest(
        self,
        user: User,
        collection_id: str,
        name: str,
        source: Path | bytes,
        progress: Callable[[Any], None] | None = None,
    ) -> list[Any]:
        data = source if isinstance(source, bytes) else source.read_bytes()
        record = self._store.documents.add(
            user,
            collection_id,
            title=name,
            filename=name,
            media_type="text/plain",
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
        )
        text = data.decode("utf-8", "ignore")
        if not text.strip():
            error = str(NoTextError(name=name, pages=1))
            return [self._store.documents.set_state(user, record.id, "failed", error=error)]
        for state, share in (("parsing", 0.2), ("embedding", 0.6)):
            moved = self._store.documents.set_state(user, record.id, state, progress=share)
            if progress:
                progress(moved)
        marks = tuple(
            Mark(text.index(line), "heading", line)
            for line in text.splitlines()
            if line and len(line) < 40 and "。" not in line and not line.endswith(".")
        )
        title = text.strip().splitlines()[0][:60]
        self.documents[record.id] = Document(record.id, title, text, record.sha256, "text/plain", marks)
        chunks = self.chunks(user, record.id)
        language = "zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"
        return [
            self._store.documents.set_state(
                user,
                record.id,
                "ready",
                progress=1.0,
                title=title,
                pages=1,
                characters=len(text),
                chunks=len(chunks),
                language=language,
                removed=0,
            )
        ]

    def retry(self, user: User, document_id: str, progress: Any = None) -> list[Any]:
        return [self._store.documents.get(user, document_id)]

    def document(self, user: User, document_id: str) -> Document:
        self._store.documents.get(user, document_id)
        return self.documents[document_id]

    def chunks(self, user: User, document_id: str) -> list[Chunk]:
        text, chunks, start = self.documents[document_id].text, [], 0
        for part in text.split("\n\n"):
            at = text.index(part, start)
            if part.strip():
                head = part.strip().splitlines()[0]
                chunks.append(Chunk(document_id, at, at + len(part), part, 1, head if len(head) < 40 else ""))
            start = at + len(part)
        return chunks

    def search(
        self,
        user: User,
        query: str,
        *,
        collection_ids: Sequence[str] | None = None,
        document_ids: Any = None,
        k: int = 6,
    ) -> Any:
        ids = self._store.documents.ready_ids(user, collection_ids)
        words = {w for w in query.lower().split() if len(w) > 2} | {
            c for c in query if "\u4e00" <= c <= "\u9fff"
        }
        scored = []
        for document_id in ids:
            for chunk in self.chunks(user, document_id):
                shared = sum(word in chunk.text.lower() for word in words)
                scored.append((shared / max(1, len(words)), chunk))
        scored.sort(key=lambda pair: -pair[0])
        hits = tuple(
            Hit(
                chunk,
                self.documents[chunk.document_id].title,
                round(1 / (60 + rank) + share, 4),
                dense=0.4 + share / 2,
                dense_rank=rank,
                lexical=7 * share if share else None,
                lexical_rank=rank if share else None,
                context=chunk.text,
                context_start=chunk.start,
            )
            for rank, (share, chunk) in enumerate(scored[:k], 1)
        )
        return SimpleNamespace(
            query=query,
            hits=hits,
            searched=len(ids),
            dense=hits,
            lexical=tuple(h for h in hits if h.lexical_rank),
            fused=hits,
            seconds=0.01,
        )

    def delete(self, user: User, document_id: str) -> None:
        self._store.documents.delete(user, document_id)
        self.documents.pop(document_id, None)

    def delete_collection(self, user: User, collection_id: str) -> None:
        self._store.collections.delete(user, collection_id)

    def delete_user_data(self, user: User) -> None:
        self._store.delete_user_data(user)


class DemoRuntime:
    """What the pages need of ``assistant.assistant.Assistant``."""

    def __init__(self, home: Path, *, pace: float = 0.0) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(home=home, models_dir=home / "models", model="smollm2-135m", samples=False)
        self.store = Store(self.settings.database)
        self.store.migrate()
        self.library = DemoLibrary(self.store)
        self.models = self.workspace = self
        self.pace = pace
        self.writes_answers = True
        self.writes: tuple[str, ...] = ("en", "zh")
        self.asked: list[tuple[tuple[Any, ...], str]] = []
        self.measurements = Measurements(self)  # type: ignore[arg-type]

    def languages(self) -> tuple[str, ...]:
        return self.writes

    def reads(self) -> bool:
        return self.writes_answers

    def state(self) -> EngineState:
        return EngineState("ready")

    def adapters(self) -> list[AdapterRef]:
        return [AdapterRef("youju-1", "/nowhere", "smollm2-135m")]

    def adapter_name(self, name: str | None) -> str | None:
        if name in (None, "", "none"):
            return None
        if name != "youju-1":
            raise NotFoundError(kind="adapter", value=name)
        return name

    def calibration_name(self, adapter: str | None) -> str:
        return f"demo--{adapter}.json"

    def sampling(self, **changes: Any) -> Sampling:
        return replace(Sampling(), **changes)

    def generator(self) -> Any:
        raise NotImplementedError

    def chat_turn(
        self, user: User, request: Request, scope: Scope | None = EVERYTHING, adapter: str | None = None
    ) -> Iterator[Any]:
        question = request.question
        self.asked.append((request.history, question))
        if scope is None:
            yield from self._write("Hello. I answer without documents here.", ())
            return
        yield Status("searching", len(self.store.documents.ready_ids(user, scope.collection_ids)))
        found = self.library.search(user, question, collection_ids=scope.collection_ids, k=5)
        time.sleep(self.pace * 4)
        if not found.hits or (found.hits[0].lexical or 0) < 2:
            yield Answer("", Finish.DECLINED, hits=found.hits, query=question, confidence=0.12)
            return
        yield Status("found", len(found.hits))
        yield Found(found.hits)
        text, rules = _script(question)
        yield Status("writing")
        yield from self._write(text, found.hits, rules, question)

    def _write(
        self, text: str, hits: tuple[Hit, ...], rules: Sequence[tuple[Verdict, str]] = (), query: str = ""
    ) -> Iterator[Any]:
        for start in range(0, len(text), 6):
            time.sleep(self.pace)
            yield Delta(text[start : start + 6], tokens=start // 6)
        citations = tuple(
            Citation(
                n,
                h.chunk.document_id,
                h.title,
                h.chunk.start,
                h.chunk.end,
                h.chunk.text,
                h.chunk.page,
                h.chunk.heading,
            )
            for n, h in enumerate(hits, 1)
            if f"[{n}]" in text
        )
        yield Answer(
            text,
            Finish.STOP,
            citations,
            tuple(_sentences(text, rules)),
            citations[0] if citations else None,
            hits,
            query,
            0.87,
            tokens=42,
            seconds=3.2,
        )

    def summarize(self, user: User, text: str, **options: Any) -> Iterator[Any]:
        for done in range(4):
            time.sleep(self.pace * 3)
            yield SummaryProgress(done, 3, 1)
        lines = [line for line in text.splitlines() if len(line) > 40][:3] or [text[:80]]
        sentences = tuple(
            SummarySentence(
                line.split(". ")[0].rstrip(".") + ".",
                (Source(text.index(line), text.index(line) + len(line), 0.9),),
                Verdict.SUPPORTED if i != 1 else Verdict.PARTLY,
            )
            for i, line in enumerate(lines)
        )
        yield Summary(" ".join(s.text for s in sentences), sentences, 3, 2)

    def translate(self, user: User, text: str, **options: Any) -> Iterator[Any]:
        """By heart where it knows the sentence; a number that a sentence has is lost in every other one."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        rows: list[TranslatedSentence] = []
        for line in lines:
            yield TranslationProgress(len(rows), len(lines), len(rows) - 1, rows[-1] if rows else None)
            time.sleep(self.pace * 3)
            found = re.findall(r"\d+", line)
            lost = (Doubt("number", found[0]),) if found and len(rows) % 2 else ()
            rows.append(TranslatedSentence(line, BY_HEART.get(line, "译：" + line), lost))
        yield TranslationProgress(len(rows), len(lines), len(rows) - 1, rows[-1])
        yield Translation("\n\n".join(row.text for row in rows), "zh", tuple(rows))

    def sentiment(
        self, user: User, texts: Sequence[str], *, explain: bool = False, adapter: str | None = None
    ) -> Iterator[Sentiment]:
        for text in texts:
            good = sum(w in text.lower() for w in ("good", "love", "wonderful", "好", "喜欢"))
            bad = sum(w in text.lower() for w in ("bad", "slow", "boring", "差", "慢"))
            total = good + bad + 1
            words = tuple(
                (
                    w + " ",
                    0.8
                    if w.strip(".,").lower() in ("good", "love", "wonderful")
                    else -0.7
                    if w.strip(".,").lower() in ("bad", "slow", "boring")
                    else 0.0,
                )
                for w in text.split(" ")
            )
            yield Sentiment(bad / total, 1 / total, good / total, good == bad, words if explain else ())

    def close(self) -> None:
        self.store.close()


def _script(question: str) -> tuple[str, list[tuple[Verdict, str]]]:
    if any("\u4e00" <= c <= "\u9fff" for c in question):
        return (
            "收到商品后 **7 天**内可以申请退款 [1]。退款会在 5 个工作日内退回原支付账户 [1]。客服会另外赠送优惠券。",
            [
                (Verdict.SUPPORTED, ""),
                (Verdict.CONTRADICTED, "number:5"),
                (Verdict.NO_SOURCE, "overlap:0.08"),
            ],
        )
    return (
        "Every employee has **25 days** of paid leave a year [1]. Up to 5 days may be carried over until the end of "
        "March [1]. Leave is requested at least three weeks ahead [1]. Managers usually approve it the same day.",
        [
            (Verdict.SUPPORTED, ""),
            (Verdict.PARTLY, "overlap:0.58"),
            (Verdict.CONTRADICTED, "number:3"),
            (Verdict.NO_SOURCE, "overlap:0.11"),
        ],
    )


def _sentences(text: str, rules: Sequence[tuple[Verdict, str]]) -> Iterator[Sentence]:
    start = 0
    for number, (verdict, reason) in enumerate(rules):
        ends = [i for i in (text.find(". ", start), text.find("。", start)) if i >= 0]
        end = min(ends) + 1 if ends and number < len(rules) - 1 else len(text)
        yield Sentence(text[start:end], start, end, verdict, (1,) if "[1]" in text[start:end] else (), reason)
        start = end + (1 if end < len(text) and text[end] == " " else 0)


def furnish(runtime: DemoRuntime, user: User) -> None:
    """Two documents, as a first start has them."""
    collection = runtime.workspace.store.collections.default(user)
    runtime.workspace.library.ingest(user, collection.id, "handbook.txt", HANDBOOK.encode())
    runtime.workspace.library.ingest(user, collection.id, "退款政策.txt", REFUND.encode())
