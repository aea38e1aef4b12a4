"""A share as a bar of characters."""

from __future__ import annotations


def bar(share: float | None, width: int) -> str:
    """A bar of `width` cells; dots where the share is not known."""
    if share is None:
        return "·" * width
    full = round(min(1.0, max(0.0, share)) * width)
    return "█" * full + "░" * (width - full)
