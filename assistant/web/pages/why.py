"""'Why this answer?': the verdict of each sentence, the scores of each passage, the settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.schema import Hit
from assistant.web import render, turns
from assistant.web.pages import parts
from assistant.web.pages.bridge import Reader

if TYPE_CHECKING:
    from assistant.web.pages.conversation import Sources


def why(reader: Reader, detail: turns.Detail, sources: Sources) -> Markup:
    """Folded away until asked for."""
    return Markup('<div class="why" hidden>{}{}{}</div>').format(
        _sentences(reader, detail), _passages(reader, detail, sources), _settings(reader, detail)
    )


def _sentences(reader: Reader, detail: turns.Detail) -> Markup:
    if not detail.sentences:
        return Markup("")
    rows = Markup("").join(
        Markup('<li><span class="sign {v}">{sign}</span><span>{text}<small>{words}</small></span></li>').format(
            v=s.verdict, sign=render.SIGNS[s.verdict], text=render.unmarked(s.text),
            words=render.verdict_words(s.verdict, s.reason, reader.language),
        )
        for s in detail.sentences
    )  # fmt: skip
    how = Markup("") if detail.quoted or detail.judged else parts.hint(reader.say("why_words_alone"))
    return Markup('<h4>{}</h4><ul class="verdicts">{}</ul>{}').format(reader.say("why_checked"), rows, how)


def _passages(reader: Reader, detail: turns.Detail, sources: Sources) -> Markup:
    if not detail.hits:
        return Markup("")
    if detail.confidence is None:
        return _read(reader, detail, sources)
    say = reader.say
    head = Markup("").join(
        Markup("<th>{}</th>").format(say(key))
        for key in ("why_passage", "why_score", "why_dense", "why_lexical")
    )
    rows = Markup("").join(
        _row(hit, _title(reader, place, hit, sources)) for place, hit in enumerate(detail.hits)
    )
    facts = _facts(
        [
            (say("why_searched_for"), detail.query),
            (say("why_confidence"), f"{detail.confidence:.0%}"),
        ]
    )
    return Markup(
        '<h4>{}</h4>{}<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(say("passages"), facts, head, rows)


def _read(reader: Reader, detail: turns.Detail, sources: Sources) -> Markup:
    """The parts of a document that was worked on: nothing was searched for, so there are no scores."""
    items = Markup("").join(
        Markup("<li>{} <small>{}</small></li>").format(_title(reader, place, hit, sources), hit.chunk.heading)
        for place, hit in enumerate(detail.hits)
    )
    return Markup("<h4>{}</h4><ul>{}</ul>").format(reader.say("passages"), items)


def _title(reader: Reader, place: int, hit: Hit, sources: Sources) -> Markup | str:
    if sources.document(hit.chunk.document_id) is None:
        return reader.say("message_gone")
    return Markup('<button type="button" class="link" data-hit="{}">{}</button>').format(place, hit.title)


def _row(hit: Hit, title: Markup | str) -> Markup:
    return Markup("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>").format(
        title, f"{hit.score:.3f}", score(hit.dense, hit.dense_rank), score(hit.lexical, hit.lexical_rank)
    )


def score(value: float | None, rank: int | None) -> Markup:
    """A stage's score with its rank, or a dash where it did not find the passage."""
    if value is None:
        return Markup("–")
    return Markup("{} <small>#{}</small>").format(f"{value:.2f}", rank) if rank else Markup(f"{value:.2f}")


def _settings(reader: Reader, detail: turns.Detail) -> Markup:
    say = reader.say
    facts = _facts(
        [
            (say("why_model"), detail.model),
            (say("why_adapter"), detail.adapter or say("none")),
            (say("why_temperature"), f"{detail.temperature:g}"),
            (say("why_seed"), "" if detail.seed is None else str(detail.seed)),
            (say("why_tokens"), str(detail.tokens) if detail.tokens else ""),
            (say("why_seconds"), f"{detail.seconds:.1f}" if detail.seconds else ""),
        ]
    )
    return Markup("<h4>{}</h4>{}").format(say("why_settings"), facts)


def _facts(pairs: list[tuple[str, str]]) -> Markup:
    items = (Markup("<dt>{}</dt><dd>{}</dd>").format(name, value) for name, value in pairs if value)
    return Markup('<dl class="facts">{}</dl>').format(Markup("").join(items))
