"""Examples written in one of the field's shapes: what is read again is what was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from assistant.errors import ConflictError, StorageError, TrainingDataError
from assistant.schema import Message, Role
from finetune.data.loading import Loaded, load
from finetune.data.writing import writer
from finetune.schema import Example, Fault, Preference

Shape = Literal["messages", "alpaca", "sharegpt", "prompt-completion", "preference"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
_FROM = {"system": "system", "user": "human", "assistant": "gpt"}


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written.

    Attributes:
        rows: Written.
        left_out: Read, but of another kind: preferences where examples are written, or the reverse.
        warnings: Faults of rows that were left out.
    """

    rows: int
    left_out: int
    warnings: tuple[Fault, ...]


def convert(source: str, target_path: str | Path, format: Shape) -> Converted:  # noqa: A002 - the word users say
    """Write what a source holds in another shape.

    Args:
        source: As for `load`.
        target_path: A new file; its suffix says its type: .jsonl, .json, .csv, .tsv or .parquet.
        format: Shape of its rows.

    Raises:
        TrainingDataError: A faulty row, rows that the shape cannot hold, or another suffix.
        ConflictError: The file is there already.
        StorageError: The disk did not take it. In all cases nothing was written.
    """
    target = Path(target_path)
    write = writer(target)
    if target.exists():
        detail = "is there already: name another file, or remove it"
        raise ConflictError(kind="file", value=str(target), detail=detail)
    loaded = _whole(load([source]), source)
    rows = written(loaded, format)
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(part, rows)
        part.replace(target)
    except OSError as fault:
        remedy = "free some disk space, or name another folder"
        raise StorageError(what=str(target), reason=fault.strerror or str(fault), remedy=remedy) from fault
    finally:
        part.unlink(missing_ok=True)
    total = len(loaded.examples) + len(loaded.preferences)
    return Converted(len(rows), total - len(rows), loaded.faults)


def _whole(loaded: Loaded, source: str) -> Loaded:
    hard = [fault for fault in loaded.faults if fault.hard]
    if hard:
        first = hard[0]
        others = f" (and {len(hard) - 1} more)" if len(hard) > 1 else ""
        raise TrainingDataError(
            field=f"{first.origin.file}, row {first.origin.row}, {first.field}",
            reason=f"{first.reason}{others}",
            remedy="mend or remove the row; nothing was written",
        )
    if not loaded.examples and not loaded.preferences:
        raise TrainingDataError(
            field=source,
            reason="holds nothing to learn from",
            remedy="give another source; nothing was written",
        )
    return loaded


def written(loaded: Loaded, format: Shape) -> list[dict[str, Any]]:  # noqa: A002
    """The rows of a shape.

    Raises:
        TrainingDataError: There is nothing for it, or the shape cannot hold what was read.
    """
    if format == "preference":
        rows = _preferences(loaded.preferences)
    else:
        make = {"messages": _messages, "sharegpt": _sharegpt, "alpaca": _alpaca, "prompt-completion": _pairs}
        rows = make[format](loaded.examples)
    if rows:
        return rows
    held, other = ("examples", "messages") if format == "preference" else ("preferences", "preference")
    raise TrainingDataError(
        field="format", reason=f"the source holds only {held}", remedy=f"convert it to {other}"
    )


def _about(example: Example) -> dict[str, str]:
    return {"source": example.source, "task": example.task, "lang": example.language}


def _messages(examples: Sequence[Example]) -> list[dict[str, Any]]:
    return [{"id": each.id, "messages": _turns(each.messages), **_about(each)} for each in examples]


def _sharegpt(examples: Sequence[Example]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "conversations": [{"from": _FROM[said.role], "value": said.text} for said in each.messages],
            **_about(each),
        }
        for each in examples
    ]


def _alpaca(examples: Sequence[Example]) -> list[dict[str, Any]]:
    """``system`` and ``history`` stand in all rows, or in none where no row has one."""
    rows = [_instruction(each) for each in examples]
    unused = {key for key in ("system", "history") if not any(row[key] for row in rows)}
    return [{key: value for key, value in row.items() if key not in unused} for row in rows]


def _instruction(example: Example) -> dict[str, Any]:
    said = list(example.messages)
    system = said.pop(0).text if said[0].role == "system" else ""
    if [message.role for message in said] != ["user", "assistant"] * (len(said) // 2):
        raise TrainingDataError(
            field=f"{example.origin.file}, row {example.origin.row}",
            reason="alpaca holds questions and answers in turn, after at most one system prompt",
            remedy="convert to messages",
        )
    texts = [message.text for message in said]
    return {
        "id": example.id,
        "instruction": texts[-2],
        "input": "",
        "output": texts[-1],
        "system": system,
        "history": [texts[n : n + 2] for n in range(0, len(texts) - 2, 2)],
        **_about(example),
    }


def _pairs(examples: Sequence[Example]) -> list[dict[str, Any]]:
    prompts = _column([each.messages[:-1] for each in examples], "user")
    replies = _column([each.messages[-1:] for each in examples], "assistant")
    return [
        {"id": each.id, "prompt": prompt, "completion": reply, **_about(each)}
        for each, prompt, reply in zip(examples, prompts, replies, strict=True)
    ]


def _preferences(preferences: Sequence[Preference]) -> list[dict[str, Any]]:
    prompts = _column([each.prompt for each in preferences], "user")
    replies = _column(
        [[Message("assistant", reply)] for each in preferences for reply in (each.chosen, each.rejected)],
        "assistant",
    )
    columns = zip(preferences, prompts, replies[::2], replies[1::2], strict=True)
    return [
        {"id": each.id, "prompt": prompt, "chosen": chosen, "rejected": rejected, "source": each.source}
        for each, prompt, chosen, rejected in columns
    ]


def _column(values: Sequence[Sequence[Message]], role: Role) -> list[Any]:
    """Plain texts where all of them can be, else lists of messages: a column of Parquet has one type."""
    plain = all(
        len(said) == 1 and said[0].role == role and said[0].text == said[0].text.strip() for said in values
    )
    return [said[0].text if plain else _turns(said) for said in values]


def _turns(said: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in said]
