"""What the engine says against a request."""

from __future__ import annotations

from ..errors import UserError


class EngineError(UserError):
    """A sentence of the engine's. `kind` is "wrong", "fault", "cancelled" or "ended"."""

    def __init__(self, sentence: str, kind: str = "wrong"):
        super().__init__(sentence)
        self.kind = kind
