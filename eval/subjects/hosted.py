"""The assistant of a running server: its models, over the suite's passages in a folder of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assistant.assistant import Assistant
from assistant.workspace import Workspace
from eval.subjects.local import LocalSubject

if TYPE_CHECKING:
    pass

READERS = 4
"""Questions asked at once: people ask the same model meanwhile."""


class HostedSubject(LocalSubject):
    """``LocalSubject`` with the models of ``host``: nothing is loaded twice, nothing of a user is touched.

    Args:
        host: The server's runtime; it is not closed.
        adapter: Name of an adapter; ``"none"`` is the bare model, ``None`` takes the settings'.
        retrieval: False asks the model alone, without documents.
        seed: Of sampling.
        temperature: Of sampling; greedy at 0.
    """

    def __init__(
        self,
        host: Assistant,
        *,
        adapter: str | None = None,
        retrieval: bool = True,
        seed: int = 0,
        temperature: float = 0.0,
    ) -> None:
        super().__init__(
            host.settings, adapter=adapter, retrieval=retrieval, seed=seed, temperature=temperature
        )
        self._host = host
        self.readers = max(1, min(READERS, host.settings.max_per_user))

    def _open(self, home: Path) -> Assistant:
        changes = {"home": home, "database_url": "", "samples": False, "adapter": ""}
        settings = self._host.settings.model_copy(update=changes)
        models = self._host.models
        return Assistant(models, Workspace(settings, models.embedder, exclusive=True))

    def _in_use(self) -> Assistant:
        return self._host

    def close(self) -> None:
        """Let go of the folder; the host goes on serving."""
        if self._runtime is self._host:
            self._runtime = None
        super().close()
