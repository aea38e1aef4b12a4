"""Models on disk: Hugging Face folders, with `newleaf.json` for where they came from.

Torch is imported only where weights move.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import store
from ..errors import UserError
from ..files import disk_size, read_object, staged_folder, write_atomic, write_json
from ..language import gettext as _
from ..progress import Cancelled
from .card import write_card
from .config import GPTConfig
from .layouts import to_checkpoint
from .weights import WEIGHTS, Checkpoint

if TYPE_CHECKING:
    import torch

    from ..tokenizer.tokenizer import Tokenizer
    from .gpt import GPT


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
    def chats(self) -> bool:
        """Whether it was taught to chat: a template for it came with its tokenizer."""
        if (self.path / "chat_template.jinja").exists():
            return True
        config = self.path / "tokenizer_config.json"
        return config.exists() and bool(read_object(config).get("chat_template"))

    @property
    def taught(self) -> dict[str, dict[str, Any]]:
        """The tasks that it was taught here by name, with what it remembers of each."""
        tasks = self.provenance.get("tasks")
        return tasks if isinstance(tasks, dict) else {}

    @property
    def follows(self) -> bool:
        """Whether it follows what is asked in a chat, beyond the tasks that it was taught here."""
        return bool(self.provenance.get("follows", self.chats and not self.taught))

    @property
    def bits_per_byte(self) -> float | None:
        """Of held-out text, as last measured."""
        return self.provenance.get("bits_per_byte")

    def summary(self) -> dict[str, Any]:
        """What `model show --json` says of it."""
        return {
            **{key: value for key, value in self.provenance.items() if key not in ("format", "bits_per_byte")},
            "name": self.name,
            "path": str(self.path),
            "architecture": self.architecture,
            "parameters": self.config.parameters,
            "context": self.config.context,
            "vocab_size": self.config.vocab_size,
            "bits_per_byte": self.bits_per_byte,
            "chats": self.chats,
            "tasks": self.taught,
            "disk_bytes": disk_size(self.path),
        }


def list_models() -> list[ModelInfo]:
    """All models that can be read, by name."""
    return store.open_all("models", ModelInfo.open)


def save_model(path: Path, model: GPT, tokenizer: Tokenizer, provenance: dict[str, Any]) -> None:
    """Make the folder `path` of the model, or put newer weights of the same model into it; whole at any moment."""
    if (path / "config.json").exists():
        write_atomic(path / WEIGHTS, _weights(model))
        write_json(path / "newleaf.json", {"format": 1, **provenance})
        write_card(path, path.name)
        return
    with staged_folder(path) as folder:
        (folder / WEIGHTS).write_bytes(_weights(model))
        for file, content in tokenizer.hugging_face_files.items():
            (folder / file).write_bytes(content)
        write_json(folder / "generation_config.json", tokenizer.special_numbers)
        write_json(folder / "newleaf.json", {"format": 1, **provenance})
        write_json(folder / "config.json", model.config.to_hugging_face(tokenizer.special_numbers))
        write_card(folder, path.name)


def load_model(
    path: Path,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> GPT:
    """The network in a folder, with its weights in `dtype` (float32), ready to use.

    A weight at a time is read and moved: nothing stays twice. Raises UserError for a damaged one, and Cancelled.
    """
    import torch

    from .gpt import GPT

    info = ModelInfo.at(path)
    with Checkpoint(path) as checkpoint:
        checkpoint.check(info.config)  # before the network is made: an absurd size costs nothing
        with torch.device("meta"):
            model = GPT(info.config)
        for name, tensor in checkpoint.read(info.config, dtype or torch.float32):
            if cancelled():
                raise Cancelled
            module, _dot, kind = name.rpartition(".")
            setattr(model.get_submodule(module), kind, torch.nn.Parameter(tensor.to(device), requires_grad=False))
    if info.config.tie_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    return model.eval()


def _weights(model: GPT) -> bytes:
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    return save(to_checkpoint(model.config, tensors), metadata={"format": "pt"})


def check_vocabulary(tokenizer: Tokenizer, vocab_size: int, path: Path) -> None:
    """Raises UserError where the tokenizer cannot be the model's: embeddings may be padded, but not by far."""
    padded = max(-(-tokenizer.vocab_size // 64) * 64, tokenizer.vocab_size / 0.9)
    if not tokenizer.vocab_size <= vocab_size <= padded:
        raise UserError(
            _("{path}: its tokenizer has {pieces:,} pieces, its weights {rows:,}. It is not the model's own.").format(
                path=path, pieces=tokenizer.vocab_size, rows=vocab_size
            )
        )
