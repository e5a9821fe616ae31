"""A case to read: what was asked, answered, found and cited, and what would have been right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from assistant.schema import Language
from eval.report import words, worst
from eval.report.worst import Bad
from eval.schema import GroundedCase, Passage, PlainCase, Prediction

LONGEST = 1_500
"""Characters shown of any text: the suite's file has the rest."""
LABELS = {
    "asked": ("Asked", "问题"),
    "answer": ("Answer", "回答"),
    "reference": ("Right would be", "正确答案"),
    "retrieved": ("Found, best first", "检索到的段落（由近到远）"),
    "citations": ("Cited", "引用"),
    "verdicts": ("Sentence by sentence", "逐句核对"),
    "scores": ("Scores", "分数"),
    "failed": ("Failed", "失败"),
    "declined": ("declined: not in the documents", "拒答：文档中没有提到"),
    "unanswerable": ("no answer stands in the documents", "文档中没有答案"),
    "quoted": ("quoted word for word", "原文照录"),
    "confidence": ("confidence", "置信度"),
    "none": ("None is worse than perfect.", "没有不理想的问题。"),
}
VERDICTS = {
    "supported": ("✓", "supported", "有依据"),
    "partly": ("~", "partly", "部分有依据"),
    "contradicted": ("✕", "contradicted", "与原文矛盾"),
    "no_source": ("?", "no source", "无出处"),
}


def html(chosen: Sequence[Bad], language: Language = "en") -> Markup:
    """Each case folded, its question and score outside."""
    if not chosen:
        return Markup("<p>{}</p>").format(_say("none", language))
    return Markup('<div class="cases">{}</div>').format(
        Markup("").join(_case(bad, language) for bad in chosen)
    )


def _case(bad: Bad, language: Language) -> Markup:
    parts = Markup("").join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(_say(key, language), value)
        for key, value in _parts(bad, language)
    )
    score = _say("failed", language) if bad.found.error else words.number(bad.score)
    return Markup(
        "<details><summary><b>{}</b> <span>{}</span> <small>{}</small></summary>"
        '<dl lang="{}">{}</dl></details>'
    ).format(score, _short(worst.question(bad.case), 160), bad.case.id, bad.case.lang, parts)


def _parts(bad: Bad, language: Language) -> Iterator[tuple[str, Markup]]:
    found = bad.found
    yield "asked", _text(worst.question(bad.case))
    if found.error:
        yield "failed", _text(found.error)
    yield "answer", answer(found, language)
    yield "reference", _references(bad, language)
    if found.verdicts:
        yield "verdicts", _verdicts(found, language)
    if found.citations:
        yield "citations", _citations(bad)
    if bad.retrieved:
        yield "retrieved", Markup("").join(_passage(passage) for passage in bad.retrieved)
    if found.scores:
        said = "  ".join(f"{name} {words.number(value)}" for name, value in found.scores.items())
        yield "scores", Markup("<code>{}</code>").format(said)


def answer(found: Prediction, language: Language = "en") -> Markup:
    """What came out, and how."""
    notes = [_say(key, language) for key in ("declined", "quoted") if getattr(found, key)]
    if found.confidence is not None:
        notes.append(f"{_say('confidence', language)} {found.confidence:.2f}")
    if found.probabilities:
        notes.append(" / ".join(f"{share:.2f}" for share in found.probabilities))
    said = Markup("<small>{}</small>").format(" · ".join(notes)) if notes else Markup("")
    return _text(found.output) + said


def _references(bad: Bad, language: Language) -> Markup:
    if isinstance(bad.case, GroundedCase | PlainCase) and bad.case.answerable is False:
        return _text(_say("unanswerable", language))
    return Markup("").join(_text(each) for each in worst.references(bad.case))


def _verdicts(found: Prediction, language: Language) -> Markup:
    place = 2 if language == "zh" else 1
    return Markup(" ").join(
        Markup('<span class="verdict {}">{} {}</span>').format(name, *(VERDICTS[name][n] for n in (0, place)))
        if name in VERDICTS
        else Markup("<span>{}</span>").format(name)
        for name in found.verdicts
    )


def _citations(bad: Bad) -> Markup:
    return Markup("").join(
        Markup("<blockquote>[{}] {}<small>{}</small></blockquote>").format(n, _short(text, LONGEST), name)
        for n, name, text in bad.cited
    )


def _passage(passage: Passage) -> Markup:
    return Markup("<blockquote><b>{}</b> {}<small>{}</small></blockquote>").format(
        _short(passage.title, 120), _short(passage.text, 400), passage.id
    )


def _text(text: str) -> Markup:
    return Markup('<p class="words">{}</p>').format(_short(text, LONGEST))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most].rstrip() + "…"


def _say(key: str, language: Language) -> str:
    return LABELS[key][1 if language == "zh" else 0]
