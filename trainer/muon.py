"""Muon: momentum whose update is made orthogonal, for the matrices of a network.

K. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the scale that lets it share AdamW's learning rates
is of J. Liu et al. 2025, arXiv:2502.16982, the iteration of N. Amsel et al. 2025, arXiv:2505.16932. PyTorch's own Muon
multiplies in bfloat16 whatever the machine: on a CPU without units for it that is hundreds of times slower than
float32. Here the type is chosen, and matrices of one shape are made orthogonal together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import orthogonal

# A step makes of a singular value x the value a x + b x^3 + c x^5: of those, what comes nearest to 1 for all that the
# steps before it make of 0.004 to 1.02, which is more than 1 for what rounding adds. The last is 0.85 of that, so that
# they come out as large as after the five steps of the post above, for which the rates were measured.
STEPS = (
    (8.1774, -23.1786, 16.5052),
    (3.9000, -2.7944, 0.5111),
    (3.2622, -2.3513, 0.4627),
    (1.9238, -1.3424, 0.3230),
)
OBLONG = 1.5  # from where on, times as long as wide, the short side alone is less work


class Cut(NamedTuple):
    """Into which parts of one size a matrix is taken, each of which is made orthogonal by itself."""

    size: int
    dimension: int  # 0: so many rows each, 1: so many columns

    def parts(self, matrix: Tensor) -> tuple[Tensor, ...]:
        """Views of them."""
        return matrix.split(*self)

    def number(self, shape: torch.Size) -> int:
        """How many they are."""
        return math.ceil(shape[self.dimension] / self.size)


def orthogonalise(matrices: Tensor, dtype: torch.dtype) -> Tensor:
    """The nearest (semi-)orthogonal matrices to (N, rows, columns), about: all singular values near 0.85.

    In `dtype`, on a CPU in float32; the result has the input's type.
    """
    if matrices.device.type == "cpu":  # where PyTorch's products of small matrices are slower in 16 bits
        dtype = torch.float32
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if tall else matrices).to(dtype)
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    if dtype == torch.float32 and x.shape[-1] >= OBLONG * x.shape[-2]:
        x = _product_of_steps(x @ x.mT) @ x
    else:
        for step in STEPS:
            x = torch.baddbmm(x, _quadratic(x @ x.mT, step), x, beta=step[0])
    return (x.mT if tall else x).to(matrices.dtype)


def _quadratic(gram: Tensor, step: tuple[float, float, float]) -> Tensor:
    """What a step adds to a multiple of x, as a factor of x: of the product of x (N, n, m) with its own transpose."""
    _first, b, c = step
    return torch.baddbmm(gram, gram, gram, beta=b, alpha=c)


def _product_of_steps(gram: Tensor) -> Tensor:
    """What all steps together multiply by, found on the short side alone: a quarter less work for 3 : 8.

    A step's factor is a polynomial of the gram matrix, so that factor @ gram @ factor is that of the next. Rounding
    makes small eigenvalues negative, which a step multiplies by up to 67: in float32 they stay small, in bfloat16
    they would not.
    """
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    product = factor = torch.add(_quadratic(gram, STEPS[0]), identity, alpha=STEPS[0][0])
    for step in STEPS[1:]:
        gram = factor @ gram @ factor
        factor = torch.add(_quadratic(gram, step), identity, alpha=step[0])
        product = factor @ product
    return product


def _scale(shape: torch.Size, cut: Cut) -> float:
    """How many times an orthogonal part of a matrix its update is: its root mean square becomes 0.2, as AdamW's is."""
    return 0.2 * math.sqrt(max(cut.size, shape[1 - cut.dimension]))


def orthogonalise_each(matrices: list[Tensor], cut: Cut, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """The same for the parts of each of some matrices of one shape."""
    matrices = [matrix.contiguous() for matrix in matrices]
    parts = [part for matrix in matrices for part in cut.parts(matrix)]
    if orthogonal.suits(len(parts), parts[0], dtype):
        found = [torch.empty_like(matrix) for matrix in matrices]
        into = [part for matrix in found for part in cut.parts(matrix)]
        orthogonal.orthogonal(parts, into, STEPS, OBLONG, dtype)
        return found
    made = orthogonalise(torch.stack(parts), dtype).unflatten(0, (len(matrices), -1))
    return list(torch.cat(made.unbind(1), 1 + cut.dimension).unbind())


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal, with decoupled weight decay. Takes matrices only."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        orthogonalise: Callable[[list[Tensor], Cut, torch.dtype], list[Tensor]] = orthogonalise_each,
        cuts: Mapping[Tensor, Cut] | None = None,
        dtype: torch.dtype = torch.float32,
    ):
        """`orthogonalise` takes matrices of one shape, their cut (without one in `cuts` the whole) and `dtype`."""
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.orthogonalise, self.cuts, self.dtype = orthogonalise, cuts or {}, dtype
        for group in self.param_groups:
            assert all(parameter.ndim == 2 for parameter in group["params"])

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient."""
        assert closure is None
        skip: Tensor | None = getattr(self, "found_inf", None)  # 1 on the device: leave everything as it is
        for group in self.param_groups:
            if skip is None and self._step_in_c(group):
                continue
            alike: dict[tuple[torch.Size, Cut], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape, self._cut(parameter)].append(parameter)
            for (shape, cut), parameters in alike.items():
                gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
                buffers = [self._buffer(parameter) for parameter in parameters]
                kept: float | Tensor = 1.0
                if skip is not None:
                    kept = 1 - skip
                    gradients = [
                        torch.where(skip > 0, buffer, gradient)
                        for buffer, gradient in zip(buffers, gradients, strict=True)
                    ]
                torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
                # Nesterov's, where the gradients were: PyTorch 2.11 can do no other for shares of tensors.
                torch._foreach_lerp_(gradients, buffers, group["momentum"])
                updates = self.orthogonalise(gradients, cut, self.dtype)
                scale = _scale(shape, cut)
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"] * kept)
                if skip is not None:
                    torch._foreach_mul_(updates, kept)
                torch._foreach_add_(parameters, updates, alpha=-group["lr"] * scale)

    def _step_in_c(self, group: dict[str, Any]) -> bool:
        """The same at once for all matrices of a group; false, and nothing done, where that cannot be."""
        if self.orthogonalise is not orthogonalise_each:
            return False
        parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
        cuts = [self._cut(parameter) for parameter in parameters]
        number = sum(cut.number(parameter.shape) for cut, parameter in zip(cuts, parameters, strict=True))
        if not number or not orthogonal.suits(number, parameters[0], self.dtype):
            return False
        updates = []
        for cut, parameter in zip(cuts, parameters, strict=True):
            rate = group["lr"] * _scale(parameter.shape, cut)
            updates.append(orthogonal.Update(parameter, parameter.grad, self._buffer(parameter), *cut, rate))
        if not all(update.fits for update in updates):
            return False
        keep = 1 - group["lr"] * group["weight_decay"]
        orthogonal.update(updates, group["momentum"], keep, STEPS, OBLONG, self.dtype)
        return True

    def _cut(self, parameter: Tensor) -> Cut:
        return self.cuts.get(parameter, Cut(len(parameter), 0))

    def _buffer(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer: Tensor = state["momentum_buffer"]
        return buffer
