"""The lean step writes what transformers writes: token for token, with drafts, adapters and neighbours."""

import pytest
import tiny
import torch
from readers import Reader, before_each_step, behind, tokens_of

from assistant.engine import lean, loading
from assistant.engine.lean import Lean, suits
from assistant.engine.lean_batch import LeanBatch
from assistant.engine.local import LocalGenerator
from assistant.engine.prefixes import Cache
from assistant.schema import AdapterRef, Message

COPIED = "the question and the answer of a user, " * 3


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny_folder):
    return {"llama": tiny_folder, "qwen2": tiny.build_qwen2(tmp_path_factory.mktemp("qwen2") / "tiny")}


@pytest.fixture(scope="module", params=["llama nf4", "qwen2 nf4", "llama none", "qwen2 none"])
def served(request, folders, tmp_path_factory):
    """An engine and, beside it, the same model as transformers runs it; in 32 bit where it is not 4-bit."""
    family, quantization = request.param.split()
    adapter = random_adapter(folders[family], tmp_path_factory.mktemp("adapter"))
    with pytest.MonkeyPatch.context() as patch:
        if quantization == "none":
            patch.setattr(loading, "place", lambda: (torch.device("cpu"), torch.float32))
        made = LocalGenerator(
            folders[family], name="tiny", adapters={"random": adapter}, quantization=quantization
        )
        yield made, loading.load(folders[family], quantization).model
    made.close()


def random_adapter(base, folder):
    """Low-rank updates on all seven projections, large enough to change what is written."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=4, lora_alpha=8, target_modules=names, init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    model.save_pretrained(folder)
    return AdapterRef("random", str(folder), "tiny")


def check(engine, model, text, adapter=None):
    """Each word is the likeliest to transformers; among those that 16 bit hardly tells apart, any of them."""
    prompt, tokens = tokens_of(engine, text, 60, adapter)
    assert len(tokens) == 60
    assert behind(model, prompt, tokens) <= (1e-4 if model.dtype == torch.float32 else 0.5)
    return tokens


@pytest.mark.parametrize("text", ["hello", COPIED, "退款 你好"])
def test_the_words_are_those_of_transformers(served, text):
    engine, model = served
    assert isinstance(engine._dispatcher._batch, LeanBatch)
    check(engine, model, text)


def test_with_an_adapter_too_and_without_it_again(served):
    from peft import PeftModel

    engine, model = served
    ref = engine._adapters["random"]
    tuned = PeftModel.from_pretrained(model, ref.path).eval()
    adapted = check(engine, tuned, COPIED, ref)
    assert check(engine, tuned.unload(), COPIED) != adapted


def test_a_prompt_read_in_slices_and_beside_others_is_the_same_prompt(served):
    engine, model = served
    step = Lean(model, 1024)
    ids, other = (engine.renderer.text_ids(text) for text in (COPIED * 3, "hello"))
    with torch.inference_mode():
        (whole,) = model(torch.tensor([ids])).logits
        cache, beside = Cache(step.shape, 1024), Cache(step.shape, 1024)
        found = []
        for begin in range(0, len(ids), 25):
            part = ids[begin : begin + 25]
            found.append(step.read([(beside, other), (cache, part)])[len(other) :])
        logits = step.logits(torch.cat(found))
    assert cache.tokens == ids
    assert beside.tokens == other * len(found)
    torch.testing.assert_close(logits, whole, atol=0.5, rtol=0.05)  # bfloat16
    assert (logits.argmax(-1) == whole.argmax(-1)).float().mean() > 0.9


def test_drafts_save_steps_and_change_nothing(engine):
    """Drawn tokens are never drafted, so a temperature near nothing writes the same without drafts."""
    sizes = []
    with before_each_step(engine, lambda ids: sizes.append(ids.numel())):
        drafted = Reader(engine, adapter="alpha", max_new_tokens=60).result()
        steps, widest = len(sizes), max(sizes[1:])
        sizes.clear()
        plain = Reader(engine, adapter="alpha", max_new_tokens=60, temperature=0.001, seed=1).result()
    assert drafted == plain
    assert steps < len(sizes) / 2
    assert widest > 1 == max(sizes[1:])


def test_a_prompt_that_was_scored_is_not_read_again(engine):
    messages, sizes = [Message("user", "the answer of a user " * 20)], []
    engine.score(messages, [" alpha", " beta"])
    with before_each_step(engine, lambda ids: sizes.append(ids.numel())):
        Reader(engine, messages[0].text, max_new_tokens=4).result()
    assert sum(sizes) < 12 < engine.count(messages)


def test_prompts_that_begin_alike_are_read_from_where_they_part(engine):
    prompts = [[Message("user", "the user and the answer " * 20 + end)] for end in ("alpha", "beta", "gamma")]
    sizes = []
    with before_each_step(engine, lambda ids: sizes.append(ids.numel())):
        engine.score_many([(prompt, [" no"]) for prompt in prompts])
    assert sum(sizes) < 1.5 * max(map(engine.count, prompts))


@pytest.mark.parametrize(
    ("change", "suitable"),
    [
        ({}, True),
        ({"hidden_act": "gelu"}, False),
        ({"model_type": "gemma3_text"}, False),
        ({"rope_parameters": {"rope_type": "dynamic"}}, False),
        ({"layer_types": ["full_attention", "sliding_attention"]}, False),
    ],
)
def test_another_kind_of_model_goes_by_transformers(engine, monkeypatch, change, suitable):
    for name, value in change.items():
        monkeypatch.setattr(engine.model.config, name, value, raising=False)
    assert suits(engine.model) is suitable


def test_the_shortlist_holds_the_likeliest(tiny_folder, tmp_path, monkeypatch):
    """A head of 32,000 rows, of which a 4-bit copy proposes 64."""
    from assistant.engine import packed

    torch.manual_seed(0)
    weight, hidden = torch.randn(32_000, 128).bfloat16(), torch.randn(4, 128).bfloat16()
    if not packed.can_hold(weight):
        pytest.skip("this CPU has no kernel for packed 4-bit weights")
    short = packed.quantized(weight)(hidden).topk(lean._SHORTLIST).indices
    best = (hidden.float() @ weight.float().T).argmax(-1)
    assert [int(one) in row for one, row in zip(best, short.tolist(), strict=True)] == [True] * 4
