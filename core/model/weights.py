"""The weights of a Hugging Face folder: safetensors, in one file or several. Never a pickle."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..errors import UserError
from ..files import read_object
from ..language import gettext as _
from .config import GPTConfig
from .layouts import place

if TYPE_CHECKING:
    import torch
    from torch import Tensor

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
BUFFERS = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")  # that some checkpoints hold besides
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model's folder. Raises UserError when there is none, or only a pickle."""
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if (folder / INDEX).exists():
        return sorted({folder / name for name in _weight_map(folder).values()})
    for pattern in PICKLES:
        if pickle := next(iter(sorted(folder.glob(pattern))), None):
            raise UserError(pickle_refused(pickle))
    raise UserError(
        _("{path} has no weights: {name} is missing. Copy the model's folder again.").format(path=folder, name=WEIGHTS)
    )


def pickle_refused(path: Path, model: str = "") -> str:
    """The sentence for weights in a format that can run programs, and how to convert those of `model`."""
    model = model or str(path.parent)
    if path.suffix == ".bin":
        command = (
            "python -c 'from transformers import AutoModelForCausalLM as M, AutoTokenizer as T; "
            f'[C.from_pretrained("{model}").save_pretrained("{model}-safe") for C in (M, T)]\''
        )
    else:
        command = (
            "python -c 'import torch; from safetensors.torch import save_file; "
            f'save_file(torch.load("{path}", weights_only=True), "{path.with_suffix(".safetensors")}")\''
        )
    return _(
        "{path} is a pickle, which can run any program when it is read. Convert it where you trust it: {command}"
    ).format(path=path, command=command)


def _weight_map(folder: Path) -> dict[str, str]:
    names = read_object(folder / INDEX, "weight_map")["weight_map"]
    if not isinstance(names, dict) or not all(
        isinstance(file, str) and Path(file).name == file and file.endswith(".safetensors") for file in names.values()
    ):
        raise UserError(
            _("{path} is damaged: {error}.").format(path=folder / INDEX, error=_("its weight_map names no files"))
        )
    return names


class Checkpoint:
    """The tensors in the weight files of a folder, memory-mapped: a context to read them in."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._files: dict[str, tuple[Path, Any]] = {}  # of each tensor
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        from safetensors import SafetensorError, safe_open

        try:
            for path in weight_files(self.folder):
                try:
                    file = self._open.enter_context(safe_open(path, "pt"))
                except (SafetensorError, OSError) as error:
                    raise UserError(_("{path} is damaged: {error}.").format(path=path, error=error)) from None
                self._files |= dict.fromkeys(file.keys(), (path, file))
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def find(self, name: str) -> tuple[Path, Any, str]:
        """Where a tensor is, and what it is called there: the base model's name may lack its first part.

        Raises UserError when there is none.
        """
        for candidate in (name, name.partition(".")[2]):
            if candidate in self._files:
                return *self._files[candidate], candidate
        raise self._misfit(_("{name} is missing"), name)

    def check(self, config: GPTConfig) -> None:
        """Raises UserError at the first weight that is missing, of another shape, or not the model's; reads none."""
        used = {"lm_head.weight"}  # a tied one may be there besides
        for name, shape in config.tensors():
            where = place(config, name)
            _path, file, found = self.find(where.name)
            used.add(found)
            actual, expected = tuple(file.get_slice(found).get_shape()), where.shape(shape)
            if actual != expected:
                raise self._misfit(
                    _("{name} is {actual}, not {expected}"), found, actual=[*actual], expected=[*expected]
                )
        for name in self._files.keys() - used:
            if not name.endswith(BUFFERS):
                raise self._misfit(_("it has no place for {name}"), name)

    def _misfit(self, problem: str, name: str, **values: Any) -> UserError:
        return UserError(
            _("The weights in {path} do not fit its config.json: {problem}.").format(
                path=self.folder, problem=problem.format(name=name, **values)
            )
        )

    def read(self, config: GPTConfig, dtype: torch.dtype | None = None) -> Iterator[tuple[str, Tensor]]:
        """Each weight by the network's name, in `dtype` or as it is. Raises UserError for one that is no number."""
        import torch

        for name, _shape in config.tensors():
            where = place(config, name)
            path, file, found = self.find(where.name)
            tensor = file.get_tensor(found)
            if not tensor.is_floating_point():
                raise UserError(
                    _("{path}: {name} is {type}; newleaf reads weights in floating point only.").format(
                        path=path, name=found, type=str(tensor.dtype).removeprefix("torch.")
                    )
                )
            tensor = where.take(tensor).to(dtype or tensor.dtype).contiguous()
            if not tensor.sum(dtype=torch.float32).isfinite():
                raise UserError(
                    _("{path}: {name} has values that are no numbers (NaN or infinite). Get the file again.").format(
                        path=path, name=found
                    )
                )
            yield name, tensor
