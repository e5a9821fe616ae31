"""A GGUF file becomes a folder in NF4, the same as if it were quantized at each start, or is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_gguf
import torch

from assistant.engine import loading
from assistant.errors import ModelFileError
from assistant.models import gguf, nf4, pull, safety
from assistant.models.catalog import resolve

IDS = torch.tensor([[5, 60, 200, 31, 7, 9]])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.build(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def made(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `youju models pull` keeps it."""
    return pull.pull(resolve(str(file)), tmp_path_factory.mktemp("models"))


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        return model(IDS).logits  # type: ignore[no-any-return]


def test_it_is_kept_in_nf4_with_its_tokenizer_and_template(made: Path) -> None:
    safety.inspect(made)
    assert nf4.kept(made)
    assert pull.manifest(made)["quantization"] == "nf4"
    loaded = loading.load(made, "nf4")
    assert loaded.quantization == "nf4"
    assert loaded.tokenizer.chat_template == tiny_gguf.tiny.TEMPLATE
    assert loaded.tokenizer.model_max_length == tiny_gguf.WINDOW
    assert loaded.tokenizer.eos_token == "<|im_end|>"
    assert loaded.tokenizer("e\u0301") == loaded.tokenizer("\u00e9"), "accents are composed first"


def test_it_answers_as_when_it_is_quantized_at_each_start(file: Path, made: Path, tmp_path: Path) -> None:
    whole = gguf._model(file)
    gguf._tie(whole)
    whole.save_pretrained(tmp_path / "full")
    loading.load(made, "nf4").tokenizer.save_pretrained(tmp_path / "full")
    each = logits(loading.load(tmp_path / "full", "nf4").model)
    assert torch.equal(logits(loading.load(made, "nf4").model), each)
    assert not torch.equal(logits(loading.load(tmp_path / "full", "none").model), each)


@pytest.mark.parametrize("alike", [True, False])
def test_one_table_that_was_written_twice_is_one_again(tmp_path: Path, alike: bool) -> None:
    model = gguf._model(tiny_gguf.build(tmp_path / "tiny.gguf", alike=alike))
    output = model.lm_head.weight.clone()
    gguf._tie(model)
    assert (model.lm_head.weight is model.model.embed_tokens.weight) is alike
    assert torch.equal(model.lm_head.weight, output), "the finer one stands for both"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_it_is_given_out_whole_where_that_is_asked(made: Path, dtype: torch.dtype) -> None:
    whole = loading.load_whole(made, dtype)
    assert {parameter.dtype for parameter in whole.parameters()} == {dtype}
    assert not any("quantization_config" in key for key in whole.config.to_diff_dict())
    kept = logits(loading.load(made, "nf4").model).float()
    assert (logits(whole).float() - kept).abs().max() < 0.1 * kept.abs().max()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_it_computes_in_what_the_machine_computes_in(
    made: Path, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(loading, "place", lambda: (torch.device("cpu"), dtype))
    model = loading.load(made, "nf4", to_train=True).model
    layer = model.model.layers[0].self_attn.q_proj
    assert layer.compute_dtype == layer.weight.quant_state.dtype == dtype == model.dtype


def test_an_adapter_learns_over_it(made: Path) -> None:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    base = loading.load(made, "nf4", to_train=True).model
    model = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")).train()
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer, losses = torch.optim.AdamW(learnt, lr=0.02), []
    for _ in range(8):
        loss = model(input_ids=IDS, labels=IDS).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"architecture": "starfish"},
            r"starfish is not supported.*take a file whose architecture is llama, qwen2",
        ),
        ({"template": ""}, "no chat template; take the instruct"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_way_out(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    file = tiny_gguf.build(tmp_path / "odd.gguf", **change)  # type: ignore[arg-type]
    with pytest.raises(ModelFileError, match=words):
        pull.require(resolve(str(file)), tmp_path / "models")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [pull.STAGING]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_refused(file: Path, tmp_path: Path, share: float) -> None:
    cut = tmp_path / "cut.gguf"
    data = file.read_bytes()
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelFileError, match=r"cut off.*download it again"):
        pull.require(resolve(str(cut)), tmp_path / "models")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [pull.STAGING]


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "no.gguf"
    file.write_text("a letter to a friend\n" * 100)
    with pytest.raises(ModelFileError, match="no GGUF file"):
        pull.require(resolve(str(file)), tmp_path / "models")
