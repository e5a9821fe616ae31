"""Bytes of files to rows: one bad row is named, and never loses the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.data import rows
from finetune.data.loading import load

GOOD = {"prompt": "Why?", "completion": "Because."}
LINE = json.dumps(GOOD).encode()
HEADER = b"prompt,completion\n"


def _load(tmp_path: Path, name: str, data: bytes) -> tuple[list[str], list[tuple[int, str, str]]]:
    (tmp_path / name).write_bytes(data)
    loaded = load([str(tmp_path / name)])
    assert all(fault.hard and fault.origin.file == str(tmp_path / name) for fault in loaded.faults)
    replies = [example.messages[-1].text for example in loaded.examples]
    return replies, [(fault.origin.row, fault.field, fault.kind) for fault in loaded.faults]


@pytest.mark.parametrize(
    ("bad", "field", "kind"),
    [
        (b"{", "line", "json"),
        (b"[1, 2]", "line", "json"),
        (b"null", "line", "json"),
        (b'{"prompt": "a", "prompt": "b", "completion": "c"}', "line", "json"),
        (b'{"prompt": NaN, "completion": "c"}', "line", "json"),
        (b"[" * 100_000, "line", "json"),
        (b'{"prompt": "\xff\xfe", "completion": "c"}', "line", "encoding"),
        ('{"prompt": "为什么", "completion": "因为"}'.encode("gb18030"), "line", "encoding"),
        (b'{"prompt": "a\\u0000b", "completion": "c"}', "prompt", "text"),
        (b'{"prompt": "a", "completion": "\\ud83d"}', "completion", "text"),
        (b'{"prompt": "a", "completion": ""}', "completion", "empty"),
        (b'{"prompt": " \\n", "completion": "c"}', "prompt", "empty"),
        (b'{"prompt": "a"}', "completion", "missing"),
        (b'{"prompt": "a", "completion": null}', "completion", "missing"),
        (b'{"prompt": 7, "completion": "c"}', "prompt", "type"),
        (b'{"prompt": "a", "completion": true}', "completion", "type"),
        (b'{"prompt": "a", "completion": "c", "lang": "fr"}', "lang", "language"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(
    tmp_path: Path, bad: bytes, field: str, kind: str
) -> None:
    replies, faults = _load(tmp_path, "a.jsonl", LINE + b"\n" + bad + b"\n" + LINE)
    assert replies == ["Because.", "Because."]
    assert [(2, field, kind)] == [(row, named.partition("[")[0], found) for row, named, found in faults], (
        "field and kind of line 2"
    )


def test_a_reason_is_a_sentence_about_the_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINE + b'\n{"prompt": 7, "completion": "c"}\n')
    (fault,) = load([str(tmp_path / "a.jsonl")]).faults
    assert fault.reason == "is a number, must be a text: 7"


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + LINE + b"\n" + LINE,
        LINE + b"\r\n" + LINE + b"\r\n",
        b"\n\n" + LINE + b"\n   \n\t\n" + LINE + b"\n\n",
    ],
    ids=["byte order mark", "CRLF", "blank lines"],
)
def test_what_editors_leave_in_a_file_is_no_fault(tmp_path: Path, data: bytes) -> None:
    assert _load(tmp_path, "a.jsonl", data) == (["Because."] * 2, [])


def test_line_separators_of_unicode_are_text(tmp_path: Path) -> None:
    reply = "one\u2028two\u2029three\x85four \U0001f600 有据"
    line = json.dumps({"prompt": "a", "completion": reply}, ensure_ascii=False).encode()
    assert _load(tmp_path, "a.jsonl", line + b"\n" + line) == ([reply] * 2, [])


def test_numbers_are_lines_as_an_editor_counts_them(tmp_path: Path) -> None:
    _, faults = _load(tmp_path, "a.jsonl", b"\n" + LINE + b"\n\n{\n")
    assert faults == [(4, "line", "json")]


def test_a_line_without_end_is_refused_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune.data import files

    monkeypatch.setattr(files, "ROW_LIMIT", 1000)
    huge = json.dumps({"prompt": "a", "completion": "b" * 5000}).encode()
    replies, faults = _load(tmp_path, "a.jsonl", LINE + b"\n" + huge + b"\n" + LINE)
    assert (replies, faults) == (["Because."] * 2, [(2, "line", "size")])


def test_a_long_row_below_the_limit_is_read(tmp_path: Path) -> None:
    reply = "word " * 200_000 + "end"
    line = json.dumps({"prompt": "a", "completion": reply}).encode()
    assert len(line) < rows.ROW_LIMIT
    assert _load(tmp_path, "a.jsonl", line)[0] == [reply]


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.jsonl", b"", "empty"),
        ("a.jsonl", b"\n \n", "empty"),
        ("a.jsonl", LINE.decode().encode("utf-16"), "file"),
        ("a.json", b"", "empty"),
        ("a.json", b"[]", "empty"),
        ("a.json", b"[" + LINE, "json"),
        ("a.json", b"\x00\x01\x02" * 200, "file"),
        ("a.csv", b"", "empty"),
        ("a.csv", HEADER, "empty"),
        ("a.csv", b"prompt,prompt\na,b\n", "csv"),
        ("a.csv", b'prompt,"completion\n', "csv"),
        ("a.parquet", b"PAR1 is all there is of it", "file"),
        ("a.parquet", b"", "file"),
        ("a.xlsx", b"PK", "file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_fault(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    assert _load(tmp_path, name, data) == ([], [(0, "file", kind)])


@pytest.mark.parametrize(
    "text",
    [json.dumps([GOOD, GOOD]), json.dumps([GOOD, GOOD], indent=2), LINE.decode() + "\n" + LINE.decode()],
    ids=["a list", "an indented list", "lines under the name of JSON"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_json(tmp_path: Path, text: str, encoding: str) -> None:
    assert _load(tmp_path, "a.json", text.encode(encoding)) == (["Because."] * 2, [])


def test_an_odd_item_of_a_json_list_is_named(tmp_path: Path) -> None:
    data = json.dumps([GOOD, "a text", GOOD, {"prompt": "a", "completion": []}]).encode()
    replies, faults = _load(tmp_path, "a.json", data)
    assert (replies, faults) == (["Because."] * 2, [(2, "row", "json"), (4, "completion", "empty")])


@pytest.mark.parametrize(
    ("data", "replies"),
    [
        (HEADER + b"a,b\n", ["b"]),
        (b"prompt;completion\na,a;b\n", ["b"]),
        (b"prompt\tcompletion\na\tb\n", ["b"]),
        (HEADER + b'a,"b, ""c"""\r\n', ['b, "c"']),
        (HEADER + b'a,"two\nlines"\nc,d\n', ["two\nlines", "d"]),
        (HEADER.replace(b"\n", b"\r") + b"a,b\rc,d", ["b", "d"]),
        (b"\n \n" + HEADER + b"\na,b\n,\nc,d,\n", ["b", "d"]),
        (b"\xef\xbb\xbf" + HEADER + b"a,b\n", ["b"]),
        (
            "prompt,completion\n为什么下雨？,因为有云，水汽凝结。\n".encode("gb18030"),
            ["因为有云，水汽凝结。"],
        ),
        ("prompt,completion\na,有据\n".encode("utf-16"), ["有据"]),
        ("prompt,completion\na,b \ufffd c\n".encode(), ["b \ufffd c"]),
        (HEADER + b'a,[1] is the first\n"[2] and [3]",x\n', ["[1] is the first", "x"]),
        (b'prompt,completion\na,"[{""role"": ""assistant"", ""content"": ""b""}]"\n', ["b"]),
    ],
)
def test_csv(tmp_path: Path, data: bytes, replies: list[str]) -> None:
    assert _load(tmp_path, "a.csv", data) == (replies, [])


def test_tsv_has_tabs_only(tmp_path: Path) -> None:
    assert _load(tmp_path, "a.tsv", b"prompt\tcompletion\na, b; c\td, e; f\n") == (["d, e; f"], [])


@pytest.mark.parametrize(
    ("bad", "field", "kind"),
    [
        (b"a,b,c", "line", "csv"),
        (b"a", "line", "csv"),
        (b'a,"b', "line", "csv"),
        (b'a,"b" c', "line", "csv"),
        (b"a,", "completion", "empty"),
        (b"a,b\0c", "completion", "text"),
    ],
)
def test_a_bad_record_of_a_csv_is_named_and_the_others_are_read(
    tmp_path: Path, bad: bytes, field: str, kind: str
) -> None:
    replies, faults = _load(tmp_path, "a.csv", HEADER + b'w,"x"\n' + bad + b'\ny,"z"\nv,u\n')
    assert (replies, faults) == (["x", "z", "u"], [(3, field, kind)])


def test_broken_bytes_in_a_utf8_table_cost_their_record_only(tmp_path: Path) -> None:
    data = "prompt,completion\n为什么下雨,因为有云\n".encode() * 1 + "为什么天黑,太阳".encode() + b"\xff\n"
    replies, faults = _load(tmp_path, "a.csv", data + "为什么刮风,气压不同\n".encode())
    assert (replies, faults) == (["因为有云", "气压不同"], [(3, "line", "encoding")])


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    said = [{"role": "user", "content": "有据？"}, {"role": "assistant", "content": "有。"}]
    table = pa.table({"messages": [said, said, None], "task": ["chat", None, None]})
    parquet.write_table(table, tmp_path / "a.parquet")
    loaded = load([str(tmp_path / "a.parquet")])
    assert [each.messages[-1].text for each in loaded.examples] == ["有。", "有。"]
    assert [(f.origin.row, f.field, f.kind) for f in loaded.faults] == [(3, "messages", "missing")]
