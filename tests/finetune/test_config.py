"""A recipe is read strictly: what is not known is named, with what is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from assistant.errors import RecipeError
from assistant.models import catalog
from finetune import config
from finetune.config import HERE, Config

MINIMAL = '[data]\ntrain = ["rows.jsonl"]\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "rows.jsonl").write_text("{}", encoding="utf-8")
    path = tmp_path / "own.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["tiny-cpu", "youju-default", "qlora-gpu", "fsdp"])
def test_every_shipped_recipe_can_be_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = (
        "grounded/en.train.jsonl",
        "sentiment/en.train.jsonl",
        "summarize/en.train.jsonl",
        "examples.jsonl",
    )
    for source in wanted:
        (tmp_path / source).parent.mkdir(exist_ok=True)
        (tmp_path / source).touch()
    monkeypatch.setenv("YOUJU_DATA", str(tmp_path))
    found = config.read(Path(name))
    assert found == config.read(HERE / f"{name}.toml")
    assert all(Path(source).is_file() for source in found.data.train)


@pytest.mark.parametrize("name", ["youju-default", "qlora-gpu", "fsdp"])
def test_recipes_train_a_model_that_reads(name: str) -> None:
    told = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
    assert catalog.resolve(told["model"]["name"]).reads
    assert catalog.resolve(Config.model_fields["model"].default.name).reads


def test_the_data_of_the_smallest_recipe_comes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YOUJU_DATA", raising=False)
    assert Path(config.read(Path("tiny-cpu")).data.train[0]).parent == HERE


def test_what_is_not_said_has_a_default_and_changes_win(recipe: Path) -> None:
    found = config.read(
        recipe, ["training.epochs=2.5", "lora.dora=true", "output.name=mine", "training.method=dpo"]
    )
    assert found.training.epochs == 2.5
    assert found.lora.dora
    assert (found.output.name, found.training.method) == ("mine", "dpo")
    assert found.model == Config.model_fields["model"].default


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[data]\n", r"data\.train: .*Field required"),
        (
            MINIMAL + "[lora]\nranks = 4\n",
            r"lora\.ranks: 4 cannot be used; there is no such key; there are: rank, alpha",
        ),
        (MINIMAL + "[loar]\nrank = 4\n", r"loar: .*there are: model, data, lora"),
        (MINIMAL + "[lora]\nrank = 0\n", r"lora\.rank: 0 .*greater than or equal to 1"),
        (MINIMAL + '[lora]\nrank = "many"\n', r"lora\.rank: 'many'"),
        (MINIMAL + '[training]\nmethod = "ppo"\n', r"training\.method: 'ppo' .*'sft' or 'dpo'"),
        (
            MINIMAL + "[training]\ntokens_per_batch = 512\n",
            r"training: .*tokens_per_batch is below max_length \(1024\)",
        ),
        (MINIMAL + '[output]\nname = "../up"\n', r"output\.name: '\.\./up'"),
        ('[data]\ntrain = ["none.jsonl"]\n', r"data\.train: 'none\.jsonl' .*it is in none of"),
        ("[data\n", "mend the TOML"),
    ],
)
def test_what_cannot_be_used_is_refused_with_file_key_value_and_way_out(
    recipe: Path, text: str, said: str
) -> None:
    recipe.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=rf"own\.toml, .*{said}|{said}"):
        config.read(recipe)


@pytest.mark.parametrize("change", ["epochs=2", "training.epochs", "=3"])
def test_a_change_that_names_no_key_is_refused(recipe: Path, change: str) -> None:
    with pytest.raises(RecipeError, match=r"write part\.key=value"):
        config.read(recipe, [change])


def test_a_recipe_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="fsdp, qlora-gpu, tiny-cpu, youju-default"):
        config.read(tmp_path / "none.toml")
