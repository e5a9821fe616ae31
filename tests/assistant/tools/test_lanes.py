"""Generators that run side by side."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from assistant.errors import EngineError, TooManyRequestsError
from assistant.tools.lanes import together


class Line:
    """A line with ``room`` places; each lane takes ``steps`` turns in it."""

    def __init__(self, room: int) -> None:
        self.room, self.inside, self.most, self.begun = room, 0, 0, 0

    def lane(self, name: str, steps: int = 3) -> Generator[str, None, str]:
        self.begun += 1
        if self.inside >= self.room:
            raise TooManyRequestsError(kind="answers at once", limit=self.room, retry_s=1)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            for step in range(steps):
                yield f"{name}{step}"
        finally:
            self.inside -= 1
        return name.upper()


def run(line: Line, names: str, most: int) -> tuple[list[str], dict[str, str]]:
    seen: list[str] = []
    work = together({name: lambda name=name: line.lane(name) for name in names}, most)  # type: ignore[misc]
    while True:
        try:
            seen.append(next(work))
        except StopIteration as end:
            return seen, end.value


def test_they_take_turns_and_all_return() -> None:
    line = Line(9)
    seen, done = run(line, "abcd", 2)
    assert seen[:4] == ["a0", "b0", "a1", "b1"]
    assert done == {"a": "A", "b": "B", "c": "C", "d": "D"}
    assert line.most == 2


def test_one_that_finds_the_line_full_begins_anew_later() -> None:
    line = Line(2)
    _, done = run(line, "abcde", 3)
    assert done == {name: name.upper() for name in "abcde"}
    assert line.begun == 6


def test_a_line_that_is_full_for_all_is_told() -> None:
    with pytest.raises(TooManyRequestsError):
        run(Line(0), "ab", 2)


def test_closing_or_failing_frees_every_lane() -> None:
    line = Line(9)
    work = together({name: lambda: line.lane("x", 9) for name in "abc"}, 3)
    for _ in range(5):
        next(work)
    assert line.inside == 3
    work.close()
    assert line.inside == 0

    def broken() -> Generator[str, None, str]:
        yield "fine"
        raise EngineError(reason="told to", remedy="none")

    work = together({"a": lambda: line.lane("a", 9), "b": broken}, 2)
    with pytest.raises(EngineError):
        list(work)
    assert line.inside == 0
