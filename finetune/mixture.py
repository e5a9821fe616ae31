"""The rows that our own adapters learn from: grounded answers and refusals, sentiment, summaries, chat.

``python -m finetune.mixture DATA OUT.jsonl [--portions NAME] [--but FILE] …`` writes them as
conversations, in exactly the prompts that serving uses. Only files are read whose licence lets a trained
adapter be given away; each row names its source. Chats of our own making are in ``chats.jsonl`` beside this
file, questions about rules, manuals and letters in ``manuals.jsonl``; `formats` asks chats for a form.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant import prompts
from assistant.evidence import attribution
from assistant.schema import Language, Message
from assistant.tools.summarize import as_long_as
from finetune import formats, questions
from finetune.portions import PORTIONS, Portions
from finetune.schema import Example, Origin

_LEVELS = ("negative", "neutral", "positive")
_BESIDE = (75, 17, 8)
"""Of a hundred passages, how many stand alone, beside one other, beside two."""
_EVIDENCE: Mapping[Language, int] = {"en": 1600, "zh": 680}
"""Characters of a passage that a sentence is judged by, at most."""
_SIMPLIFIED = 0.7
"""Share of the traditional Chinese passages that are rewritten in simplified characters."""


def build(
    data: Path,
    portions: Portions,
    chatted: Sequence[Path] = (),
    seed: int = 0,
    but: Collection[str] = (),
    held_out: Collection[str] = (),
) -> list[Example]:
    """All rows of a mixture, in no particular order.

    Args:
        data: Folder with ``grounded/``, ``sentiment/``, ``summarize/`` and ``chat/``.
        portions: How much of each.
        chatted: Files of conversations: our own, or what the base says (``python -m finetune.replies``).
        seed: Of every draw.
        but: Ids of the texts whose sentiment is not asked, because an earlier mixture did.
        held_out: Ids of passages and titles of articles that nothing is learnt about.
    """
    draw = random.Random(seed)
    examples: list[Example] = []
    unseen = set(held_out)
    for language, share in portions.passages.items():
        rows = [
            row
            for row in _rows(data / "grounded" / f"{language}.train.jsonl")
            if unseen.isdisjoint((row["documents"][0]["id"], row["documents"][0]["title"]))
        ]
        examples += grounded(rows if language == "en" else _simplified(rows, draw), draw, share, portions.cut)
    for language in portions.summaries:
        felt = [row for row in _rows(data / "sentiment" / f"{language}.train.jsonl") if row["id"] not in but]
        examples += sentiment(felt, draw, portions.sentiment)
        examples += summaries(
            _rows(data / "summarize" / f"{language}.train.jsonl"), draw, portions.summaries[language]
        )
    examples += reading(data, portions, draw)
    if portions.manuals:
        own = _rows(Path(__file__).parent / "manuals.jsonl")
        examples += manuals([row for row in own if row["lang"] in portions.manuals], draw)
    if portions.instructions:
        rows = _rows(data / "chat" / "self-instruct-252.jsonl")
        examples += instructions(draw.sample(rows, min(portions.instructions, len(rows))))
    for path in chatted:
        examples += chats(_rows(path))
    if portions.formats:
        examples += formats.asked([row for row in examples if row.task == "chat"], draw, portions.formats)
    return examples


def reading(data: Path, portions: Portions, draw: random.Random) -> Iterator[Example]:
    """What a reader learns: to answer, to tell whether it can, to judge an answer, to rewrite follow-ups."""
    if portions.questions:
        yield from questions.own(("en", "zh"), draw)
    for language, count in portions.spans.items():
        rows = _rows(data / "grounded" / f"{language}.train.jsonl")
        own = [row for row in _rows(questions.FOLDER.parent / "manuals.jsonl") if row["lang"] == language]
        rows = [*draw.sample(rows if language == "en" else _simplified(rows, draw), count // 2), *own]
        yield from questions.of_passages(_together(rows, count, draw), draw)
    for source, count in portions.statements.items():
        language = "zh" if source == "uhg" else "en"
        rows = _rows(data / "verdicts" / f"{language}.dev.jsonl")
        fit = [r for r in rows if r["id"].startswith(source) and len(r["evidence"]) < _EVIDENCE[language]]
        yield from questions.statements(_half(fit, "evidence", count, draw))
    if portions.rewrites:
        rows = _half(_rows(data / "rewrites" / "en.dev.jsonl"), "id", portions.rewrites, draw)
        for row in rows:
            asked = [Message("user", text) for text in row["earlier"][-3:]]
            yield questions.rewriting(row["id"], asked, row["question"], row["standalone"], "en")


def _half(
    rows: Sequence[dict[str, Any]], field: str, count: int, draw: random.Random
) -> list[dict[str, Any]]:
    """Rows to learn from, of one half of all sources; the other half stays to choose and to measure on."""
    learnt = [row for row in rows if hashlib.sha256(_source(row[field])).digest()[0] < 128]
    return draw.sample(learnt, min(count, len(learnt)))


def _source(value: str) -> bytes:
    """What rows are split by: the passage, or the conversation that an id names before its turn."""
    return value.partition("<::>")[0].encode()


def _together(rows: Sequence[dict[str, Any]], count: int, draw: random.Random) -> list[dict[str, Any]]:
    """About ``count`` rows, passages with all their questions."""
    by_passage: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_passage[row["documents"][0]["id"]].append(row)
    groups = list(by_passage.values())
    draw.shuffle(groups)
    found: list[dict[str, Any]] = []
    for group in groups:
        if len(found) < count:
            found += draw.sample(group, min(6, len(group)))
    return found


def grounded(
    rows: Sequence[dict[str, Any]], draw: random.Random, share: float, cut: bool = False
) -> Iterator[Example]:
    """Questions about a passage: answered with its number, or refused.

    Most of the passages stand alone, the others among one or two more. Each passage also gets questions that
    another passage of its article answers: the right words around, and no answer. Where a file has no
    unanswerable questions of its own, these are half as many as the others, rounded up.
    """
    by_passage: dict[str, list[dict[str, Any]]] = defaultdict(list)
    by_title: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        document = row["documents"][0]
        if document["id"] not in by_passage:
            by_title[document["title"]].append(document["id"])
        by_passage[document["id"]].append(row)
    everything = list(by_passage)
    lacking = all(row["answerable"] for row in rows[:100])
    for passage in draw.sample(everything, int(len(everything) * share)):
        own = by_passage[passage][0]["documents"][0]
        near = [other for other in by_title[own["title"]] if other != passage]
        among = _among(passage, near, everything, draw)
        shown = [passage] if cut else among
        texts = [by_passage[name][0]["documents"][0]["text"] for name in shown]
        for row in by_passage[passage]:
            answer = f"{row['answers'][0]} [{shown.index(passage) + 1}]" if row["answerable"] else None
            seen = [window(row["question"], own["text"])] if cut else texts
            if answer is None or not cut or row["answers"][0] in seen[0]:
                yield _asked(row, seen, answer, own["title"])
        away = [row for other in near if other not in shown for row in by_passage[other] if row["answerable"]]
        refused = -(-len(by_passage[passage]) // 2) if lacking else 1
        for row in draw.sample(away, min(refused, len(away))):
            seen = [window(row["question"], own["text"])] if cut else texts
            yield _asked(row, seen, None, own["title"], suffix="-away")


def _among(passage: str, near: Sequence[str], everything: Sequence[str], draw: random.Random) -> list[str]:
    """A passage in any place among none, one or two more: of its own article, or of others."""
    others = draw.choices((0, 1, 2), weights=_BESIDE)[0]
    if len(near) >= max(others, 1) and draw.random() < 0.5:
        pool = [*near]
    else:
        pool = [other for other in everything if other != passage and other not in near]
    shown = [passage, *draw.sample(pool, others)]
    draw.shuffle(shown)
    return shown


def manuals(rows: Sequence[dict[str, Any]], draw: random.Random) -> Iterator[Example]:
    """Each question twice, with the passage cut and whole; half of the answerable ones also about another."""
    yield from grounded(rows, draw, 1.0, cut=True)
    for row in rows:
        own = row["documents"][0]
        answer = f"{row['answers'][0]} [1]" if row["answerable"] else None
        yield _asked(row, [own["text"]], answer, own["title"], suffix="-whole")
    answerable = [row for row in rows if row["answerable"]]
    for row in draw.sample(answerable, len(answerable) // 2):
        own = row["documents"][0]
        other = draw.choice([each for each in rows if each["documents"][0]["id"] != own["id"]])["documents"][
            0
        ]
        yield _asked(row, [window(row["question"], other["text"])], None, own["title"], suffix="-far")


def window(question: str, passage: str) -> str:
    """The neighbouring sentences that share most with a question."""
    best = attribution.support(question, passage)
    return passage[best.start : best.end]


def sentiment(
    rows: Sequence[dict[str, Any]], draw: random.Random, wanted: Mapping[str, int]
) -> Iterator[Example]:
    """Texts with their sentiment, as many of each level as there are; of films few that are neutral."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["id"].split("-")[1] if row["lang"] == "en" else row["lang"], row["label"]].append(row)
    for kind, count in wanted.items():
        few = 10 if kind == "movieReviewSnippets" else 3
        for level in _LEVELS:
            there = groups[kind, level]
            share = count // few if level == "neutral" else count // (2 if few == 10 or kind == "zh" else 3)
            for row in draw.sample(there, min(share, len(there))):
                reply = prompts.SENTIMENT_REPLIES[_LEVELS.index(row["label"])]
                asked = prompts.sentiment(row["text"])
                yield _example(row["id"], asked, reply, row["id"], "sentiment", row["lang"])


def summaries(rows: Sequence[dict[str, Any]], draw: random.Random, count: int) -> Iterator[Example]:
    """Abstracts with what a person made of them, mostly one sentence."""
    for row in draw.sample(rows, min(count, len(rows))):
        asked = prompts.summary(row["text"], as_long_as(row["references"][:1]), "prose", row["lang"])
        yield _example(row["id"], asked, row["references"][0], row["id"], "summarize", row["lang"])


def instructions(rows: Sequence[dict[str, Any]]) -> Iterator[Example]:
    """Instructions with what a person replied to them."""
    for row in rows:
        asked = prompts.chat([], instruction(row))
        yield _example(row["id"], asked, row["instances"][0]["output"].strip(), row["id"], "chat", "en")


def instruction(row: Mapping[str, Any]) -> str:
    """The prompt of a self-instruct row: what to do, and with what."""
    return f"{row['instruction']}\n\n{row['instances'][0]['input']}".strip()


def chats(rows: Sequence[dict[str, Any]]) -> Iterator[Example]:
    """Conversations as they stand."""
    for row in rows:
        *asked, reply = (Message(turn["role"], turn["content"]) for turn in row["messages"])
        yield _example(row["id"], asked, reply.text, row["id"], "chat", row["lang"])


def _asked(
    row: dict[str, Any], texts: Sequence[str], answer: str | None, title: str, suffix: str = ""
) -> Example:
    language: Language = row["lang"]
    messages = prompts.grounded(row["question"], texts, language)
    reply = answer if answer is not None else prompts.NOT_FOUND[language]
    return _example(row["id"] + suffix, messages, reply, title, "grounded", language)


def _example(
    name: str, asked: Sequence[Message], reply: str, source: str, task: str, language: Language
) -> Example:
    messages = (*asked, Message("assistant", reply))
    return Example(name, messages, source, task, language, Origin("mixture", 0))


def write(examples: Iterable[Example], path: Path) -> str:
    """Write rows as messages JSONL; returns the file's SHA-256."""
    lines = [
        json.dumps(
            {
                "id": e.id,
                "task": e.task,
                "lang": e.language,
                "source": e.source,
                "messages": [{"role": m.role, "content": m.text} for m in e.messages],
            },
            ensure_ascii=False,
        )
        for e in examples
    ]
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _simplified(rows: Sequence[dict[str, Any]], draw: random.Random) -> list[dict[str, Any]]:
    """Most passages with their questions in simplified characters."""
    from opencc import OpenCC

    convert = OpenCC("t2s").convert
    passages = dict.fromkeys(row["documents"][0]["id"] for row in rows)
    chosen = {name for name in passages if draw.random() < _SIMPLIFIED}
    return [
        json.loads(convert(json.dumps(row, ensure_ascii=False)))
        if row["documents"][0]["id"] in chosen
        else row
        for row in rows
    ]


def main() -> None:
    """Write a mixture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("out", type=Path, help="file to write")
    parser.add_argument("--chats", type=Path, nargs="+", default=[], help="files of conversations to add")
    parser.add_argument("--portions", choices=PORTIONS, default="english", help="how much of each file")
    parser.add_argument("--but", type=Path, help="an earlier mixture, whose sentiment rows are left out")
    parser.add_argument(
        "--held-out", type=Path, help="passage ids and article titles to leave out, a line each"
    )
    options = parser.parse_args()
    seen = {row["id"] for row in _rows(options.but) if row["task"] == "sentiment"} if options.but else ()
    held = options.held_out.read_text(encoding="utf-8").splitlines() if options.held_out else ()
    made = build(options.data, PORTIONS[options.portions], options.chats, but=seen, held_out=held)
    sys.stdout.write(f"{len(made)} rows, sha256 {write(made, options.out)}\n")


if __name__ == "__main__":
    main()
