"""Messages to token ids, the one way for serving and for training.

The chat template is rendered without any text in it: each message is a placeholder. What lies between the
placeholders is encoded with the tokenizer's control tokens; the texts are encoded by a tokenizer that has
none. So no text, whatever it says, can open or close a turn, and no text ever reaches Jinja.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assistant.errors import ModelFileError
from assistant.schema import Message, Role

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

_PLACEHOLDER = re.compile(r"youju7f3a9c(\d+)e1")
_PROBE: tuple[Role, ...] = ("system", "user", "assistant", "user")


class Renderer:
    """Renders conversations for one model. Safe to share between threads.

    Args:
        tokenizer: The model's own, with its chat template.
        template_sha256: Pin of the template's text; ``None`` takes what the model brings.

    Raises:
        ModelFileError: No template, another template than the pinned one, a template that leaves out a
            message, or a tokenizer that cannot keep text and control tokens apart.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, template_sha256: str | None = None) -> None:
        self._name = str(getattr(tokenizer, "name_or_path", "") or "tokenizer")
        template = tokenizer.chat_template
        if not isinstance(template, str) or not template:
            raise self._fault("it has no chat template", "use an instruct model")
        self.template_sha256 = hashlib.sha256(template.encode()).hexdigest()
        if template_sha256 not in (None, self.template_sha256):
            reason = f"its chat template is {self.template_sha256[:12]}…, pinned is {template_sha256[:12]}…"
            raise self._fault(reason, "pull the model again, or pin the new template")
        self._tokenizer = tokenizer
        self._template: Tokenizer = tokenizer.backend_tokenizer
        self._plain, self.control = _without_control_tokens(self._template)
        self._segments = lru_cache(maxsize=256)(self._render)
        self._check()

    def ids(self, messages: Sequence[Message], *, open_reply: bool) -> list[int]:
        """Encode a conversation.

        Args:
            messages: Oldest first.
            open_reply: End with the header of the assistant's turn, for the model to go on from.

        Returns:
            Token ids; those in ``control`` come from the template only.

        Raises:
            ModelFileError: The model's template refuses this order of roles.
        """
        found: list[int] = []
        for segment in self._segments(tuple(message.role for message in messages), open_reply):
            found += segment if isinstance(segment, tuple) else self.text_ids(messages[segment].text)
        return found

    def text_ids(self, text: str) -> list[int]:
        """Encode a text without control tokens, whatever it says."""
        return list(self._plain.encode(text, add_special_tokens=False).ids)

    def words(self, ids: Sequence[int]) -> str:
        """Token ids as text to look at, control tokens included."""
        return str(self._template.decode(list(ids), skip_special_tokens=False))

    def _render(self, roles: tuple[Role, ...], open_reply: bool) -> tuple[tuple[int, ...] | int, ...]:
        """The template around ``len(roles)`` texts: ids of its own parts, and the index of each text."""
        chat = [{"role": role, "content": f"youju7f3a9c{n}e1"} for n, role in enumerate(roles)]
        try:
            text = self._tokenizer.apply_chat_template(
                chat,
                tokenize=False,
                add_generation_prompt=open_reply,
                enable_thinking=False,  # for templates that know it: answers without a monologue
            )
        except Exception as fault:  # noqa: BLE001 - the template's own raise_exception, or any Jinja error
            raise self._fault(
                f"its chat template refuses {'/'.join(roles)} ({fault})", "use another model"
            ) from None
        parts = _PLACEHOLDER.split(str(text))  # template, index, template, index, …, template
        if [int(index) for index in parts[1::2]] != list(range(len(roles))):
            raise self._fault("its chat template leaves out or repeats a message", "use another model")
        segments: list[tuple[int, ...] | int] = []
        for n, part in enumerate(parts):
            own = int(part) if n % 2 else tuple(self._template.encode(part, add_special_tokens=False).ids)
            segments += [own] if own != () else []
        return tuple(segments)

    def _check(self) -> None:
        self._segments(_PROBE[1:], True)
        for token in self.control:
            word = self._template.id_to_token(token) or ""
            if token in self.text_ids(word):
                raise self._fault(f"text can become the control token {word!r}", "use another model")

    def _fault(self, reason: str, remedy: str) -> ModelFileError:
        return ModelFileError(name=self._name, reason=reason, remedy=remedy)


def _without_control_tokens(tokenizer: Tokenizer) -> tuple[Tokenizer, frozenset[int]]:
    """A copy that does not know the added tokens, and their ids.

    Runs of blanks stay: some tokenizers add them for code, and they open no turn.
    """
    from tokenizers import Tokenizer

    # The vocabulary stands last and is megabytes: only what comes before it is parsed.
    before, border, model = tokenizer.to_str().partition(',"model":')
    parts: dict[str, Any] = json.loads(before + "}")
    added = parts.get("added_tokens") or []
    parts["added_tokens"] = [token for token in added if token["content"].isspace() and not token["special"]]
    parts["post_processor"] = parts["truncation"] = parts["padding"] = None
    control = frozenset(token["id"] for token in added if token not in parts["added_tokens"])
    return Tokenizer.from_str(json.dumps(parts)[:-1] + border + model), control
