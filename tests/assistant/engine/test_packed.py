import pytest
import torch

from assistant.engine import packed

pytestmark = pytest.mark.skipif(
    not packed.can_hold(torch.zeros(32, packed.BLOCK, dtype=torch.bfloat16)),
    reason="this CPU has no kernel for packed 4-bit weights",
)


@pytest.fixture(scope="module")
def layers():
    """Two 4-bit layers of one input, packed by bitsandbytes, and their weights in 16 bit."""
    import bitsandbytes as bnb

    torch.manual_seed(0)
    made, weights = [], []
    for size in (64, 96):
        layer = bnb.nn.Linear4bit(
            192, size, bias=False, compute_dtype=torch.bfloat16, quant_type="nf4"
        ).to(torch.bfloat16)  # fmt: skip
        layer.weight.data.normal_()
        layer = layer.to("cpu").eval()
        layer.weight = layer.weight.to("cpu")
        weights.append(bnb.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state))
        with torch.no_grad():
            layer(torch.zeros(1, 192, dtype=torch.bfloat16))
        made.append(layer)
    return made, torch.cat([each.view(-1, 192) for each in weights])


@pytest.mark.parametrize("rows", [1, 5, packed._MANY, packed._MANY + 30])
def test_side_by_side_is_one_after_the_other(layers, rows, monkeypatch):
    monkeypatch.setattr(packed, "_COLUMNS", 64)  # several pieces
    made, weights = layers
    joined = packed.together(made)
    x = torch.randn(rows, 192).bfloat16()
    with torch.inference_mode():
        torch.testing.assert_close(joined(x).float(), x.float() @ weights.float().T, atol=0.2, rtol=0.02)
        each = torch.cat([layer(x) for layer in made], -1)
    assert (joined(x[:1]) == each[:1]).all()
    assert made[0].weight.data.data_ptr() == joined.weight.data_ptr()  # held once


def test_layers_that_are_not_packed_stay_as_they_are(layers):
    assert packed.together([torch.nn.Linear(64, 64)]) is None
    assert packed.together([layers[0][0], torch.nn.Linear(64, 64)]) is None


def test_quantizing_loses_as_little_as_that_of_bitsandbytes():
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    torch.manual_seed(1)
    matrix, x = torch.randn(1056, 256).bfloat16(), torch.randn(4, 256).bfloat16()
    theirs = dequantize_4bit(*quantize_4bit(matrix, quant_type="nf4", blocksize=packed.BLOCK))
    exact = x.float() @ matrix.float().T
    lost = (packed.quantized(matrix)(x).float() - exact).norm()
    assert lost < 1.1 * (x.float() @ theirs.float().T - exact).norm() < 0.15 * exact.norm()


@pytest.mark.parametrize(
    ("shape", "dtype"), [((31, 64), torch.bfloat16), ((32, 63), torch.bfloat16), ((32, 64), torch.float32)]
)
def test_what_the_kernel_cannot_hold(shape, dtype):
    assert not packed.can_hold(torch.zeros(shape, dtype=dtype))


def test_a_parameter_is_quantized_without_its_history():
    """Recorded for gradients, every step of it stayed in memory: four gigabytes for a head of 152,000 rows."""
    matrix = torch.nn.Parameter(torch.randn(64, 2 * packed.BLOCK).bfloat16())
    assert packed.quantized(matrix).scales.grad_fn is None
