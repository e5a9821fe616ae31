"""OpenAI's fields that change nothing here: taken where they ask for nothing, refused by name where they do.

Clients send many of them at their defaults. A field is refused only where it asks for another result than
the one that would come, and the refusal says what to do instead.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

T = TypeVar("T")


class Strict(BaseModel):
    """A part of a request: an unknown field is named, and a number is no string."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def only(*harmless: object, otherwise: str) -> AfterValidator:
    """Take a field at these values alone.

    Args:
        harmless: Values that ask for what is done anyway.
        otherwise: What a client reads that sends another: why not, and the way out.
    """

    def check(value: T) -> T:
        if value not in harmless:
            raise ValueError(otherwise)
        return value

    return AfterValidator(check)


_NO_PENALTY = "words are not weighed: leave it out, or send 0"
_NO_LOGPROBS = (
    "likelihoods are not given: leave it out; `youju.confidence` and the verdicts say how sure an answer is"
)
_NO_TOOLS = "functions are not called: leave it out; documents are searched without being asked"
_NO_CHOICE = 'functions are not called: leave it out, or send "none"'
_NO_FORM = 'replies are prose: leave it out, or send {"type": "text"}, and ask for JSON in the message'
_NO_SOUND = "only text is written: leave it out"
_NO_WEB = "the web is not searched: leave it out, and send texts as `youju.documents`"
_NO_LENGTH = "replies are as long as the question needs: leave it out, and set the limit with max_tokens"

Id = Annotated[str, Field(max_length=200)]


class Defaults(Strict):
    """Fields of ``POST /v1/chat/completions`` that are read for their defaults, and then not looked at."""

    n: Annotated[int, only(1, otherwise="one answer comes at a time: leave it out and ask again")] = 1
    frequency_penalty: Annotated[float, only(0, otherwise=_NO_PENALTY)] = 0
    presence_penalty: Annotated[float, only(0, otherwise=_NO_PENALTY)] = 0
    logit_bias: Annotated[dict[str, float], only({}, otherwise="words are not weighed: leave it out")] = {}
    logprobs: Annotated[bool, only(False, otherwise=_NO_LOGPROBS)] = False
    top_logprobs: Annotated[int, only(0, otherwise=_NO_LOGPROBS)] = 0
    response_format: Annotated[dict[str, Any], only({"type": "text"}, otherwise=_NO_FORM)] = {"type": "text"}
    tools: Annotated[list[Any], only([], otherwise=_NO_TOOLS)] = []
    functions: Annotated[list[Any], only([], otherwise=_NO_TOOLS)] = []
    tool_choice: Annotated[Any, only("none", "auto", otherwise=_NO_CHOICE)] = "none"
    function_call: Annotated[Any, only("none", "auto", otherwise=_NO_CHOICE)] = "none"
    modalities: Annotated[list[str], only(["text"], otherwise=_NO_SOUND)] = ["text"]
    audio: Annotated[Any, only(None, otherwise=_NO_SOUND)] = None
    web_search_options: Annotated[Any, only(None, otherwise=_NO_WEB)] = None
    verbosity: Annotated[str, only("medium", otherwise=_NO_LENGTH)] = "medium"

    # Where the work is done, how fast, and for whom: whatever they say, the answer is the same.
    user: Id = ""
    safety_identifier: Id = ""
    metadata: dict[str, Any] = {}
    store: bool = False
    parallel_tool_calls: bool = False
    service_tier: Id = "auto"
    reasoning_effort: Id = "none"
    prediction: dict[str, Any] = {}
    prompt_cache_key: Id = ""
    prompt_cache_retention: Id = ""
    prompt_cache_options: dict[str, Any] = {}


class MessageDefaults(Strict):
    """Fields of a message beside its words; a client's own notes are passed over."""

    model_config = ConfigDict(extra="ignore")

    refusal: str = ""
    images: Annotated[list[Any], only([], otherwise="pictures are not read: say what is in them")] = []
    audio: Annotated[Any, only(None, otherwise="sounds are not heard: send their words as content")] = None
    tool_calls: Annotated[list[Any], only([], otherwise=_NO_TOOLS)] = []
    function_call: Annotated[Any, only(None, otherwise=_NO_TOOLS)] = None
