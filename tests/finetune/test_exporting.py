"""An adapter merged into its base: the same answers as one model, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny
import tiny_gguf

from assistant.commands.app import run
from assistant.errors import AdapterError, BadRequestError, ModelFileError, StorageError
from assistant.models import adapters, safety, skills
from assistant.models.catalog import resolve
from assistant.schema import AdapterRef, Message, Sampling
from finetune import exporting


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def home(base: Path, tmp_path: Path) -> Path:
    tiny.adapter(base, tmp_path / "home" / "adapters" / "says-beta", "beta")
    return tmp_path / "home"


def _greedy(folder: Path, ref: AdapterRef | None = None) -> str:
    """What our own engine answers, in the precision of this machine."""
    from assistant.engine.local import LocalGenerator

    known = {ref.name: ref} if ref else {}
    engine = LocalGenerator(folder, name="tiny", adapters=known, window=512, quantization="none")
    try:
        question = [Message("user", "a word")]
        sampling = Sampling(max_new_tokens=8, temperature=0)
        return "".join(d.text for d in engine.stream(question, sampling, adapter=ref and ref.name))
    finally:
        engine.close()


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_merged_model_answers_like_base_and_adapter(
    base: Path, home: Path, tmp_path: Path, precision: str
) -> None:
    target = tmp_path / "merged"
    arguments = [
        "adapters",
        "merge",
        "says-beta",
        str(target),
        "--precision",
        precision,
        "--model",
        str(base),
    ]
    assert run(arguments) == 0
    spoken = _greedy(base, adapters.find(home, "says-beta"))
    assert _greedy(target) == spoken != _greedy(base)
    assert "beta" in spoken
    safety.inspect(target)
    assert {oct(file.stat().st_mode & 0o777) for file in target.iterdir()} == {"0o644"}
    assert resolve(str(target)).name == "merged"
    assert (target / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()


def test_the_merged_model_is_asked_as_the_adapter_was(base: Path, home: Path, tmp_path: Path) -> None:
    from assistant.assistant import Assistant
    from assistant.config import Settings

    learnt = skills.Skills(sentiment=True)
    (home / "adapters" / "says-beta" / skills.FILE).write_text(learnt.model_dump_json())
    target = tmp_path / "merged"
    assert run(["adapters", "merge", "says-beta", str(target), "--model", str(base)]) == 0
    for model, expected in ((target, learnt), (base, skills.Skills())):
        runtime = Assistant.open(
            Settings(home=tmp_path / "served", model=str(model), adapter="none", samples=False)
        )
        assert runtime.models.skills(None) == expected
        runtime.close()


@pytest.mark.parametrize("dora", [False, True])
def test_the_merged_weights_give_the_logits_of_base_and_adapter(
    base: Path, tmp_path: Path, dora: bool
) -> None:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    torch.manual_seed(1)
    adapted = get_peft_model(
        model,
        LoraConfig(
            r=4, target_modules="all-linear", use_dora=dora, init_lora_weights=False, task_type="CAUSAL_LM"
        ),
    )
    adapted.peft_config["default"].base_model_name_or_path = "tiny"
    adapted.save_pretrained(tmp_path / "drawn")
    ref = adapters.read(tmp_path / "drawn")
    ids = torch.tensor([[5, 60, 200, 31]])
    whole = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), tmp_path / "drawn"
    ).eval()
    exporting.write(ref, resolve(str(base)), base, tmp_path / "merged", "fp32")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32).eval()
    with torch.no_grad():
        torch.testing.assert_close(merged(ids).logits, whole(ids).logits, atol=1e-4, rtol=1e-4)
        with whole.disable_adapter():
            assert not torch.allclose(merged(ids).logits, whole(ids).logits, atol=1e-2)


def test_a_base_that_is_kept_in_nf4_is_merged_as_it_was_trained_over(tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    from assistant.engine import loading
    from assistant.models import pull

    entry = resolve(str(tiny_gguf.build(tmp_path / "tiny.gguf")))
    kept = pull.require(entry, tmp_path / "models")
    torch.manual_seed(1)
    options = {"target_modules": "all-linear", "init_lora_weights": False, "task_type": "CAUSAL_LM"}
    adapted = get_peft_model(loading.load(kept, "nf4", to_train=True).model, LoraConfig(r=4, **options))
    adapted.peft_config["default"].base_model_name_or_path = "tiny"
    adapted.save_pretrained(tmp_path / "drawn")
    exporting.write(adapters.read(tmp_path / "drawn"), entry, kept, tmp_path / "merged", "fp32")
    ids = torch.tensor([[5, 60, 200, 31]])
    whole = PeftModel.from_pretrained(loading.load_whole(kept, torch.float32), tmp_path / "drawn").eval()
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32).eval()
    with torch.no_grad():
        torch.testing.assert_close(merged(ids).logits, whole(ids).logits, atol=1e-4, rtol=1e-4)
        with whole.disable_adapter():
            assert not torch.allclose(merged(ids).logits, whole(ids).logits, atol=1e-2)
    assert loading.load(tmp_path / "merged", "nf4").quantization == "nf4"


def test_what_is_there_stays_as_it_is(base: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    ref = adapters.find(home, "says-beta")
    with pytest.raises(BadRequestError, match="it is there already"):
        exporting.write(ref, resolve(str(base)), base, tmp_path / "mine", "bf16")
    assert not list((tmp_path / "mine").iterdir())


def test_nothing_is_left_of_a_merge_that_failed(
    base: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_say_origin", full)
    ref = adapters.find(home, "says-beta")
    with pytest.raises(StorageError, match="No space left"):
        exporting.write(ref, resolve(str(base)), base, tmp_path / "out" / "merged", "bf16")
    assert not list((tmp_path / "out").iterdir())


def test_an_adapter_of_another_base_is_refused(base: Path, home: Path, tmp_path: Path) -> None:
    config = home / "adapters" / "says-beta" / adapters.CONFIG
    config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": "other"}))
    ref = adapters.find(home, "says-beta")
    with pytest.raises(AdapterError, match="it was trained on other"):
        exporting.write(ref, resolve(str(base)), base, tmp_path / "merged", "bf16")
    assert not (tmp_path / "merged").exists()


def test_an_adapter_of_tied_embeddings_is_refused(tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(tmp_path / "tied")
    base = LlamaForCausalLM.from_pretrained(tmp_path / "tied")
    form = LoraConfig(r=2, target_modules=["lm_head"], init_lora_weights=False, task_type="CAUSAL_LM")
    adapted = get_peft_model(base, form)
    adapted.peft_config["default"].base_model_name_or_path = "tied"
    adapted.save_pretrained(tmp_path / "head", save_embedding_layers=False)
    ref, entry = adapters.read(tmp_path / "head"), resolve(str(tmp_path / "tied"))
    with pytest.raises(AdapterError, match="shares between input and output"):
        exporting.write(ref, entry, tmp_path / "tied", tmp_path / "merged", "fp32")


def test_without_a_converter_gguf_is_refused_before_anything_is_written(
    base: Path,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = ["adapters", "merge", "says-beta", str(tmp_path / "merged"), "--gguf", "--model", str(base)]
    assert run(arguments) == 2
    assert "convert_hf_to_gguf.py FOLDER --outfile" in capsys.readouterr().err
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize(("ends", "code"), [("", 0), ("sys.exit('no such architecture')", 2)])
def test_gguf_is_what_the_converter_on_the_path_writes(
    base: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], ends: str, code: int,
) -> None:  # fmt: skip
    tool = tmp_path / "bin" / exporting.CONVERTER
    tool.parent.mkdir()
    writes = f"import sys, pathlib\n{ends}\npathlib.Path(sys.argv[3]).write_text('GGUF of ' + sys.argv[1])"
    tool.write_text(f"#!/no/such/python\n{writes}\n")  # ours runs it: another need not have torch
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent))
    target = tmp_path / "merged"
    assert run(["adapters", "merge", "says-beta", str(target), "--gguf", "--model", str(base)]) == code
    assert (target / "model.safetensors").is_file()
    assert ("no such architecture" in capsys.readouterr().err) == bool(code)
    assert [file.read_text() for file in target.glob("*gguf")] == [f"GGUF of {target}"] * (not code)
    assert not list(target.glob(".*"))


def test_the_error_of_a_failed_converter_names_where_the_model_is(tmp_path: Path) -> None:
    tool = tmp_path / exporting.CONVERTER
    tool.write_text("import sys\nsys.exit(1)")
    with pytest.raises(ModelFileError, match=r"it said nothing.*sentencepiece"):
        exporting.to_gguf(str(tool), tmp_path)
