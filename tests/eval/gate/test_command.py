"""`youju adapters promote` as a program, over a real engine, real files and a tiny model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
from fakes import HashEmbedder
from readers import Reader, wait_for

from assistant import config
from assistant.assistant import Assistant
from assistant.commands.app import run as youju
from assistant.evidence import calibration
from assistant.evidence.calibration import Calibration, Weights
from assistant.loaded import Models
from assistant.models import adapters, live
from assistant.request import Request
from assistant.schema import Answer
from assistant.store import User
from eval.gate import measuring
from eval.metrics import answers, checks

pytestmark = pytest.mark.skipif(not checks.available(), reason=checks.MISSING)
TOKENS = 12


def rows(path: Path, cases: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    return path


def chat(n: int, wanted: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"hello number {n}"}]
    return {"id": f"c{n}", "task": "chat", "lang": "en", "messages": messages, "references": [wanted]}


def question(n: int, *, answerable: bool) -> dict[str, Any]:
    place = f"Hall {n}"
    text = f"The key of {place} hangs on hook {n + 100} beside the stairs."
    asked = f"On which hook hangs the key of {place}?" if answerable else f"Who won the cup in {1900 + n}?"
    return {
        "id": f"q{n}", "task": "grounded", "lang": "en", "question": asked, "answerable": answerable,
        "documents": [{"id": f"d{n}", "title": place, "text": text}],
        "answers": [f"hook {n + 100}"] if answerable else [],
    }  # fmt: skip


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def home(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with adapters that say one word, and the guards cut to what a tiny model does in seconds."""
    home = tmp_path / "home"
    monkeypatch.setenv("YOUJU_HOME", str(home))
    monkeypatch.setenv("YOUJU_MODEL", str(tiny_folder))
    monkeypatch.setenv("YOUJU_MAX_NEW_TOKENS", str(TOKENS))
    monkeypatch.setattr(adapters, "SHIPPED", tmp_path / "package")
    monkeypatch.setattr(Models, "embedder", lambda self: HashEmbedder())
    every = Weights(threshold=0.0)  # a random model's doubts are noise: it answers whatever it is asked
    monkeypatch.setattr(calibration, "CAUTIOUS", Calibration(search=every, reading=every, answer=every))
    guards = tmp_path / "guards"
    documents = [question(n, answerable=n % 2 == 0) for n in range(44)]
    rows(guards / "chat.jsonl", [chat(n, "nothing that it ever says") for n in range(40)])
    rows(guards / "documents.jsonl", documents)
    monkeypatch.setattr(measuring, "GUARDS", (str(guards / "chat.jsonl"), str(guards / "documents.jsonl")))
    for word in ("alpha", "beta"):
        trained(tiny_folder, home, word, f"{word} " * 3)
    return home


def trained(tiny_folder: Path, home: Path, word: str, wanted: str, name: str = "") -> Path:
    """An adapter as a run leaves it: beside it the run's held-out cases, which ask for ``wanted``."""
    folder = tiny.adapter(tiny_folder, home / "adapters" / (name or word), word)
    held_out = rows(home / "runs" / (name or word) / "held_out.jsonl", [chat(n, wanted) for n in range(40)])
    (folder / "run.json").write_text(json.dumps({"run": str(held_out.parent)}))
    return folder


@pytest.fixture
def runtime(home: Path) -> Iterator[Assistant]:
    """A server's, which runs through all of it."""
    opened = Assistant.open(config.load())
    yield opened
    opened.close()


def said(runtime: Assistant, text: str = "hello", *, heat: float = 0.0, **options: Any) -> str:
    sampling = runtime.models.sampling(seed=3, temperature=heat)
    user: User = runtime.workspace.store.users.local()
    events = runtime.chat_turn(user, Request(text, sampling), None, **options)
    return next(event.text for event in events if isinstance(event, Answer))


def drawn(runtime: Assistant) -> list[str]:
    """What it says, greedily and by seed."""
    return [said(runtime, text, heat=heat) for text in ("hello", "who are you?") for heat in (0.0, 0.9)]


def only(word: str, text: str) -> bool:
    return set(text.split()) == {word}


def test_a_better_one_goes_live_at_once_and_rollback_restores_every_byte(
    runtime: Assistant, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = drawn(runtime)
    assert len(set(bare)) == 4
    assert bare[0] == said(runtime, adapter="none")
    assert youju(["adapters", "promote", "alpha"]) == 0, capsys.readouterr().err
    told = capsys.readouterr()
    assert "alpha beside the bare model: better" in told.out
    assert "alpha is live" in told.err
    assert only("alpha", said(runtime))  # the runtime was open all along
    (event,) = live.history(home)
    proof = json.loads(Path(event.gate or "").read_text())
    assert (event.forced, proof["decision"]["outcome"], proof["against"]) == (None, "promote", "none")
    assert proof["candidate_sha256"] == event.sha256
    assert said(runtime, adapter="none") == bare[0]
    alpha = drawn(runtime)
    assert youju(["adapters", "promote", "beta"]) == 0, capsys.readouterr().err
    assert "beta beside alpha: better" in capsys.readouterr().out
    assert only("beta", said(runtime))
    assert youju(["adapters", "rollback"]) == 0
    assert "beta is off; alpha answers now" in capsys.readouterr().err
    assert drawn(runtime) == alpha
    assert youju(["adapters", "rollback", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"taken_off": "alpha", "live": None}
    assert drawn(runtime) == bare
    assert youju(["adapters", "rollback"]) == 2
    fresh = Assistant.open(config.load())
    assert drawn(fresh) == bare
    fresh.close()


def test_equal_and_worse_ones_do_not_go_live(
    home: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = trained(tiny_folder, home, "alpha", "alpha alpha", "twin")
    assert youju(["adapters", "promote", "alpha"]) == 0
    capsys.readouterr()
    assert youju(["adapters", "promote", "twin"]) == 1
    told = capsys.readouterr()
    assert "twin beside alpha: can't tell" in told.out
    assert "twin is not put live; `--force REASON`" in told.err
    held_out = str(home / "runs" / "alpha" / "held_out.jsonl")
    assert youju(["adapters", "promote", "beta", "--suite", held_out]) == 1
    assert "beta beside alpha: worse" in capsys.readouterr().out
    assert [event.name for event in live.history(home)] == ["alpha"]
    assert youju(["adapters", "compare", "beta", "none", "--suite", held_out, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["candidate"], found["against"], found["decision"]["outcome"]) == ("beta", "none", "unclear")
    assert len(live.history(home)) == 1
    assert youju(["adapters", "promote", "twin", "--force", "the label says so"]) == 0
    capsys.readouterr()
    event = live.history(home)[-1]
    assert (event.name, event.forced) == ("twin", "the label says so")
    assert (
        json.loads(Path(event.gate or "").read_text())["candidate"] == twin.name
    )  # its own record, found again
    assert youju(["adapters", "show", "twin", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["history"][0]["forced"] == "the label says so"
    assert shown["state"] == ["yours", "live"]


def test_what_loses_its_chat_for_the_task_does_not_go_live(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runtime: Assistant
) -> None:
    """The guard asks for what the bare model says, and the adapter says one word to everything."""
    told = {n: said(runtime, f"hello number {n}") for n in range(40)}
    good = [chat(n, text) for n, text in told.items() if answers.tokens(text, "en")]
    assert len(good) > 20
    documents = measuring.GUARDS[1]
    monkeypatch.setattr(measuring, "GUARDS", (str(rows(home / "chat.jsonl", good)), documents))
    assert youju(["adapters", "promote", "alpha"]) == 1
    assert "chat is worse" in capsys.readouterr().out
    assert live.history(home) == ()


def broken(folder: Path, how: str) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    weights, settings = folder / adapters.WEIGHTS, folder / adapters.CONFIG
    match how:
        case "cut off":
            weights.write_bytes(weights.read_bytes()[:-40])
        case "no weights":
            weights.unlink()
        case "pickled":
            (folder / "adapter_model.bin").write_bytes(b"\x80\x04.")
        case "wrong base":
            settings.write_text(settings.read_text().replace('"tiny"', '"smollm2-135m"'))
        case "not numbers":
            save_file({k: v * torch.nan for k, v in load_file(weights).items()}, weights)
        case "wrong shape":
            save_file({k: torch.cat([v, v]) for k, v in load_file(weights).items()}, weights)
        case "bad config":
            settings.write_text("{")


@pytest.mark.parametrize("force", [[], ["--force", "I want it"]], ids=["", "forced"])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("cut off", "adapter_model.safetensors"),
        ("no weights", "adapter_model.safetensors is missing"),
        ("pickled", "adapter_model.bin is not allowed"),
        ("wrong base", "trained on smollm2-135m, the model is tiny"),
        ("not numbers", "values that are not numbers"),
        ("wrong shape", "not ("),
        ("bad config", "adapter_config.json cannot be read"),
    ],
)
def test_a_broken_one_is_refused_with_the_reason_by_force_too(
    home: Path, how: str, words: str, force: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    broken(home / "adapters" / "alpha", how)
    assert youju(["adapters", "promote", "alpha", *force]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert "Traceback" not in told.err
    assert live.history(home) == ()


def test_a_stream_keeps_its_adapter_while_another_goes_live(runtime: Assistant, home: Path) -> None:
    """Promoted by another program while readers read: no restart, no mixture, and the next answer is new."""
    base = live.current(home, "tiny")
    assert base is None
    alpha, beta = (adapters.find(home, name) for name in ("alpha", "beta"))
    live.promote(home, alpha, ())
    engine = runtime.models.generator()
    before = [
        Reader(engine, f"read {n}", adapter=runtime.models.adapter_name(None), max_new_tokens=300)
        for n in range(3)
    ]
    wait_for(lambda: all(reader.deltas and reader.deltas[-1].tokens > 5 for reader in before))
    live.promote(home, beta, live.stack(home, "tiny"))
    after = [
        Reader(engine, f"read {n}", adapter=runtime.models.adapter_name(None), max_new_tokens=30)
        for n in range(3)
    ]
    assert any(reader.is_alive() for reader in before)
    assert all(only("alpha", reader.result()[0]) for reader in before)
    assert all(only("beta", reader.result()[0]) for reader in after)
    assert runtime.models.generator() is engine


def test_files_replaced_under_the_live_name_do_not_answer(
    runtime: Assistant, home: Path, tiny_folder: Path
) -> None:
    """Retrained under the name of the live one: neither the old weights in memory nor the new ones pass for it."""
    live.promote(home, adapters.find(home, "alpha"), ())
    assert only("alpha", said(runtime))
    shutil.rmtree(home / "adapters" / "alpha")
    tiny.adapter(tiny_folder, home / "adapters" / "alpha", "gamma")
    with pytest.raises(adapters.AdapterError, match="changed after it was measured"):
        said(runtime)
    assert only("gamma", said(runtime, adapter="alpha"))  # who names it gets what is there


def test_no_suite_no_promotion(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(home / "runs" / "alpha")
    assert youju(["adapters", "promote", "alpha"]) == 2
    assert "--suite FILE" in capsys.readouterr().err
    for content in ("{", '{"run": 3}', "[]"):
        (home / "adapters" / "alpha" / "run.json").write_text(content)
        assert youju(["adapters", "promote", "alpha"]) == 2
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["promote", "nobody"], "there are: alpha, beta"),
        (["promote", "../adapters"], "it was not found"),
        (["promote", "alpha", "--force", " "], "say why"),
        (["promote", "alpha", "--margin", "chatter=0.1"], "KIND one of task"),
        (["promote", "alpha", "--margin", "chat=lots"], "NUMBER from 0 to 1"),
        (["promote", "alpha", "--margin", "chat=-1"], "NUMBER from 0 to 1"),
        (["promote", "alpha", "--suite", "/no/such.jsonl"], "no such file"),
        (["promote", "alpha", "--base-url", "http://localhost:1/v1"], "leave base_url out"),
        (["compare", "alpha", "nobody"], "it was not found"),
        (["compare", "alpha", "alpha"], "beside itself"),
    ],
)
def test_bad_input_is_one_clear_line(
    home: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert youju(["adapters", *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told


def test_what_is_live_is_not_measured_beside_itself(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live.promote(home, adapters.find(home, "alpha"), ())
    assert youju(["adapters", "promote", "alpha"]) == 2
    assert "it is live" in capsys.readouterr().err
