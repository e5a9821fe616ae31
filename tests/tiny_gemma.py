"""A tiny Gemma 3: layers with a sliding window beside full ones, its control tokens, turns as it has them."""

from __future__ import annotations

from pathlib import Path

import tiny
import torch

SLIDING = 48
TEMPLATE = (
    "{{ bos_token }}{% set ns = namespace(lead='', turns=messages) %}"
    "{% if messages[0]['role'] == 'system' %}"
    "{% set ns.lead = messages[0]['content'] + '\n\n' %}{% set ns.turns = messages[1:] %}{% endif %}"
    "{% for message in ns.turns %}{% if message['role'] == 'assistant' %}"
    "{{ '<start_of_turn>model\n' + message['content'] + eos_token + '\n' }}{% else %}"
    "{{ '<start_of_turn>user\n' + (ns.lead if loop.first else '') + message['content'] + '<end_of_turn>\n' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
CONTROL = ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<unused0>")


def build(folder: Path, positions: int = 1024) -> Path:
    """Write model and tokenizer as any pulled model is stored."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    words = tokenizer(folder)
    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=len(words), hidden_size=tiny.WIDTH, intermediate_size=128, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=4, head_dim=16, query_pre_attn_scalar=16,
        max_position_embeddings=positions, sliding_window=SLIDING, pad_token_id=0, eos_token_id=1,
        layer_types=["sliding_attention", "full_attention", "sliding_attention", "sliding_attention"],
        bos_token_id=2, tie_word_embeddings=False,
    )  # fmt: skip
    model = Gemma3ForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.normal_(0, 0.3)
        model.lm_head.weight.normal_()[: len(CONTROL) + 256] = (
            0.0  # only words win: no control token, no half letter
        )
    model.generation_config.eos_token_id = [1, 5]
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


def tokenizer(folder: Path):
    """Gemma's tokens of control around a byte-level vocabulary, with its turns."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.train_from_iterator(
        ["the question and the answer of a user, model 退款 你好"] * 20 + [f" {word}" for word in tiny.WORDS] * 50,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=list(CONTROL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )  # fmt: skip
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>"
    )
    made.chat_template = TEMPLATE
    made.save_pretrained(folder)
    return made
