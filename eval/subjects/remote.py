"""A running Youju server, through the API that everybody uses. Each request brings what it is about."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from assistant.errors import BadRequestError, EngineError, UnauthorizedError
from assistant.schema import Citation, Message, Sentiment, Summary
from assistant.tools.summarize import as_long_as
from eval.schema import (
    Case,
    ChatCase,
    DialogueCase,
    GroundedCase,
    Passage,
    PlainCase,
    Prediction,
    RetrievalCase,
    RewriteCase,
    SentimentCase,
    Suite,
    SummarizeCase,
    VerdictCase,
    task_of,
)
from eval.subjects import making, shelf
from eval.subjects.protocol import Progress, StoppedError

READERS = 4
"""Requests that a server takes from one user at once, as it comes."""
RETRIES = 6
TIMEOUT_S = 600.0
GROUNDED = "youju"
"""The name under which our server answers from documents."""
_SUMMARY, _SENTIMENT, _CITATION = TypeAdapter(Summary), TypeAdapter(Sentiment), TypeAdapter(Citation)


class RemoteSubject:
    """A server of ours. A question brings its own documents (``--oracle``); nothing stays on the server.

    Plain questions are put to the server's documents.

    Args:
        url: Ends in ``/v1``.
        key: An API key of the server; empty where it asks for none.
        model: Model or adapter to name; empty takes what the server answers with by itself.
        retrieval: False asks the model alone.
        oracle: Each question brings its own documents.
        seed: Of sampling.

    Raises:
        EngineError: The server cannot be reached.
        UnauthorizedError: It refuses the key.
        BadRequestError: It has no such model.
    """

    readers = READERS

    def __init__(
        self,
        url: str,
        key: str,
        *,
        model: str = "",
        retrieval: bool = True,
        oracle: bool = False,
        seed: int = 0,
    ) -> None:
        self._url, self._retrieval, self._oracle, self._seed = url, retrieval, oracle, seed
        self._client = client(url, key)
        self._models = models(url, key)
        if model and model not in self._models:
            remedy = f"the server has {', '.join(self._models)}"
            raise BadRequestError(field="model", value=repr(model), remedy=remedy)
        self._chosen = model
        self._stopped = threading.Event()

    @property
    def _alone(self) -> str:
        """The name of the model without documents: the server lists it after its own."""
        return self._chosen or next(name for name in self._models if name != GROUNDED)

    def describe(self) -> dict[str, Any]:
        """What the server tells of itself; device and versions it does not tell."""
        options = {"retrieval": self._retrieval, "oracle": self._oracle}
        said = {"url": self._url, "base": self._alone, "model": self._chosen or GROUNDED}
        return {**said, "models": self._models, "options": options}

    def prepare(self, suite: Suite, work: Path, progress: Progress) -> None:
        """See that the suite can be asked this way."""
        if any(isinstance(case, RetrievalCase) for case in suite.cases):
            remedy = "measure retrieval without --url, with the embedder that the server uses"
            raise BadRequestError(field="--url", value="a retrieval suite", remedy=remedy)
        if any(isinstance(case, RewriteCase | VerdictCase) for case in suite.cases):
            remedy = "measure it without --url: a server answers turns, and shows no part of one"
            raise BadRequestError(field="--url", value="a suite of rewrites or verdicts", remedy=remedy)
        if any(isinstance(case, DialogueCase) and not case.documents for case in suite.cases):
            remedy = "measure it without --url: a server would search all that it has"
            raise BadRequestError(field="--url", value="a dialogue without documents", remedy=remedy)
        grounded = any(isinstance(case, GroundedCase) for case in suite.cases)
        if grounded and self._retrieval and not self._oracle:
            remedy = "add --oracle, so that each question brings its own documents, or leave out --url"
            raise BadRequestError(field="--url", value="a collection to search", remedy=remedy)

    def predict(self, case: Case) -> Prediction:
        """See ``Subject``."""
        started = time.monotonic()
        with self._faults():
            match case:
                case SummarizeCase():
                    said, usage = self._task("summarize", case.text, length=as_long_as(case.references))
                    summary = _SUMMARY.validate_python(said["summary"])
                    found = replace(making.summarized(case.id, summary), tokens=usage)
                case SentimentCase():
                    said, _ = self._task("sentiment", case.text)
                    found = making.judged(case.id, _SENTIMENT.validate_python(said["sentiment"]))
                case RetrievalCase() | RewriteCase() | VerdictCase():
                    raise AssertionError("prepare() refuses it")
                case ChatCase():
                    found = self._alone_said(case)
                case _:
                    found = self._answered(case) if self._retrieval else self._alone_said(case)
        return replace(found, seconds=time.monotonic() - started)

    def _answered(self, case: GroundedCase | PlainCase | DialogueCase) -> Prediction:
        """A turn over documents: those that come with it, or the server's own."""
        documents = () if isinstance(case, PlainCase) else case.documents
        brought = [{"id": each.id, "title": each.title, "text": each.text} for each in documents]
        said, tokens, first = self._streamed(
            self._chosen or GROUNDED, making.conversation(case), {"documents": brought}
        )
        found = Prediction(
            case.id,
            task_of(case),
            said["text"],
            verdicts=tuple(sentence["verdict"] for sentence in said["sentences"]),
            declined=said["declined"],
            quoted=said["quoted"],
            confidence=said["confidence"],
            tokens=tokens,
            first_token_s=first,
        )
        return _read_from(found, said, documents) if documents else _in_use(found, said)

    def _alone_said(self, case: making.Turn) -> Prediction:
        """What the model alone says."""
        said, tokens, first = self._streamed(self._alone, making.conversation(case), None)
        return Prediction(case.id, task_of(case), said["text"], tokens=tokens, first_token_s=first)

    def _streamed(
        self, model: str, messages: Sequence[Message], youju: dict[str, Any] | None
    ) -> tuple[dict[str, Any], int, float | None]:
        """What ``youju`` says at the end of a stream, the tokens, and the seconds to the first word."""
        started, first, said, tokens = time.monotonic(), None, None, 0
        events = self._client.chat.completions.create(
            model=model,
            messages=[{"role": each.role, "content": each.text} for each in messages],
            stream=True,
            stream_options={"include_usage": True},
            seed=self._seed,
            extra_body={"youju": youju} if youju is not None else None,
        )
        with contextlib.closing(events):
            for event in events:
                if self._stopped.is_set():
                    raise StoppedError
                tokens = event.usage.completion_tokens if event.usage else tokens
                said = (event.model_extra or {}).get("youju", said)
                if first is None and event.choices and event.choices[0].delta.content:
                    first = time.monotonic() - started
        if said is None:
            raise EngineError(reason="the stream ended early", remedy="look at the server's log")
        return said, tokens, first

    def _task(self, task: str, text: str, **options: str) -> tuple[dict[str, Any], int]:
        """What ``youju`` says, and the tokens."""
        answer = self._client.chat.completions.create(
            model=self._chosen or GROUNDED,
            messages=[{"role": "user", "content": text}],
            extra_body={"youju": {"task": task, **options}},
        )
        said: dict[str, Any] = answer.model_extra["youju"]
        return said, answer.usage.completion_tokens

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            with _explained(self._url):
                yield
        except EngineError:
            if self._stopped.is_set():  # its connection was closed under it
                raise StoppedError from None
            raise

    def alive(self) -> bool:
        """The server still answers."""
        try:
            self._client.with_options(max_retries=1, timeout=10.0).models.list()
        except Exception:  # noqa: BLE001  # whatever it is, there is no answer
            return False
        return True

    def stop(self) -> None:
        """See ``Subject``."""
        self._stopped.set()
        self._client.close()

    def close(self) -> None:
        """Close the connections."""
        self.stop()


def _read_from(found: Prediction, said: Mapping[str, Any], documents: Sequence[Passage]) -> Prediction:
    """With what was found and cited of the documents that came with the question."""
    by_id = {each.id: each for each in documents}
    citations = [_CITATION.validate_python(each) for each in said["citations"]]
    return replace(
        found,
        retrieved=tuple(dict.fromkeys(hit["document_id"] for hit in said["hits"])),
        citations=tuple(shelf.cited(by_id[each.document_id], each) for each in citations),
    )


def _in_use(found: Prediction, said: Mapping[str, Any]) -> Prediction:
    """With the titles and words of what was found of the server's own documents."""
    return replace(
        found,
        retrieved=tuple(dict.fromkeys(hit["title"] for hit in said["hits"])),
        passages=tuple(hit["text"] for hit in said["hits"]),
    )


def client(url: str, key: str) -> Any:
    """An OpenAI client; one that waits where the server says that it is busy."""
    from openai import OpenAI

    return OpenAI(base_url=url, api_key=key or "none", max_retries=RETRIES, timeout=TIMEOUT_S)


def models(url: str, key: str) -> list[str]:
    """The names that a server serves.

    Raises:
        EngineError: It cannot be reached.
        UnauthorizedError: It refuses the key.
    """
    with _explained(url), contextlib.closing(client(url, key)) as asked:
        return [model.id for model in asked.with_options(max_retries=1, timeout=30.0).models.list()]


@contextlib.contextmanager
def _explained(url: str) -> Iterator[None]:
    """The client's faults as ours; none of them repeats the key."""
    import httpx
    import openai

    try:
        yield
    except openai.AuthenticationError:
        raise UnauthorizedError from None
    except openai.APIStatusError as fault:
        said = fault.body.get("message", "") if isinstance(fault.body, dict) else ""
        reason = f"{url} answers {fault.status_code} ({said[:300]})"
        raise EngineError(reason=reason, remedy="see what it says") from None
    except (openai.APIError, httpx.HTTPError, RuntimeError) as fault:
        reason = f"{url} cannot be reached ({type(fault.__cause__ or fault).__name__})"
        raise EngineError(reason=reason, remedy="check the address, which ends in /v1") from None
