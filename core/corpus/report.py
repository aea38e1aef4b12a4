"""What an import tells of its text: how much, where from, in which languages, what was changed or dropped and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .preparer import LANGUAGE_SAMPLE, LANGUAGES_AT_FIRST

if TYPE_CHECKING:
    from .choosing import Choice
    from .found import Found
    from .mapped import Table
    from .scratch import Scratch


FORMAT = 2
SAMPLES = 5  # documents whose beginnings are shown, from all over the text
SAMPLE_LENGTH = 600  # characters
PAIR_LENGTH = 200  # characters of each of two near duplicates
LARGEST_SOURCES = 100  # how many sources are named one by one
LEFT_OUT = 1000  # how many of the files and parts that were left out are named one by one
ASCII_IN_A_TOKEN, OTHERS_IN_A_TOKEN = 4.0, 1.3  # characters, about, with a vocabulary of some thousand pieces


def make_report(
    found: Found, choice: Choice, scratch: Scratch, options: dict[str, Any], origin: Sequence[str]
) -> dict[str, Any]:
    """The content of `report.json`."""
    import numpy as np

    kept = _Kept(scratch.documents, choice.kept)
    numbers = np.flatnonzero(choice.kept)
    shown = [int(numbers[round(place * (len(numbers) - 1))]) for place in np.linspace(0, 1, min(SAMPLES, len(numbers)))]
    pairs = [number for pair in choice.pairs for number in pair]
    texts = scratch.texts([*shown, *pairs])
    beginnings = [text[:PAIR_LENGTH] for text in texts[len(shown) :]]
    return {
        "format": FORMAT,
        "origin": list(origin),
        "options": options,
        "estimated_tokens": _estimated_tokens(kept),
        "languages": _languages(kept),
        "lengths": _lengths(kept),
        "sources": found.sources,
        "largest_sources": _largest(found, kept),
        "encodings": dict(found.encodings.most_common()),
        "formats": dict(found.formats.most_common()),
        "unreadable_characters": found.unreadable,
        "skipped": [
            {"source": source, "where": where, "reason": reason} for source, where, reason in found.left_out[:LEFT_OUT]
        ],
        "skipped_in_all": found.left_out_in_all,
        "duplicates": choice.duplicates,
        "near_duplicates": choice.near_duplicates,
        "near_duplicates_dropped": choice.dropped_near,
        "near_duplicate_examples": [
            {"text": text, "like": like} for text, like in zip(beginnings[::2], beginnings[1::2], strict=True)
        ],
        "held_out_is_alike": choice.alike,
        "cleaning": found.tally.as_dict(),
        "samples": [text[:SAMPLE_LENGTH] for text in texts[: len(shown)]],
    }


class _Kept:
    """The columns of the documents that are kept, one at a time."""

    def __init__(self, documents: Table, kept: Any):
        self.documents, self.kept = documents, kept

    def __getitem__(self, name: str) -> Any:
        return self.documents[name][self.kept]


def _estimated_tokens(kept: _Kept) -> int:
    # A character that is not ASCII has three bytes, as Chinese has; with two the estimate is a little low.
    size, characters = int(kept["bytes"].sum()), int(kept["characters"].sum())
    others = (size - characters) / 2
    return round((characters - others) / ASCII_IN_A_TOKEN + others / OTHERS_IN_A_TOKEN)


def _languages(kept: _Kept) -> dict[str, float]:
    """The share of each language in the bytes of those documents that were looked at.

    The first documents, which are often of one source, count only where too few others were drawn.
    """
    import numpy as np

    languages = kept["language"]
    looked = languages != b""
    drawn = looked & (kept["low"] % LANGUAGE_SAMPLE == 0)
    if drawn.sum() >= LANGUAGES_AT_FIRST:
        looked = drawn
    names, places = np.unique(languages[looked], return_inverse=True)
    sizes = np.bincount(places, kept["bytes"][looked].astype(float), len(names))
    shares = {str(name, "ascii"): round(float(size / sizes.sum()), 4) for name, size in zip(names, sizes, strict=True)}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _lengths(kept: _Kept) -> dict[str, Any]:
    """Characters of the documents: quantiles, and how many are below each power of two but not below the one before."""
    import numpy as np

    lengths = np.sort(kept["characters"]).view(np.int64)
    places = {"shortest": 0.0, "tenth": 0.1, "median": 0.5, "nine_tenths": 0.9, "longest": 1.0}
    counts = np.bincount(np.frexp(lengths.astype(float))[1])
    return {
        **{name: int(lengths[round(place * (len(lengths) - 1))]) for name, place in places.items()},
        "histogram": {str(2**power): int(count) for power, count in enumerate(counts) if count},
    }


def _largest(found: Found, kept: _Kept) -> list[dict[str, Any]]:
    import numpy as np

    sizes = np.bincount(kept["source"], kept["bytes"].astype(float), len(found.names))
    counts = np.bincount(kept["source"], minlength=len(found.names))
    order = np.argsort(-sizes, kind="stable")[:LARGEST_SOURCES]
    return [
        {
            "source": found.names[number],
            "bytes": int(sizes[number]),
            "documents": int(counts[number]),
            **found.details.get(number, {}),
        }
        for number in order.tolist()
        if counts[number]
    ]
