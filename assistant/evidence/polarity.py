"""Whether two texts about the same thing say it with opposite sign: "is refunded" and "is not refunded"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.evidence.lexicon import OPPOSITES
from assistant.evidence.words import normalize, stem, terms

_CLAUSE = re.compile(r"[,;:.!?，；：。！？、\n]|\bbut\b|\bhowever\b|但是|但|不过|然而|而是")
_CUE = re.compile(
    r"\b(?:not(?! only)|no(?! (?:more|less|later|fewer) than)|never|neither|nor|without|cannot|none|nobody"
    r"|unable|\w+n't)\b"
    r"|不(?![仅但同断少久论管足良]|超过|低于|高于|少于|多于|得不)|没有?|无(?![论线需须])|无[需须]|未(?!来)|勿|禁止|严禁|并非|(?<![除])非(?!常|洲)",
    re.I,
)
_MODAL = re.compile(r"(?:会|能够?|可以?|得|需要?|用|应该?|该|必须?|要|再|被|予以|允许|是|有)+")
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_ENGLISH_SCOPE = 3
"""Content words after a cue that it is taken to deny."""
_CHINESE_SCOPE = 5
"""Characters after a cue, modal verbs not counted, that it is taken to deny."""
_AT_LEAST = re.compile(
    r"\bat least\b|\bno (?:less|fewer) than\b|\bminimum\b|至少|不少于|不低于|最少|最低", re.I
)
_AT_MOST = re.compile(
    r"\bat most\b|\bup to\b|\bno more than\b|\bmaximum\b|最多|至多|不超过|不高于|最高", re.I
)


@dataclass(frozen=True, slots=True)
class _Denial:
    """A negation: the content word before it, and those after it that it denies."""

    subject: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause: what it denies, and the words that it says without denial."""

    denials: tuple[_Denial, ...]
    plain: frozenset[str]


def flipped(sentence: str, source: str) -> str:
    """Say which word is denied on one side only.

    Args:
        sentence: A claim.
        source: Text that shares most of its words.

    Returns:
        The word as compared (a stem, or two characters), or ``""`` where both agree or nothing can be told.
    """
    sentence, source = normalize(sentence), normalize(source)
    return _denied_on_one_side(sentence, source) or _opposite(sentence, source) or _bound(sentence, source)


def _denied_on_one_side(sentence: str, source: str) -> str:
    mine, theirs = _clauses(sentence), _clauses(source)
    my_plain, their_plain = _plain(mine), _plain(theirs)
    their_denied = {word for clause in theirs for denial in clause.denials for word in denial.words}
    for clause in mine:
        for denial in clause.denials:
            for word in denial.words:
                if _says(theirs, denial.subject, word) or (word in their_plain and word not in their_denied):
                    return word
    my_denied = {word for clause in mine for denial in clause.denials for word in denial.words}
    for clause in theirs:
        for denial in clause.denials:
            if not denial.words and _says(mine, denial.subject, denial.subject):
                return denial.subject
            for word in denial.words:
                if word in my_plain and word not in my_denied and word not in their_plain:
                    return word
    return ""


def _says(clauses: list[_Clause], subject: str, word: str) -> bool:
    """True when a clause about ``subject`` says ``word`` and denies nothing."""
    return any(
        subject in clause.plain and word in clause.plain and not clause.denials
        for clause in clauses
        if subject
    )


def _plain(clauses: list[_Clause]) -> set[str]:
    return {word for clause in clauses for word in clause.plain}


def _clauses(text: str) -> list[_Clause]:
    return [_read(clause) for clause in _CLAUSE.split(text) if clause.strip()]


def _read(clause: str) -> _Clause:
    denials = []
    for cue in _CUE.finditer(clause):
        before = terms(_CUE.sub(" ", clause[: cue.start()]))
        denials.append(_Denial(before[-1] if before else "", tuple(_scope(clause[cue.end() :]))))
    denied = {word for denial in denials for word in denial.words}
    return _Clause(tuple(denials), frozenset(terms(_CUE.sub(" ", clause))) - denied)


def _scope(rest: str) -> Iterator[str]:
    rest = rest.lstrip()
    modal = _MODAL.match(rest)
    rest = rest[modal.end() :] if modal else rest
    if rest[:1].isascii():
        yield from terms(" ".join(_WORD.findall(rest)))[:_ENGLISH_SCOPE]
    else:
        yield from terms(rest[:_CHINESE_SCOPE])


def _opposite(sentence: str, source: str) -> str:
    for left, right in OPPOSITES:
        for mine, other in ((left, right), (right, left)):
            if _only(mine, other, sentence) and _only(other, mine, source):
                return mine
    return ""


def _only(word: str, other: str, text: str) -> bool:
    if word.isascii():
        stems = {stem(found.lower()) for found in _WORD.findall(text)}
        return stem(word) in stems and stem(other) not in stems
    return (
        word in text.replace(other, "")
        if word in other
        else word in text and other not in text.replace(word, "")
    )


def _bound(sentence: str, source: str) -> str:
    """Tell a lower bound from an upper one: "at least 5" against "at most 5"."""
    for mine, other in ((_AT_LEAST, _AT_MOST), (_AT_MOST, _AT_LEAST)):
        found = mine.search(sentence)
        if found and not mine.search(source) and other.search(source):
            return found.group().lower()
    return ""
