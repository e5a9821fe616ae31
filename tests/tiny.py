"""A tiny Llama with a byte-level tokenizer, and LoRA adapters that make it say one word; built in seconds.

The first dimension of every embedding is the same large number, so the input of every layer has one known
component. An adapter on the last layer's values turns that component into the direction of its word.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

WIDTH = 64
WORDS = ("alpha", "beta", "gamma", "delta")
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are tiny<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def build(folder: Path, positions: int = 1024) -> Path:
    """Write model and tokenizer as any pulled model is stored."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=positions,
        eos_token_id=2, pad_token_id=2, bos_token_id=1, tie_word_embeddings=False,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_(0, 0.3)[:, 0] = 3.0
        model.lm_head.weight.normal_()[:, 0] = 0.0
        model.lm_head.weight[:3] = 0.0  # control tokens never win: answers end at their limit
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


def build_qwen2(folder: Path) -> Path:
    """Write a Qwen2 with the same tokenizer: shared keys, biases, tied embeddings, all of it random."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = _tokenizer(folder)
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=128, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=1024,
        eos_token_id=2, pad_token_id=2, bos_token_id=1, tie_word_embeddings=True,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.normal_(0, 0.3)
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


def _tokenizer(folder: Path):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    corpus = [" ".join(WORDS) + " the question and the answer of a user, 退款 你好"] * 20
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        corpus + [f" {word}" for word in WORDS] * 50,
        trainers.BpeTrainer(vocab_size=400, special_tokens=list(CONTROL), initial_alphabet=alphabet),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token=CONTROL[1], eos_token=CONTROL[2], pad_token=CONTROL[2]
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def adapter(base: Path, folder: Path, word: str, name: str = "tiny") -> Path:
    """Write a LoRA adapter for the tiny model that makes it say ``word`` and nothing else."""
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer

    token = AutoTokenizer.from_pretrained(base)(f" {word}").input_ids
    assert len(token) == 1, f"{word!r} must be one token"
    weights = load_file(base / "model.safetensors")
    out = weights["model.layers.1.self_attn.o_proj.weight"].float()
    aim = weights["lm_head.weight"][token[0]].float()
    key = "base_model.model.model.layers.1.self_attn.v_proj.lora_{}.weight"
    first = torch.zeros(1, WIDTH)
    first[0, 0] = 1.0
    folder.mkdir(parents=True)
    save_file(
        {key.format("A"): first, key.format("B"): (torch.linalg.pinv(out) @ aim * 20)[:, None].contiguous()},
        folder / "adapter_model.safetensors",
    )
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 1, "lora_alpha": 1, "lora_dropout": 0.0,
        "bias": "none", "base_model_name_or_path": name,
        "target_modules": "model.layers.1.self_attn.v_proj",
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder
