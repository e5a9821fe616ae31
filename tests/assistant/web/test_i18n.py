from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from assistant import errors
from assistant.errors import NotFoundError, QueueFullError, TooLargeError
from assistant.web import i18n, phrases_zh, words_en, words_zh
from assistant.web.pages import plugins

plugins.found()  # their words and errors keep the same rules
PAGES = Path(i18n.__file__).parent


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_both_languages_hold_the_same_keys() -> None:
    assert words_en.WORDS.keys() == words_zh.WORDS.keys()


@pytest.mark.parametrize("key", sorted(words_en.WORDS))
def test_both_languages_fill_the_same_fields(key: str) -> None:
    assert fields(words_en.WORDS[key]) == fields(words_zh.WORDS[key])


@pytest.mark.parametrize(("count", "said"), [(0, "0 files added"), (1, "1 file added"), (2, "2 files added")])
def test_one_is_not_many(count: int, said: str) -> None:
    assert i18n.text("imported", "en", count=count) == said


def test_no_key_is_written_twice() -> None:
    for name in ("words_en.py", "words_zh.py"):
        keys = re.findall(r'^    "(\w+)": ', (PAGES / name).read_text(encoding="utf-8"), re.M)
        assert len(keys) == len(set(keys)), name


@pytest.mark.parametrize("kind", i18n.error_kinds(), ids=lambda kind: kind.__name__)
def test_every_error_has_chinese_words_with_the_same_fields(kind: type[errors.YoujuError]) -> None:
    assert kind.__name__ in words_zh.ERRORS
    assert fields(words_zh.ERRORS[kind.__name__]) == fields(kind.template)


def test_every_key_that_the_pages_say_exists() -> None:
    said = set()
    for path in [*PAGES.glob("*.py"), *(PAGES / "pages").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = (
                getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            )
            if name in ("say", "word") and node.args and isinstance(node.args[0], ast.Constant):
                said.add(node.args[0].value)
    assert len(said) > 100
    assert said <= words_en.WORDS.keys()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-HK", "zh"),
        ("zh-TW,zh;q=0.9", "zh"),
        ("de-DE,de;q=0.9,zh;q=0.5,en;q=0.3", "zh"),
        ("fr", "en"),
        ("en;q=0.1, zh;q=0.2", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=nonsense", "en"),
    ],
)
def test_pick_follows_the_browser(header: str, language: str) -> None:
    assert i18n.pick(header) == language


def test_a_thin_space_stands_between_chinese_and_latin() -> None:
    assert i18n.spaced("共3页 PDF文件") == "共\u20093\u2009页\u2009PDF\u2009文件"
    assert i18n.text("status_found", "zh", count=5) == "找到\u20095\u2009个段落…"


def test_no_chinese_words_leave_an_ordinary_space_between_chinese_and_latin() -> None:
    for key, words in words_zh.WORDS.items():
        assert not re.search(
            r"[\u4e00-\u9fff] [A-Za-z0-9]|[A-Za-z0-9] [\u4e00-\u9fff]", i18n.spaced(words)
        ), key


def test_errors_are_told_with_their_fields() -> None:
    error = TooLargeError(field="file", value="60 MB", limit="50 MB", remedy="split it")
    assert i18n.error_text(error, "en") == "file is 60 MB, the limit is 50 MB; split it."
    assert "60\u2009MB" in i18n.error_text(error, "zh") or "60 MB" in i18n.error_text(error, "zh")
    assert i18n.error_text(error, "zh").endswith("。")


def test_an_unexpected_error_leaks_nothing() -> None:
    assert "secret" not in i18n.error_text(RuntimeError("secret path"), "en")
    assert i18n.error_text(RuntimeError("x"), "zh") == words_zh.WORDS["error_unknown"]


def test_an_error_kept_with_an_answer_is_told_in_either_language() -> None:
    fields_kept = {"value": "33", "limit": "32", "retry_s": "5"}
    assert i18n.stored_error("QueueFullError", fields_kept, "en") == i18n.error_text(
        QueueFullError(**fields_kept), "en"
    )
    assert "32" in i18n.stored_error("QueueFullError", fields_kept, "zh")
    assert i18n.stored_error("ValueError", None, "en") == words_en.WORDS["error_unknown"]
    assert i18n.stored_error("NotFoundError", {}, "en") == words_en.WORDS["error_unknown"]


def test_gradio_gets_both_languages_and_the_words_it_lacks() -> None:
    words = i18n.gradio_words().translations_dict
    assert words["zh-CN"]["chat_interface.new_chat"] == "新对话"
    assert words["zh-TW"] == words["zh-CN"]
    assert words["en"]["youju.send"] == "Send"


def test_not_found_says_the_same_in_both() -> None:
    error = NotFoundError(kind="document", value="x")
    assert "'x'" in i18n.error_text(error, "en")
    assert "'x'" in i18n.error_text(error, "zh")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.UnsupportedFileError(name="odd.xyz", value=".xyz", limit=".pdf, .md"), "odd.xyz：不支持 '.xyz' 类型的文件，请使用 .pdf, .md。"),
        (errors.NoTextError(name="scan.pdf", pages=1), "scan.pdf 没有文字（1 页）：扫描件需要先做文字识别（OCR）再添加。"),
        (
            errors.EmptyInputError(field="a; b.txt", remedy="there is not a word in it, and pictures are not read"),
            "a; b.txt 是空的；里面没有文字，而图片无法读取。",
        ),
        (
            errors.UnreadableFileError(name="x.docx", reason="it is damaged or cut off", remedy="save it again in the program that made it"),
            "x.docx 无法读取：文件已损坏或不完整；请用原来的程序重新保存。",
        ),
    ],
)  # fmt: skip
def test_an_error_kept_in_english_is_told_in_chinese(error: errors.YoujuError, told: str) -> None:
    assert i18n.kept_error(str(error), "zh").replace(i18n.THIN, " ") == told
    assert i18n.error_text(error, "zh").replace(i18n.THIN, " ") == told
    assert i18n.kept_error(str(error), "en") == str(error)


def test_words_that_are_no_known_error_stay() -> None:
    assert i18n.kept_error("something else", "zh") == "something else"


def test_phrases_are_written_by_the_code() -> None:
    """A phrase that was reworded would silently be English again."""
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in PAGES.parent.rglob("*.py")
        if path.name != "phrases_zh.py"
    )
    assert [words for words in phrases_zh.PHRASES if f'"{words}"' not in code] == []
