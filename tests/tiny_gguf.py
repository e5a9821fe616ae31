"""A tiny Qwen2 as llama.cpp writes one: a GGUF file of a few hundred kilobytes, with a table for input and output."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tiny

LAYERS, WIDTH, HEADS, KEYS, INNER, WINDOW = 2, 64, 4, 2, 128, 256


def build(
    file: Path, *, architecture: str = "qwen2", template: str = tiny.TEMPLATE, alike: bool = True
) -> Path:
    """Write it.

    Args:
        file: To write; the folder exists.
        architecture: What the file says it is.
        template: Its chat template; empty for none.
        alike: The table of the output is that of the input, a little finer, as where one table is written twice.
    """
    import gguf

    writer = gguf.GGUFWriter(file, architecture)
    writer.add_name("Tiny")
    writer.add_context_length(WINDOW)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    tokens = _tokenizer(writer, file.parent / "tokenizer")
    if template:
        writer.add_chat_template(template)
    for name, data in _tensors(tokens, alike=alike).items():
        writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _tokenizer(writer: object, folder: Path) -> int:
    import gguf

    folder.mkdir()
    made = tiny._tokenizer(folder)
    model = json.loads(made.backend_tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    normal, control = int(gguf.TokenType.NORMAL), int(gguf.TokenType.CONTROL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in tiny.CONTROL else normal for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_eos_token_id(2)
    writer.add_bos_token_id(1)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(False)
    return len(tokens)


def _tensors(tokens: int, *, alike: bool) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return (draw.standard_normal(shape) * 0.3).astype(np.float32)

    table = some(tokens, WIDTH)
    found = {
        "token_embd.weight": table + 0.01 * some(tokens, WIDTH),
        "output.weight": table if alike else some(tokens, WIDTH),
        "output_norm.weight": np.ones(WIDTH, np.float32),
    }
    keys = WIDTH // HEADS * KEYS
    for n in range(LAYERS):
        shapes = {
            "attn_q": (WIDTH, WIDTH), "attn_k": (keys, WIDTH), "attn_v": (keys, WIDTH),
            "attn_output": (WIDTH, WIDTH), "ffn_gate": (INNER, WIDTH), "ffn_up": (INNER, WIDTH),
            "ffn_down": (WIDTH, INNER),
        }  # fmt: skip
        found |= {f"blk.{n}.{name}.weight": some(*shape) for name, shape in shapes.items()}
        for name, size in {"attn_q": WIDTH, "attn_k": keys, "attn_v": keys}.items():
            found[f"blk.{n}.{name}.bias"] = some(size)
        for name in ("attn_norm", "ffn_norm"):
            found[f"blk.{n}.{name}.weight"] = np.ones(WIDTH, np.float32)
    return found
