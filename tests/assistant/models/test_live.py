"""Which adapter answers: the pointer, its history, and what happens to it when programs are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assistant.errors import AdapterError, ConflictError, DatabaseFileError, StorageError
from assistant.models import adapters, live, skills
from assistant.schema import AdapterRef

BASE = "smollm2-135m"


def make(folder: Path, weights: bytes = b"weights", base: str = BASE) -> AdapterRef:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / adapters.WEIGHTS).write_bytes(weights)
    (folder / adapters.CONFIG).write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": base}))
    return adapters.read(folder)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "data" / "adapters").mkdir(parents=True)
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the shipped ones; empty unless a test puts one there."""
    place = tmp_path / "package"
    place.mkdir()
    monkeypatch.setattr(adapters, "SHIPPED", place)
    return place


def own(home: Path, name: str, **options: object) -> AdapterRef:
    return make(home / "adapters" / name, **options)  # type: ignore[arg-type]


def put(home: Path, ref: AdapterRef, **how: str) -> live.Event:
    return live.promote(home, ref, live.stack(home, ref.base), **how)


def answers(home: Path, base: str = BASE) -> str | None:
    ref = live.current(home, base)
    return ref.name if ref else None


def test_first_the_bare_model_then_the_shipped_one_then_the_promoted_one(home: Path, shipped: Path) -> None:
    assert answers(home) is None
    make(shipped / "ours")
    assert answers(home) == "ours"
    assert answers(home, "other") is None
    put(home, own(home, "mine"))
    assert answers(home) == "mine"


def test_each_base_has_its_own(home: Path) -> None:
    put(home, own(home, "a"))
    put(home, own(home, "b", base="other"))
    assert (answers(home), answers(home, "other")) == ("a", "b")
    live.rollback(home, "other")
    assert (answers(home), answers(home, "other")) == ("a", None)


def test_rollback_goes_back_step_by_step_and_history_keeps_all(home: Path) -> None:
    refs = [own(home, name, weights=name.encode()) for name in "abc"]
    for ref in refs:
        put(home, ref, gate=f"/gates/{ref.name}.json")
    taken, now = live.rollback(home, BASE)
    assert (taken.name, taken.gate, now) == ("c", "/gates/c.json", refs[1])
    live.rollback(home, BASE)
    assert answers(home) == "a"
    put(home, refs[2], forced="the customer asked for it")
    assert live.rollback(home, BASE)[1] == refs[0]
    assert live.rollback(home, BASE)[1] is None
    with pytest.raises(AdapterError, match="no promoted adapter of this base is live"):
        live.rollback(home, BASE)
    done = [(event.do, event.name) for event in live.history(home)]
    assert done == [
        *(("promote", name) for name in "abc"), ("rollback", "c"), ("rollback", "b"),
        ("promote", "c"), ("rollback", "c"), ("rollback", "a"),
    ]  # fmt: skip
    assert [event.forced for event in live.history(home)].count("the customer asked for it") == 1


def test_rollback_passes_over_what_was_deleted(home: Path) -> None:
    for name in "abc":
        put(home, own(home, name))
    for file in (home / "adapters" / "b").iterdir():
        file.unlink()
    (home / "adapters" / "b").rmdir()
    taken, now = live.rollback(home, BASE)
    assert (taken.name, now and now.name, live.history(home)[-1].popped) == ("c", "a", 2)


@pytest.mark.parametrize("what", [adapters.WEIGHTS, adapters.CONFIG, skills.FILE])
def test_other_files_under_the_promoted_name_do_not_answer(home: Path, what: str) -> None:
    file = Path(own(home, "mine").path) / what
    (file.parent / skills.FILE).write_text("{}")
    put(home, adapters.find(home, "mine"))
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(AdapterError, match=r"changed after it was measured.*rollback"):
        live.current(home, BASE)


def test_a_promoted_one_that_is_gone_is_told_with_the_way_back(home: Path) -> None:
    ref = own(home, "mine")
    put(home, ref)
    Path(ref.path).rename(home / "elsewhere")
    with pytest.raises(AdapterError, match="it is live and was deleted; `youju adapters rollback`"):
        live.current(home, BASE)
    assert live.rollback(home, BASE)[1] is None


def test_what_was_changed_while_it_was_measured_does_not_go_live(home: Path) -> None:
    ref = own(home, "mine")
    (Path(ref.path) / adapters.WEIGHTS).write_bytes(b"others")
    with pytest.raises(AdapterError, match="changed after it was measured"):
        put(home, ref)
    assert live.history(home) == ()


def test_a_file_damaged_by_hand_is_told_and_not_overwritten(home: Path) -> None:
    ref = own(home, "mine")
    path = home / "adapters" / live.FILE
    for text in ("[{", '{"live": "mine"}', '[{"do": "promote"}]', ""):
        path.write_text(text)
        for act in (lambda: live.current(home, BASE), lambda: put(home, ref)):
            with pytest.raises(DatabaseFileError, match=r"live\.json.*delete it"):
                act()
        assert path.read_text() == text


def test_a_disk_that_takes_nothing_leaves_the_live_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home, own(home, "a"))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(live.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        put(home, own(home, "b"))
    assert answers(home) == "a"


def test_a_candidate_answers_only_where_it_is_named_or_promoted(home: Path, shipped: Path) -> None:
    ours = make(shipped / "ours")
    (shipped / "ours" / "skills.json").write_text('{"candidate": true}', encoding="utf-8")
    assert live.current(home, ours.base) is None
    assert adapters.find(home, "ours").name == "ours"
    (shipped / "ours" / "skills.json").write_text("{}", encoding="utf-8")
    assert live.current(home, ours.base) is not None


def test_a_shipped_name_is_never_taken_over(home: Path, shipped: Path) -> None:
    ours = make(shipped / "ours")
    own(home, "ours", weights=b"not proved")
    assert adapters.every(home) == [ours]
    assert live.current(home, BASE) == ours
    assert adapters.is_shipped(adapters.find(home, "ours"))


def test_half_written_and_deleted_folders_are_no_adapters(home: Path) -> None:
    own(home, ".mine.part")
    own(home, "__pycache__")
    assert adapters.every(home) == []
    assert adapters.folders(home) == {}


def test_of_two_promotions_at_once_one_wins(home: Path) -> None:
    """Both were measured beside the same live adapter: the second has to be measured again."""
    refs = [own(home, f"n{n}") for n in range(4)]
    go = home / "go"
    code = (
        "import sys, time; from pathlib import Path; from assistant.models import adapters, live\n"
        "home, name = Path(sys.argv[1]), sys.argv[2]\n"
        "ref = adapters.find(home, name); before = live.stack(home, ref.base)\n"
        "print('ready', flush=True)\n"
        "while not (home / 'go').exists(): time.sleep(0.001)\n"
        "live.promote(home, ref, before)\n"
    )
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(home), ref.name],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for ref in refs
    ]  # fmt: skip
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    go.touch()
    said = [program.communicate(timeout=60)[1] for program in programs]
    assert sorted(program.returncode for program in programs) == [0, 1, 1, 1]
    assert sum(ConflictError.__name__ in each for each in said) == 3
    assert len(live.history(home)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_the_pointer_survives_kill_9(home: Path, rounds: int) -> None:
    """A program that promotes and rolls back without end is killed at any moment: nobody reads half a list."""
    for name in "ab":
        own(home, name)
    code = (
        "import sys; from pathlib import Path; from assistant.models import adapters, live\n"
        "home = Path(sys.argv[1]); refs = [adapters.find(home, name) for name in 'ab']\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for ref in refs: live.promote(home, ref, live.stack(home, ref.base))\n"
        "    live.rollback(home, refs[0].base)\n"
    )
    kept = 0
    for n in range(max(rounds, 4)):
        program = subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True)
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        end = time.monotonic() + random.Random(n).uniform(0.05, 0.3)
        while time.monotonic() < end:
            seen = len(live.history(home))
            assert seen >= kept, "what was acknowledged is gone"
            kept = seen
            assert answers(home) in (None, "a", "b")
        os.kill(program.pid, signal.SIGKILL)
        program.wait(timeout=20)
        live._read.cache_clear()
        assert len(live.history(home)) >= kept
        assert answers(home) in (None, "a", "b")
    assert kept > 3
    put(home, adapters.find(home, "a"))  # no lock is left behind
