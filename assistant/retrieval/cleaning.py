"""Text as it is stored: no hidden characters, one kind of newline, composed letters. Pure."""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SUSPECT = re.compile(f"[{_HIDDEN}{_SELECTORS}]+")

_SHAPING = re.compile(
    "[\u0600-\u08ff\u0900-\u109f\u1780-\u18af\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff]"
)
"""Scripts in which a joiner changes how a word is written: Arabic to Myanmar, Khmer, Mongolian, their kin."""
_PICTURE = re.compile("[\u2190-\u2bff\u3030\u303d\U0001f000-\U0001faff\ufe0f\u20e3#*0-9]")
_FLAG = re.compile(
    "\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    "|\U000e0077\U000e006c\U000e0073)\U000e007f"
)
"""England, Scotland, Wales: the only tag sequences that fonts draw."""
_BLACK_FLAG = "\U0001f3f4"

_NEWLINE = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES_BEFORE_NEWLINE = re.compile(r"(?<![ \t\u3000])[ \t\u3000]+$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")

_LIGATURES = ("ff", "fi", "fl", "ffi", "ffl", "st", "st")
_RADICALS = dict(
    zip(
        "⺒⺓⺟⺠⻁⻄⻅⻆⻉⻋⻑⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
        "巳幺母民虎西见角贝车長长门青韦页风飞食马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟",
        strict=True,
    )
)
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u2007\u202f", " "),
        **{chr(0xFB00 + index): letters for index, letters in enumerate(_LIGATURES)},
        **{chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)},
        **_RADICALS,
    }
)
"""Print forms that no one types in a question: fixed spaces, ligatures, and the radicals in which many
Chinese PDFs write whole characters. Nothing else of NFKC is wanted: full-width punctuation stays."""


def clean(text: str) -> tuple[str, int]:
    """Take out what a reader cannot see, and say how much it was.

    Joiners stay where a script or an emoji needs them, and so does a single variation selector.

    Returns:
        The text, and how many hidden characters (zero-width, bidi, tags, fillers) were removed.
    """
    if text.isascii():
        return _tidy(text), 0
    text = _SURROGATE.sub("\ufffd", text.removeprefix("\ufeff"))
    visible = _SUSPECT.sub(_keep, text)
    return _tidy(unicodedata.normalize("NFC", visible.translate(_PLAIN))), len(text) - len(visible)


def one_line(text: str, limit: int) -> str:
    """``text`` cleaned, on one line, cut to ``limit`` characters: for titles and names."""
    return " ".join(clean(text)[0].split())[:limit].rstrip()


def _tidy(text: str) -> str:
    text = _CONTROL.sub("", _NEWLINE.sub("\n", text))
    return _BLANK_LINES.sub("\n\n", _SPACES_BEFORE_NEWLINE.sub("", text))


def _keep(match: re.Match[str]) -> str:
    run = match.group()
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    if before == _BLACK_FLAG and (flag := _FLAG.match(run)):
        return flag.group()
    if len(run) == 2 and run == "\ufe0f\u200d":
        return run if _PICTURE.match(before) and _PICTURE.match(after) else ""
    if len(run) > 1:
        return ""
    if run in _JOINERS:
        return run if _joins(run, before, after) else ""
    return run if _selects(run, before) else ""


def _joins(joiner: str, before: str, after: str) -> bool:
    if _SHAPING.match(before):
        return True
    if _SHAPING.match(after):
        return before.isalnum()
    return joiner == "\u200d" and bool(_PICTURE.match(before) and _PICTURE.match(after))


def _selects(selector: str, before: str) -> bool:
    if "\ufe00" <= selector <= "\ufe0f":
        return bool(before) and not before.isspace()
    return selector >= "\U000e0100" and unicodedata.category(before or " ") == "Lo"
