"""Gradio's own fields, labelled in both languages.

Gradio translates for the browser's language; the reader may have chosen another, so the labels are said once
more, from the server, as soon as it is known who reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assistant.web.i18n import label as word
from assistant.web.pages.bridge import Reader


class Labels:
    """The fields of one page and the keys of their words."""

    def __init__(self) -> None:
        self._fields: list[tuple[Any, dict[str, str], dict[str, dict[str, str]]]] = []

    def add(self, field: Any, choices: dict[str, str] | None = None, **keys: str) -> Any:
        """Remember ``field``; ``keys`` name its properties, ``choices`` maps its values to keys."""
        self._fields.append((field, keys, {"choices": choices} if choices else {}))
        return field

    def make(self, kind: Callable[..., Any], keys: dict[str, str], **options: Any) -> Any:
        """A field of this ``kind`` that is remembered, with its words for the first look."""
        return self.add(kind(**{name: word(key) for name, key in keys.items()}, **options), None, **keys)

    @property
    def fields(self) -> list[Any]:
        """All remembered fields, as outputs."""
        return [field for field, _, _ in self._fields]

    def said(self, reader: Reader) -> dict[Any, Any]:
        """Updates that say every label in the reader's language."""
        import gradio as gr

        updates = {}
        for field, keys, extra in self._fields:
            properties: dict[str, Any] = {name: reader.say(key) for name, key in keys.items()}
            if choices := extra.get("choices"):
                properties["choices"] = [(reader.say(key), value) for value, key in choices.items()]
            updates[field] = gr.update(**properties)
        return updates
