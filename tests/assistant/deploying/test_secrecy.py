"""The token and the values of secrets: nowhere but where they belong."""

from __future__ import annotations

import logging
from pathlib import Path

import hub_server
import hub_spaces
import pytest

from assistant.commands.app import run

NAME = "me/test"
VALUE = "the value of a secret"


def test_a_secret_that_is_not_in_the_environment_is_asked_for_unseen(
    hub: hub_spaces.Spaces, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        asked.append((text, hide_input))
        return VALUE

    monkeypatch.setattr("typer.prompt", prompt)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert run(["deploy", NAME, "--secret", "KEY"]) == 0
    assert asked == [("value of the secret KEY", True)]
    assert hub.spaces[NAME].secrets == {"KEY": VALUE}
    assert VALUE not in "".join(capsys.readouterr())


def test_without_a_terminal_nobody_is_asked_for_a_secret(
    hub: hub_spaces.Spaces, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert run(["deploy", NAME, "--secret", "KEY"]) == 2
    said = capsys.readouterr().err
    assert "--secret: KEY cannot be used; it has no value: set the environment variable KEY" in said
    assert not hub.spaces


def test_a_planted_token_and_a_secret_are_nowhere(
    hub: hub_spaces.Spaces, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """In output, logs, files, the uploaded tree and every body but the one that carries the secret."""
    monkeypatch.setenv("KEY", VALUE)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    caplog.set_level(logging.DEBUG)
    command = ["deploy", NAME, "--private", "--adapter", "one", "--secret", "KEY"]
    assert run([*command, "--dry-run"]) == 0
    assert run(command) == 0
    assert run([*command[:-3], "two"]) == 0
    assert run(["deploy", "rollback", NAME]) == 0
    said = "".join(capsys.readouterr()) + caplog.text
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    tree = b"".join(
        data for repo in hub.repos.values() for _, _, files in repo.history for data in files.values()
    )
    bodies = b"".join(each.body for each in hub.requests if not each.path.endswith("/secrets"))
    paths = "".join(each.path for each in hub.requests)
    for planted in (hub_server.TOKEN, VALUE):
        assert planted not in said + paths
        assert planted.encode() not in kept + tree + bodies
    assert hub.spaces[NAME].secrets == {"KEY": VALUE}


def test_the_token_goes_to_no_public_app(hub: hub_spaces.Spaces) -> None:
    assert run(["deploy", NAME]) == 0
    for each in hub.sent("GET", "/app/"):
        assert hub_server.TOKEN not in str(each.headers)
