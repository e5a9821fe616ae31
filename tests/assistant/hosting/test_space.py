"""What a Space's environment says, and the settings that follow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import WordEmbedder, opened
from starlette.testclient import TestClient

from assistant import mounts
from assistant.config import Settings
from assistant.errors import ConfigError
from assistant.hosting.space import Space
from assistant.models import adapters
from assistant.web import server
from assistant.web.auth import cookie_rules
from assistant.web.draining import Drain
from assistant.web.security import security_headers

HERE = {
    "SYSTEM": "spaces",
    "SPACE_ID": "ada/handbook",
    "SPACE_HOST": "ada-handbook.hf.space, docs.example.org",
}
OAUTH = {
    "OAUTH_CLIENT_ID": "id",
    "OAUTH_CLIENT_SECRET": "hidden",
    "OPENID_PROVIDER_URL": "https://huggingface.co",
}


def space(**more: str) -> Space:
    found = Space.here({**HERE, **more})
    assert found is not None
    return found


@pytest.mark.parametrize("missing", ["SYSTEM", "SPACE_ID"])
def test_anywhere_else_is_no_space(missing: str) -> None:
    assert Space.here({key: value for key, value in HERE.items() if key != missing}) is None


def test_a_public_space_takes_visitors_behind_its_proxy(tmp_path: Path) -> None:
    settings = space().settings(tmp_path)
    assert (settings.auth, settings.host, settings.port) == ("visitors", "0.0.0.0", 7860)
    assert settings.allowed_hosts == ("ada-handbook.hf.space", "docs.example.org")
    assert settings.ephemeral
    assert not settings.snapshots
    assert (
        "frame-ancestors 'self' https://huggingface.co"
        in security_headers(settings)["Content-Security-Policy"]
    )
    assert cookie_rules(settings) == {"httponly": True, "samesite": "none", "secure": True}


def test_with_hf_oauth_people_sign_in(tmp_path: Path) -> None:
    found = space(**OAUTH)
    assert found.settings(tmp_path).auth == "huggingface"
    assert found.provider is not None
    assert found.provider.callback == "https://ada-handbook.hf.space/login/callback"
    assert found.provider.owner == "ada"
    assert "hidden" not in repr(found)


def test_a_space_s_variables_beat_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_MODEL", "qwen3-1.7b")
    monkeypatch.setenv("YOUJU_MEMBERS", "grace, lovelace-lab")
    settings = space().settings(tmp_path, model="qwen3-4b", quantization="none")
    assert (settings.model, settings.quantization) == ("qwen3-1.7b", "none")
    assert settings.members == ("grace", "lovelace-lab")


def test_a_mounted_bucket_takes_snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = tmp_path / "data"
    bucket.mkdir()
    assert not space().settings(tmp_path, bucket).snapshots  # a folder is no mount
    monkeypatch.setattr(Path, "is_mount", lambda path: path == bucket)
    assert space().settings(tmp_path, bucket).snapshots == str(bucket)


def test_the_database_never_lies_on_a_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "network", lambda folder: "fuse.hf")
    with pytest.raises(ConfigError, match=r"fuse\.hf"):
        space().settings(tmp_path)


def test_sign_in_without_hf_oauth_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_AUTH", "huggingface")
    with pytest.raises(ConfigError, match="hf_oauth"):
        space().settings(tmp_path)


def test_the_one_adapter_that_was_deployed_answers_on_its_own_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("YOUJU_MODEL")  # what somebody names goes before it
    for name in ("legal", "other"):
        folder = tmp_path / "content" / "adapters" / name
        folder.mkdir(parents=True)
        config = {"peft_type": "LORA", "base_model_name_or_path": "Qwen/Qwen3-1.7B"}
        (folder / adapters.CONFIG).write_text(json.dumps(config))
        (folder / adapters.WEIGHTS).write_bytes(b"weights")
        settings = space().settings(tmp_path, model="qwen3-4b")
        expected = {"legal": ("legal", "qwen3-1.7b"), "other": ("live", "qwen3-4b")}[name]
        assert (settings.adapter, settings.model) == expected


def test_the_page_may_be_framed_on_spaces_only(tmp_path: Path) -> None:
    from assistant import config

    plain: Any = config.load(home=str(tmp_path))
    assert "huggingface" not in security_headers(plain)["Content-Security-Policy"]
    assert cookie_rules(plain)["samesite"] == "lax"


def test_the_page_of_a_space_asks_no_other_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradio's script fetches a header and its fonts from elsewhere once the page's configuration names a Space."""
    for name, value in HERE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    # From this folder, Gradio finds our spaces/ under the name of Hugging Face's package.
    monkeypatch.setattr("gradio.block_function.spaces", None)
    settings = Settings(home=tmp_path, base_url="http://127.0.0.1:9/v1", model="m", samples=False)
    runtime = opened(settings, embedder=WordEmbedder())
    with TestClient(server.build(runtime, Drain(1.0)), base_url="http://127.0.0.1") as client:
        page = client.get("/").text
    runtime.close()
    assert "window.gradio_config" in page
    assert HERE["SPACE_ID"] not in page
