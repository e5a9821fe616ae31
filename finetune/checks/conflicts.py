"""The same request answered in two ways that cannot both be right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from assistant.prompts import NOT_FOUND
from assistant.schema import LABELS
from finetune.checks.rows import Row
from finetune.checks.values import quoted
from finetune.data.rows import digest
from finetune.schema import Fault

_LABELS = frozenset(LABELS) | {
    "yes", "no", "true", "false", "是", "否", "对", "错", "正面", "负面", "中性", "积极", "消极",
    "好评", "差评", "中评", "正向", "负向",
}  # fmt: skip
_REFUSALS = frozenset(NOT_FOUND.values())
_LONGEST_LABEL = 24
"""Characters; a longer reply is a wording, and there are many right ones."""


def check(rows: Sequence[Row]) -> Iterator[Fault]:
    """Two labels for one text, a refusal beside an answer, two preferences that contradict each other."""
    requests: Mapping[str, list[Row]] = defaultdict(list)
    uses: Mapping[str, set[str]] = defaultdict(set)
    for row in rows:
        request = digest(*(message.text for message in row.asked))
        requests[request].append(row)
        uses[_plain(row.replies[0])].add(request)
    for alike in requests.values():
        for place, row in enumerate(alike):
            before = next((other for other in alike[:place] if _against(row, other, uses)), None)
            if before is not None:
                yield row.fault(row.reply_field, _reason(row, before), "conflict")


def _against(row: Row, other: Row, uses: Mapping[str, set[str]]) -> bool:
    if (row.task == "preference") != (other.task == "preference"):
        return False
    if row.task == "preference":
        return _plain(row.replies[0]) == _plain(other.replies[1]) and _plain(row.replies[1]) == _plain(
            other.replies[0]
        )
    one, two = row.replies[0], other.replies[0]
    if _plain(one) == _plain(two):
        return False
    if "sentiment" in (row.task, other.task) or (one in _REFUSALS) != (two in _REFUSALS):
        return True
    return all(_is_label(reply) for reply in (one, two)) and any(
        _plain(reply) in _LABELS or len(uses[_plain(reply)]) > 1 for reply in (one, two)
    )


def _is_label(reply: str) -> bool:
    return len(reply.strip()) <= _LONGEST_LABEL and "\n" not in reply.strip()


def _plain(reply: str) -> str:
    return reply.strip().rstrip(".。!！").casefold()


def _reason(row: Row, before: Row) -> str:
    other = before.seen_from(row)
    if row.task == "preference":
        return f"({quoted(row.reply)}) is what {other} rejects for the same prompt: keep one of them"
    answer = f"which answers the same request with {quoted(before.reply)}"
    return f"({quoted(row.reply)}) contradicts {other}, {answer}: keep the right one"
