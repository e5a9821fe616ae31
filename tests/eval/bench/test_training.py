"""The bench beside plain TRL: the rows that both sides get, what is read of a run, and that plain TRL runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import tiny

from assistant import prompts
from assistant.rendering import Renderer
from assistant.schema import LABELS, Message
from eval.bench import training, training_loss, training_rows
from eval.bench.training_rows import Drawn


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def renderer(base: Path) -> Renderer:
    from transformers import AutoTokenizer

    return Renderer(AutoTokenizer.from_pretrained(base))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten passages with three questions each, the last of them not answered; thirty sentiments."""
    asked = [
        {
            "id": f"g{p}-{q}", "task": "grounded", "lang": "en", "question": f"question {q}?",
            "documents": [{"id": f"p{p}", "title": "t", "text": f"passage {p}"}],
            "answers": [f"answer {q}"] if q < 2 else [], "answerable": q < 2,
        }
        for p in range(10) for q in range(3)
    ]  # fmt: skip
    felt = [
        {"id": f"s{n}", "task": "sentiment", "lang": "en", "text": f"text {n}", "label": "positive"}
        for n in range(30)
    ]
    for task, rows in (("grounded", asked), ("sentiment", felt)):
        (tmp_path / task).mkdir()
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / task / "en.train.jsonl").write_text(lines)
    return tmp_path


def test_passages_come_with_all_their_questions_half_of_all_rows(data: Path, renderer: Renderer) -> None:
    rows = training_rows.draw(data, renderer, 24, 0)
    assert Counter(row.task for row in rows) == {"grounded": 12, "sentiment": 12}
    assert set(Counter(row.source for row in rows if row.task == "grounded").values()) == {3}
    assert rows == training_rows.draw(data, renderer, 24, 0) != training_rows.draw(data, renderer, 24, 1)


def test_alone_no_two_rows_share_a_passage(data: Path, renderer: Renderer) -> None:
    rows = training_rows.draw(data, renderer, 16, 0, alone=True)
    assert set(Counter(row.source for row in rows).values()) == {1}


def test_held_out_rows_share_no_source_with_those_trained_on(data: Path, renderer: Renderer) -> None:
    seen = {row.source for row in training_rows.draw(data, renderer, 24, 0)}
    unseen = training_rows.draw(data, renderer, 12, 1, but=seen)
    assert unseen
    assert not seen & {row.source for row in unseen}


def test_rows_are_asked_as_serving_asks_and_their_tokens_are_their_own(
    data: Path, renderer: Renderer
) -> None:
    rows = training_rows.draw(data, renderer, 60, 0)
    for row in rows:
        assert row.tokens == len(renderer.ids(row.messages, open_reply=False))
    asked = {row.messages[-1].text for row in rows if row.task == "grounded"}
    assert asked == {"answer 0 [1]", "answer 1 [1]", prompts.NOT_FOUND["en"]}
    felt = {row.messages[-1].text for row in rows if row.task == "sentiment"}
    assert felt == {prompts.SENTIMENT_REPLIES[LABELS.index("positive")]}
    first = next(row for row in rows if row.task == "grounded")
    text = f"passage {first.source[1:]}"
    question = first.messages[-2].text.rpartition("question ")[2][0]
    assert [*first.messages[:-1]] == prompts.grounded(f"question {question}?", [text], "en")


def test_what_is_longer_than_a_row_may_be_is_left_out_on_both_sides(data: Path, renderer: Renderer) -> None:
    path = data / "sentiment" / "en.train.jsonl"
    row = {"id": "long", "task": "sentiment", "lang": "en", "text": "word " * 2000, "label": "negative"}
    path.write_text(json.dumps(row))
    assert all(row.source != "long" for row in training_rows.draw(data, renderer, 60, 0))


def _run(folder: Path, lines: str, megabytes: int = 0, code: int = 0) -> training.Trained:
    program = (
        f"import sys; held = bytearray({megabytes} * 10**6); held[::4096] = b'x' * len(held[::4096])\n"
        f"open({str(folder / 'progress.jsonl')!r}, 'w').write({lines!r})\nprint('went wrong')\nsys.exit({code})"
    )
    return training._train([sys.executable, "-c", program], folder, folder, 1000)


@pytest.mark.parametrize("iso", [False, True])
def test_speed_is_taken_from_the_first_steps_end_to_the_last_ones(tmp_path: Path, iso: bool) -> None:
    from datetime import UTC, datetime

    ends = [100.0, 102.0, 104.0, 107.5]  # 3 steps in 7.5 s, so 4 in 10 s
    at = [datetime.fromtimestamp(end, UTC).isoformat() if iso else end for end in ends]
    rows = [{"at": end, "step": n, "loss": 4.0 - n} for n, end in enumerate(at)]
    lines = "".join(json.dumps(row) + "\n" for row in [*rows, {"at": at[-1], "eval": {"loss": 1.0}}])
    found = _run(tmp_path, lines)
    assert found.rate == pytest.approx(100.0)
    assert found.losses == (4.0, 3.0, 2.0, 1.0)


def test_peak_memory_is_the_childs_own(tmp_path: Path) -> None:
    lines = '{"at": 1, "loss": 1}\n{"at": 2, "loss": 1}\n'
    (tmp_path / "small").mkdir()
    (tmp_path / "large").mkdir()
    small, large = _run(tmp_path / "small", lines), _run(tmp_path / "large", lines, megabytes=200)
    assert 180 < large.peak - small.peak < 230


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [('{"at": 1, "loss": 1}\n', 0, "1 steps are too few"), ("", 3, "went wrong")],
)
def test_a_side_that_failed_ends_the_bench_with_what_it_said(
    tmp_path: Path, lines: str, code: int, said: str
) -> None:
    with pytest.raises(SystemExit, match=said):
        _run(tmp_path, lines, code=code)


def test_our_side_is_asked_for_the_same_rows_and_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tomllib

    from finetune import config

    monkeypatch.setattr(training, "_train", lambda *given: given)
    rows = [Drawn((Message("user", "q"), Message("assistant", "a")), "s", "sentiment", 200)] * 4
    command, _, run, tokens = training.ours(training.Work(tmp_path, tmp_path, rows, 7))
    assert config.read(Path(command[3])).training.log_every == 1  # a key that was renamed is refused here
    written = tomllib.loads(Path(command[3]).read_text())
    (file,) = written["data"]["train"]
    asked = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    assert [json.loads(line) for line in Path(file).read_text().splitlines()] == [asked] * 4
    assert (written["model"], tokens) == ({"name": "smollm2-135m", "quantization": "nf4"}, 800)
    assert (written["training"]["tokens_per_batch"], written["training"]["seed"]) == (1600, 7)
    assert written["output"]["folder"] == run.as_posix()


def test_plain_trl_trains_on_the_rows_and_leaves_an_adapter(base: Path, tmp_path: Path) -> None:
    import numpy as np

    turns = (Message("user", "a word"), Message("assistant", "beta beta beta"))
    rows = training_rows.write([Drawn(turns, "s", "sentiment", 9)] * 40, tmp_path / "rows.jsonl")
    command = [sys.executable, "-m", "eval.bench.plain_trl", "--model", str(base), "--rows", str(rows)]
    done = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    ends, losses = training._progress(tmp_path / "progress.jsonl")
    assert len(ends) == 5  # batches of eight
    assert losses[-1] < losses[0]
    found = training_loss.losses(base, [tmp_path / "adapter"], [turns])
    assert found.shape == (2, 1)
    assert np.all(np.isfinite(found))
    assert found[1, 0] < found[0, 0]
