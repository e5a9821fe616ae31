"""Our packing of 4-bit weights is bitsandbytes' own, bit for bit."""

from __future__ import annotations

import copy

import bitsandbytes.functional as bnb
import pytest
import torch

from assistant.engine import loading, packed, packing


@pytest.mark.parametrize("shape", [(32, 64), (64, 128), (96, 192)])
@pytest.mark.parametrize("double", [True, False])
def test_weight_and_scales_are_those_of_bitsandbytes(shape: tuple[int, int], double: bool) -> None:
    torch.manual_seed(0)
    weight, state = bnb.quantize_4bit(
        torch.randn(*shape, dtype=torch.bfloat16), quant_type="nf4", compress_statistics=double
    )
    ours = copy.deepcopy(state)
    mine = packing.packed(weight.clone(), ours)
    packing.scales(ours)
    theirs, state = bnb._convert_weight_packed_for_cpu(weight, state)
    assert torch.equal(mine, theirs)
    assert torch.equal(ours.absmax, state.absmax)
    fields = (
        "original_dtype",
        "original_nested",
        "original_qshape",
        "nested",
        "dtype",
        "packing_format_for_cpu",
    )
    assert [getattr(ours, name) for name in fields] == [getattr(state, name) for name in fields]
    assert vars(ours).keys() == vars(state).keys()


@pytest.mark.parametrize("supported", [True, False])
def test_layers_are_packed_at_the_load_where_the_processor_has_it_and_nobody_trains(
    tiny_folder, monkeypatch, supported
):
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: supported)
    for to_train in (False, True):
        model = loading.load(tiny_folder, "nf4", to_train=to_train).model
        states = [
            layer.weight.quant_state for layer in model.modules() if type(layer).__name__ == "Linear4bit"
        ]
        packed = {bool(getattr(state, "packing_format_for_cpu", False)) for state in states}
        assert packed == {supported and not to_train}


@pytest.mark.skipif(not bnb.has_avx512bf16(), reason="this processor has no kernel for packed weights")
def test_what_reads_one_input_lies_side_by_side_and_is_not_copied_again(tiny_folder):
    attention = loading.load(tiny_folder, "nf4").model.model.layers[0].self_attn
    layers = [attention.q_proj, attention.k_proj, attention.v_proj]
    before = [layer.weight.data_ptr() for layer in layers]
    assert packed.together(layers) is not None
    assert [layer.weight.data_ptr() for layer in layers] == before
