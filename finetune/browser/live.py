"""What is live now, and what the gate last said about an adapter: both from files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.errors import YoujuError
from assistant.models import adapters, live
from assistant.models.catalog import resolve
from finetune import reading
from finetune.browser.shelf import Kept

if TYPE_CHECKING:
    from assistant.assistant import Assistant

GATES = "gates/*/gate-*.json"
"""Below the data folder: a record of each passage through the gate."""


def name(runtime: Assistant) -> str:
    """The adapter that was put live for the model in use; empty where none was."""
    promoted = live.stack(runtime.settings.home, _base(runtime))
    return promoted[-1].name if promoted else ""


def rollback(runtime: Assistant) -> tuple[str, str]:
    """Take it off.

    Returns:
        Its name, and the name of what answers now; empty for the bare model.

    Raises:
        AdapterError: None is live.
    """
    taken, now = live.rollback(runtime.settings.home, _base(runtime))
    return taken.name, now.name if now else ""


def gate(runtime: Assistant, kept: Kept) -> dict[str, Any]:
    """The newest record about the adapter that a run made; empty where there is none."""
    if not kept.adapter:
        return {}
    try:
        ref = adapters.find(runtime.settings.home, kept.adapter)
    except YoujuError:
        return {}
    records = map(reading.mapping, runtime.settings.home.glob(GATES))
    about = [record for record in records if record.get("candidate_sha256") == ref.sha256]
    return max(about, key=lambda record: str(record.get("at", "")), default={})


def _base(runtime: Assistant) -> str:
    return resolve(runtime.settings.model).name
