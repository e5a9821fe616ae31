"""What `youju finetune runs` says of the runs that there are."""

from __future__ import annotations

from pathlib import Path

import pytest
import tune_runs

from assistant.__main__ import main


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
