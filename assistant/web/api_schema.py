"""What the API takes, strictly: an unknown field or a number out of bounds is named, not guessed."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails

from assistant import strict_json
from assistant.errors import BadRequestError, EmptyInputError
from assistant.prompts import Length
from assistant.schema import Language, Message
from assistant.tools.glossary import CHARACTERS, PAIRS
from assistant.web.api_defaults import Defaults, Id, MessageDefaults, Strict

MESSAGES_LIMIT = 1_000
INPUTS_LIMIT = 256
STOPS_LIMIT = 4
TEXT_LIMIT = 2_000_000
"""Characters of one text; the model's window is far smaller, and is checked later in tokens."""

GIVEN_LIMIT = 50
GIVEN_CHARACTERS = 100_000
"""Documents that come with one request: they are embedded before its first word."""

Text = Annotated[str, Field(max_length=TEXT_LIMIT)]
Term = Annotated[str, Field(min_length=1, max_length=CHARACTERS)]


class TextPart(Strict):
    """A part of a message; only text is read, and a client's notes beside it are passed over."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["text"]
    text: Text

    @field_validator("type", mode="before")
    @classmethod
    def _is_text(cls, kind: object) -> object:
        if kind != "text":
            raise ValueError("pictures, sounds and files are not read: send their words as text")
        return kind


class ChatMessage(MessageDefaults):
    """A message as OpenAI's clients send it."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[
        Text | Annotated[list[TextPart], Field(max_length=100)] | None, Field(validate_default=True)
    ] = None

    @field_validator("role", mode="before")
    @classmethod
    def _is_a_person(cls, role: object) -> object:
        if role in ("tool", "function"):
            raise ValueError("functions are not called: send what they found as the user's words")
        return role

    @field_validator("content")
    @classmethod
    def _says_something(
        cls, content: str | list[TextPart] | None, info: ValidationInfo
    ) -> str | list[TextPart] | None:
        if content is None and info.data.get("role") != "assistant":
            raise ValueError("send a text; only an answer may be without one")
        return content

    @property
    def text(self) -> str:
        """The content as one text; of an answer without one, its refusal."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or self.refusal


class StreamOptions(Strict):
    """What a stream tells besides the text."""

    include_usage: bool = False
    include_obfuscation: bool = False
    """Taken, and nothing is added: the padding it asks for hides lengths on the wire, never the text."""


class GivenDocument(Strict):
    """A text that comes with the question."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    title: Annotated[str, Field(max_length=300)] = ""
    text: Annotated[str, Field(min_length=1, max_length=GIVEN_CHARACTERS)]

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("an empty text answers nothing")
        return text


class Grounding(Strict):
    """Our extension: what to do with the last message, and which documents to do it from."""

    task: Literal["grounded", "summarize", "translate", "sentiment"] = "grounded"
    """Answer it from documents, summarize or translate it, or judge its sentiment. All but the first come
    whole, unstreamed."""
    length: Length | None = None
    """Of a summary; a paragraph where it is not given."""
    target: Language | None = None
    """Of a translation; the language that the text is not in where it is not given."""
    glossary: Annotated[dict[Term, Term], Field(max_length=PAIRS)] | None = None
    """Of a translation: terms and how they are translated, in either direction."""
    collections: Literal["all"] | Annotated[list[str], Field(min_length=1, max_length=100)] = "all"
    documents: Annotated[list[GivenDocument], Field(max_length=GIVEN_LIMIT)] = Field(default_factory=list)
    """Only these are searched, for this one request; nothing of them is kept."""

    @field_validator("documents")
    @classmethod
    def _few_and_unlike(cls, documents: list[GivenDocument]) -> list[GivenDocument]:
        if len({document.id for document in documents}) < len(documents):
            raise ValueError("two of them have one id")
        if sum(len(document.text) for document in documents) > GIVEN_CHARACTERS:
            raise ValueError(f"together they have more than {GIVEN_CHARACTERS} characters: upload them")
        return documents

    @model_validator(mode="after")
    def _one_source(self) -> Grounding:
        if self.documents and self.collections != "all":
            raise ValueError("give documents or collections, not both")
        if self.documents and self.task != "grounded":
            raise ValueError("documents are for the task grounded")
        if self.length and self.task != "summarize":
            raise ValueError("length is for the task summarize")
        if self.target and self.task != "translate":
            raise ValueError("target is for the task translate")
        if self.glossary and self.task != "translate":
            raise ValueError("glossary is for the task translate")
        return self


class ChatRequest(Defaults):
    """``POST /v1/chat/completions``."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MESSAGES_LIMIT)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    stop: (
        Annotated[str, Field(min_length=1, max_length=100)]
        | Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=STOPS_LIMIT)]
        | None
    ) = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    youju: Grounding | None = None

    @field_validator("messages")
    @classmethod
    def _ends_with_a_question(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        if messages[-1].role != "user" or not messages[-1].text.strip():
            raise ValueError("the last message must be the user's, and not empty")
        return messages

    @model_validator(mode="after")
    def _whole(self) -> ChatRequest:
        if self.stream and self.youju is not None and self.youju.task != "grounded":
            raise ValueError(f"stream: a task {self.youju.task} comes whole; leave stream out")
        return self

    @property
    def system(self) -> str:
        """All instructions, in order."""
        return "\n\n".join(m.text for m in self.messages if m.role in ("system", "developer"))

    @property
    def turns(self) -> list[Message]:
        """What user and assistant said, the question last."""
        return [
            Message("user" if m.role == "user" else "assistant", m.text)
            for m in self.messages
            if m.role in ("user", "assistant")
        ]

    @property
    def most(self) -> int | None:
        """Tokens that the answer may have; the newer of the field's two names counts."""
        return self.max_completion_tokens or self.max_tokens

    def sampling(self, most: int | None) -> dict[str, Any]:
        """The fields of ``Sampling`` that the request sets.

        Args:
            most: Tokens that the answer may have, where fewer fit than were asked for.
        """
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        given = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_new_tokens": most or self.most,
            "seed": self.seed,
            "stop": stop or None,
        }
        return {field: value for field, value in given.items() if value is not None}


class EmbeddingRequest(Strict):
    """``POST /v1/embeddings``."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=INPUTS_LIMIT)]
    encoding_format: Literal["float", "base64"] = "float"
    user: Id = ""

    @field_validator("input", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        if isinstance(value, list) and any(isinstance(part, (int, list)) for part in value):
            raise ValueError(
                "token ids are another model's: send the text (LangChain: check_embedding_ctx_length=False)"
            )
        return value

    @field_validator("input")
    @classmethod
    def _says_something(cls, value: str | list[str]) -> str | list[str]:
        if not all(text.strip() for text in ([value] if isinstance(value, str) else value)):
            raise ValueError("an empty text has no embedding")
        return value

    @property
    def texts(self) -> list[str]:
        """The input as a list."""
        return [self.input] if isinstance(self.input, str) else self.input


R = TypeVar("R", bound=Strict)


def parse(model: type[R], content_type: str, body: bytes) -> R:
    """Read a request.

    Raises:
        BadRequestError: naming the field, the value and the limit.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        remedy = "send application/json"
        raise BadRequestError(field="Content-Type", value=repr(content_type)[:100], remedy=remedy)
    if not body.strip():
        raise EmptyInputError(field="body", remedy="send a JSON object")
    try:
        return model.model_validate(_decode(body))
    except ValidationError as error:
        fault = max(error.errors(include_url=False), key=_closeness)
        field = ".".join(str(part) for part in fault["loc"] if not _is_member(part)) or "body"
        if fault["type"] == "missing":
            raise EmptyInputError(field=field, remedy="send it") from error
        value = repr(fault["input"])[:80]
        raise BadRequestError(field=field, value=value, remedy=_remedy(fault)) from error


def _closeness(fault: ErrorDetails) -> tuple[int, bool]:
    """A union reports a fault for each member: the one meant is the deepest, and no mere mistake of type."""
    return len(fault["loc"]), not fault["type"].endswith("_type")


def _remedy(fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        return "it is not known here: leave it out"
    return fault["msg"].removeprefix("Value error, ")


def _is_member(part: int | str) -> bool:
    """Pydantic names the member of a union in the path; the sender's JSON has no such key."""
    return isinstance(part, str) and (part in ("str", "TextPart") or "[" in part or "-" in part)


def _decode(body: bytes) -> Any:
    try:
        value = strict_json.loads(body.decode("utf-8"))
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate is no text
        return _given(value)
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else str(error)[:200]
        raise BadRequestError(field="body", value="JSON", remedy=f"mend it: {reason}") from error


def _given(value: Any) -> Any:
    """Without the keys that are ``null``: that is how clients say that they set nothing."""
    if isinstance(value, dict):
        return {key: _given(part) for key, part in value.items() if part is not None}
    return [_given(part) for part in value] if isinstance(value, list) else value
