"""A real engine over a tiny model: real NF4, real peft, real continuous batching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny

from assistant.schema import AdapterRef


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_adapters(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, AdapterRef]:
    home = tmp_path_factory.mktemp("adapters")
    return {
        word: AdapterRef(word, str(tiny.adapter(tiny_folder, home / word, word)), "tiny")
        for word in tiny.WORDS
    }


@pytest.fixture
def new_engine(tiny_folder, tiny_adapters) -> Iterator[Callable]:
    from assistant.engine.local import LocalGenerator

    made = []

    def build(**options):
        options = {"name": "tiny", "adapters": tiny_adapters, **options}
        made.append(LocalGenerator(tiny_folder, **options))
        return made[-1]

    yield build
    for engine in made:
        engine.close()


@pytest.fixture(scope="module")
def engine(tiny_folder, tiny_adapters):
    """One engine a file; a test that breaks it takes ``new_engine``."""
    from assistant.engine.local import LocalGenerator

    with_adapters = LocalGenerator(tiny_folder, name="tiny", adapters=tiny_adapters)
    yield with_adapters
    with_adapters.close()
