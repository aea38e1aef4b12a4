"""What is done in C between the product that makes heads and the one after attention is what PyTorch does."""

from functools import partial

import pytest
import torch
from architectures import drawn, in_tiles, what_it_learns
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from newleaf.core.model import heads as module
from newleaf.core.model import layer_pass
from newleaf.core.model.attention import LONGEST
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import attend, rotary_table, rotate
from newleaf.core.model.heads import MULTIPLE, Heads, mixed, suits
from newleaf.core.model.native import training_lanes

pytestmark = pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")
EPSILON = 1e-6


def config(**more):
    told = {"vocab_size": 50, "context": 64, "hidden_size": 64, "num_layers": 2, "num_heads": 2, "num_kv_heads": 2}
    return GPTConfig(**{**told, "head_dim": 32, "intermediate_size": 96, **more})


def table(length, size):
    return rotary_table(config(head_dim=size), torch.arange(length))


def pytorchs(joint, heads, norms, rotary):
    queries, keys, values = (each.unflatten(-1, (-1, heads.size)) for each in joint.split(heads.parts, -1))
    if norms[0] is not None:
        queries, keys = (F.rms_norm(x, w.shape, w, EPSILON) for x, w in zip((queries, keys), norms, strict=True))
    queries, keys, values = (each.transpose(1, 2) for each in (queries, keys, values))
    rotary = [each.to(joint.dtype) for each in rotary]
    return attend(rotate(queries, *rotary), rotate(keys, *rotary), values, None)


def found(way, joint, heads, norms, slopes, dtype):
    """What comes out, and the gradients of what goes in."""
    joint = joint.to(dtype).detach().clone().requires_grad_()
    weights = torch.float32 if dtype == torch.bfloat16 else dtype
    norms = tuple(None if each is None else each.to(weights).detach().clone().requires_grad_() for each in norms)
    out = way(joint, heads, norms, table(joint.shape[1], heads.size))
    out.backward(slopes.to(dtype))
    return [out.detach(), joint.grad, *(each.grad for each in norms if each is not None)]


@pytest.mark.usefixtures("lanes")
@settings(max_examples=40, deadline=None)
@given(
    texts=st.integers(1, 3),
    keys=st.integers(1, 3),
    group=st.integers(1, 3),
    length=st.integers(2, 150),
    size=st.integers(1, 4).map(lambda n: n * MULTIPLE),
    normalised=st.booleans(),
)
def test_it_is_what_pytorch_does(texts, keys, group, length, size, normalised):
    heads = Heads(keys * group, keys, size, EPSILON)
    joint, slopes = drawn(texts, length, sum(heads.parts)), drawn(texts, length, heads.parts[0], seed=1)
    norms = (drawn(size, seed=2), drawn(size, seed=3)) if normalised else (None, None)
    exact = found(pytorchs, joint, heads, norms, slopes, torch.float64)
    for right, mine in zip(exact, found(mixed, joint, heads, norms, slopes, torch.float32), strict=True):
        assert (right - mine).abs().max() <= 2e-5 * right.abs().max() + 1e-9


@pytest.mark.usefixtures("lanes")
def test_bfloat16_is_mixed_in_float32_and_comes_out_as_it_went_in():
    heads = Heads(4, 2, 32, EPSILON)
    joint, slopes = drawn(2, 70, sum(heads.parts)), drawn(2, 70, 128, seed=1)
    norms = drawn(32, seed=2), drawn(32, seed=3)
    mine = found(mixed, joint, heads, norms, slopes, torch.bfloat16)
    exact = found(mixed, joint.bfloat16(), heads, norms, slopes.bfloat16(), torch.float32)
    assert [each.dtype for each in mine] == [torch.bfloat16, torch.bfloat16, torch.float32, torch.float32]
    assert torch.equal(mine[0], exact[0].bfloat16())
    for one, other in zip(mine[1:], exact[1:], strict=True):
        assert (one.float() - other).norm() <= 0.01 * other.norm()


@pytest.mark.usefixtures("lanes")
def test_the_bits_are_the_same_for_any_number_of_threads():
    heads = Heads(6, 3, 32, EPSILON)
    joint, slopes = drawn(3, 100, sum(heads.parts)), drawn(3, 100, 192, seed=1)
    before = torch.get_num_threads()
    try:
        each = []
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            norms = drawn(32, seed=2), drawn(32, seed=3)
            each.append(found(mixed, joint, heads, norms, slopes, torch.float32))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for some in each for one, other in zip(some, each[0], strict=True))


# Where the processor multiplies tiles of bfloat16.


@in_tiles
@settings(max_examples=60, deadline=None)
@given(
    texts=st.integers(1, 3),
    keys=st.integers(1, 3),
    group=st.integers(1, 3),
    length=st.one_of(st.integers(1, 200), st.sampled_from([16, 17, 31, 32, 33, 63, 64, 65, 1025, 1100])),
    size=st.integers(1, 4).map(lambda n: n * MULTIPLE),
    normalised=st.booleans(),
)
@example(texts=1, keys=1, group=1, length=2, size=32, normalised=True)  # slopes that nearly cancel
def test_tiles_come_to_the_same_but_for_the_rounding(texts, keys, group, length, size, normalised):
    heads = Heads(keys * group, keys, size, EPSILON)
    joint, slopes = drawn(texts, length, sum(heads.parts)).bfloat16(), drawn(texts, length, heads.parts[0], seed=1)
    norms = (drawn(size, seed=2), drawn(size, seed=3)) if normalised else (None, None)
    exact = found(pytorchs, joint, heads, norms, slopes.bfloat16(), torch.float64)
    mine = found(mixed, joint, heads, norms, slopes, torch.bfloat16)
    for right, one in zip(exact, mine, strict=True):
        assert (right - one).norm() <= 0.02 * right.norm() + 1e-3 * slopes.norm()


@in_tiles
def test_tiles_give_the_same_bits_for_any_number_of_threads_and_rows_at_once():
    heads = Heads(6, 3, 64, EPSILON)
    joint, slopes = drawn(3, 100, sum(heads.parts)), drawn(3, 100, 384, seed=1)
    norms, before = (drawn(64, seed=2), drawn(64, seed=3)), torch.get_num_threads()
    try:
        each = []
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            each.append(found(mixed, joint, heads, norms, slopes, torch.bfloat16))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for some in each for one, other in zip(some, each[0], strict=True))
    for row in range(3):
        out, to_joint, *_norms = found(mixed, joint[row : row + 1], heads, norms, slopes[row : row + 1], torch.bfloat16)
        assert torch.equal(out[0], each[0][0][row]) and torch.equal(to_joint[0], each[0][1][row])


@in_tiles
def test_others_who_multiply_tiles_find_them_as_they_left_them():
    heads, x, y = Heads(2, 2, 32, EPSILON), drawn(300, 200).bfloat16(), drawn(200, 100, seed=1).bfloat16()
    joint, alone = drawn(2, 50, sum(heads.parts)), x @ y
    for _turn in range(3):
        found(mixed, joint, heads, (None, None), drawn(2, 50, 64), torch.bfloat16)
        assert torch.equal(x @ y, alone)


@in_tiles
@pytest.mark.parametrize("which", range(3))
def test_what_is_no_number_is_not_hidden_by_tiles(which):
    heads = Heads(2, 2, 32, EPSILON)
    joint = drawn(1, 70, sum(heads.parts)).bfloat16()
    joint[0, 50, which * 64 + 3] = float("nan")
    out = mixed(joint, heads, (None, None), table(70, 32))[0]
    assert out[:32].isfinite().all() and out[:, 32:].isfinite().all()
    assert not out[50, :32].isfinite().all()


@in_tiles
def test_tiles_are_for_longer_texts_too():
    heads, length = Heads(4, 2, 32, EPSILON), LONGEST + 1
    with torch.autocast("cpu", torch.bfloat16):
        assert suits(torch.ones(1, length, 64), heads, table(length, 32), 2)


@pytest.mark.parametrize("architecture", ["qwen3", "llama"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_network_learns_the_same_with_it_and_without(architecture, dtype, monkeypatch):
    done = []
    monkeypatch.setattr(layer_pass, "suits", lambda *_told: False)  # a whole layer would do it itself
    monkeypatch.setattr(module, "mixed", lambda *told: done.append(1) or mixed(*told))

    def prepare(layer, ours):
        layer.self_attn.native, layer.self_attn.threads = ours, 1

    tokens, shape = torch.arange(80).view(2, 40) % 50, config(architecture=architecture)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        pair = [what_it_learns(shape, tokens, partial(prepare, ours=ours), False) for ours in (True, False)]
    assert len(done) == shape.num_layers
    for one, other in zip(*pair, strict=True):
        if dtype == torch.float32:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
        else:
            assert (one - other).norm() <= 0.03 * other.norm()


def test_it_is_left_alone_where_it_was_not_made_for():
    x, heads, rotary = torch.ones(1, 8, 64), Heads(4, 2, 32, EPSILON), table(8, 32)
    assert suits(x, heads, rotary, 2)
    assert not suits(x, heads, rotary, 3)  # threads, for two heads of keys
    assert not suits(x, Heads(4, 2, 48, EPSILON), table(8, 48), 2)
    assert not suits(x.double(), heads, rotary, 2)
    assert not suits(x, heads, tuple(each[None] for each in rotary), 2)  # rows whose positions differ
    assert not suits(x[:, :1], heads, table(1, 32), 2)
    assert not suits(torch.ones(1, LONGEST + 1, 64), heads, table(LONGEST + 1, 32), 2)
    with torch.no_grad():
        assert not suits(x, heads, rotary, 2)
