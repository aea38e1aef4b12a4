"""How well questions find their answers: `python tests/benchmarks/knowledge.py FAQ.jsonl [--embeddings MODEL]`.

The answers of a FAQ (`question`, `answer`; also .jsonl.gz) are added to a knowledge base, a file each, without the
questions. Each question is asked: is a passage of its answer the first, among five, among ten? With `--unanswerable`,
300 questions of another file are asked too, and both are counted that are said to have no answer.
With `--embeddings`, by the vectors of that model too.
"""

import argparse
import gzip
import json
import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path


def records(path: Path):
    """The records of a file."""
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    return [json.loads(line) for line in text.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faq", type=Path)
    parser.add_argument("--unanswerable", type=Path)
    parser.add_argument("--embeddings", default="", metavar="MODEL")
    parsed = parser.parse_args()
    faq = records(parsed.faq)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEWLEAF_HOME"] = f"{folder}/home"
        from newleaf.core.knowledge.adding import add_to_named
        from newleaf.core.knowledge.searching import is_answered
        from newleaf.core.knowledge.store import Knowledge

        answers = Path(folder, "answers")
        answers.mkdir()
        for number, record in enumerate(faq):
            (answers / f"{number}.txt").write_text(record["answer"], "utf-8")
        begin = time.monotonic()
        add_to_named([answers], "faq", embeddings=parsed.embeddings)
        added, base = time.monotonic() - begin, Knowledge.open("faq")
        ranks, refused, begin = Counter(), 0, time.monotonic()
        for number, record in enumerate(faq):
            found = base.search(record["question"], 10)
            places = [one.rank for one in found if Path(one.passage.source).stem == str(number)]
            ranks.update(most for most in (1, 5, 10) if places and places[0] <= most)
            refused += not is_answered(found[:5])
        asked = time.monotonic() - begin
        print(f"{len(faq)} answers in {base.summary()['passages']} passages, added in {added:.1f} s")
        print("  ".join(f"among {most}: {ranks[most] / len(faq):.1%}" for most in (1, 5, 10)))
        print(f"{asked / len(faq) * 1000:.1f} ms a question; said to have no answer: {refused / len(faq):.1%}")
        if parsed.unanswerable:
            others = [record["question"] for record in records(parsed.unanswerable)]
            others = random.Random(1).sample(others, min(300, len(others)))
            refused = sum(not is_answered(base.search(question)) for question in others)
            print(f"of {len(others)} questions without an answer: {refused / len(others):.1%}")


if __name__ == "__main__":
    main()
