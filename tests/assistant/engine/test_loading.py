"""What is told when a model does not fit."""

import pytest
import torch

from assistant.engine import loading
from assistant.errors import EngineError, ModelFileError


@pytest.mark.parametrize("fault", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
@pytest.mark.parametrize("quantization", ["nf4", "none"])
def test_no_room_is_not_taken_for_a_damaged_file(tiny_folder, monkeypatch, fault, quantization):
    tries = []

    def full(*_args):
        tries.append(1)
        raise fault

    monkeypatch.setattr(loading, "_weights", full)
    with pytest.raises(EngineError, match=r"does not fit into memory.*smaller model"):
        loading.load(tiny_folder, quantization)
    assert len(tries) == 1, "16 or 32 bit would need more room still"
    monkeypatch.undo()
    assert loading.load(tiny_folder, quantization).model is not None


def test_another_fault_is_one_of_the_files(tiny_folder, monkeypatch):
    def broken(*_args):
        raise ValueError("bad header")

    monkeypatch.setattr(loading, "_weights", broken)
    with pytest.raises(ModelFileError, match="pull the model again"):
        loading.load(tiny_folder, "nf4")
