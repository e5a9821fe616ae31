"""Which runs there are, and which one goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tune_runs

from assistant.__main__ import main
from finetune.folder import Folder
from finetune.running import Result


def test_a_run_whose_process_is_gone_is_called_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "training"
    tune_runs.status(place / "works", "training")
    tune_runs.status(place / "killed", "planning", 0, 0, pid=2**22 + 1)
    tune_runs.status(place / "faulty", "failed", message="no room")
    with pytest.raises(SystemExit) as ended:
        main(["finetune", "runs", "--home", str(tmp_path)])
    assert ended.value.code in (0, None)
    found = dict(line.split("\t", 1) for line in capsys.readouterr().out.splitlines())
    assert found == {"works": "training\t30/60", "killed": "broken\t0/0", "faulty": "failed\t30/60\tno room"}


@pytest.mark.parametrize(
    ("words", "resumed"),
    [
        (["--resume"], "newest"),
        (["--resume", "--yes"], "newest"),
        (["--resume", "last"], "newest"),
        (["--resume", "oldest"], "oldest"),
        (["--resume", "--set", "output.folder='{place}/named'"], "named"),
    ],
    ids=["alone", "before an option", "in words", "by its name", "the folder of the recipe"],
)
def test_a_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], resumed: str
) -> None:
    from finetune import running

    for place in ("training/oldest", "training/newest", "named"):
        tune_runs.status(tmp_path / place, "stopped")
        os.utime(tmp_path / place / "status.json", (1, 1 + place.endswith("newest")))
    taken: list[tuple[str, bool]] = []

    def run(config: object, settings: object, folder: Folder, *, resume: bool, **_: object) -> Result:
        taken.append((folder.path.name, resume))
        return Result("done", None, None)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "run", run)
    given = [word.format(place=tmp_path) for word in words]
    with pytest.raises(SystemExit) as ended:
        main(["finetune", "tiny-cpu", *given, "--home", str(tmp_path)])
    assert (ended.value.code or 0, taken) == (0, [(resumed, True)])
