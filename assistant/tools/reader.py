"""What answers: a model with its adapter, its skills, its languages, and how far to believe it."""

from __future__ import annotations

from collections.abc import Generator as PythonGenerator
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.engine.protocol import Generator
from assistant.evidence.calibration import CAUTIOUS, Calibration
from assistant.schema import Delta, Message, Sampling


@dataclass(frozen=True, slots=True)
class Reader:
    """One model as it is asked in one turn."""

    model: Generator
    adapter: str | None = None
    """Name of the LoRA adapter; ``None`` is the bare model."""
    languages: tuple[str, ...] = ("en", "zh")
    """Those it writes: into which a question is translated to be searched for, and a summary is written."""
    calibration: Calibration = CAUTIOUS
    writes: bool = True
    """False for a model too small to read: it finds and quotes, and never writes of documents."""
    user: str = ""
    """Whose request this is: users take turns."""

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> PythonGenerator[Delta, None, None]:
        """Write a reply, piece by piece; closing it frees the model."""
        return self.model.stream(messages, sampling, adapter=self.adapter, user=self.user)

    def write(self, messages: Sequence[Message], sampling: Sampling) -> str:
        """Write a short reply whole, for our own use."""
        return "".join(delta.text for delta in self.stream(messages, sampling)).strip()

    def likelihoods(self, messages: Sequence[Message], replies: Sequence[str]) -> list[float]:
        """Log-likelihood of each reply, nats, summed over its tokens."""
        return self.model.score(messages, replies, adapter=self.adapter)

    def fits(self, messages: Sequence[Message], reply: int) -> bool:
        """Whether a prompt and ``reply`` tokens fit the window."""
        return self.model.count(messages) + reply <= self.model.window
