"""What an adapter, or a model that one was merged into, was trained for, as its folder says."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.errors import AdapterError
from assistant.schema import AdapterRef

FILE = "skills.json"


class Skills(BaseModel):
    """What may be asked of an adapter. Without the file: what may be asked of any model."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # adapters of earlier versions say more

    sentiment: bool = False
    """It learnt the three replies, so that their likelihoods are its judgement as they stand."""
    candidate: bool = False
    """The gate has not proved it yet, though it comes with Youju: it answers only where it is named."""


def of(ref: AdapterRef) -> Skills:
    """Read an adapter's skills.

    Raises:
        AdapterError: The file is there and cannot be used.
    """
    return of_folder(Path(ref.path), ref.name)


def of_folder(folder: Path, name: str) -> Skills:
    """Read the skills of the adapter or the model in a folder.

    Raises:
        AdapterError: The file is there and cannot be used.
    """
    path = folder / FILE
    if not path.is_file():
        return Skills()
    try:
        return Skills.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as fault:
        reason = f"{FILE} cannot be read ({str(fault)[:200]})"
        raise AdapterError(name=name, reason=reason, remedy="remove the file, or fit it again") from None
