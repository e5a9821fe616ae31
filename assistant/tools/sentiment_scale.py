"""What a model says about texts that are not judged: its prior, and how far apart good and bad lie for it.

The texts are ours, balanced, and about many things; a model or adapter reads them once, at its first use.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from weakref import WeakKeyDictionary

from assistant import prompts
from assistant.engine.protocol import Generator
from assistant.schema import Language

_NEGATIVE: dict[Language, tuple[str, ...]] = {
    "en": (
        "The plot makes no sense and the acting is wooden.",
        "It broke after two days and nobody answered my emails.",
        "The room was dirty and the staff were rude.",
        "A boring book; I gave up halfway.",
        "Shares fell sharply after the company reported heavy losses.",
        "I hate waiting in line for nothing.",
        "The food was cold and far too expensive.",
        "A clumsy, lifeless sequel that nobody asked for.",
        "The battery dies within an hour, do not buy this.",
        "The delay ruined our whole holiday.",
        "The jokes fall flat and the ending is ridiculous.",
        "Worst customer service I have ever had.",
    ),
    "zh": (
        "剧情混乱，演员的表演很僵硬。",
        "用了两天就坏了，客服也不理人。",
        "房间很脏，服务员态度恶劣。",
        "这本书很无聊，看了一半就看不下去了。",
        "公司宣布巨额亏损后，股价大跌。",
        "白白排了半天队，真让人生气。",
        "菜是凉的，价格还贵得离谱。",
        "质量太差了，千万不要买。",
        "电池一个小时就没电了，很失望。",
        "航班延误，整个假期都毁了。",
        "物流很慢，包装也破了。",
        "内容抄来抄去，浪费钱。",
    ),
}
_POSITIVE: dict[Language, tuple[str, ...]] = {
    "en": (
        "A moving story with wonderful performances.",
        "It works perfectly and arrived a day early.",
        "The room was spotless and the staff were so kind.",
        "I could not put this book down.",
        "Shares rose after the company reported record profits.",
        "I love spending time with my friends.",
        "The food was delicious and well worth the price.",
        "A fresh, funny film that charms from start to finish.",
        "The battery lasts all day, highly recommended.",
        "The trip was the best we ever had.",
        "The jokes are sharp and the ending is a delight.",
        "Great customer service, my problem was solved at once.",
    ),
    "zh": (
        "故事感人，演员的表演非常出色。",
        "很好用，而且提前一天就送到了。",
        "房间干净整洁，服务员非常热情。",
        "这本书很精彩，一口气就读完了。",
        "公司利润创新高，股价上涨。",
        "和朋友在一起真开心。",
        "菜很好吃，价格也实惠。",
        "质量很好，非常满意，值得购买。",
        "电池能用一整天，强烈推荐。",
        "这次旅行非常愉快，下次还来。",
        "物流很快，包装也很精美。",
        "内容充实，很有收获。",
    ),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """Log-likelihoods of the three replies, nats."""

    negative: float
    neutral: float
    positive: float

    @property
    def balance(self) -> float:
        """Positive less negative."""
        return self.positive - self.negative

    @property
    def middle(self) -> float:
        """Neutral less the mean of the other two."""
        return self.neutral - (self.positive + self.negative) / 2


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a model's readings lie on texts that are half good, half bad."""

    balance: float
    """Mean of `Reading.balance`: the prior."""
    spread: float
    """Standard deviation of it."""
    middle: float
    """Mean of `Reading.middle`."""
    middle_spread: float

    slope: float
    """Log-odds of positive against negative that one spread is worth."""
    neutral_bias: float = 0.0
    neutral_slope: float = 0.3
    """Log-odds of neutral at the prior, and what one spread of `Reading.middle` adds."""
    shift: float = 0.0
    """Where texts as people write them balance, in spreads from our own texts."""

    def lean(self, reading: Reading) -> float:
        """Calibrated log-odds of positive against negative."""
        return self.slope * ((reading.balance - self.balance) / self.spread - self.shift)

    def probabilities(self, reading: Reading) -> tuple[float, float, float]:
        """Negative, neutral, positive; they sum to 1."""
        lean = self.lean(reading)
        neutral = self.neutral_bias + self.neutral_slope * (reading.middle - self.middle) / self.middle_spread
        powers = [math.exp(min(value, 60.0)) for value in (-lean / 2, neutral, lean / 2)]
        total = sum(powers)
        return powers[0] / total, powers[1] / total, powers[2] / total


AS_IT_STANDS = Scale(balance=0.0, spread=1.0, middle=0.0, middle_spread=1.0, slope=1.0, neutral_slope=1.0)
"""The likelihoods of the three replies, and nothing else: for an adapter that learnt them."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The part of a `Scale` that was fitted on labelled texts."""

    shift: float
    slope: float
    neutral_bias: float
    neutral_slope: float


FITS: dict[tuple[str, Language], Fit] = {
    ("smollm2-135m", "en"): Fit(shift=0.234, slope=3.542, neutral_bias=0.283, neutral_slope=0.328),
    ("smollm2-135m", "zh"): Fit(shift=-0.511, slope=0.755, neutral_bias=0.283, neutral_slope=0.0),
}
"""Of bare models, by ``python -m eval.bench.sentiment --fit`` on 640 training rows. This one hardly reads
Chinese (area under the curve 0.73 on reviews), so that what it says there is mostly "unsure": the small
slope makes it so. There were no neutral Chinese rows to fit on; the English share is taken."""
_TRUST = 0.6
"""Where nothing was fitted: the share of the slope on our own texts, which are plain, that holds for others.
It is what the English fit above left of it (3.5 of 5.8)."""

_MEASURED: WeakKeyDictionary[Generator, dict[tuple[Language, str | None], Scale]] = WeakKeyDictionary()


def scale_of(generator: Generator, language: Language, adapter: str | None) -> Scale:
    """The scale of a model and adapter: read once, and remembered while the model lives."""
    measured = _MEASURED.setdefault(generator, {})
    if (language, adapter) not in measured:
        measured[language, adapter] = _measure(generator, language, adapter)
    return measured[language, adapter]


def _measure(generator: Generator, language: Language, adapter: str | None) -> Scale:
    texts = (*_NEGATIVE[language], *_POSITIVE[language])
    readings = read(texts, generator, adapter)
    balances = [reading.balance for reading in readings]
    middles = [reading.middle for reading in readings]
    spread = statistics.pstdev(balances) or 1.0
    scale = Scale(
        statistics.fmean(balances),
        spread,
        statistics.fmean(middles),
        statistics.pstdev(middles) or 1.0,
        _slope(balances, spread),
    )
    fit = None if adapter else FITS.get((generator.name, language))
    return replace(scale, **asdict(fit)) if fit else scale


def _slope(balances: Sequence[float], spread: float) -> float:
    """The slope that two normal distributions of equal width would give, times `_TRUST`; at most 8."""
    half = len(balances) // 2
    negative, positive = balances[:half], balances[half:]
    width = (statistics.pvariance(negative) + statistics.pvariance(positive)) / 2 or 0.01
    apart = max(statistics.fmean(positive) - statistics.fmean(negative), 0.0)
    return min(_TRUST * apart / width * spread, 8.0)


def read(texts: Sequence[str], generator: Generator, adapter: str | None = None) -> list[Reading]:
    """The model's raw log-likelihoods of negative, neutral and positive for each text, nats."""
    batch = [(prompts.sentiment(text), prompts.SENTIMENT_REPLIES) for text in texts]
    return [Reading(*scores) for scores in generator.score_many(batch, adapter=adapter)]
