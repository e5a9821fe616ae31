"""An adapter's model card: base, data and licences, what was measured, intended use and limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from assistant.models import adapters
from assistant.models.catalog import Entry
from assistant.schema import AdapterRef

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCard

NAME = "README.md"
UNFILLED = "[More Information Needed]"
"""Stands in the card that peft writes by itself: such a card says nothing, and ours takes its place."""
OURS = (
    "base_model", "library_name", "pipeline_tag", "language", "license", "tags", "model_name", "model-index"
)  # fmt: skip
"""Metadata that is made anew; what else the folder's card says is kept."""
Json = Mapping[str, Any]

_BODY = """# {name}

A LoRA adapter (rank {rank}) for {base}, made with [Youju](https://pypi.org/project/youju/).

## Base model

{base}, licence {licence}. The adapter was trained over its weights in 4 bit (NF4, double quantization).

## Training data

{data}

## Evaluation

{evaluation}

## Intended use

Answering questions from passages that come with them, judging sentiment, summarizing and chatting, inside
Youju, which checks each sentence of an answer against its source.

- With Youju: copy this folder into `adapters/` of the data folder, then `youju adapters promote {name}`.
- With peft: `PeftModel.from_pretrained(base, "{repo}")`.

## Limits

- It was measured on the cases named above and on nothing else; other kinds of text and other languages may
  do worse.
- It can be wrong and sound sure. Without a check against the sources, do not rely on it for decisions about
  health, law or money.
- Whatever its base and its data hold of prejudice, it may repeat.
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an adapter, read from its own folder and the run that made it.

    Attributes:
        config: As peft wrote it.
        data: ``data.json`` of the run; empty where there is none.
        comparisons: Of base and adapter, as ``comparison.json`` has them.
        text: Of the card in its folder, without metadata; empty where there is none that says anything.
        metadata: Of that card.
    """

    config: Json
    data: Json
    comparisons: Sequence[Json]
    text: str
    metadata: Json


def read(ref: AdapterRef) -> Facts:
    """Gather what is known; what is not there is left empty."""
    folder = Path(ref.path)
    run = Path(str(_json(folder / "run.json").get("run") or folder))
    found = _json(run / "report.json").get("comparison") or []
    text, metadata = _own(folder / NAME)
    return Facts(
        config=_json(folder / adapters.CONFIG),
        data=_json(run / "data.json"),
        comparisons=[found] if isinstance(found, Mapping) else list(found),
        text=text,
        metadata=metadata,
    )


def build(ref: AdapterRef, base: Entry, repo: str) -> ModelCard:
    """Make the card. A text that is in the adapter's folder already is kept; the metadata is always ours.

    Args:
        ref: The adapter.
        base: Its base.
        repo: ``owner/name``, where it will be.
    """
    from huggingface_hub import ModelCard, ModelCardData

    facts = read(ref)
    data = ModelCardData(
        base_model=base.hub or None,
        library_name="peft",
        pipeline_tag="text-generation",
        language=list(base.languages) or None,
        license=base.licence.lower() if base.licence != "unknown" else None,
        tags=["youju", "lora", "grounded-generation"],
        model_name=ref.name,
        eval_results=list(_results(facts.comparisons)) or None,
        **{key: value for key, value in facts.metadata.items() if key not in OURS},
    )
    text = facts.text or _BODY.format(
        name=ref.name,
        rank=facts.config.get("r", "?"),
        base=base.hub or base.name,
        licence=base.licence,
        data=_data(facts.data),
        evaluation=_evaluation(facts.comparisons),
        repo=repo,
    )
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text.strip()}\n")


def _own(path: Path) -> tuple[str, Json]:
    """Text and metadata of the card in the folder; nothing where it is missing or was never filled in."""
    from huggingface_hub import ModelCard

    try:
        card = ModelCard(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "", {}
    metadata: Json = card.data.to_dict()  # type: ignore[no-untyped-call]
    return ("", {}) if UNFILLED in card.text else (card.text, metadata)


def _data(found: Json) -> str:
    """A table of the files: the last part of their paths only, for the rest is this machine's."""
    files = found.get("files") or []
    if not files:
        return "Not recorded."
    lines = ["| file | rows | licence | SHA-256 |", "|---|---:|---|---|"]
    for file in files:
        name = PurePath(str(file.get("path", "?"))).name
        licence, digest = file.get("licence") or "not stated", str(file.get("sha256", ""))[:16]
        lines.append(f"| {_cell(name)} | {file.get('rows', '?')} | {_cell(licence)} | `{digest}` |")
    return "\n".join(lines)


def _evaluation(comparisons: Sequence[Json]) -> str:
    if not any(each.get("metrics") for each in comparisons):
        return "Not measured yet."
    lines = ["Base and adapter on the same held-out cases; intervals are 95 %.", ""]
    lines += ["| suite | metric | cases | base | adapter | difference | verdict |"]
    lines += ["|---|---|---:|---:|---:|---|---|"]
    for suite, metric in _metrics(comparisons):
        change = metric["difference"]
        cells = [
            _cell(suite),
            f"`{metric['metric']}`",
            change["n"],
            f"{metric['a']:.3f}",
            f"{metric['b']:.3f}",
        ]
        cells += [_interval(change), str(metric.get("verdict", "")).replace("_", " ")]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _results(comparisons: Sequence[Json]) -> Iterator[EvalResult]:
    """For the card's metadata, which has no field for an interval: it stands in the metric's name."""
    from huggingface_hub import EvalResult

    for suite, metric in _metrics(comparisons):
        change = metric["difference"]
        beside = f"base {metric['a']:.3f}, difference {_interval(change)}, n {change['n']}"
        yield EvalResult(
            task_type="text-generation",
            dataset_type=suite.lower().replace(" ", "-"),
            dataset_name=suite,
            metric_type=metric["metric"],
            metric_name=f"{metric['metric']} ({beside})",
            metric_value=round(metric["b"], 4),
        )


def _metrics(comparisons: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    for each in comparisons:
        for metric in each.get("metrics", ()):
            yield str(each.get("suite", "held out")), metric


def _interval(change: Json) -> str:
    return f"{change['mean']:+.3f} [{change['low']:+.3f}, {change['high']:+.3f}]"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
