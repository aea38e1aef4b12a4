"""Models on disk: Hugging Face folders, with `newleaf.json` for where they came from.

Torch is imported only where weights move.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import store
from ..errors import UserError
from ..files import disk_size, read_object, sync_folder, write_atomic, write_json
from ..language import gettext as _
from ..tokenizer.special import BEGIN, END, PADDING
from .config import GPTConfig

if TYPE_CHECKING:
    from ..tokenizer.tokenizer import Tokenizer
    from .gpt import GPT

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class ModelInfo:
    """A model that exists, without its weights."""

    path: Path
    config: GPTConfig
    architecture: str
    provenance: dict[str, Any]  # the content of newleaf.json; empty for a folder from elsewhere

    @classmethod
    def open(cls, name: str) -> ModelInfo:
        """The model of this name. Raises UserError when there is none."""
        return cls.at(store.find("models", name))

    @classmethod
    def at(cls, path: Path) -> ModelInfo:
        """The model in this folder."""
        values = read_object(path / "config.json", "model_type")
        provenance = read_object(path / "newleaf.json") if (path / "newleaf.json").exists() else {}
        return cls(path, GPTConfig.from_hugging_face(values), str(values["model_type"]), provenance)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def bits_per_byte(self) -> float | None:
        """Of held-out text, as last measured."""
        return self.provenance.get("bits_per_byte")

    def summary(self) -> dict[str, Any]:
        """What `model show --json` says of it."""
        return {
            "name": self.name,
            "path": str(self.path),
            "architecture": self.architecture,
            "parameters": self.config.parameters,
            "context": self.config.context,
            "vocab_size": self.config.vocab_size,
            "bits_per_byte": self.bits_per_byte,
            "disk_bytes": disk_size(self.path),
            **{key: value for key, value in self.provenance.items() if key not in ("format", "bits_per_byte")},
        }


def list_models() -> list[ModelInfo]:
    """All models that can be read, by name."""
    return store.open_all("models", ModelInfo.open)


def save_model(path: Path, model: GPT, tokenizer: Tokenizer, provenance: dict[str, Any]) -> None:
    """Make the folder `path` of the model, or put newer weights of the same model into it; whole at any moment."""
    if (path / "config.json").exists():
        write_atomic(path / WEIGHTS, _weights(model))
        write_json(path / "newleaf.json", {"format": 1, **provenance})
        return
    from ..files import staged_folder

    with staged_folder(path) as folder:
        (folder / WEIGHTS).write_bytes(_weights(model))
        (folder / "tokenizer.model").write_bytes(tokenizer.model)
        write_json(folder / "generation_config.json", _special_tokens())
        write_json(folder / "newleaf.json", {"format": 1, **provenance})
        write_json(folder / "config.json", model.config.to_hugging_face())
    sync_folder(path.parent)


def load_model(path: Path, device: str = "cpu") -> GPT:
    """The network in a folder, with its weights in float32, ready to use."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from .gpt import GPT

    info = ModelInfo.at(path)
    try:
        weights = load_file(path / WEIGHTS)
    except (SafetensorError, FileNotFoundError, struct.error) as error:
        raise UserError(_("{path} is damaged: {error}.").format(path=path / WEIGHTS, error=error)) from None
    with torch.device("meta"):
        model = GPT(info.config)
    weights = {name: tensor.float() for name, tensor in weights.items()}
    if info.config.tie_embeddings and "model.embed_tokens.weight" in weights:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    try:
        model.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise UserError(
            _("The weights in {path} do not fit its config.json: {error}").format(path=path, error=error)
        ) from None
    if info.config.tie_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    return model.to(device).eval().requires_grad_(False)


def _weights(model: GPT) -> bytes:
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_embeddings:
        del tensors["lm_head.weight"]  # the same memory as the embedding
    return save(tensors, metadata={"format": "pt"})


def _special_tokens() -> dict[str, Any]:
    return {"bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": PADDING}
