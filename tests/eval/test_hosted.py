"""A run inside a server: its models, and nothing of its documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.assistant import Assistant
from assistant.config import Settings
from eval import runner
from eval.schema import GroundedCase, Passage, Suite
from eval.subjects.hosted import HostedSubject

LEAVE = Passage(
    "leave", "Leave", "Every employee has 24 days of paid leave a year. Unused days end in March."
)
QUESTION = GroundedCase(
    "g1", "en", "How many days of paid leave does every employee have?", (LEAVE,), ("24",), True
)


@pytest.mark.weights
def test_the_servers_models_answer_over_the_suites_passages_alone(tmp_path: Path) -> None:
    host = Assistant.open(
        Settings(home=tmp_path / "home", model="smollm2-135m", max_new_tokens=32, max_per_user=2),
        exclusive=True,
    )
    user = host.workspace.store.users.local()
    host.workspace.library.ingest(
        user, host.workspace.store.collections.default(user).id, "own.txt", b"My own 99 days of leave."
    )
    engine = host.models.generator()
    subject = HostedSubject(host)
    assert subject.readers == 2
    run = runner.run(
        Suite("s", 1, "", (QUESTION,), (LEAVE,), "a" * 64), subject, host.settings.home / "runs" / "r"
    )
    (found,) = run.predictions
    assert not found.error
    assert "24" in found.output
    assert found.retrieved == ("leave",)
    assert [each.filename for each in host.workspace.store.documents.list(user)] == ["own.txt"]
    assert host.models.generator() is engine
    assert host.models.state().state == "ready"
    assert not (run.folder / "work").exists()
    host.close()
