"""The four variants, rendered and checked as a deploy does it, and what a variant may get wrong."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from assistant.deploying import frontmatter, pins, tree, variants
from assistant.errors import BadRequestError
from assistant.models.catalog import resolve

ALL = ("cpu", "docker", "gpu", "zerogpu")


def _made(name: str, folder: Path) -> frontmatter.FrontMatter:
    return tree.make(tree.Chosen("me/my-notes", name, resolve(variants.MODELS[name])), folder)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Variants that a test may break."""
    copy = tmp_path / "spaces"
    shutil.copytree(variants.source(), copy)
    monkeypatch.setattr(variants, "source", lambda: copy)
    return copy


def test_there_are_four() -> None:
    assert tuple(variants.names()) == ALL == tuple(sorted(variants.MODELS))


@pytest.mark.parametrize("name", ALL)
def test_each_is_rendered_and_passes_the_checks(name: str, tmp_path: Path) -> None:
    front = _made(name, tmp_path / "space")
    model = resolve(variants.MODELS[name])
    assert front.models == [model.hub]
    assert front.preload_from_hub == ([] if name == "docker" else [model.preload])
    assert front.title == "my notes · Youju"
    assert front.sdk == ("docker" if name == "docker" else "gradio")
    for file in variants.FILLED:
        assert "${" not in (tmp_path / "space" / file).read_text()
    assert len(list((tmp_path / "space").glob("youju-*.whl"))) == 1


@pytest.mark.parametrize("name", ALL)
def test_the_model_of_the_readme_is_the_one_that_the_app_serves(name: str) -> None:
    from assistant.config import Settings

    said = re.search(r'model="([\w.-]+)"', (variants.source() / name / "app.py").read_text())
    served = said.group(1) if said else Settings.model_fields["model"].default
    assert variants.MODELS[name] == served


def test_a_price_in_a_readme_is_no_placeholder(broken: Path, tmp_path: Path) -> None:
    readme = broken / "cpu" / "README.md"
    readme.write_text(readme.read_text() + "\nIt costs $0 a month.\n")
    _made("cpu", tmp_path / "space")
    assert "costs $0 a month" in (tmp_path / "space" / "README.md").read_text()


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("README.md", "${title}", "${titel}", "README.md: ${titel} cannot be used; known are adapter"),
        ("README.md", "sdk: gradio", "sdk: streamlit", "README.md, sdk: 'streamlit'"),
        ("README.md", "colorTo: gray", "colorTo: grey", "README.md, colorTo: 'grey'"),
        ("README.md", "cpu-basic", "cpu-small", "README.md, suggested_hardware: 'cpu-small'"),
        ("README.md", 'python_version: "3.12"\n', "", "README.md, python_version: 'nothing'"),
        ("README.md", 'python_version: "3.12"', "python_version: 3.12", "README.md, python_version: 3.12"),
        ("README.md", "app_file: app.py", "app_file: main.py", "there is no such file"),
        ("README.md", "pinned: false", "pined: false", "README.md, pined: False"),
        ("README.md", "${short_description}", "x" * 61, "at most 60 characters"),
        ("README.md", "pinned: false", "pinned: false\nsuggested_storage: small", "suggested_storage"),
        ("README.md", "pinned: false", "hf_oauth_scopes: [write-all]", "hf_oauth_scopes.0: 'write-all'"),
        ("README.md", "30m", "half an hour", "startup_duration_timeout: 'half an hour'"),
        ("README.md", "title: ", "title: [", "README.md, front matter: 'YAML'"),
        ("README.md", "---\ntitle", "title", "begin the file with ---"),
        ("requirements.txt", "httpx==0.28.1", "httpx>=0.28.1", "'httpx>=0.28.1' cannot be used; pin it"),
        ("requirements.txt", "httpx==0.28.1", "httpx==0.28.*", "'httpx==0.28.*' cannot be used; pin it"),
        ("requirements.txt", "httpx==0.28.1", "httpx 1", "'httpx 1' cannot be used; write NAME==VERSION"),
        ("requirements.txt", "httpx==0.28.1\n", "", "'httpx' cannot be used; add it: our wheel needs httpx"),
        ("requirements.txt", "httpx==0.28.1", "httpx==0.27.0", "'httpx==0.27.0' cannot be used; our wheel"),
        ("requirements.txt", "httpx==0.28.1", "httpx==0.28.1\n./${wheel}", "install it in app.py"),
        ("requirements.txt", "httpx==0.28.1", "httpx==0.28.1\ngradio==6.0.0", "sdk_version in README.md"),
    ],
)
def test_what_hugging_face_would_refuse_is_refused_here(
    broken: Path, tmp_path: Path, file: str, old: str, new: str, expected: str
) -> None:
    path = broken / "cpu" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(BadRequestError) as fault:
        _made("cpu", tmp_path / "space")
    assert expected in str(fault.value)


def test_a_dockerfile_installs_the_wheel_that_goes_along(broken: Path, tmp_path: Path) -> None:
    path = broken / "docker" / "requirements.txt"
    path.write_text(path.read_text() + "./youju-0.0.1-py3-none-any.whl\n")
    with pytest.raises(BadRequestError, match="name the wheel that goes along"):
        _made("docker", tmp_path / "space")


def test_a_base_that_only_this_machine_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    chosen = tree.Chosen("me/test", "cpu", resolve(str(tmp_path / "model")))
    with pytest.raises(BadRequestError, match="take a model of the Hub"):
        tree.make(chosen, tmp_path / "space")


def test_the_checked_keys_are_read_from_a_file_as_it_is_written(tmp_path: Path) -> None:
    _made("gpu", tmp_path / "space")
    readme = tmp_path / "space" / "README.md"
    readme.write_bytes(readme.read_bytes().replace(b"\n", b"\r\n"))
    assert frontmatter.check(tmp_path / "space").hf_oauth
    assert pins.FILE == "requirements.txt"
