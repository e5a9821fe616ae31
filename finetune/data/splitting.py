"""What is learnt from and what is measured on, told apart by source: no document is on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from assistant.errors import TrainingDataError
from finetune.schema import Example, Preference

Row = TypeVar("Row", Example, Preference)


@dataclass(frozen=True, slots=True)
class Split(Generic[Row]):
    """The two sides, each in the order given."""

    train: tuple[Row, ...]
    held_out: tuple[Row, ...]


def split(examples: Sequence[Row], *, held_out: float, seed: int) -> Split[Row]:
    """Hold a share of the sources out.

    A source's side depends on its name and the seed alone: other rows and their order change nothing.

    Args:
        examples: To be split; or preference pairs, of which one of the same source is on the same side.
        held_out: Share of the sources, 0 to below 1; 0 holds nothing out.
        seed: Of the draw.

    Raises:
        TrainingDataError: A share out of range, or one that leaves nothing to learn from.
    """
    if not 0 <= held_out < 1:
        raise TrainingDataError(
            field="held_out", reason=f"is {held_out}", remedy="use a share from 0 to below 1, such as 0.1"
        )
    out = {source for source in {each.source for each in examples} if _place(source, seed) < held_out}
    train = tuple(each for each in examples if each.source not in out)
    if examples and not train:
        raise TrainingDataError(
            field="held_out",
            reason=f"{held_out} of {len(out)} sources leaves no row to learn from",
            remedy="add rows from other documents or conversations, or hold less out",
        )
    return Split(train, tuple(each for each in examples if each.source in out))


def _place(source: str, seed: int) -> float:
    """Where the draw puts a source, 0..1, the same everywhere and always."""
    drawn = hashlib.sha256(f"{seed}\0{source}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(drawn[:8], "big") / 2**64
