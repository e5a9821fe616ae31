"""Text as every database takes it."""

from __future__ import annotations

from assistant.errors import EmptyInputError, TooLargeError

NAME_LIMIT = 200
"""Characters of a title, a name or a label."""


def storable(text: str) -> str:
    """Replace what UTF-8 or Postgres cannot hold (lone surrogates, NUL) by U+FFFD."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")


def name(value: str, field: str) -> str:
    """One line of 1..``NAME_LIMIT`` characters, trimmed.

    Raises:
        EmptyInputError: nothing is left.
        TooLargeError: longer than the limit.
    """
    line = " ".join(storable(value).split())
    if not line:
        raise EmptyInputError(field=field, remedy="give it a name")
    if len(line) > NAME_LIMIT:
        raise TooLargeError(
            field=field, value=f"{len(line)} characters", limit=NAME_LIMIT, remedy="shorten it"
        )
    return line
