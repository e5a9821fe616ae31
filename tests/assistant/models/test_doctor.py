from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from assistant.config import Settings
from assistant.models import doctor, machine
from assistant.models.catalog import CATALOG, GB, resolve
from assistant.models.machine import Machine


def gpu(gigabytes: float) -> Machine:
    return Machine("cuda", "Some GPU", 8, int(gigabytes * GB), int(gigabytes * 0.95 * GB))


CPU = Machine("cpu", "AVX512", 2, 16 * GB, 12 * GB)
MPS = Machine("mps", "Apple GPU", 8, 16 * GB, 12 * GB)


@pytest.mark.parametrize(
    ("where", "wanted", "expected"),
    [
        (CPU, "nf4", "qwen2.5-coder-1.5b"),
        (Machine("cpu", "AVX2", 2, 4 * GB, 3 * GB), "nf4", "qwen2.5-coder-0.5b"),
        (gpu(2), "nf4", "smollm2-135m"),
        (gpu(4), "nf4", "qwen3-1.7b"),
        (gpu(8), "nf4", "qwen3-4b"),
        (gpu(12), "nf4", "qwen2.5-7b"),
        (gpu(16), "nf4", "qwen3-14b"),
        (gpu(16), "none", "qwen3-4b"),
        (MPS, "nf4", "qwen3-4b"),
    ],
)
def test_the_suggested_model_grows_with_the_machine(where: Machine, wanted: str, expected: str) -> None:
    assert machine.best_fit(where, wanted).name == expected


@pytest.mark.parametrize(
    ("where", "wanted", "held"),
    [(CPU, "nf4", "nf4"), (CPU, "none", "none"), (MPS, "nf4", "none"), (gpu(8), "nf4", "nf4")],
)
def test_quantization(where: Machine, wanted: str, held: str) -> None:
    found, why = machine.quantization(where, wanted)
    assert found == held
    assert why


def test_full_weights_need_more_on_a_cpu() -> None:
    entry = resolve("qwen3-4b")
    assert machine.memory_needed(entry, CPU, "none") > machine.memory_needed(entry, gpu(24), "none")
    assert machine.memory_needed(entry, gpu(24), "none") > machine.memory_needed(entry, gpu(24), "nf4")
    assert machine.memory_needed(resolve("some/other"), CPU, "nf4") == 0


def test_what_is_kept_in_4_bit_is_counted_as_it_lies_there() -> None:
    entry = resolve("qwen2.5-coder-1.5b")
    assert machine.memory_needed(entry, CPU, "nf4") == entry.size_bytes + machine.OVERHEAD["cpu"]
    assert machine.memory_needed(entry, CPU, "none") > 5 * entry.size_bytes


@pytest.mark.parametrize(
    ("gigabytes", "words"),
    [
        (16, "qwen2.5-coder-1.5b, for 16.0 GB of memory (qwen2.5-coder-1.5b from 6.0 GB on"),
        (4, "qwen2.5-coder-0.5b, for 4.0 GB"),
        (1, "smollm2-135m, which finds and quotes but does not write, for 1.0 GB"),
    ],
)
def test_the_default_is_named_with_its_reason(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, gigabytes: int, words: str
) -> None:
    monkeypatch.setattr("assistant.models.memory.usable", lambda: gigabytes * GB)
    found = checks(settings.model_copy(update={"model": "auto"}))
    assert found["default"].message.startswith(words)
    assert found["model"].remedy == f"youju models pull {words.partition(',')[0]}"
    assert "default" not in checks(settings.model_copy(update={"model": "qwen3-4b"}))


def test_this_machine_is_seen() -> None:
    found = machine.detect()
    assert found.cores >= 1
    assert 0 < found.free <= found.memory


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(machine, "detect", lambda: CPU)
    return Settings(home=tmp_path / "home", models_dir=tmp_path / "models", model="smollm2-135m")


def checks(settings: Settings) -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine(settings).checks}


def test_a_fresh_machine_lacks_the_model_and_learns_the_command(settings: Settings) -> None:
    found = checks(settings)
    assert (found["model"].state, found["model"].remedy) == ("fail", "youju models pull smollm2-135m")
    assert found["embedder"].state == "ok"
    assert not doctor.examine(settings).healthy
    assert not settings.home.exists(), "looking changes nothing"


def test_only_what_is_not_ok_has_a_remedy(settings: Settings) -> None:
    for check in doctor.examine(settings).checks:
        assert bool(check.remedy) == (check.state != "ok"), check


@pytest.mark.parametrize(
    ("model", "state", "remedy"),
    [
        ("smollm2-135m", "ok", ""),
        ("qwen3-14b", "warn", "close other programs"),
        ("someone/unknown-size", "ok", ""),
        ("nonsense", "warn", "youju models pull nonsense"),
    ],
)
def test_memory(settings: Settings, model: str, state: str, remedy: str) -> None:
    found = checks(settings.model_copy(update={"model": model}))["memory"]
    assert (found.state, found.remedy) == (state, remedy)


def test_too_large_a_model_is_answered_with_one_that_fits(settings: Settings) -> None:
    found = checks(settings.model_copy(update={"model": "qwen3-14b", "quantization": "none"}))["memory"]
    assert (found.state, found.remedy) == ("fail", "youju serve --model qwen2.5-coder-1.5b")


@pytest.mark.parametrize(("free", "state"), [(50 * 10**6, "fail"), (500 * 10**6, "warn"), (5 * GB, "ok")])
def test_disk(settings: Settings, free: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    assert checks(settings)["disk of home"].state == state


def test_a_running_server_is_named(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "youju.pid").write_text("4242")
    with FileLock(settings.home / "youju.lock"):
        assert "4242" in checks(settings)["lock"].message
    assert "no server" in checks(settings)["lock"].message


class _Models(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.headers["Authorization"] == "Bearer right" else 401)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Models) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/v1"
        httpd.shutdown()


@pytest.mark.parametrize(
    ("path", "key", "state"), [("", "right", "ok"), ("", "wrong", "fail"), ("file:///etc/passwd", "", "fail")]
)
def test_a_remote_server_is_asked(settings: Settings, server: str, path: str, key: str, state: str) -> None:
    from pydantic import SecretStr

    remote = settings.model_copy(update={"base_url": path or server, "api_key": SecretStr(key)})
    found = checks(remote)
    assert found["model"].state == state
    assert key not in str(found) or not key or "right" not in str(found)
    assert "quantization" not in found


def test_every_catalog_decoder_fits_some_machine() -> None:
    for entry in CATALOG.values():
        assert machine.memory_needed(entry, gpu(24), "nf4") < 24 * GB


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        ("live", "ok", "none is live"),
        ("none", "ok", "the bare model answers"),
        ("absent", "fail", "it was not found"),
    ],
)
def test_the_adapter_that_answers_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, state: str, words: str
) -> None:
    monkeypatch.setattr("assistant.models.adapters.SHIPPED", tmp_path / "none")
    found = doctor._adapter(Settings(home=tmp_path, adapter=name, model="smollm2-135m"))
    assert (found.state, words in found.message) == (state, True)
    assert bool(found.remedy) == (state == "fail")
