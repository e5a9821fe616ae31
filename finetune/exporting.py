"""``youju adapters merge``: an adapter and its base as one full model, for whatever knows no adapters.

The base is read unquantized. Where it is kept in NF4 already, that is the very base the adapter was trained
over, and what the four bits dropped of the published weights is lost; the merged model answers as the adapter
does, but for rounding. Where the base is kept in 16 bit, serving and training run the adapter over its 4-bit
form, so that the merged model is close to that and not the same.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.commands.options import note, with_settings
from assistant.config import Settings
from assistant.errors import AdapterError, BadRequestError, EngineError, ModelFileError, StorageError
from assistant.models import adapters, nf4, pull, safety, skills
from assistant.models.catalog import MERGED, Entry, resolve
from assistant.schema import AdapterRef

if TYPE_CHECKING:
    from peft.tuners.tuners_utils import BaseTunerLayer
    from transformers import PreTrainedModel

Precision = Literal["bf16", "fp32"]
CONVERTER = "convert_hf_to_gguf.py"
"""Of llama.cpp, which keeps it in step with its own reader; no package on the index does."""
NEEDED = "`pip install sentencepiece protobuf` for it"
REMADE = ("config.json", "generation_config.json", pull.MANIFEST)
"""Files of the base that the merged model has its own of, or has none."""


@with_settings
def merge(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of `youju adapters list`.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="To write; not there yet.")],
    *,
    precision: Annotated[Precision, typer.Option(help="Of the merged weights.")] = "bf16",
    gguf: Annotated[
        bool, typer.Option("--gguf", help="Also write a GGUF file, with llama.cpp's tool.")
    ] = False,
) -> None:
    """Write an adapter and its base as one full model in safetensors; `--model FOLDER` serves it."""
    ref = adapters.find(settings.home, name)
    entry = base_of(ref, settings)
    converter = find_converter() if gguf else ""
    write(ref, entry, pull.require(entry, settings.models_dir), folder, precision)
    note(f"written: {folder} ({adapters.size(folder) / 1e6:.0f} MB); try it: youju chat --model {folder}")
    if converter:
        note(f"written: {to_gguf(converter, folder)}")


def base_of(ref: AdapterRef, settings: Settings) -> Entry:
    """The model that an adapter was trained on: the one in use, where its name is the same, else by name.

    Raises:
        ModelNotFoundError: No model has that name.
    """
    used = resolve(settings.model)
    return used if used.name == ref.base else resolve(ref.base)


def write(ref: AdapterRef, entry: Entry, base: Path, folder: Path, precision: Precision) -> None:
    """Merge an adapter into its base, and write the model, whole or not at all.

    Args:
        ref: The adapter.
        entry: Its base, for the licence that the merged model comes under too.
        base: The base's folder.
        folder: To write; must not be there.
        precision: Of the merged weights; fp32 takes twice the memory and room.

    Raises:
        BadRequestError: The folder is there.
        AdapterError: It is of another base, damaged, or cannot be merged.
        StorageError: The disk is full, or the place cannot be written.
    """
    if folder.exists():
        raise BadRequestError(field="FOLDER", value=folder, remedy="it is there already: give another name")
    adapters.verify(ref, entry.name)
    part = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _need_room(base, folder, precision)
        _copy_tokenizer(base, part)
        # What was kept in NF4 is in 16 bit now: its file is not written in the form that it was read in.
        _merged(ref, base, precision).save_pretrained(part, save_original_format=not nf4.kept(base))
        _say_origin(ref, entry, part)
        for file in part.iterdir():
            file.chmod(0o644)  # safetensors lets only its writer read
        safety.inspect(part, folder.name)
        part.replace(folder)
    except OSError as fault:
        remedy = "free some space, or give a folder that can be written"
        raise StorageError(what=folder, reason=fault.strerror or str(fault), remedy=remedy) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _need_room(base: Path, folder: Path, precision: Precision) -> None:
    held = sum(file.stat().st_size for file in base.glob("*.safetensors"))
    need = held * (pull.IN_16_BIT if nf4.kept(base) else 1) * (2 if precision == "fp32" else 1)
    free = shutil.disk_usage(folder.parent).free
    if need > free:
        reason = f"it needs {need / 1e9:.1f} GB and {folder.parent} has {free / 1e9:.1f} GB free"
        raise StorageError(what=folder, reason=reason, remedy="free some space, or give another folder")


def _copy_tokenizer(base: Path, part: Path) -> None:
    """All but the weights, byte for byte: the tokenizer and the chat template stay the very same."""
    for file in base.iterdir():
        weights = file.suffix == ".safetensors" or file.name.endswith(".safetensors.index.json")
        if file.is_file() and not weights and file.name not in REMADE and not file.name.startswith("README"):
            shutil.copyfile(file, part / file.name)


def _merged(ref: AdapterRef, base: Path, precision: Precision) -> PreTrainedModel:
    """The base with the adapter's updates added to its weights; loaded and checked as serving does it."""
    import torch
    from peft.tuners.tuners_utils import BaseTunerLayer

    from assistant.engine import loading
    from assistant.engine.shelf import Shelf

    try:
        model = loading.load_whole(base, torch.bfloat16 if precision == "bf16" else torch.float32)
    except EngineError:
        reason = "the unquantized base does not fit into memory"
        raise ModelFileError(name=base.name, reason=reason, remedy="merge on a machine with more") from None
    Shelf(model, ref.base).use(ref)
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, BaseTunerLayer)}
    _refuse_tied(ref, model, layers)
    for name, layer in layers.items():
        layer.merge(safe_merge=True)
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, layer.get_base_layer())
    return model


def _refuse_tied(ref: AdapterRef, model: PreTrainedModel, layers: dict[str, BaseTunerLayer]) -> None:
    """An update of the output layer would change the input embedding too, where the two are one tensor."""
    tied = model.config.get_text_config().tie_word_embeddings
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    if tied and any(layer is end for layer in layers.values() for end in ends):
        reason = "it changes the embedding, which this base shares between input and output"
        raise AdapterError(name=ref.name, reason=reason, remedy="serve it as an adapter")


def _say_origin(ref: AdapterRef, entry: Entry, part: Path) -> None:
    """What the model was made from, what it learnt, and the licence of its base."""
    record: dict[str, Any] = {"base": ref.base, "licence": entry.licence, "adapter": ref.name}
    record |= {"adapter_sha256": ref.sha256, "adapter_config": _config(ref)}
    if (Path(ref.path) / skills.FILE).is_file():
        shutil.copyfile(Path(ref.path) / skills.FILE, part / skills.FILE)
    (part / MERGED).write_text(json.dumps(record, indent=1), encoding="utf-8")


def _config(ref: AdapterRef) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((Path(ref.path) / adapters.CONFIG).read_text(encoding="utf-8"))
    return config


def find_converter() -> str:
    """Where llama.cpp's converter is.

    Raises:
        BadRequestError: It is not here; says how to get it and what to run.
    """
    if found := shutil.which(CONVERTER):
        return found
    remedy = (
        f"there is no {CONVERTER} on the PATH, and no package on the index keeps up with llama.cpp: "
        f"get llama.cpp, put its folder on the PATH, {NEEDED}, and run this again; or merge without --gguf "
        f"and run `python llama.cpp/{CONVERTER} FOLDER --outfile NAME.gguf`"
    )
    raise BadRequestError(field="merge", value="--gguf", remedy=remedy)


def to_gguf(converter: str, folder: Path) -> Path:
    """Convert a merged model with llama.cpp's own tool, in the precision that it has.

    Args:
        converter: The tool's path.
        folder: Of the model; the file is written into it, under its name.

    Raises:
        ModelFileError: The tool failed; holds the last line that it wrote.
    """
    file, part = folder / f"{folder.name}.gguf", folder / f".{folder.name}.part.gguf"
    # By our Python: the tool wants torch and transformers, which the one of its first line need not have.
    command = [sys.executable, converter, str(folder), "--outfile", str(part), "--outtype", "auto"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not part.is_file():
        part.unlink(missing_ok=True)
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        again = f"python {converter} {folder}"
        remedy = f"the merged model is in {folder}; update llama.cpp, {NEEDED}, and run `{again}`"
        raise ModelFileError(name=folder.name, reason=f"{CONVERTER} failed ({said[-1]})", remedy=remedy)
    part.replace(file)
    return file
