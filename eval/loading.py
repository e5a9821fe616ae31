"""A suite's files to a checked ``Suite``; nothing is measured before every line of it is good."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from assistant import strict_json
from eval.errors import SuiteError
from eval.schema import (
    Case,
    ChatCase,
    DialogueCase,
    GroundedCase,
    Passage,
    PlainCase,
    RetrievalCase,
    RewriteCase,
    SentimentCase,
    Suite,
    SummarizeCase,
    VerdictCase,
)

BUILT_IN = Path(__file__).parent / "suites"
_KINDS: dict[str, type[Any]] = {
    "sentiment": SentimentCase,
    "grounded": GroundedCase,
    "summarize": SummarizeCase,
    "chat": ChatCase,
    "plain": PlainCase,
    "dialogue": DialogueCase,
    "rewrite": RewriteCase,
    "verdict": VerdictCase,
}
_READERS: dict[type[Any], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (*_KINDS.values(), RetrievalCase, Passage)
}
_WITHOUT_TASK = {"task", "id"}
_SHAPES: dict[str, frozenset[str]] = {
    "plain": frozenset({"kind", "must"}),
    "dialogue": frozenset({"answerability", "answer"}),
    "rewrite": frozenset({"standalone", "earlier"}),
    "verdict": frozenset({"claim", "evidence", "label"}),
}
_UNNAMED = {"document", "evidence"}
_MAY_BE_BLANK = {"title", "heading"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a file, decoded."""

    file: Path
    number: int
    fields: dict[str, Any]

    def fault(self, field: str, value: object, remedy: str) -> SuiteError:
        """What is wrong with a field of this line."""
        return SuiteError(file=self.file, line=self.number, field=field, value=_short(value), remedy=remedy)


def built_in() -> list[str]:
    """Names of the suites that come with Youju."""
    return sorted(path.stem for path in BUILT_IN.glob("*.jsonl"))


def files(source: str | Path) -> list[Path]:
    """The files of a suite, in the order in which they are read; see `load`."""
    path = _find(source)
    return sorted(path.glob("*.jsonl")) if path.is_dir() else [path]


def load(source: str | Path) -> Suite:
    """Read and check a suite.

    Args:
        source: A JSONL file; a folder of them; a folder with ``corpus.jsonl`` and ``queries.jsonl``; or the
            name of a built-in suite.

    Raises:
        SuiteError: Names file, line, field, value and way out of the first fault, and counts the others.
    """
    path, paths = _find(source), files(source)
    lines, faults = _lines(paths)
    header = lines.pop(0) if lines and "suite" in lines[0].fields else None
    if {file.name for file in paths} == {"corpus.jsonl", "queries.jsonl"}:
        cases, passages = _retrieval(lines, faults)
    else:
        cases = _cases(lines, faults)
        passages = _passages(cases, lines, faults)
    if header is not None:
        faults += _header_faults(header)
    if faults:
        raise _all_of(faults)
    if not cases:
        remedy = "write at least one case"
        raise SuiteError(file=path, line=1, field="id", value="no case", remedy=remedy)
    said = header.fields if header else {}
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in paths)).hexdigest()
    return Suite(
        name=said.get("suite", path.stem),
        version=said.get("version", 0),
        licence=said.get("licence", ""),
        cases=tuple(cases),
        passages=tuple(passages),
        sha256=digest,
    )


def _find(source: str | Path) -> Path:
    path = Path(source)
    if path.exists():
        if path.is_dir() and not any(path.glob("*.jsonl")):
            remedy = "a suite's folder holds .jsonl files"
            raise SuiteError(file=path, line=0, field="file", value="no .jsonl", remedy=remedy)
        return path
    if (named := BUILT_IN / f"{source}.jsonl").exists() and str(source) in built_in():
        return named
    remedy = f"give a file, a folder, or one of {', '.join(built_in())}"
    raise SuiteError(file=source, line=0, field="suite", value="no such file", remedy=remedy)


def _lines(files: Sequence[Path]) -> tuple[list[_Line], list[SuiteError]]:
    found: list[_Line] = []
    faults: list[SuiteError] = []
    for file in files:
        for number, text in _texts(file):
            line = _Line(file, number, {})
            try:
                value = strict_json.loads(text)
            except (ValueError, RecursionError) as fault:
                faults.append(line.fault("line", text, f"write one JSON object: {fault}"))
                continue
            if not isinstance(value, dict):
                faults.append(line.fault("line", value, "write one JSON object"))
            else:
                found.append(_Line(file, number, value))
    return found, faults


def _texts(file: Path) -> Iterator[tuple[int, str]]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        where = file.read_bytes()[: fault.start].count(b"\n") + 1
        raise SuiteError(
            file=file, line=where, field="line", value="bytes", remedy="save the file as UTF-8"
        ) from None
    for number, line in enumerate(text.split("\n"), 1):  # U+2028 is text, not the end of a line
        if line.strip():
            yield number, line


def _cases(lines: Sequence[_Line], faults: list[SuiteError]) -> list[Case]:
    cases: list[Case] = []
    seen: dict[str, _Line] = {}
    for line in lines:
        try:
            case = _case(line)
            _unique(case.id, line, seen)
        except SuiteError as fault:
            faults.append(fault)
        else:
            cases.append(case)
    return cases


def _case(line: _Line) -> Case:
    task = line.fields.get("task", _by_shape(line.fields))
    kind = _KINDS.get(task) if isinstance(task, str) else None
    if kind is None:
        raise line.fault("task", task, f"use one of {', '.join(_KINDS)}")
    given = dict(line.fields)
    if kind is ChatCase:
        given.setdefault("lang", "en")
        given["messages"] = _as_messages(given.get("messages"))
    if kind in (PlainCase, DialogueCase):
        given["history"] = _as_messages(given.get("history", []))
    if kind is PlainCase:  # a message that no document answers names none
        given = {name: value for name, value in given.items() if value != "" or name not in _UNNAMED}
    case: Case = _validated(kind, given, line)
    for field, value, remedy in _contradictions(case):
        raise line.fault(field, value, remedy)
    return case


def _by_shape(given: Mapping[str, Any]) -> str | None:
    """The task of a line that names none: the fields that no other task has tell it."""
    return next((task for task, names in _SHAPES.items() if names <= given.keys()), None)


def _validated(kind: type[Any], given: dict[str, Any], line: _Line) -> Any:
    """An instance of ``kind``; every text in it says something, and no optional field is misspelled."""
    known = {field.name for field in fields(kind)}
    for name in set(given) - known - _WITHOUT_TASK:
        if near := get_close_matches(name, known - set(given), 1, 0.8):
            raise line.fault(name, given[name], f"did you mean {near[0]!r}?")
    try:
        value = _READERS[kind].validate_python(given)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"])) or "line"
        raise line.fault(name, first["input"], first["msg"]) from None
    if (blank := _blank(given, known)) is not None:
        raise line.fault(blank, "", "write something, or leave the case out")
    return value


def _blank(value: Any, names: set[str], path: str = "") -> str | None:
    """Where an empty text stands, or ``None``."""
    if isinstance(value, str):
        return None if value.strip() else path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        if (not path and key not in names) or key in _MAY_BE_BLANK:
            continue
        if (found := _blank(item, names, f"{path}.{key}".lstrip("."))) is not None:
            return found
    return None


def _as_messages(given: Any) -> Any:
    """OpenAI's ``content`` is our ``text``."""
    if not isinstance(given, list):
        return given
    return [
        {("text" if key == "content" else key): value for key, value in message.items()}
        if isinstance(message, dict)
        else message
        for message in given
    ]


def _contradictions(case: Case) -> Iterator[tuple[str, object, str]]:
    if isinstance(case, GroundedCase):
        if not case.documents:
            yield "documents", [], "give at least one document"
        if case.answerable and not case.answers:
            yield "answers", [], "an answerable question needs an answer"
        if not case.answerable and case.answers:
            yield "answers", list(case.answers), "an unanswerable question has none"
    if isinstance(case, SummarizeCase) and not case.references:
        yield "references", [], "give at least one reference summary"
    if isinstance(case, ChatCase) and (not case.messages or case.messages[-1].role != "user"):
        yield "messages", len(case.messages), "the last message is the user's"
    if isinstance(case, PlainCase) and case.answerable and not case.must:
        yield "must", [], "an answerable question needs a string that a right answer holds"
    if isinstance(case, RetrievalCase) and not case.relevant:
        yield "relevant", [], "name at least one passage"


def _passages(cases: Sequence[Case], lines: Sequence[_Line], faults: list[SuiteError]) -> list[Passage]:
    """The documents of all cases; one that several share stands once."""
    by_id: dict[str, Passage] = {}
    where = {str(line.fields.get("id")): line for line in lines}
    for case in cases:
        for passage in case.documents if isinstance(case, GroundedCase) else ():
            if by_id.setdefault(passage.id, passage) != passage:
                remedy = "another case has this document id with other words: use another id"
                faults.append(where[case.id].fault("documents.id", passage.id, remedy))
    return list(by_id.values())


def _retrieval(lines: Sequence[_Line], faults: list[SuiteError]) -> tuple[Sequence[Case], Sequence[Passage]]:
    from assistant.evidence.words import is_chinese

    passages: dict[str, Passage] = {}
    cases: list[RetrievalCase] = []
    seen: dict[str, _Line] = {}
    for line in lines:  # "corpus" sorts before "queries"
        try:
            if line.file.name == "corpus.jsonl":
                passage: Passage = _validated(Passage, line.fields, line)
                _unique(passage.id, line, seen)
                passages[passage.id] = passage
                continue
            query = line.fields.get("query")
            guess = "zh" if isinstance(query, str) and is_chinese(query) else "en"
            case: RetrievalCase = _validated(RetrievalCase, {"lang": guess, **line.fields}, line)
            for field, value, remedy in _contradictions(case):
                raise line.fault(field, value, remedy)
            _unique(f"query {case.id}", line, seen)
            for name in case.relevant:
                if name not in passages:
                    raise line.fault("relevant", name, "it is not in corpus.jsonl")
            cases.append(case)
        except SuiteError as fault:
            faults.append(fault)
    return cases, list(passages.values())


def _unique(name: str, line: _Line, seen: dict[str, _Line]) -> None:
    if name in seen:
        raise line.fault("id", name, f"line {seen[name].number} has it already: ids are unique")
    seen[name] = line


def _header_faults(line: _Line) -> list[SuiteError]:
    wanted: tuple[tuple[str, type, str], ...] = (
        ("suite", str, "write its name"),
        ("version", int, "write a whole number"),
        ("licence", str, "write a licence's name"),
    )
    return [
        line.fault(field, line.fields[field], remedy)
        for field, kind, remedy in wanted
        if field in line.fields and (type(line.fields[field]) is not kind or line.fields[field] == "")
    ]


def _all_of(faults: Sequence[SuiteError]) -> SuiteError:
    first = faults[0]
    if len(faults) == 1:
        return first
    return SuiteError(
        **{**first.fields, "remedy": f"{first.fields['remedy']} (and {len(faults) - 1} more faults)"}
    )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"
