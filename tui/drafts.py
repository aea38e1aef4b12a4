"""What was typed and not yet sent, kept in a file: the app may be gone at any moment."""

from __future__ import annotations

import contextlib
from typing import Any

from ..core.errors import UserError
from ..core.files import read_json, write_json
from ..core.home import home


def load_draft() -> dict[str, Any]:
    """What was kept; empty when there is none."""
    try:
        draft = read_json(home() / "draft.json")
    except (OSError, UserError):
        return {}
    return draft if isinstance(draft, dict) else {}


def draft_text(draft: dict[str, Any], key: str) -> str:
    """The text under `key`; the file may hold anything."""
    value = draft.get(key)
    return value if isinstance(value, str) else ""


def draft_values(draft: dict[str, Any], key: str) -> dict[str, Any]:
    """The values under `key`; likewise."""
    value = draft.get(key)
    return value if isinstance(value, dict) else {}


def save_draft(draft: dict[str, Any]) -> None:
    """Keep it; a full disk must not end the app."""
    with contextlib.suppress(OSError):
        write_json(home() / "draft.json", draft, durable=False)
