"""One lookup for every word that people read, in English and 简体中文."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from assistant.errors import YoujuError
from assistant.schema import Language
from assistant.web import phrases_zh, words_en, words_zh

if TYPE_CHECKING:
    import gradio as gr
    from gradio.i18n import I18nData

WORDS: dict[Language, dict[str, str]] = {"en": words_en.WORDS, "zh": words_zh.WORDS}
LANGUAGES: dict[Language, str] = {"en": "English", "zh": "简体中文"}

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_SEAM = re.compile(rf"(?<=[{_HAN}]) ?(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%]) ?(?=[{_HAN}])")
_FIELD = re.compile(r"\{(\w+)(!r)?[^}]*\}")
THIN = "\u2009"


class _Count(int):
    """A number that knows its plural: of "{n} file{n:s}" one has no s."""

    def __format__(self, spec: str) -> str:
        if spec == "s":
            return "" if self == 1 else "s"
        return super().__format__(spec)


def text(key: str, language: Language, **fields: Any) -> str:
    """The words behind ``key``, with ``fields`` filled in.

    Raises:
        KeyError: No such key; the parity test keeps both languages complete.
    """
    counted = {name: _Count(value) if type(value) is int else value for name, value in fields.items()}
    words = WORDS[language][key].format(**counted)
    return spaced(words) if language == "zh" else words


def spaced(words: str) -> str:
    """Put a thin space between Chinese characters and Latin letters or digits."""
    return _SEAM.sub(THIN, words)


def error_text(error: Exception, language: Language) -> str:
    """What the reader is told of ``error``; nothing of an unexpected one leaks."""
    if not isinstance(error, YoujuError):
        return text("error_unknown", language)
    return _sentence(_told(type(error).__name__, error.fields, str(error), language), language)


def stored_error(name: str, fields: dict[str, Any] | None, language: Language) -> str:
    """The same for an error that is kept with an answer, as its name and its fields."""
    kind = next((kind for kind in error_kinds() if kind.__name__ == name), None)
    if kind is None or fields is None:
        return text("error_unknown", language)
    try:
        return _sentence(_told(name, fields, kind.template.format(**fields), language), language)
    except (KeyError, ValueError):
        return text("error_unknown", language)


def kept_error(english: str, language: Language) -> str:
    """The same for an error that was kept as its English words, with a document that failed."""
    kinds = sorted(error_kinds()[1:], key=lambda kind: -len(_FIELD.sub("", kind.template)))
    for kind in kinds if language == "zh" else ():
        if match := _pattern(kind.template).fullmatch(english):
            return _sentence(_told(kind.__name__, match.groupdict(), english, language), language)
    return english


def _pattern(template: str) -> re.Pattern[str]:
    """Finds the fields again in a template that was filled in."""
    parts = _FIELD.split(template)
    fields = [
        rf"['\"](?P<{name}>.*)['\"]" if as_repr else rf"(?P<{name}>.*?)" for name, as_repr in _fields(parts)
    ]
    literals = [re.escape(words) for words in parts[::3]]
    return re.compile("".join(f"{a}{b}" for a, b in zip_longest(literals, fields, fillvalue="")), re.DOTALL)


def _fields(parts: list[str]) -> list[tuple[str, str]]:
    return list(zip(parts[1::3], parts[2::3], strict=True))


def error_kinds() -> list[type[YoujuError]]:
    """Every error that is raised on purpose."""
    kinds, waiting = [YoujuError], YoujuError.__subclasses__()
    while waiting:
        kinds.append(waiting.pop())
        waiting += kinds[-1].__subclasses__()
    return kinds


def _told(name: str, fields: dict[str, Any], english: str, language: Language) -> str:
    template = words_zh.ERRORS.get(name)
    if language == "en" or template is None:
        return english
    known = {
        name: phrases_zh.PHRASES.get(value, value) if isinstance(value, str) else value
        for name, value in fields.items()
    }
    try:
        return spaced(template.format(**known))
    except (KeyError, ValueError):
        return english


def pick(accept_language: str) -> Language:
    """The better of our two languages for an ``Accept-Language`` header.

    Every Chinese, zh-TW and zh-HK too, reads 简体 until there is more.
    """
    ranked = sorted(map(_weighted, accept_language.split(",")), key=lambda pair: -pair[1])
    for tag, weight in ranked:
        if weight > 0 and tag.startswith("zh"):
            return "zh"
        if weight > 0 and tag.startswith("en"):
            return "en"
    return "en"


def gradio_words() -> gr.I18n:
    """The same words for Gradio's own front end: they show until the page knows who reads it."""
    import gradio as gr

    english, chinese = ({PREFIX + key: words for key, words in WORDS[name].items()} for name in LANGUAGES)
    chinese |= _GRADIO_ZH
    return gr.I18n(**{"en": english, "zh-CN": chinese, "zh-TW": chinese})


def label(key: str) -> I18nData:
    """The words behind ``key`` for a field of Gradio's, in the language of the browser."""
    from gradio.i18n import I18nData

    return I18nData(PREFIX + key)


PREFIX = "youju."
"""Gradio translates every string that is a key, a CSV column named "text" too: none is ours by chance."""
_GRADIO_ZH = {
    "chat_interface.new_chat": "新对话",
    "chat_interface.message_placeholder": "输入消息…",
    "chat_interface.additional_inputs": "更多输入",
    "chat_interface.chatbot": "对话",
}


def _weighted(part: str) -> tuple[str, float]:
    tag, _, quality = part.strip().lower().partition(";q=")
    try:
        return tag, float(quality or 1)
    except ValueError:
        return tag, 0.0


def _sentence(words: str, language: Language) -> str:
    if words.endswith((".", "。", "?", "？")):
        return words
    return words + ("。" if language == "zh" else ".")
