"""``youju adapters push`` against a stand-in of the Hub: what goes, what never goes, and each refusal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hub_server
import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import ModelCard, constants
from safetensors.numpy import save_file

from assistant.commands.app import run
from assistant.models import adapters

NAMES = {".gitattributes", "README.md", adapters.CONFIG, adapters.WEIGHTS}
COMPARISON = {
    "suite": "held out",
    "n": 200,
    "metrics": [
        {
            "metric": "token_f1", "better": "higher", "a": 0.12, "b": 0.58, "verdict": "better", "p": 0.0,
            "difference": {"mean": 0.46, "low": 0.4, "high": 0.52, "n": 200},
        }
    ],
}  # fmt: skip
FILES = [
    {"path": "/home/alice/secret-project/en|1.jsonl", "rows": 900, "licence": "MIT", "sha256": "ab" * 32}
]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[hub_server.StandIn]:
    with hub_server.StandIn() as server:
        monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One adapter with everything that its run left, and what must never leave this machine."""
    folder, training = tmp_path / "home" / "adapters" / "mine", tmp_path / "home" / "runs" / "one"
    folder.mkdir(parents=True)
    training.mkdir(parents=True)
    save_file({"base_model.model.x.lora_A.weight": np.ones((1, 4), np.float32)}, folder / adapters.WEIGHTS)
    config = {"peft_type": "LORA", "base_model_name_or_path": "smollm2-135m", "r": 16}
    (folder / adapters.CONFIG).write_text(json.dumps(config))
    (folder / "README.md").write_text("---\nlibrary_name: peft\n---\n# Model\n[More Information Needed]\n")
    (folder / "run.json").write_text(json.dumps({"run": str(training)}))
    (folder / "notes.txt").write_text("only for us")
    (training / "data.json").write_text(json.dumps({"files": FILES}))
    (training / "report.json").write_text(json.dumps({"comparison": COMPARISON}))
    return tmp_path / "home"


def _pushed(hub: hub_server.StandIn, repo: str = "me/mine") -> hub_server.Repo:
    return hub.repos["model", repo]


def test_weights_config_and_card_go_in_one_commit_and_nothing_else(
    hub: hub_server.StandIn, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["adapters", "push", "mine", "me/mine"]) == 0
    found = _pushed(hub)
    assert set(found.files) == NAMES
    assert len(found.commits) == 1
    assert not found.private
    assert found.files[adapters.WEIGHTS] == (home / "adapters" / "mine" / adapters.WEIGHTS).read_bytes()
    config = json.loads(found.files[adapters.CONFIG])
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert config["r"] == 16
    assert f"{hub.url}/me/mine" in capsys.readouterr().err


def test_what_was_pushed_is_an_adapter_of_the_same_base_when_it_comes_back(
    hub: hub_server.StandIn, home: Path, tmp_path: Path
) -> None:
    run(["adapters", "push", "mine", "me/mine"])
    (tmp_path / "back").mkdir()
    for name in NAMES:
        (tmp_path / "back" / name).write_bytes(_pushed(hub).files[name])
    ref = adapters.read(tmp_path / "back")
    adapters.verify(ref, "smollm2-135m")


def test_the_card_says_base_data_numbers_and_limits(hub: hub_server.StandIn, home: Path) -> None:
    run(["adapters", "push", "mine", "me/mine"])
    card = ModelCard(_pushed(hub).files["README.md"].decode())
    data = card.data
    assert (data.base_model, data.library_name) == ("HuggingFaceTB/SmolLM2-135M-Instruct", "peft")
    assert (data.license, data.language) == ("apache-2.0", ["en"])
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_name) == ("token_f1", 0.58, "held out")
    assert result.metric_name == "token_f1 (base 0.120, difference +0.460 [+0.400, +0.520], n 200)"
    assert "| en\\|1.jsonl | 900 | MIT | `abababababababab` |" in card.text
    line = "| held out | `token_f1` | 200 | 0.120 | 0.580 | +0.460 [+0.400, +0.520] | better |"
    assert line in card.text
    for heading in ("## Base model", "## Training data", "## Intended use", "## Limits"):
        assert heading in card.text


def test_a_card_that_says_something_is_kept_and_its_metadata_completed(
    hub: hub_server.StandIn, home: Path
) -> None:
    readme = home / "adapters" / "mine" / "README.md"
    readme.write_text("---\ndatasets:\n- me/rows\nbase_model: wrong/base\n---\n# Ours\nMade by hand.\n")
    run(["adapters", "push", "mine", "me/mine"])
    card = ModelCard(_pushed(hub).files["README.md"].decode())
    assert card.text.strip() == "# Ours\nMade by hand."
    assert card.data.datasets == ["me/rows"]
    assert card.data.base_model == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert card.data.eval_results


def test_an_adapter_without_a_run_says_that_nothing_is_known(hub: hub_server.StandIn, home: Path) -> None:
    (home / "adapters" / "mine" / "run.json").unlink()
    assert run(["adapters", "push", "mine", "me/mine"]) == 0
    card = ModelCard(_pushed(hub).files["README.md"].decode())
    assert "Not measured yet." in card.text
    assert "Not recorded." in card.text
    assert card.data.eval_results is None


def test_nothing_of_this_machine_and_no_token_leaves_or_is_shown(
    hub: hub_server.StandIn, home: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    run(["adapters", "push", "mine", "me/mine"])
    caplog.set_level("INFO")  # below it the client logs the Hub's answers, this one's echo too
    hub.refuse("preupload", 418, f"who sent {hub_server.TOKEN}?")
    run(["adapters", "push", "mine", "me/mine"])
    said = "".join(capsys.readouterr()) + caplog.text
    sent = b"".join(request.body + request.path.encode() for request in hub.requests)
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert "who sent …?" in said
    assert hub_server.TOKEN not in said
    assert hub_server.TOKEN.encode() not in sent + kept
    for word in (b"secret-project", b"alice", str(home).encode(), b"only for us"):
        assert word not in sent


def test_a_dry_run_shows_every_byte_and_sends_none(
    hub: hub_server.StandIn, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert run(["adapters", "push", "mine", "me/mine", "--dry-run", "--private"]) == 0
    assert hub.requests == []
    shown = capsys.readouterr().out
    monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
    run(["adapters", "push", "mine", "me/mine", "--private"])
    import hashlib

    for name in NAMES - {".gitattributes"}:
        data = _pushed(hub).files[name]
        (line,) = [line for line in shown.splitlines() if line.startswith(f"{name} ")]
        assert hashlib.sha256(data).hexdigest() in line
        assert f"{len(data):,} bytes" in line
    assert _pushed(hub).files["README.md"].decode() in shown
    assert "me/mine (private)" in shown
    assert _pushed(hub).private


def test_pushing_again_without_changes_uploads_nothing_and_a_change_only_itself(
    hub: hub_server.StandIn, home: Path
) -> None:
    run(["adapters", "push", "mine", "me/mine"])
    assert len(hub.sent("PUT", "/lfs/")) == 1
    run(["adapters", "push", "mine", "me/mine"])
    assert len(_pushed(hub).commits) == 1
    weights = {"base_model.model.x.lora_A.weight": np.zeros((1, 4), np.float32)}
    save_file(weights, home / "adapters" / "mine" / adapters.WEIGHTS)
    run(["adapters", "push", "mine", "me/mine"])
    assert len(_pushed(hub).commits) == len(hub.sent("PUT", "/lfs/")) == 2
    keys = [json.loads(line)["key"] for line in hub.sent("POST", "/commit/")[-1].body.splitlines()]
    assert keys == ["header", "lfsFile"]


def _other(hub: hub_server.StandIn) -> None:
    hub.repos["model", "me/mine"] = hub_server.Repo(files={"model.safetensors": b"x", "README.md": b"x"})


def _public(hub: hub_server.StandIn) -> None:
    hub.repos["model", "me/mine"] = hub_server.Repo()


def _says(path: str, status: int):
    return lambda hub: hub.refuse(path, status, "said so")


@pytest.mark.parametrize(
    ("repo", "prepare", "code", "expected"),
    [
        (
            "me/mine",
            lambda hub: os.environ.pop("HF_TOKEN"),
            1,
            "nobody is logged in here; run `hf auth login`",
        ),
        ("me/mine", lambda hub: os.environ.update(HF_TOKEN="hf_old"), 1, "the token is not valid"),
        ("google/mine", lambda hub: None, 1, "no right to write there (You don't have the rights to create"),
        (
            "me/mine",
            _other,
            1,
            "is there already and holds no adapter (model.safetensors); give another name",
        ),
        ("me/mine --private", _public, 1, "it is there already and public"),
        ("me/mine", _says("repos/create", 409), 1, "that name is taken (said so)"),
        ("me/mine", _says("repos/create", 402), 1, "the plan of that account does not allow it (said so)"),
        ("me/mine", _says("/commit/", 413), 1, "it is too large for that account (said so)"),
        ("me/mine", _says("/commit/", 403), 1, "you have no right to write there (said so)"),
        ("me/mine", _says("models/me", 429), 1, "too many requests (said so)"),
        ("me/mine", _says("/lfs/objects", 418), 1, "it answered with status 418 (said so)"),
        ("mine", lambda hub: None, 2, "'mine' cannot be used; write OWNER/REPO"),
        ("me/mi ne", lambda hub: None, 2, "write OWNER/REPO"),
        ("a/b/c", lambda hub: None, 2, "write OWNER/REPO"),
    ],
)
def test_each_refusal_says_why_and_what_mends_it(
    hub: hub_server.StandIn, home: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], repo: str, prepare, code: int, expected: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
    monkeypatch.setattr(huggingface_hub.utils._auth, "_get_token_from_file", lambda: None)
    monkeypatch.setattr(huggingface_hub.utils._http.time, "sleep", lambda seconds: None)
    prepare(hub)
    name, *flags = repo.split(" --") if " --" in repo else [repo]
    assert run(["adapters", "push", "mine", name, *(f"--{flag}" for flag in flags)]) == code
    assert expected in capsys.readouterr().err
    assert not any(each.commits for each in hub.repos.values())


def test_a_hub_that_cannot_be_reached_or_is_switched_off(
    hub: hub_server.StandIn, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert run(["adapters", "push", "mine", "me/mine"]) == 1
    assert "unset HF_HUB_OFFLINE" in capsys.readouterr().err
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert run(["adapters", "push", "mine", "me/mine"]) == 1
    assert "it cannot be reached (ConnectError)" in capsys.readouterr().err


def test_a_push_that_broke_off_goes_on(
    hub: hub_server.StandIn, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.refuse("/commit/", 403, "not now")
    assert run(["adapters", "push", "mine", "me/mine"]) == 1
    assert set(_pushed(hub).files) == {".gitattributes"}
    hub._refused.clear()
    assert run(["adapters", "push", "mine", "me/mine"]) == 0
    assert set(_pushed(hub).files) == NAMES
    assert len(hub.sent("PUT", "/lfs/")) == 1


def test_damaged_weights_never_leave(hub: hub_server.StandIn, home: Path) -> None:
    weights = home / "adapters" / "mine" / adapters.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-3])
    assert run(["adapters", "push", "mine", "me/mine"]) == 2
    assert hub.requests == []


def test_the_real_program_with_the_usual_variables(hub: hub_server.StandIn, home: Path) -> None:
    environment = {
        **os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": hub_server.TOKEN, "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1", "YOUJU_HOME": str(home),
    }  # fmt: skip
    command = [sys.executable, "-m", "assistant", "adapters", "push", "mine", "our-team/mine"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(_pushed(hub, "our-team/mine").files) == NAMES
    assert hub_server.TOKEN not in done.stdout + done.stderr
