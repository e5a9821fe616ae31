"""Requests that also ask for a form, with replies that keep it: who learns short answers only, forgets how.

A reply that a person wrote, or that the base gave, is put into the form; or the form is one that the reply
has anyhow. So every row is right by construction.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from assistant.schema import Message
from finetune.schema import Example

Form = Callable[[str, str, random.Random], tuple[str, str] | None]
"""Of a request and its reply: what is asked besides, and the reply that keeps it; None where none does."""
_WORD = re.compile(r"[A-Za-z]{5,}")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_ENDS = (
    "Is there anything else you need?",
    "That is all for now.",
    "I hope this helps you.",
    "Let me know how it goes.",
)
_AFTERTHOUGHTS = ("Write to me if anything is unclear.", "I can say more about it.", "Thank you for asking.")


def asked(rows: Sequence[Example], draw: random.Random, each: int) -> Iterator[Example]:
    """Plain English requests, each again with up to so many forms, one at a time."""
    for row in rows:
        if len(row.messages) != 2 or row.language != "en":
            continue
        request, reply = (message.text.strip() for message in row.messages)
        for form in draw.sample(FORMS, each):
            if (found := form(request, reply, draw)) is not None:
                told, kept = found
                text = draw.choice((f"{request} {told}", f"{request}\n\n{told}", f"{told} {request}"))
                turns = (Message("user", text), Message("assistant", kept))
                yield replace(row, id=f"{row.id}-{form.__name__.strip('_')}", messages=turns)


def _lower(_: str, reply: str, draw: random.Random) -> tuple[str, str]:
    told = ("Write in lowercase letters only.", "Use no capital letters.", "All letters should be lowercase.")
    return draw.choice(told), reply.lower()


def _upper(_: str, reply: str, draw: random.Random) -> tuple[str, str]:
    told = ("Answer in capital letters.", "Write everything in capitals.", "Use capital letters only.")
    return draw.choice(told), reply.upper()


def _commas(_: str, reply: str, draw: random.Random) -> tuple[str, str]:
    told = ("Do not use any commas.", "Answer without commas.", "No comma may appear in what you write.")
    return draw.choice(told), reply.replace(",", "")


def _quoted(_: str, reply: str, draw: random.Random) -> tuple[str, str]:
    told = ("Put the whole answer in double quotation marks.", "Begin and end with double quotation marks.")
    return draw.choice(told), '"' + reply.replace('"', "'") + '"'


def _end(_: str, reply: str, draw: random.Random) -> tuple[str, str]:
    last = draw.choice(_ENDS)
    told = (f'End with exactly these words: "{last}"', f'The last sentence should be "{last}"')
    return draw.choice(told), f"{reply}\n\n{last}"


def _afterthought(_: str, reply: str, draw: random.Random) -> tuple[str, str]:
    mark = draw.choice(("P.S.", "P.P.S"))
    told = (
        f"Add a postscript that starts with {mark}",
        f"At the end, write a postscript beginning with {mark}",
    )
    return draw.choice(told), f"{reply}\n\n{mark} {draw.choice(_AFTERTHOUGHTS)}"


def _highlighted(_: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    words = list(dict.fromkeys(_WORD.findall(reply)))
    if len(words) < 3 or "*" in reply:
        return None
    count = draw.randint(1, 3)
    for word in draw.sample(words, count):
        reply = re.sub(rf"\b{word}\b", f"*{word}*", reply, count=1)
    told = (
        f"Highlight at least {count} word{'s' * (count > 1)} with asterisks, like *this*.",
        f"Mark {count} or more parts of it in markdown, such as *marked part*.",
    )
    return draw.choice(told), reply


def _titled(request: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    words = _WORD.findall(request)
    if len(words) < 2:
        return None
    told = (
        "Give it a title in double angular brackets, such as <<title>>.",
        "Begin with a title, written <<so>>.",
    )
    return draw.choice(told), f"<<{' '.join(words[-2:]).title()}>>\n\n{reply}"


def _bullets(_: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    parts = [part.strip() for part in _SENTENCE.split(reply.replace("\n", " ")) if part.strip()]
    if not 2 <= len(parts) <= 6:
        return None
    told = (
        f"Answer in exactly {len(parts)} bullet points, like: * a point",
        f"Use {len(parts)} bullets that begin with *.",
    )
    return draw.choice(told), "\n".join(f"* {part}" for part in parts)


def _repeated(request: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    told = (
        "First repeat this request word for word, then answer it.",
        "Say my request again without change before you answer.",
    )
    return (draw.choice(told), f"{request}\n\n{reply}") if len(request) < 300 else None


def _json(_: str, reply: str, draw: random.Random) -> tuple[str, str]:
    told = ("Give the answer as JSON.", "Wrap the whole output in JSON, in markdown ticks.")
    return draw.choice(told), f"```json\n{json.dumps({'answer': reply}, ensure_ascii=False)}\n```"


def _containing(_: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    words = list(dict.fromkeys(_WORD.findall(reply.lower())))
    if len(words) < 4:
        return None
    first, second = draw.sample(words, 2)
    told = (f'Use the words "{first}" and "{second}".', f"Include the keywords {first} and {second}.")
    return draw.choice(told), reply


def _avoiding(request: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    words = [word for word in dict.fromkeys(_WORD.findall(request.lower())) if word not in reply.lower()]
    if len(words) < 2:
        return None
    first, second = draw.sample(words, 2)
    told = (f'Do not use the words "{first}" and "{second}".', f"Leave out the words {first} and {second}.")
    return draw.choice(told), reply


def _long(_: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    count = len(reply.split())
    if count < 8:
        return None
    most, least = -(-count // 10) * 10 + 10, count // 10 * 10
    told = [f"Use less than {most} words.", f"Answer in fewer than {most} words."]
    told += [f"Write at least {least} words.", f"Use {least} words or more."] if least >= 30 else []
    return draw.choice(told), reply


def _sentences(_: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    parts = _SENTENCE.split(reply)
    if "\n" in reply or not 2 <= len(parts) <= 8:
        return None
    told = (f"Answer in {len(parts)} sentences.", f"Use at least {len(parts)} sentences.")
    return draw.choice(told), reply


def _paragraphs(_: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    parts = _SENTENCE.split(reply)
    if "\n" in reply or not 2 <= len(parts) <= 4:
        return None
    mark, name = draw.choice((("\n\n***\n\n", "separated by ***"), ("\n\n", "separated by an empty line")))
    return f"Write {len(parts)} paragraphs, {name}.", mark.join(parts)


def _sections(_: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    parts = _SENTENCE.split(reply)
    if "\n" in reply or not 2 <= len(parts) <= 4:
        return None
    head = draw.choice(("SECTION", "Part", "Section"))
    body = "\n\n".join(f"{head} {number}\n{part}" for number, part in enumerate(parts, 1))
    return f"Answer in {len(parts)} sections that begin with {head} and their number.", body


def _letters(_: str, reply: str, draw: random.Random) -> tuple[str, str]:
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    count = reply.lower().count(letter)
    rare = f"The letter {letter} should appear less than {count + draw.randint(1, 3)} times."
    often = f"The letter {letter} should appear at least {count} times."
    return (often if count >= 2 and draw.random() < 0.5 else rare), reply


def _shouted(_: str, reply: str, draw: random.Random) -> tuple[str, str] | None:
    words = list(dict.fromkeys(_WORD.findall(reply)))
    if len(words) < 4:
        return None
    count = draw.randint(1, 3)
    for word in draw.sample(words, count):
        reply = re.sub(rf"\b{word}\b", word.upper(), reply, count=1)
    return f"Write at least {count} word{'s' * (count > 1)} in capital letters only.", reply


def _blanks(_: str, reply: str, draw: random.Random) -> tuple[str, str]:
    names = draw.sample(("name", "date", "address", "phone", "email", "city"), draw.randint(1, 4))
    many = "s" * (len(names) > 1)
    told = f"Include at least {len(names)} placeholder{many} in square brackets, such as [name]."
    return told, f"{reply}\n\n" + ", ".join(f"[{name}]" for name in names)


FORMS: tuple[Form, ...] = (
    _lower, _upper, _commas, _quoted, _end, _afterthought, _highlighted, _titled, _bullets, _repeated, _json,
    _containing, _avoiding, _long, _sentences, _paragraphs, _sections, _letters, _shouted, _blanks,
)  # fmt: skip
