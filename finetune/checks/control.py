"""Control tokens written into texts: the file was rendered with a chat template once before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.rendering import Renderer
from assistant.schema import Message
from finetune.checks.rows import Row
from finetune.schema import Fault

KNOWN = (
    r"<\|(?:im_start|im_end|im_sep|endoftext|eot_id|eom_id|start_header_id|end_header_id|begin_of_text|end_of_text|"
    r"system|user|assistant|end|return|call|channel|message|start)\|>",
    r"</?(?:start_of_turn|end_of_turn)>",
    r"\[/?INST\]",
    r"<</?SYS>>",
    r"<｜[^｜>]{1,40}｜>",
    r"\A\s*<s>|</s>\s*\Z",
)
"""Those of the families that people train: ChatML, Llama 2 and 3, Gemma, Mistral, DeepSeek, gpt-oss."""
_LEAST = 4
"""Characters of a model's own control token; shorter ones stand in ordinary text as well."""


def check(rows: Sequence[Row], renderer: Renderer | None) -> Iterator[Fault]:
    """Texts that hold a control token of the model, or one that other models know."""
    pattern = re.compile("|".join((*KNOWN, *map(re.escape, _own(renderer)))))
    for row in rows:
        for piece in row.pieces:
            if match := pattern.search(piece.text):
                reason = (
                    f"holds the control token {match.group().strip()} at character {match.start() + 1}: "
                    "remove it; turns are separate messages, and the model's template is put around them"
                )
                yield row.fault(piece.field, reason, "control")


def _own(renderer: Renderer | None) -> list[str]:
    """The control tokens that this model's template writes."""
    if renderer is None:
        return []
    said = [Message("user", "a"), Message("assistant", "a"), Message("user", "a")]
    written = set(renderer.ids(said, open_reply=True)) & renderer.control
    found = (renderer.words([token]).strip() for token in sorted(written))
    return [word for word in found if len(word) >= _LEAST and not word.isalnum()]
