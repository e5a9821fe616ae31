import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from readers import Reader, before_each_step, wait_for

from assistant.engine.dispatcher import TICK_S
from assistant.errors import AdapterError
from assistant.schema import Finish, Message, Sampling


def only(word, n):
    return (f" {word}" * n, Finish.LENGTH)


def test_each_adapter_says_its_word_and_the_base_stays_itself(engine):
    base = Reader(engine).result()
    for word in tiny.WORDS:
        assert Reader(engine, adapter=word).result() == only(word, 30)
    assert Reader(engine).result() == base
    assert not base[0].startswith(" alpha alpha")


def test_streams_never_mix_adapters(engine):
    """Also where prompts are equal, so that cached prefixes could be shared."""
    base = Reader(engine, max_new_tokens=12).result()
    adapters = [None, "alpha", "beta", "alpha", None, "gamma", "beta", "delta"] * 2
    readers = [
        Reader(engine, adapter=adapter, max_new_tokens=12, user=f"u{n}") for n, adapter in enumerate(adapters)
    ]
    for adapter, reader in zip(adapters, readers, strict=True):
        assert reader.result() == (base if adapter is None else only(adapter, 12))


def test_prefixes_are_shared_within_an_adapter_only(engine):
    """What one adapter made of a prompt is never read by another."""
    read, steps = [], []
    with before_each_step(engine, lambda ids: steps.append(ids.numel())):
        for adapter in ("alpha", "alpha", "beta"):
            steps.clear()
            Reader(engine, "the answer " * 60, adapter=adapter, max_new_tokens=4).result()
            read.append(sum(steps))
    first, again, other = read
    assert again < first == other


def test_a_waiting_adapter_gets_its_turn(engine):
    """Readers of one adapter that keep coming cannot hold another one off."""
    with before_each_step(engine, lambda _: time.sleep(0.01)):
        first = [Reader(engine, adapter="alpha", max_new_tokens=60) for _ in range(3)]
        wait_for(lambda: engine.state().running == 3)
        other = Reader(engine, adapter="beta", max_new_tokens=5)
        wait_for(lambda: engine.state().waiting == 1)
        later = [Reader(engine, adapter="alpha", max_new_tokens=60, until=2) for _ in range(3)]
        assert other.result() == only("beta", 5)
        assert not any(reader.deltas and reader.deltas[0].tokens for reader in later)
        for reader in first + later:
            reader.result()


def test_scores_use_their_own_adapter_while_streams_run(engine):
    prompt, words = [Message("user", "hello")], [f" {word}" for word in tiny.WORDS]
    reader = Reader(engine, adapter="alpha", max_new_tokens=300)
    wait_for(lambda: reader.deltas and reader.deltas[-1].tokens > 3)
    for word in ("beta", "gamma"):
        scores = engine.score(prompt, words, adapter=word)
        assert words[scores.index(max(scores))] == f" {word}"
    bare = engine.score(prompt, words)
    assert reader.result() == only("alpha", 300)
    assert engine.score(prompt, words) == bare


def test_a_request_that_comes_during_a_score_of_its_adapter_is_answered_by_it(engine):
    """The score's adapter is on the model for a moment only: it is no reason to start without a change."""
    with engine._dispatcher.model(engine._adapters["alpha"]):
        reader = Reader(engine, adapter="alpha", max_new_tokens=12)
        time.sleep(3 * TICK_S)  # time enough to be started
    assert reader.result() == only("alpha", 12)


def test_the_adapter_named_at_the_start_is_kept_to_the_end(new_engine, tiny_adapters):
    """A promotion swaps the name while streams run."""
    live = dict(tiny_adapters)
    engine = new_engine(adapters=live)
    reader = Reader(engine, adapter="alpha", max_new_tokens=200)
    wait_for(lambda: reader.deltas and reader.deltas[-1].tokens > 3)
    live["alpha"] = replace(tiny_adapters["beta"], name="alpha")
    assert Reader(engine, adapter="alpha", max_new_tokens=5).result() == only("beta", 5)
    assert reader.result() == only("alpha", 200)


def test_only_a_few_adapters_stay_on_the_model(new_engine, tiny_adapters, tmp_path):
    live = dict(tiny_adapters)
    engine = new_engine(adapters=live)
    for n in range(3):
        live[f"copy{n}"] = replace(tiny_adapters["alpha"], name=f"copy{n}")
    for name in [*live, "alpha"]:
        word = name if name in tiny.WORDS else "alpha"
        assert Reader(engine, adapter=name, max_new_tokens=4).result() == only(word, 4)
    slots = {slot for layer in engine._dispatcher._shelf._layers() for slot in layer.lora_A}
    assert len(slots) == 4


def broken(folder: Path, ref, change):
    path = shutil.copytree(ref.path, folder / "broken")
    change(path)
    return replace(ref, name="broken", path=str(path))


def _truncate(path):
    file = path / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-40])


def _tensors(change):
    def apply(path):
        from safetensors.torch import load_file, save_file

        file = path / "adapter_model.safetensors"
        save_file(change(load_file(file)), file)

    return apply


def _config(**changes):
    def apply(path):
        file = path / "adapter_config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return apply


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_truncate, "cannot be read"),
        (lambda path: (path / "adapter_model.safetensors").unlink(), "cannot be read"),
        (lambda path: (path / "adapter_config.json").unlink(), "adapter_config.json"),
        (_tensors(lambda t: {k: v * float("nan") for k, v in t.items()}), "lora_.* not numbers"),
        (_tensors(lambda t: {k: v for k, v in t.items() if "lora_A" in k}), "lora_B.* is missing"),
        (_tensors(lambda t: {**t, "evil": next(iter(t.values())).clone()}), "evil is not part"),
        (_tensors(lambda t: {k: v.repeat(1, 2) for k, v in t.items()}), "lora_A.* is \\(1, 128\\), not \\(1, 64\\)"),
        (_config(r=2), "not \\(2, 64\\)"),
        (_config(target_modules=["nothing"]), "nothing"),
    ],
)  # fmt: skip
def test_broken_adapters_are_refused_and_the_one_in_use_stays(
    engine, tiny_adapters, tmp_path, change, reason
):
    engine._adapters["broken"] = broken(tmp_path, tiny_adapters["beta"], change)
    assert Reader(engine, adapter="alpha", max_new_tokens=4).result() == only("alpha", 4)
    with pytest.raises(AdapterError, match=reason):
        next(engine.stream([Message("user", "x")], Sampling(), adapter="broken"))
    with pytest.raises(AdapterError):
        engine.score([Message("user", "x")], ["a"], adapter="broken")
    assert Reader(engine, adapter="alpha", max_new_tokens=4).result() == only("alpha", 4)
    assert Reader(engine, adapter="beta", max_new_tokens=4).result() == only("beta", 4)


def test_an_adapter_of_another_base_is_refused(engine, tiny_adapters):
    engine._adapters["foreign"] = replace(tiny_adapters["alpha"], name="foreign", base="other-7b")
    with pytest.raises(AdapterError, match="trained on other-7b, the model is tiny"):
        next(engine.stream([Message("user", "x")], Sampling(), adapter="foreign"))
