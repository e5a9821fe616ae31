"""What answers: a model with its adapter, its skills, its languages, and how far to believe it."""

from __future__ import annotations

from collections.abc import Generator as PythonGenerator
from collections.abc import Sequence
from dataclasses import dataclass

from assistant import prompts
from assistant.engine.protocol import Generator
from assistant.evidence.calibration import CAUTIOUS, Calibration
from assistant.schema import Delta, Message, Sampling
from assistant.tools.messages import answer_language


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

    def judge(self, sentences: Sequence[str], passages: Sequence[str]) -> list[float]:
        """Log-odds, by its own judgement, that the passages say all of each sentence."""
        asked = [
            (prompts.stated(passages, sentence, language), prompts.VERIFIED_REPLIES[language])
            for sentence in sentences
            for language in (answer_language(sentence),)
        ]
        scored = self.model.score_many(asked, adapter=self.adapter)
        return [yes - no for yes, no in scored]

    def fits(self, messages: Sequence[Message], reply: int) -> bool:
        """Whether a prompt and ``reply`` tokens fit the window."""
        return self.model.count(messages) + reply <= self.model.window
