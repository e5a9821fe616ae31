"""What the base replies to plain instructions, to be learnt again: no adapter may chat worse than its base.

``python -m finetune.replies INSTRUCTIONS.jsonl MODEL_FOLDER OUT.jsonl`` reads self-instruct rows
(``instruction``, ``instances``) and writes a conversation for each that the base ended.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: TID253

from assistant import prompts
from assistant.engine import loading
from assistant.rendering import Renderer
from finetune import mixture

_BATCH = 16
_LONGEST = 120
"""Tokens of a reply; what the base did not end within them is left out."""
_PROMPT = 160
"""Tokens of a prompt."""


def replies(rows: Sequence[tuple[str, str]], folder: Path) -> Iterator[dict[str, Any]]:
    """Ask the base, greedily.

    Args:
        rows: Id and prompt of each.
        folder: The base, as it was pulled.
    """
    loaded = loading.load(folder, "nf4")
    renderer = Renderer(loaded.tokenizer)
    asked = [(name, text, renderer.ids(prompts.chat([], text), open_reply=True)) for name, text in rows]
    fitting = sorted((row for row in asked if len(row[2]) <= _PROMPT), key=lambda row: len(row[2]))
    for start in range(0, len(fitting), _BATCH):
        batch = fitting[start : start + _BATCH]
        width = max(len(ids) for _, _, ids in batch)
        pad = int(loaded.tokenizer.pad_token_id or 0)
        ids = torch.tensor([[pad] * (width - len(row)) + row for _, _, row in batch])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for _, _, row in batch])
        with torch.inference_mode():
            out = loaded.model.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=_LONGEST, do_sample=False, pad_token_id=pad
            )
        for (name, text, _), row in zip(batch, out[:, width:].tolist(), strict=True):
            ended = next((n for n, token in enumerate(row) if token in renderer.control), None)
            if ended:
                reply = loaded.tokenizer.decode(row[:ended]).strip()
                turns = [{"role": "user", "content": text}, {"role": "assistant", "content": reply}]
                yield {"id": f"{name}-base", "lang": "en", "messages": turns}


def _instructions(path: Path) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["id"], mixture.instruction(row)) for row in rows]


if __name__ == "__main__":
    with Path(sys.argv[3]).open("w", encoding="utf-8") as out_file:
        for found in replies(_instructions(Path(sys.argv[1])), Path(sys.argv[2])):
            out_file.write(json.dumps(found, ensure_ascii=False) + "\n")
