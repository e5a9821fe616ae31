"""Whether two texts about the same thing say it with opposite sign: "is refunded" and "is not refunded"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.evidence.words import normalize, stem, terms

_CUE = re.compile(r"^(?:not|no|never|neither|nor|without|cannot|none|nobody|nothing|unable|hardly|\w+n't)$")
_SCOPE = 3
"""Content words after a cue that it is taken to deny."""
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_CLAUSE = re.compile(r"[,;:.!?，；：。！？\n]|\bbut\b|\bhowever\b|但是|但|不过|然而")
_HAN_CUE = re.compile(
    r"(?:不(?![仅但过同断少久论管足良])|没有?|无(?![论线])|未(?!来)|勿|别(?![的人墅])|禁止|严禁|拒绝|并非|而非|(?<![除])非(?!常))"
    r"(?:会|能|可以|可|得|需要|需|用|应|该|必|要|再|被|予|予以|允许|是|有|在)?"
)
_HAN_MODAL = re.compile(r"会|能|可以|可|得|需要|需|用|应|该|必|要|再|被|予以|允许")
_OPPOSITES = [
    tuple(pair.split("/"))
    for pair in (
        "increase/decrease rise/fall increased/reduced more/fewer more/less higher/lower maximum/minimum before/after "
        "allowed/forbidden allowed/prohibited permitted/prohibited required/optional mandatory/optional enabled/disabled "
        "open/closed free/paid include/exclude included/excluded accept/reject accepted/rejected approve/deny "
        "approved/denied always/never first/last earlier/later above/below public/private with/without true/false "
        "success/failure succeed/fail won/lost buy/sell credit/debit largest/smallest oldest/newest longest/shortest "
        "增加/减少 提高/降低 上升/下降 最多/最少 最多/至少 最大/最小 最高/最低 以上/以下 之前/之后 允许/禁止 可以/不可以 必须/无需 必须/可选 "
        "开启/关闭 启用/禁用 免费/收费 包括/不包括 接受/拒绝 支持/反对 通过/驳回 成功/失败 买入/卖出 公开/私有 早于/晚于 大于/小于 "
        "高于/低于 优先/最后 存入/取出 延长/缩短 扩大/缩小 赢/输 升高/下降 上涨/下跌 同意/拒绝"
    ).split()
]
_BOUNDS = (
    (
        r"\bat least\b|\bno less than\b|至少|不少于|不低于",
        r"\bat most\b|\bup to\b|\bno more than\b|最多|至多|不超过|不高于",
    ),
)


def flipped(sentence: str, source: str) -> str:
    """Say which word is denied on one side only.

    Args:
        sentence: A claim.
        source: Text that shares most of its words.

    Returns:
        The word, or ``""`` where both sides agree or nothing can be told.
    """
    sentence, source = normalize(sentence), normalize(source)
    return _english(sentence, source) or _chinese(sentence, source) or _opposite(sentence, source)


def _english(sentence: str, source: str) -> str:
    mine, theirs = set(_denied(sentence)), set(_denied(source))
    said, there = set(terms(sentence)), set(terms(source))
    for word in mine - theirs:
        if word in there and not _denied_otherwise(word, theirs):
            return word
    free = said - mine
    for word in theirs - mine:
        if word in free and word not in _plain(source):
            return word
    return ""


def _denied_otherwise(word: str, theirs: set[str]) -> bool:
    return word in theirs


def _denied(text: str) -> Iterator[str]:
    """Stems of the words right after a negation, within its clause."""
    for clause in _CLAUSE.split(text):
        left = 0
        for word in _WORD.findall(clause):
            if _CUE.match(word.lower()):
                left = _SCOPE
            elif left and (term := terms(word)):
                yield term[0]
                left -= 1


def _plain(text: str) -> set[str]:
    """Stems that the text says at least once without denying them."""
    plain: set[str] = set()
    for clause in _CLAUSE.split(text):
        plain |= set(terms(clause)) - set(_denied(clause))
    return plain


def _chinese(sentence: str, source: str) -> str:
    mine, theirs = _han_denied(sentence), _han_denied(source)
    for word in mine:
        if word not in theirs and word in _HAN_CUE.sub("＃", source) and _affirmed(word, source):
            return word
    for word in theirs:
        if word not in mine and _affirmed(word, sentence) and not _affirmed(word, source):
            return word
    return ""


def _han_denied(text: str) -> set[str]:
    """The two characters after each negation, modal verbs skipped."""
    found: set[str] = set()
    for cue in _HAN_CUE.finditer(text):
        rest = re.match(r"[一-鿿]{2}", text[cue.end() :])
        if rest:
            found.add(rest.group())
    return found


def _affirmed(word: str, text: str) -> bool:
    """True when the text says the word somewhere without a negation right before it."""
    for found in re.finditer(re.escape(word), text):
        before = _HAN_MODAL.sub("", text[max(0, found.start() - 5) : found.start()])
        if not re.search(r"(?:不|没有?|无|未|勿|禁止|严禁|拒绝|并非)[一-鿿]?$", before):
            return True
    return False


def _opposite(sentence: str, source: str) -> str:
    for left, right in _OPPOSITES:
        for mine, other in ((left, right), (right, left)):
            if (
                _has(mine, sentence)
                and not _has(other, sentence)
                and _has(other, source)
                and not _has(mine, source)
            ):
                return mine
    for low, high in _BOUNDS:
        for mine, other in ((low, high), (high, low)):
            found = re.search(mine, sentence, re.I)
            if found and not re.search(mine, source, re.I) and re.search(other, source, re.I):
                return found.group()
    return ""


def _has(word: str, text: str) -> bool:
    if word.isascii():
        return stem(word) in {stem(other.lower()) for other in _WORD.findall(text)}
    return word in text
