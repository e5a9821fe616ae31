"""JSON as RFC 8259 has it and no wider: Python's own reader lets NaN and doubled names through."""

from __future__ import annotations

import json
from typing import Any


def loads(text: str) -> Any:
    """Read a JSON text.

    Raises:
        ValueError: It is none, or names a field twice, or holds NaN or Infinity.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_once, parse_constant=_finite)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice!r} is there twice"[:150])
    return values


def _finite(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
