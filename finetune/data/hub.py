"""A dataset of the Hub, by its address, through the datasets library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from assistant.errors import TrainingDataError
from finetune.data.rows import Row
from finetune.schema import Origin

PREFIX = "hub:"
_ADDRESS = re.compile(
    r"(?P<name>\w[\w.-]*/\w[\w.-]*)(?:/(?P<part>[\w.-]+))?(?:@(?P<revision>[\w./-]+))?(?::(?P<split>[\w.\[\]:%+-]+))?"
)


def rows(address: str) -> tuple[Iterator[Row], str]:
    """The records of a dataset, and the licence that it states.

    Args:
        address: ``hub:owner/name``, with ``/part``, ``@revision`` and ``:split`` where wanted; the split
            is ``train`` by default.

    Raises:
        TrainingDataError: No such address, or it cannot be read, as without a network.
    """
    match = _ADDRESS.fullmatch(address.removeprefix(PREFIX))
    if match is None:
        raise TrainingDataError(
            field=address,
            reason="is no address of the Hub",
            remedy="write hub:owner/name, hub:owner/name@revision or hub:owner/name:split",
        )
    found = _loaded(address, match["name"], match["part"], match["revision"], match["split"] or "train")
    numbered = (Row(Origin(address, number), fields) for number, fields in enumerate(found, 1))
    return numbered, str(found.info.license or "")


def _loaded(address: str, name: str, part: str | None, revision: str | None, split: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise TrainingDataError(
            field=address, reason="the library datasets is not installed", remedy="pip install 'youju[train]'"
        ) from None
    try:
        return datasets.load_dataset(name, part, revision=revision, split=split)
    except Exception as fault:
        raise TrainingDataError(
            field=address, reason=f"cannot be read ({_said(fault)})", remedy=_remedy()
        ) from fault


def _remedy() -> str:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return (
            "the Hub is switched off here: unset HF_HUB_OFFLINE, or download the files and give their folder"
        )
    return "check the address and the network, or download the files and give their folder"


def _said(fault: Exception) -> str:
    return " ".join(str(fault).split())[:300] or type(fault).__name__
