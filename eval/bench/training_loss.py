"""What two adapters make of the same held-out replies: nats a token, over the 4-bit base that serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant.engine import loading
from assistant.rendering import Renderer
from assistant.schema import Message


def losses(base: Path, adapters: Sequence[Path], rows: Sequence[Sequence[Message]]) -> np.ndarray:
    """Mean loss of each reply's tokens.

    Args:
        base: Folder of the model.
        adapters: Folders of the adapters, as peft writes them.
        rows: Conversations; the last turn is the reply.

    Returns:
        (1 + adapters, rows), nats; the bare base first.
    """
    import torch
    from peft import PeftModel

    loaded = loading.load(base, "nf4", to_train=True)
    renderer = Renderer(loaded.tokenizer)
    model: Any = loaded.model
    for n, path in enumerate(adapters):
        if n == 0:
            model = PeftModel.from_pretrained(model, str(path), adapter_name="0")
        else:
            model.load_adapter(str(path), adapter_name=str(n))
    model.eval()
    found = np.empty((1 + len(adapters), len(rows)))
    with torch.inference_mode():
        for column, messages in enumerate(rows):
            found[0, column] = _bare(model, renderer, messages)
            for n in range(len(adapters)):
                model.set_adapter(str(n))
                found[n + 1, column] = _loss(model, renderer, messages)
    return found


def _bare(model: Any, renderer: Renderer, messages: Sequence[Message]) -> float:
    if not hasattr(model, "disable_adapter"):
        return _loss(model, renderer, messages)
    with model.disable_adapter():
        return _loss(model, renderer, messages)


def _loss(model: Any, renderer: Renderer, messages: Sequence[Message]) -> float:
    import torch

    prompt = len(renderer.ids(messages[:-1], open_reply=True))
    ids = torch.tensor([renderer.ids(messages, open_reply=False)])
    reply = len(renderer.text_ids(messages[-1].text)) + 1  # with the token that ends it
    logits = model(input_ids=ids).logits[0, prompt - 1 : prompt - 1 + reply].float()
    return float(torch.nn.functional.cross_entropy(logits, ids[0, prompt : prompt + reply]))


def footprint(base: Path, quantization: loading.Quantization) -> float:
    """Megabytes of a model's weights in memory."""
    return float(loading.load(base, quantization, to_train=True).model.get_memory_footprint() / 1e6)
