"""The collection that goes along with a Space."""

from __future__ import annotations

import json
from pathlib import Path

import hub_spaces
import pytest

from assistant.commands.app import run
from assistant.deploying import content

NAME = "me/test"
VALUE = "the value of a secret"


def _files(hub: hub_spaces.Spaces) -> dict[str, bytes]:
    return hub.repos["space", NAME].files


def test_a_collection_too_large_is_refused(
    hub: hub_spaces.Spaces,
    home: Path,
    add,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add(home, "Papers", {"a.txt": b"one", "b.txt": b"three"})
    monkeypatch.setattr(content, "LIMIT_BYTES", 7)
    assert run(["deploy", NAME, "-c", "Papers"]) == 2
    assert (
        "collection 'Papers' is 0 MB, the limit is 0 MB; deploy a smaller collection"
        in capsys.readouterr().err
    )
    monkeypatch.setattr(content, "LIMIT_DOCUMENTS", 1)
    assert run(["deploy", NAME, "-c", "Papers"]) == 2
    assert "collection 'Papers' is 2, the limit is 1 documents" in capsys.readouterr().err
    assert hub.requests == []


def test_a_collection_goes_along_as_its_original_files(
    hub: hub_spaces.Spaces, home: Path, add, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "制度.md": "# 制度\n第一条".encode(), "../../etc/passwd.txt": b"not a path", "Plan.txt": b"big", "plan.txt": b"small",
        ".hidden.txt": b"seen", "scan.pdf": b"no text", "n" * 300 + ".txt": b"long",
    }  # fmt: skip
    add(home, "Papers 文件", files, failed="scan.pdf")
    assert run(["deploy", NAME, "-c", "Papers 文件"]) == 0
    assert "stays here, it could not be read: scan.pdf" in capsys.readouterr().err
    place = "content/documents/"
    found = {name.removeprefix(place): data for name, data in _files(hub).items() if name.startswith(place)}
    assert found == {
        "制度.md": files["制度.md"], "_.._etc_passwd.txt": b"not a path", "Plan.txt": b"big", "plan (2).txt": b"small",
        "hidden.txt": b"seen", "n" * 196 + ".txt": b"long",
    }  # fmt: skip
    said = json.loads(_files(hub)["content/collection.json"])
    assert said == {"name": "Papers 文件", "documents": 6}
