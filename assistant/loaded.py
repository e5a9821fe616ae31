"""The models in memory: one language model with its adapters, one embedder, each loaded when first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.config import Settings
from assistant.engine.protocol import EngineState, Generator, Lend
from assistant.errors import AdapterError, YoujuError
from assistant.models import adapters, live, pull
from assistant.models import skills as abilities
from assistant.models.catalog import Entry, resolve, settled
from assistant.models.skills import Skills
from assistant.schema import AdapterRef, Sampling

if TYPE_CHECKING:
    from assistant.evidence.calibration import Calibration
    from assistant.retrieval.embedder import Embedder
    from assistant.retrieval.nearness import Nearness
    from assistant.tools.reader import Reader


class Models:
    """What is asked and what embeds. Safe to share between threads, and between assistants.

    Args:
        settings: Which ones, and how.
        bring: Gives a model's folder. A server that nobody ran ``youju models pull`` for pulls it here, while
            the page says that the model is loading.
        lend: Decorates what needs the GPU, where a machine lends one for the length of a call (ZeroGPU).
        generator: A language model that is there already.
        embedder: An embedder that is there already.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        bring: Callable[[Entry, Path], Path] = pull.require,
        lend: Lend | None = None,
        generator: Generator | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        self.settings = settled(settings)
        self._bring, self._lend = bring, lend
        self._embedding, self._generating = threading.RLock(), threading.RLock()
        self._embedder = embedder
        self._nearness: Nearness | None = None
        self._generator = generator
        self._adapters: dict[str, AdapterRef] = {}
        self._failure: YoujuError | None = None
        self._loading = False

    def embedder(self) -> Embedder:
        """The embedding model, loaded on first use."""
        from assistant.retrieval import embedder

        with self._embedding:
            if self._embedder is None:
                self._embedder = embedder.load(self.settings.embedder, self.settings.models_dir)
            return self._embedder

    def generator(self) -> Generator:
        """The language model, loaded on first use; other callers wait for the one load.

        Raises:
            ModelNotFoundError, ModelFileError: It is not there, or may not be loaded.
        """
        self._loading = True
        with self._generating:
            if self._generator is None:
                try:
                    self._generator = self._load()
                except YoujuError as fault:
                    self._failure = fault
                    raise
                finally:
                    self._loading = False
            self._loading = False
            return self._generator

    def _load(self) -> Generator:
        s = self.settings
        if s.base_url:
            from assistant.engine.remote import RemoteGenerator

            return RemoteGenerator(s.base_url, s.api_key.get_secret_value(), s.model, s.remote_window)
        from assistant.engine.local import LocalGenerator

        entry = resolve(s.model)
        folder = self._bring(entry, s.models_dir)
        self.adapters()
        return LocalGenerator(
            folder,
            name=entry.name,
            adapters=self._adapters,
            quantization=s.quantization,
            max_queue=s.max_queue,
            max_per_user=s.max_per_user,
            template_sha256=pull.template_sha256(entry, folder) or None,
            lend=self._lend,
        )

    def state(self) -> EngineState:
        """What the model is doing, without loading it."""
        if self._generator is not None:
            return self._generator.state()
        if self._failure is not None:
            return EngineState("failed", str(self._failure))
        return EngineState("loading" if self._loading else "idle")

    def expected(self) -> None:
        """Say that the models are on their way, before the thread that loads them runs."""
        self._loading = True

    def failed(self, fault: YoujuError) -> None:
        """Say that they could not be loaded; `state` tells."""
        self._failure, self._loading = fault, False

    def adapters(self) -> list[AdapterRef]:
        """The adapters that were trained on the model in use, read from the folders anew."""
        if self.settings.base_url:
            return []
        base = {self.settings.model, resolve(self.settings.model).name}
        found = [ref for ref in adapters.every(self.settings.home) if ref.base in base]
        self._adapters.update({ref.name: ref for ref in found})
        return found

    def languages(self) -> tuple[str, ...]:
        """What the model in use can write; a question in another language is answered by quotation.

        One that the catalog does not know is asked in both: what it writes is checked like anything else.
        """
        known = () if self.settings.base_url else resolve(self.settings.model).languages
        return known or ("en", "zh")

    def reads(self) -> bool:
        """Whether the model in use reads and writes answers; one that does not finds and quotes."""
        return bool(self.settings.base_url) or resolve(self.settings.model).reads

    def similarity(self, questions: Sequence[str], texts: Sequence[str]) -> list[list[float]]:
        """Cosine of each question with each text, across languages."""
        return self._near()(questions, texts)

    def prefetch(self, texts: Sequence[str]) -> None:
        """Embed texts that may be asked about."""
        self._near().read(texts)

    def _near(self) -> Nearness:
        from assistant.retrieval.nearness import Nearness

        with self._embedding:
            if self._nearness is None:
                self._nearness = Nearness(self.embedder)
            return self._nearness

    def reader(self, adapter: str | None = None, user: str = "") -> Reader:
        """The model as one turn asks it.

        Args:
            adapter: Name of an adapter; ``None`` takes the settings', ``"none"`` the bare model.
            user: Whose request it is.

        Raises:
            AdapterError: There is none of this name for the model in use, or the live one was tampered with.
        """
        from assistant.tools.reader import Reader

        name = self.adapter_name(adapter)
        return Reader(self.generator(), name, self.languages(), self._calibration(name), self.reads(), user)

    def calibration(self, adapter: str | None = None) -> Calibration:
        """How far the model in use is believed, with an adapter as `reader` takes it; loads no model."""
        return self._calibration(self.adapter_name(adapter))

    def calibration_name(self, adapter: str | None) -> str:
        """Of the model in use, an adapter that `adapter_name` gave, and the embedder."""
        from assistant.evidence import calibration

        return calibration.file_name(*self._three(adapter))

    def _calibration(self, adapter: str | None) -> Calibration:
        from assistant.evidence import calibration

        return calibration.load(self.settings.home, *self._three(adapter))

    def _three(self, adapter: str | None) -> tuple[str, str | None, str]:
        s = self.settings
        return s.model if s.base_url else resolve(s.model).name, adapter, s.embedder

    def sampling(self, **changes: object) -> Sampling:
        """The settings' sampling, with a request's changes."""
        s = self.settings
        values = {"max_new_tokens": s.max_new_tokens, "first_token_s": s.first_token_s, "total_s": s.total_s}
        return Sampling(**{**values, **changes})  # type: ignore[arg-type]

    def adapter_name(self, name: str | None) -> str | None:
        """Resolve a request's adapter to one that exists, or to the bare model.

        An answer asks once and keeps the name to its end, so that it is never written by two adapters.

        Raises:
            AdapterError: There is none of this name for the model in use, or the live one was tampered with.
        """
        name = self.settings.adapter if name is None else name
        if name == "live":
            name = self._live()
        if name in ("", "none"):
            return None
        known = [ref.name for ref in self.adapters()]
        if name not in known:
            listed = ", ".join(known) or "none"
            raise AdapterError(name=name, reason="not found for this model", remedy=f"there are: {listed}")
        return name

    def skills(self, adapter: str | None) -> Skills:
        """What an adapter that `adapter_name` gave was trained for, or the model in use without one."""
        if adapter:
            return abilities.of(self._adapters[adapter])
        folder = None if self.settings.base_url else resolve(self.settings.model).folder
        return abilities.of_folder(folder, folder.name) if folder else Skills()

    def _live(self) -> str:
        """Name of the adapter that is live at this moment; empty for the bare model."""
        if self.settings.base_url:
            return ""
        ref = live.current(self.settings.home, resolve(self.settings.model).name)
        return ref.name if ref else ""

    def close(self) -> None:
        """Stop the language model."""
        with self._generating:
            if self._generator is not None:
                self._generator.close()
