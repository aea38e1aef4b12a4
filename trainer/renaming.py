"""Another name for a model that nothing is at work on."""

from __future__ import annotations

from ..core import store
from ..core.model.card import write_card
from .in_use import check_unused


def rename_model(name: str, new: str) -> None:
    """Give a model another name. Raises UserError, also while a job makes or needs it."""
    path = store.find("models", name)
    check_unused("models", name)
    store.rename("models", name, new)
    if (path.with_name(new) / "newleaf.json").exists():
        write_card(path.with_name(new), new)
