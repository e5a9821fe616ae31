"""What ``youju deploy`` refuses, and what the Hub refuses: each says why and what mends it."""

from __future__ import annotations

from pathlib import Path

import hub_server
import hub_spaces
import pytest

from assistant.commands.app import run

NAME = "me/test"
VALUE = "the value of a secret"


def _says(path: str, status: int, words: str = "said so"):
    return lambda hub, monkeypatch: hub.refuse(path, status, words)


def _of_another(hub: hub_spaces.Spaces, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["space", NAME] = hub_server.Repo(files={"index.html": b"x", "README.md": b"x"})
    hub.spaces[NAME] = hub_spaces.Space("static", "")


def _public(hub: hub_spaces.Spaces, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["space", NAME] = hub_server.Repo()
    hub.spaces[NAME] = hub_spaces.Space("gradio", "cpu-basic")


def _free_plan(hub: hub_spaces.Spaces, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.allowed = {"zero-a10g"}


REFUSED = [
    (NAME, lambda hub, m: m.delenv("HF_TOKEN"), "nobody is logged in here; run `hf auth login`"),
    (NAME, lambda hub, m: m.setenv("HF_TOKEN", "hf_old"), "the token is not valid (Invalid"),
    ("google/test", lambda hub, m: None, "no right to write there (You don't have the rights to create a space"),
    (NAME, _free_plan, "does not allow cpu-basic: it needs PRO, or Team or Enterprise for an organization"),
    (f"{NAME} --hardware l4x1", lambda hub, m: None, "does not allow l4x1: it needs a payment method and prepaid credit"),
    (f"{NAME} --hardware zero-a10g", lambda hub, m: None, "does not allow zero-a10g: it needs a personal account older"),
    (NAME, _of_another, "that name is taken by a static Space that is none of Youju's (index.html); give another"),
    (f"{NAME} --private", _public, "it is there already and public"),
    (NAME, _says("repos/create", 409), "that name is taken (said so)"),
    (NAME, _says("repos/create", 403, "You have used your storage quota"), "the account's quota is used up (You"),
    (NAME, _says("/commit/", 413), "it is too large for that account (said so)"),
    (NAME, _says("/commit/", 403), "you have no right to write there (said so)"),
    (NAME, _says("/variables", 429), "too many requests (said so)"),
    (NAME, _says("spaces/me", 418, f"who sent {hub_server.TOKEN}?"), "who sent …?"),
    (NAME, _says("validate-yaml", 400, "no"), "the README of the Space is not taken"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "prepare", "expected"), REFUSED)
def test_each_refusal_says_why_and_what_mends_it(
    hub: hub_spaces.Spaces, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: str, prepare, expected: str,
) -> None:  # fmt: skip
    prepare(hub, monkeypatch)
    assert run(["deploy", *arguments.split(), "--variable", "A=b"]) == 1
    said = capsys.readouterr().err
    assert expected in said
    assert hub_server.TOKEN not in said
    assert not any(each.commits for each in hub.repos.values())


def test_more_hardware_than_the_plan_allows_for_a_space_that_is_there(
    hub: hub_spaces.Spaces, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["deploy", NAME]) == 0
    assert run(["deploy", NAME, "--hardware", "a100-large"]) == 1
    assert "does not allow a100-large: it needs a payment method" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["test"], "OWNER/NAME: 'test' cannot be used"),
        ([NAME, "--variant", "tpu"], "--variant: 'tpu' cannot be used; use one of cpu"),
        ([NAME, "--hardware", "h100"], "--hardware: 'h100' cannot be used; use one of cpu-basic"),
        ([NAME, "--variable", "A"], "--variable: 'A' cannot be used; write NAME=VALUE"),
        ([NAME, "--secret", f"KEY={VALUE}"], "--secret: what was given cannot be used; give its name alone"),
        ([NAME, "--bucket", "mine"], "--bucket OWNER/NAME: 'mine' cannot be used"),
        (
            [NAME, "--adapter", "three"],
            "'three': it was not found; there are: youju-reader-1.5b, youju-smollm2, one, two",
        ),
        ([NAME, "--collection", "no"], "collection 'no' was not found"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_sent(
    hub: hub_spaces.Spaces,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    expected: str,
) -> None:
    assert run(["deploy", *arguments]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert VALUE not in said
    assert hub.requests == []
