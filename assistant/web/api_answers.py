"""What the API answers, in OpenAI's shapes."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel

from assistant.schema import Answer, Finish, Hit, Sentiment, Summary, Translation

_LOG = logging.getLogger(__name__)
_FINISH = {Finish.LENGTH: "length", Finish.TIMEOUT: "length"}
DOCUMENTED_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning}
    for status, meaning in {
        400: "a field cannot be used",
        401: "no valid key or session",
        403: "from another site",
        404: "no such model or collection",
        413: "over a limit",
        422: "cannot be processed",
        429: "the queue is full, or too many attempts; see Retry-After",
        500: "a fault of ours",
        503: "the model cannot answer now",
        504: "a deadline passed",
    }.items()
}


@dataclass(frozen=True, slots=True)
class Cut:
    """``max_tokens`` of a request that the model's window does not hold."""

    asked: int
    used: int
    """What the answer could have in its place."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The fields that all parts of one completion share."""

    id: str
    created: int
    model: str
    cut: Cut | None = None
    """Set where a request asked for a longer answer than fits."""

    def whole(self, answer: Answer) -> dict[str, Any]:
        """The response that is not streamed."""
        usage = _usage(answer.prompt_tokens, answer.tokens)
        return self._whole(answer.text, _reason(answer), usage, self._extension(answer))

    def summary(self, summary: Summary) -> dict[str, Any]:
        """A summary; each sentence with the spans of the text that it came from."""
        usage = _usage(summary.prompt_tokens, summary.tokens)
        return self._whole(summary.text, "stop", usage, {"summary": asdict(summary)})

    def translation(self, translation: Translation, read: int, tokens: int) -> dict[str, Any]:
        """A translation; each sentence beside its source, with what the checks found."""
        return self._whole(
            translation.text, "stop", _usage(read, tokens), {"translation": asdict(translation)}
        )

    def sentiment(self, sentiment: Sentiment, read: int) -> dict[str, Any]:
        """A sentiment; nothing is generated, replies are scored."""
        usage = _usage(read, 0)
        found = {"label": sentiment.label, **asdict(sentiment)}
        return self._whole(sentiment.label, "stop", usage, {"sentiment": found})

    def _whole(self, text: str, finish: str, usage: dict[str, int], youju: dict[str, Any]) -> dict[str, Any]:
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        head = self._head("chat.completion")
        return {**head, "choices": [choice], "usage": usage, "youju": youju}

    def chunk(self, delta: dict[str, str]) -> dict[str, Any]:
        """A piece of a stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": None, "logprobs": None}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def last(self, answer: Answer) -> dict[str, Any]:
        """The chunk that ends a stream, with all evidence."""
        choice = {"index": 0, "delta": {}, "finish_reason": _reason(answer), "logprobs": None}
        return {**self._head("chat.completion.chunk"), "choices": [choice], "youju": self._extension(answer)}

    def usage(self, answer: Answer) -> dict[str, Any]:
        """The chunk that ``include_usage`` asks for."""
        usage = _usage(answer.prompt_tokens, answer.tokens)
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": usage}

    def _extension(self, answer: Answer) -> dict[str, Any]:
        return evidence(answer) | ({"max_tokens": asdict(self.cut)} if self.cut else {})

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def evidence(answer: Answer) -> dict[str, Any]:
    """What a reader needs to check an answer; ``text`` is the final one, citations mended."""
    return {
        "text": answer.text,
        "finish": answer.finish,
        "declined": answer.declined,
        "quoted": answer.quoted,
        "judged": answer.judged,
        "confidence": answer.confidence,
        "citations": [asdict(citation) for citation in answer.citations],
        "sentences": [asdict(sentence) for sentence in answer.sentences],
        "best": asdict(answer.best) if answer.best is not None else None,
        "hits": [_hit(hit) for hit in answer.hits],
        "query": answer.query,
        "dropped": answer.dropped,
    }


def _hit(hit: Hit) -> dict[str, Any]:
    scores = {"score": hit.score, "dense": hit.dense, "lexical": hit.lexical}
    return {**asdict(hit.chunk), "title": hit.title, **scores}


def _reason(answer: Answer) -> str:
    return _FINISH.get(answer.finish, "stop")


def _usage(read: int, written: int) -> dict[str, int]:
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def model(name: str) -> dict[str, Any]:
    """An entry of ``/v1/models``."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "youju"}


def embeddings(name: str, vectors: list[Any], tokens: int) -> dict[str, Any]:
    """The response of ``/v1/embeddings``."""
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": name, "usage": usage}


def body_of(request: type[BaseModel]) -> dict[str, Any]:
    """The request body in the OpenAPI document; we read it ourselves, more strictly than FastAPI would."""
    schema = request.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inline(schema)}}}}


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """Put definitions where they are used: the document's own list of them is FastAPI's."""
    parts = schema.pop("$defs", {})

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolve(parts[value["$ref"].rsplit("/", 1)[1]])
            return {key: resolve(part) for key, part in value.items()}
        return [resolve(part) for part in value] if isinstance(value, list) else value

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def log_failure(request_id: str) -> None:
    """Write the traceback to the log, under the id that the client was given."""
    _LOG.exception("request %s failed", request_id)
