"""Every error raised on purpose. The pages, the API and the command line show these and nothing else.

Each error names what is wrong, the value, the limit and the way out. ``template`` is the English
wording; the pages hold the Chinese one under the same class name.
"""

from __future__ import annotations

from typing import Any, ClassVar


class YoujuError(Exception):
    """Base of all errors meant for people. ``fields`` fill ``template``."""

    template: ClassVar[str] = "{detail}"
    status: ClassVar[int] = 400
    """The HTTP status that the API answers with."""
    exit_code: ClassVar[int] = 2
    """The exit code of the command line: 2 bad input, 1 everything else."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        super().__init__(self.template.format(**fields))


class ConfigError(YoujuError):
    """A setting that cannot be used."""

    template = "setting {field}: {value!r} cannot be used; {remedy}"


class BadRequestError(YoujuError):
    """A field of a request that cannot be used."""

    template = "{field}: {value} cannot be used; {remedy}"


class TooLargeError(YoujuError):
    """Something over its limit."""

    template = "{field} is {value}, the limit is {limit}; {remedy}"
    status = 413


class EmptyInputError(YoujuError):
    """Nothing to work on."""

    template = "{field} is empty; {remedy}"


class ContextOverflowError(YoujuError):
    """One message alone does not fit the model's window."""

    template = (
        "this message needs {needed} tokens, the model's window leaves {limit}: shorten it, or use Summarize"
    )
    status = 413


class NotFoundError(YoujuError):
    """Something that is not there, or not this user's: the answer is the same for both."""

    template = "{kind} {value!r} was not found"
    status = 404


class ForbiddenError(YoujuError):
    """A known user asks for something that needs another role."""

    template = "{action} needs the role {role}"
    status = 403


class UnauthorizedError(YoujuError):
    """No session and no valid key."""

    template = "sign in, or send a valid API key"
    status = 401


class OriginError(YoujuError):
    """A request that another site's page sent."""

    template = "requests from origin {value} are not taken: open the page at its own address"
    status = 403


class ConflictError(YoujuError):
    """The object is in a state that does not allow it."""

    template = "{kind} {value!r} {detail}"
    status = 409


class SummaryRoundsError(YoujuError):
    """A text that does not get shorter by summarizing it."""

    template = (
        "the summary still needs {value} tokens after {rounds} rounds and the model takes {limit}: "
        "summarize it in parts, or use a model with a larger window"
    )
    status = 422


class NotBilingualError(YoujuError):
    """A translation, asked of a model that writes one language only."""

    template = (
        "the model in use, {model}, does not write {language}: choose one that writes English and Chinese "
        "(`youju models list` shows them)"
    )
    status = 422


class UnsupportedFileError(YoujuError):
    """A file type that is not read."""

    template = "{name}: files of type {value!r} are not read; use one of {limit}"
    status = 415


class UnreadableFileError(YoujuError):
    """A file of a known type that could not be read."""

    template = "{name} could not be read: {reason}; {remedy}"
    status = 422


class NoTextError(YoujuError):
    """A file without any text, e.g. a scan."""

    template = "{name} holds no text ({pages} pages): a scan needs text recognition (OCR) before it is added"
    status = 422


class ModelNotFoundError(YoujuError):
    """A model name that is neither in the catalog, nor a folder, nor reachable on the Hub."""

    template = "model {value!r} was not found: {reason}; {remedy}"
    status = 404


class ModelFileError(YoujuError):
    """Model files that are missing, changed, or of a kind that is never loaded."""

    template = "{name}: {reason}; {remedy}"
    status = 422


class TrainingDataError(YoujuError):
    """Examples that nothing can be learnt from."""

    template = "training data, {field}: {reason}; {remedy}"
    status = 422


class RecipeError(YoujuError):
    """A key of a training's TOML that cannot be used."""

    template = "{file}, {field}: {value!r} cannot be used; {remedy}"
    status = 422


class TrainingError(YoujuError):
    """A training that cannot begin, or cannot go on."""

    template = "training: {reason}; {remedy}"
    status = 409
    exit_code = 1


class AdapterError(YoujuError):
    """An adapter that cannot be used."""

    template = "adapter {name!r}: {reason}; {remedy}"
    status = 422


class QueueFullError(YoujuError):
    """More requests wait than the queue holds."""

    template = "{value} requests are waiting and the limit is {limit}: try again in {retry_s} seconds"
    status = 429
    exit_code = 1


class TooManyRequestsError(YoujuError):
    """One user, key or address over its rate."""

    template = "too many {kind} (limit {limit}): try again in {retry_s} seconds"
    status = 429
    exit_code = 1


class EngineError(YoujuError):
    """The model failed on this request; others go on."""

    template = "the model could not answer: {reason}; {remedy}"
    status = 503
    exit_code = 1


class DeadlineError(YoujuError):
    """A first-token or total deadline passed before anything could be kept."""

    template = "no answer within {limit} seconds ({stage}); {remedy}"
    status = 504
    exit_code = 1


class ReindexingError(YoujuError):
    """The index was made another way and is being made anew: by words alone, a refusal would be false."""

    template = "the documents are being indexed anew: ask again in a few minutes, answers are not safe before"
    status = 503
    exit_code = 1


class StillReadingError(YoujuError):
    """Documents were added and none can be searched yet: a refusal would be false."""

    template = "the documents are still being read: ask again in a moment"
    status = 503
    exit_code = 1


class StorageError(YoujuError):
    """Disk, database or index could not take the write; nothing was changed."""

    template = "could not write {what}: {reason}; nothing was changed; {remedy}"
    status = 507
    exit_code = 1


class DatabaseFileError(YoujuError):
    """A database file that cannot be opened as ours; it was not changed."""

    template = "{path}: {reason}; {remedy}"
    status = 503
    exit_code = 1


class HubError(YoujuError):
    """The Hugging Face Hub did not take something, or what it runs did not come up."""

    template = "{repo} on the Hub: {reason}; {remedy}"
    status = 502
    exit_code = 1


class HomeLockedError(YoujuError):
    """A second process on the same data folder."""

    template = "{path} is in use by process {pid}: stop it, or set YOUJU_HOME to another folder"
    status = 409
    exit_code = 1
