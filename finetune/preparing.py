"""What a run learns from: read, checked, split, and written into its folder."""

from __future__ import annotations

import json
import platform
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from assistant.config import Settings
from assistant.errors import TrainingDataError, TrainingError
from assistant.schema import Message
from finetune import config as recipes
from finetune.config import Config
from finetune.data import loading
from finetune.data.loading import Loaded
from finetune.data.splitting import Row, Split, split
from finetune.folder import Folder
from finetune.schema import Example, Preference

if TYPE_CHECKING:
    from assistant.rendering import Renderer

PACKAGES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate", "datasets", "youju")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is trained on, before a model is loaded; by DPO the pairs, else the examples."""

    loaded: Loaded
    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    preferences: Split[Preference]


def prepare(config: Config, settings: Settings, renderer: Renderer, say: Callable[[str], None]) -> Prepared:
    """Read, check and split the data. Nothing is written.

    Raises:
        TrainingDataError: There is a hard fault, and the recipe says to stop at one.
    """
    from finetune.checks import checking, showing, suites

    found = loading.load(config.data.train, limit=config.data.limit or None)
    report = checking.check(
        found,
        renderer=renderer,
        max_length=config.training.max_length,
        suites=suites.built_in(),
        documents=suites.documents(settings),
    )
    hard = tuple(report.hard)
    if hard and config.data.check == "stop":
        showing.show(report)
        first = hard[0]
        raise TrainingDataError(
            field=f"{first.origin.file}, row {first.origin.row}, {first.field}",
            reason=f"{first.reason} ({len(hard)} such faults in all)",
            remedy="mend them; `youju finetune check` lists them all",
        )
    bad = {(fault.origin.file, fault.origin.row) for fault in hard}
    examples = [e for e in found.examples if (e.origin.file, e.origin.row) not in bad]
    if hard:
        say(f'{len(bad)} rows with hard faults are left out, as data.check = "warn" says')
    pairs = [p for p in found.preferences if (p.origin.file, p.origin.row) not in bad]
    test = loading.load(config.data.test) if config.data.test else None
    asked = _sources(test) if test else set()
    if config.training.method == "dpo":
        return Prepared(found, (), (), _parts(config, pairs, test.preferences if test else None, asked))
    parts = _parts(config, examples, test.examples if test else None, asked)
    return Prepared(found, parts.train, parts.held_out, Split((), ()))


def _parts(config: Config, rows: Sequence[Row], test: Sequence[Row] | None, asked: set[str]) -> Split[Row]:
    """What is learnt and what is held out: the files of ``data.test``, else a share of the sources."""
    if test is None:
        return split(rows, held_out=config.data.held_out, seed=config.data.seed)
    return Split(tuple(row for row in rows if row.source not in asked), tuple(test))


def _sources(loaded: Loaded) -> set[str]:
    """What its rows were made from."""
    return {example.source for example in loaded.examples} | {pair.source for pair in loaded.preferences}


def same(folder: Folder, config: Config, prepared: Prepared) -> None:
    """See that a run goes on with the recipe and the data that it began with.

    Raises:
        TrainingError: One of them is another; names it.
    """
    began, now = (
        dict(_values(tomllib.loads(text)))
        for text in (folder.config.read_text(encoding="utf-8"), recipes.text(config))
    )
    other = [
        f"{key} was {began.get(key)!r}, is {now.get(key)!r}" for key in now if began.get(key) != now[key]
    ]
    known = {file["path"]: file["sha256"] for file in (folder.read("data.json") or {}).get("files", ())}
    other += [
        f"{file.path} has changed" for file in prepared.loaded.files if known.get(file.path) != file.sha256
    ]
    if other:
        raise TrainingError(
            reason=f"{folder.path} began otherwise: {'; '.join(other)}",
            remedy="go on with what it began with, or start a new run",
        )


def _values(parts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Each value that shapes the weights, by its dotted name."""
    for part, values in parts.items():
        if part != "output":
            yield from ((f"{part}.{key}", value) for key, value in values.items())


def record(folder: Folder, config: Config, prepared: Prepared) -> None:
    """Write recipe, environment, what the data are, and the held-out cases."""
    folder.write_text(folder.config.name, recipes.text(config))
    folder.write("environment.json", {
        "python": platform.python_version(), "system": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
    })  # fmt: skip
    folder.write("data.json", {
        "files": [asdict(file) for file in prepared.loaded.files],
        "train": len(prepared.train) + len(prepared.preferences.train),
        "held_out": len(prepared.held_out) + len(prepared.preferences.held_out),
    })  # fmt: skip
    cases = [*map(case, prepared.held_out), *map(_better, prepared.preferences.held_out)]
    lines = [json.dumps(each, ensure_ascii=False) for each in cases]
    folder.write_text("held_out.jsonl", "".join(f"{line}\n" for line in lines))


def case(example: Example) -> dict[str, Any]:
    """An example as a suite's case; a plain conversation is one to chat, with its reply as the reference."""
    if example.case:
        return {**example.case, "id": example.id}
    return _chat(example.id, example.messages[:-1], example.messages[-1].text)


def _better(pair: Preference) -> dict[str, Any]:
    """A pair as a suite's case: the reply that was liked better is the reference."""
    return _chat(pair.id, pair.prompt, pair.chosen)


def _chat(name: str, prompt: Sequence[Message], reference: str) -> dict[str, Any]:
    said = [{"role": message.role, "content": message.text} for message in prompt]
    return {"id": name, "task": "chat", "messages": said, "references": [reference]}
