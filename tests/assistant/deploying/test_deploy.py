"""``youju deploy`` against a stand-in of the Hub: first deploy, updates, rollback, and each refusal."""

from __future__ import annotations

import json
import re
from collections import deque
from pathlib import Path

import hub_server
import hub_spaces
import pytest

from assistant.commands.app import run
from assistant.models import adapters

NAME = "me/test"
VALUE = "the value of a secret"


def _files(hub: hub_spaces.Spaces) -> dict[str, bytes]:
    return hub.repos["space", NAME].files


def _changes(hub: hub_spaces.Spaces) -> list[str]:
    """All that was sent to change something, since the last look."""
    sent = [f"{each.method} {each.path.partition('?')[0]}" for each in hub.requests if each.method != "GET"]
    hub.requests.clear()
    quiet = ("preupload", "validate-yaml", "paths-info", "objects/batch")
    return [line for line in sent if not any(word in line for word in quiet)]


def test_a_first_deploy_makes_the_space_and_ends_with_its_address(
    hub: hub_spaces.Spaces, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["deploy", NAME, "--private", "--variable", "YOUJU_MEMBERS=*"]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == f"{hub.url}/spaces/{NAME}"
    assert "one question: answered in 1.5 s, 1 citations" in shown.err
    repo, space = hub.repos["space", NAME], hub.spaces[NAME]
    assert repo.private
    assert (space.sdk, space.hardware, space.variables) == ("gradio", "cpu-basic", {"YOUJU_MEMBERS": "*"})
    assert len(repo.commits) == 1
    names = set(_files(hub)) - {".gitattributes"}
    assert {"README.md", "requirements.txt", "app.py"} < names
    assert [name for name in names if name.endswith(".whl")] == ["youju-0.1.0-py3-none-any.whl"]
    assert "${" not in (_files(hub)["README.md"] + _files(hub)["requirements.txt"]).decode()


def test_a_dry_run_needs_no_login_sends_nothing_and_lists_what_a_deploy_does(
    hub: hub_spaces.Spaces, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--adapter", "one", "--hardware", "t4-small", "--bucket", "me/state", "--secret", "PLANTED"]
    monkeypatch.delenv("HF_TOKEN")
    assert run(["deploy", NAME, *options, "--dry-run"]) == 0
    assert hub.requests == []
    shown = capsys.readouterr().out
    monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
    monkeypatch.setenv("PLANTED", VALUE)
    assert run(["deploy", NAME, *options]) == 0
    listed = dict(re.findall(r"^ *([\d,]+)  (\S.*)$", shown.partition("calls")[0], re.M))
    sizes = {name: f"{len(data):,}" for name, data in _files(hub).items() if name != ".gitattributes"}
    assert {name: size for size, name in re.findall(r"^ *([\d,]+)  (\S+)$", shown, re.M)} == sizes
    assert listed
    for line in (
        "create_repo: me/test",
        "create_bucket: me/state, private",
        "set_space_volumes: me/state at /data",
    ):
        assert line in shown
    for line in (
        "add_space_secret: PLANTED",
        "request_space_hardware: t4-small",
        "upload_folder:",
        "GET /health",
    ):
        assert line in shown


def test_the_bucket_is_private_and_mounted_once(hub: hub_spaces.Spaces) -> None:
    for _ in range(2):
        assert run(["deploy", NAME, "--bucket", "me/state"]) == 0
    assert hub.buckets == {"me/state": "private"}
    (volume,) = hub.spaces[NAME].volumes
    assert (volume["type"], volume["source"], volume["mountPath"]) == ("bucket", "me/state", "/data")
    assert volume["readOnly"] is False
    assert len(hub.sent("PUT", "/volumes")) == 1


def test_an_update_without_changes_uploads_nothing_and_restarts_nothing(
    hub: hub_spaces.Spaces, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["deploy", NAME, "--adapter", "one", "--variable", "A=b", "--hardware", "t4-small"]
    assert run(command) == 0
    assert _changes(hub)
    capsys.readouterr()
    assert run(command) == 0
    assert _changes(hub) == []
    assert len(hub.repos["space", NAME].commits) == 1
    assert "nothing was uploaded" in capsys.readouterr().err


def test_an_update_with_a_new_adapter_uploads_only_that_and_deletes_the_old_one(
    hub: hub_spaces.Spaces, home: Path
) -> None:
    assert run(["deploy", NAME, "--adapter", "one"]) == 0
    _changes(hub)
    assert run(["deploy", NAME, "--adapter", "two"]) == 0
    puts = hub.sent("PUT", "/lfs/")
    assert [each.body for each in puts] == [(home / "adapters" / "two" / adapters.WEIGHTS).read_bytes()]
    found = {name for name in _files(hub) if name.startswith("content/")}
    assert found == {f"content/adapters/two/{name}" for name in (adapters.CONFIG, adapters.WEIGHTS)}
    (commit,) = hub.sent("POST", "/commit/")
    rows = [json.loads(row) for row in commit.body.splitlines()]
    changed = {(row["key"], row["value"]["path"]) for row in rows if row["key"] != "header"}
    old, new = (f"content/adapters/{name}/" for name in ("one", "two"))
    assert changed == {
        ("deletedFile", old + adapters.CONFIG), ("deletedFile", old + adapters.WEIGHTS),
        ("file", new + adapters.CONFIG), ("lfsFile", new + adapters.WEIGHTS), ("file", "README.md"),
    }  # fmt: skip


def test_a_rollback_brings_back_every_byte_in_one_commit_and_a_second_one_undoes_it(
    hub: hub_spaces.Spaces, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees = []
    for name in ("one", "two"):
        assert run(["deploy", NAME, "--adapter", name]) == 0
        trees.append(dict(_files(hub)))
    assert trees[0] != trees[1]
    _changes(hub)
    assert run(["deploy", "rollback", NAME]) == 0
    assert _files(hub) == trees[0]
    assert _changes(hub) == [f"POST /api/spaces/{NAME}/commit/main"]
    assert run(["deploy", "rollback", NAME]) == 0
    assert _files(hub) == trees[1]
    assert capsys.readouterr().out.strip().endswith(f"/spaces/{NAME}")


def test_a_rollback_goes_behind_all_parts_of_a_large_deploy(hub: hub_spaces.Spaces, home: Path) -> None:
    assert run(["deploy", NAME, "--adapter", "one"]) == 0
    first = dict(_files(hub))
    assert run(["deploy", NAME, "--adapter", "two"]) == 0
    repo = hub.repos["space", NAME]
    for part in (2, 3):
        repo.files = repo.files | {f"content/documents/{part}.txt": b"x"}
        repo.history.append((f"{part}" * 40, f"{repo.commits[-1]} (part {part})", dict(repo.files)))
    assert run(["deploy", "rollback", NAME]) == 0
    assert _files(hub) == first


@pytest.mark.parametrize("deploys", [0, 1])
def test_a_rollback_of_what_was_never_updated_says_so(
    hub: hub_spaces.Spaces, capsys: pytest.CaptureFixture[str], deploys: int
) -> None:
    for _ in range(deploys):
        run(["deploy", NAME])
    assert run(["deploy", "rollback", NAME]) == 1
    expected = ("there is no such Space", "there is nothing to go back to")[deploys]
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("outcome", "which", "expected"),
    [
        ("BUILD_ERROR", "build", "the build failed"),
        ("RUNTIME_ERROR", "run", "the app stopped with an error"),
        ("CONFIG_ERROR", "build", "its configuration is refused"),
    ],
)
def test_a_failed_build_shows_the_end_of_its_log_without_what_is_secret(
    hub: hub_spaces.Spaces, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    outcome: str, which: str, expected: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("KEY", VALUE)
    hub.outcome = outcome
    hub.log = [
        *(f"step {n}\n" for n in range(200)),
        f"ERROR: No matching distribution {hub_server.TOKEN} {VALUE}\n",
    ]
    assert run(["deploy", NAME, "--secret", "KEY"]) == 1
    said = capsys.readouterr().err
    assert expected in said
    assert "ERROR: No matching distribution … …" in said
    assert "step 199" in said
    assert "step 1\n" not in said
    assert f"youju deploy rollback {NAME}" in said
    assert hub.sent("GET", f"/logs/{which}")
    assert hub_server.TOKEN not in said
    assert VALUE not in said


def test_a_deploy_after_a_failed_one_is_not_taken_for_it(hub: hub_spaces.Spaces, home: Path) -> None:
    hub.outcome = "BUILD_ERROR"
    assert run(["deploy", NAME]) == 1
    hub.outcome = "RUNNING"
    assert run(["deploy", NAME, "--adapter", "one"]) == 0


def test_a_paused_space_is_not_waited_for(hub: hub_spaces.Spaces, capsys: pytest.CaptureFixture[str]) -> None:
    run(["deploy", NAME])
    hub.spaces[NAME].stages = deque([("PAUSED", hub.repos["space", NAME].sha)])
    assert run(["deploy", NAME]) == 1
    assert "its stage is PAUSED; start it again in its settings" in capsys.readouterr().err


def test_a_space_that_runs_and_cannot_answer_is_no_success(
    hub: hub_spaces.Spaces, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answer_state = "failed"
    assert run(["deploy", NAME]) == 1
    shown = capsys.readouterr()
    assert "one question was not answered (out of memory)" in shown.err
    assert shown.out == ""
