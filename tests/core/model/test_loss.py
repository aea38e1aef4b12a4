"""The loss in chunks is the loss of all logits at once, with the same gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from newleaf.core.model import linear, native
from newleaf.core.model import loss as chunked
from newleaf.core.model.native import training_lanes


@pytest.fixture(autouse=True, params=[0, 8, 16])
def lanes(request, monkeypatch):
    """By PyTorch, and in C for each kind of processor."""
    if request.param > training_lanes():
        pytest.skip("newleaf was built without it, or for another processor")
    monkeypatch.setattr(native, "training_lanes", lambda: request.param)
    monkeypatch.setattr(chunked, "training_lanes", lambda: request.param)
    monkeypatch.setattr(linear, "available", lambda: request.param == 8)


@pytest.fixture
def chunks_of(monkeypatch):
    def choose(rows, vocabulary=50):
        monkeypatch.setattr(chunked, "CHUNK", rows * vocabulary * 4)  # bytes
        monkeypatch.setattr(chunked, "ROWS", {"cpu": 1})

    return choose


def example(rows, vocabulary=50, width=16):
    generator = torch.Generator().manual_seed(rows)
    hidden = torch.randn(rows, width, generator=generator, requires_grad=True)
    weight = torch.randn(vocabulary, width, generator=generator, requires_grad=True)
    return hidden, weight, torch.randint(vocabulary, (rows,), generator=generator)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 40])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_value_and_gradients_are_those_of_all_logits_at_once(chunks_of, rows, scale):
    chunks_of(8)
    hidden, weight, targets = example(rows)
    (F.cross_entropy(F.linear(hidden, weight), targets) * scale).backward()
    expected = hidden.grad.clone(), weight.grad.clone()
    hidden.grad = weight.grad = None
    loss = chunked.linear_cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(loss, F.cross_entropy(F.linear(hidden, weight), targets))
    (loss * scale).backward()
    torch.testing.assert_close((hidden.grad, weight.grad), expected)


@pytest.mark.parametrize("vocabulary", [1, 15, 16, 17, 64, 1000])
def test_any_size_of_vocabulary_will_do(chunks_of, vocabulary):
    chunks_of(8, vocabulary)
    hidden, weight, targets = example(20, vocabulary)
    expected = F.cross_entropy(F.linear(hidden, weight), targets)
    loss = chunked.linear_cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(loss, expected)
    gradients = torch.autograd.grad(expected, (hidden, weight))
    torch.testing.assert_close(torch.autograd.grad(loss, (hidden, weight)), gradients)


@pytest.mark.parametrize("size", [1e-4, 30.0, 1e3])
def test_logits_may_be_alike_or_far_apart(size):
    hidden, weight, targets = example(20)
    hidden = (hidden * size).detach().requires_grad_()
    targets = F.linear(hidden, weight).argmax(-1)  # of others a loss has no bound
    expected = F.cross_entropy(F.linear(hidden, weight), targets)
    loss = chunked.linear_cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(loss, expected, atol=1e-6, rtol=1e-5)
    gradients = torch.autograd.grad(expected, (hidden, weight))
    torch.testing.assert_close(torch.autograd.grad(loss, (hidden, weight)), gradients, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("half", [False, True])
def test_what_is_no_number_makes_the_loss_none(value, half):
    hidden, weight, targets = example(20)
    hidden.data[7, 3] = value
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        loss = chunked.linear_cross_entropy(hidden, weight, targets)
    assert not loss.isfinite()
    assert not torch.autograd.grad(loss, weight)[0].isfinite().all()


def test_a_target_that_the_vocabulary_does_not_have_is_refused():
    hidden, weight, targets = example(20)
    targets[7] = 50
    for half in (False, True):
        with pytest.raises((IndexError, RuntimeError)), torch.autocast("cpu", torch.bfloat16, enabled=half):
            chunked.linear_cross_entropy(hidden, weight, targets)


def test_frozen_weights_get_no_gradient_and_the_states_the_same():
    hidden, weight, targets = example(20)
    expected = torch.autograd.grad(chunked.linear_cross_entropy(hidden, weight, targets), hidden)
    loss = chunked.linear_cross_entropy(hidden, weight.detach(), targets)
    torch.testing.assert_close(torch.autograd.grad(loss, hidden), expected)


def test_with_few_rows_left_of_a_large_vocabulary_a_chunk_is_still_worth_its_weights(monkeypatch):
    monkeypatch.setattr(chunked, "CHUNK", 100)
    assert chunked.chunk_rows(torch.empty(50_000, 1)) == 256


@pytest.mark.parametrize("rows", [1, 8, 9, 64])
@pytest.mark.parametrize("vocabulary", [15, 17, 50, 64, 1000])
@pytest.mark.parametrize("counted", [False, True])
def test_in_bfloat16_it_is_as_near_as_the_logits_are(chunks_of, rows, vocabulary, counted):
    chunks_of(8, vocabulary)
    hidden, weight, targets = example(rows, vocabulary)
    counts = torch.rand(rows, generator=torch.Generator().manual_seed(3)) if counted else None
    each = F.cross_entropy(F.linear(hidden, weight), targets, reduction="none")
    expected = each.mean() if counts is None else (each * counts).sum() / counts.sum()
    with torch.autocast("cpu", torch.bfloat16):
        loss = chunked.linear_cross_entropy(hidden, weight, targets, counts)
    loss.backward()
    assert loss.dtype == hidden.grad.dtype == weight.grad.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=0.01)
    for found, exact in zip((hidden.grad, weight.grad), torch.autograd.grad(expected, (hidden, weight)), strict=True):
        assert (found - exact).norm() < 0.02 * exact.norm()


def test_in_bfloat16_the_loss_is_found_in_float32_from_the_logits():
    if not chunked.training_lanes():
        pytest.skip("PyTorch rounds it")
    hidden, weight, targets = example(64)
    hidden, weight = (each.bfloat16().float().detach().requires_grad_() for each in (hidden, weight))
    logits = (hidden.bfloat16() @ weight.bfloat16().mT).float()
    with torch.autocast("cpu", torch.bfloat16):
        loss = chunked.linear_cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(loss.detach(), F.cross_entropy(logits, targets))


def test_the_loss_of_each_token_is_the_same_however_it_is_cut(chunks_of):
    hidden, weight, targets = example(40)
    whole = F.cross_entropy(F.linear(hidden, weight), targets, reduction="none")
    chunks_of(7)
    torch.testing.assert_close(chunked.token_losses(hidden, weight, targets), whole)


# Where targets count differently.


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 40])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_with_counts_value_and_gradients_are_those_of_weighted_losses(chunks_of, rows, scale):
    chunks_of(8)
    hidden, weight, targets = example(rows)
    counts = torch.rand(rows, generator=torch.Generator().manual_seed(3)) * (torch.arange(rows) % 3 != 1)
    expected = (F.cross_entropy(F.linear(hidden, weight), targets, reduction="none") * counts).sum() / counts.sum()
    (expected * scale).backward()
    gradients = hidden.grad.clone(), weight.grad.clone()
    hidden.grad = weight.grad = None
    loss = chunked.linear_cross_entropy(hidden, weight, targets, counts)
    torch.testing.assert_close(loss, expected)
    (loss * scale).backward()
    torch.testing.assert_close((hidden.grad, weight.grad), gradients)
    with torch.no_grad():
        torch.testing.assert_close(chunked.linear_cross_entropy(hidden, weight, targets, counts), expected.detach())


def test_counts_of_one_are_those_of_pytorch_with_targets_ignored():
    hidden, weight, targets = example(20)
    counts = (torch.arange(20) % 2).float()
    expected = F.cross_entropy(F.linear(hidden, weight), targets.where(counts > 0, -100))
    torch.testing.assert_close(chunked.linear_cross_entropy(hidden, weight, targets, counts), expected)


@pytest.mark.parametrize("learning", [True, False])
def test_where_none_counts_the_loss_is_zero(learning):
    hidden, weight, targets = example(5)
    with torch.set_grad_enabled(learning):
        loss = chunked.linear_cross_entropy(hidden, weight, targets, torch.zeros(5))
    assert loss.item() == 0
    if learning:
        loss.backward()
        assert not hidden.grad.any()


class Rows(TorchDispatchMode):
    """Writes down how many rows products have."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def __torch_dispatch__(self, function, _types, arguments=(), keywords=None):
        if function is torch.ops.aten.mm.default:
            self.found.add(len(arguments[0]))
        return function(*arguments, **(keywords or {}))


def test_few_numbers_of_rows_are_computed_however_many_count():
    """A library makes a kernel for each shape of a product."""
    hidden, weight, targets = (each.double() if each.is_floating_point() else each for each in example(300))
    with torch.no_grad(), Rows() as rows:
        for number in range(1, 301):
            chunked.linear_cross_entropy(hidden, weight, targets, (torch.arange(300) < number).float())
    assert rows.found == {64, 128, 192, 256, 300}


# Where only some of the vocabulary is looked at.


def candidates(pieces, vocabulary, log_counts=None):
    pieces = torch.as_tensor(pieces)
    places = torch.zeros(vocabulary, dtype=torch.int64).scatter_(0, pieces, torch.arange(len(pieces)))
    return chunked.Candidates(pieces, places, torch.zeros(len(pieces)) if log_counts is None else log_counts)


@pytest.mark.parametrize("counted", [False, True])
def test_over_all_pieces_in_any_order_the_loss_is_that_of_the_vocabulary(chunks_of, counted):
    chunks_of(8)
    hidden, weight, targets = example(40)
    counts = torch.rand(40) if counted else None
    exact = chunked.linear_cross_entropy(hidden, weight, targets, counts)
    exact.backward()
    expected = hidden.grad.clone(), weight.grad.clone()
    hidden.grad = weight.grad = None
    loss = chunked.linear_cross_entropy(hidden, weight, targets, counts, candidates(torch.randperm(50), 50))
    loss.backward()
    torch.testing.assert_close(loss, exact)
    torch.testing.assert_close((hidden.grad, weight.grad), expected)


def test_a_piece_counts_as_many_as_it_stands_for_and_what_is_left_out_learns_nothing():
    hidden, weight, targets = example(40)
    targets = targets % 20
    log_counts = torch.where(torch.arange(30) < 20, 0.0, 1.1)
    logits = F.linear(hidden, weight)[:, :30] + log_counts
    expected = F.cross_entropy(logits, targets)
    loss = chunked.linear_cross_entropy(hidden, weight, targets, None, candidates(torch.arange(30), 50, log_counts))
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert weight.grad[:30].any(dim=1).all() and not weight.grad[30:].any()


def test_what_is_measured_is_measured_over_the_whole_vocabulary():
    hidden, weight, targets = example(40)
    with torch.no_grad():
        loss = chunked.linear_cross_entropy(hidden, weight, targets, None, candidates(targets.unique(), 50))
    torch.testing.assert_close(loss, F.cross_entropy(F.linear(hidden, weight), targets).detach())
