"""Near duplicates against datatrove's: `python tests/benchmarks/near_duplicates.py FILE... [--peer-python PYTHON]`.

Real text in documents, of which some are edited copies of others; one process each, by turns on one machine. PYTHON is
that of an environment with datatrove in it; without one, newleaf's own figures are printed.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from newleaf.core.corpus.near_duplicates import NearDuplicates
from newleaf.core.corpus.sketches import sketch

PEER = Path(__file__).with_name("near_duplicates_peer.py")
BATCH = 500  # documents
REPLACED = (0.01, 0.02, 0.05)  # shares of the words of a copy that are others than in its original, by turns


def main() -> None:
    """Print a line for each of the two and one that compares them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=3_000)
    parser.add_argument("--peer-python")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    texts, copied = _with_copies(arguments.files, arguments.documents, arguments.pairs)
    size = sum(len(text.encode()) for text in texts)
    print(f"{len(texts):,} documents, {size / 1e6:.1f} MB, {len(copied):,} of them copies", flush=True)
    found: dict[str, tuple[list[int], list[dict[str, float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "texts.json")
        corpus.write_text(json.dumps(texts), encoding="utf-8")
        for number in range(arguments.rounds):
            found.setdefault("newleaf", ([], []))[1].append(seconds := {})
            found["newleaf"][0][:] = _ours(texts, Path(folder, f"ours-{number}"), seconds)
            if arguments.peer_python:
                command = [arguments.peer_python, "-P", PEER, corpus, Path(folder, f"peer-{number}")]
                answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
                found.setdefault("datatrove", ([], []))[1].append(answer["seconds"])
                found["datatrove"][0][:] = answer["representatives"]
    totals = {}
    for name, (representatives, rounds) in found.items():
        sketching, grouping = (median(seconds[part] for seconds in rounds) for part in ("sketching", "grouping"))
        totals[name] = [seconds["sketching"] + seconds["grouping"] for seconds in rounds]
        total = median(totals[name])
        print(
            f"{name:10} sketching {sketching:7.2f} s ({size / sketching / 1e6:6.1f} MB/s), grouping {grouping:6.2f} s, "
            f"{len(texts) / total:9,.0f} documents/s; {_quality(texts, representatives, copied)}"
        )
    if len(totals) == 2:
        ratios = sorted(peer / own for own, peer in zip(totals["newleaf"], totals["datatrove"], strict=True))
        print(f"newleaf is {median(ratios):.1f} times as fast ({ratios[0]:.1f} to {ratios[-1]:.1f})")


def _with_copies(files: list[Path], documents: int, pairs: int) -> tuple[list[str], dict[int, int]]:
    """Documents of about equal size of `files`, and edited copies among them, with what each is copied from."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    step = len(text) // documents
    texts = [text[begin : begin + step] for begin in range(0, step * documents, step)]
    chance = random.Random(0)
    words = text[:200_000].split()
    originals = chance.sample(range(documents), pairs)
    copied = {documents + place: original for place, original in enumerate(originals)}
    for number, original in enumerate(originals):
        parts = re.split(r"(\s+)", texts[original])
        count = max(1, round(REPLACED[number % len(REPLACED)] * (len(parts) + 1) / 2))
        for place in chance.sample(range(0, len(parts), 2), count):
            parts[place] = chance.choice(words)
        texts.append("".join(parts))
    return texts, copied


def _ours(texts: list[str], folder: Path, seconds: dict[str, float]) -> list[int]:
    sketch(["once, so that nothing is made for the first time while it is measured"])
    found = NearDuplicates(folder)
    begin = time.perf_counter()
    for number in range(0, len(texts), BATCH):
        found.add(sketch(texts[number : number + BATCH]))
    seconds["sketching"] = time.perf_counter() - begin
    begin = time.perf_counter()
    representatives = found.representatives()
    seconds["grouping"] = time.perf_counter() - begin
    return representatives.tolist()


def _quality(texts: list[str], representatives: list[int], copied: dict[int, int]) -> str:
    """Recall of the planted pairs by REPLACED; precision: of all found, those planted or alike (0.6 of the 5-grams)."""
    shares = []
    for level in range(len(REPLACED)):
        pairs = list(copied.items())[level :: len(REPLACED)]
        together = sum(representatives[copy] == representatives[original] for copy, original in pairs)
        shares.append(f"{together / max(1, len(pairs)):.3f}")
    recall = ", ".join(shares)
    removed = [number for number, first in enumerate(representatives) if number != first]
    right = sum(
        representatives[number] == copied.get(number) or _jaccard(texts[number], texts[representatives[number]]) >= 0.6
        for number in removed
    )
    return f"recall {recall}, precision {right / max(1, len(removed)):.3f} of {len(removed):,}"


def _jaccard(one: str, two: str) -> float:
    sets = []
    for text in (one, two):
        plain = re.sub(r"\W+", " ", text.lower())
        sets.append({plain[begin : begin + 5] for begin in range(max(1, len(plain) - 4))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


if __name__ == "__main__":
    sys.exit(main())
