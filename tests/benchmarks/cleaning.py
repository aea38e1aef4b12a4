"""How fast text is cleaned: `python tests/benchmarks/cleaning.py [--rounds N] [--times N] FILE...`.

The same documents by turns in one run, from a JSONL file to Parquet: an import with standard cleaning and without exact
duplicates, and the same steps in a pipeline of Hugging Face `datasets` (`map` in as many processes, `filter` for the
duplicates), written with the libraries that one would use there. FILE are texts (.txt, .txt.gz) or .jsonl(.gz); their
documents are written `--times` times over, every third copy with a line more and the others as they are, so there are
duplicates. Each side runs in a process of its own, timed from its start to its end. Run it on a quiet machine.
"""

import argparse
import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def documents(file: Path):
    """The texts of a file."""
    text = (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).decode()
    if ".jsonl" in file.name:
        for line in text.splitlines():
            record = json.loads(line)
            yield next(record[key] for key in ("text", "document", "context", "target", "answer") if key in record)
    else:
        yield from filter(str.strip, text.split("\n\n"))


def write(files: list[Path], times: int, target: Path) -> tuple[int, int]:
    """One JSONL file of all; documents and bytes of text."""
    count = size = 0
    with target.open("w", encoding="utf-8") as out:
        for copy in range(times):
            for file in files:
                for text in documents(file):
                    text = text if copy % 3 != 1 else f"{text}\n{copy}\n"
                    out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
                    count += 1
                    size += len(text.encode())
    return count, size


_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u2060\u202a-\u202e\ufeff\ue000-\uf8ff]"
)
_SPACES = re.compile("[\xa0\u2000-\u200a\u202f\u205f]")
_TRAILING = re.compile(r"[ \t\u3000]+$", re.MULTILINE)
_BLANK = re.compile(r"\n{3,}")


def clean(row: dict) -> dict:
    """The same steps, as one writes them for `map`."""
    import hashlib
    import unicodedata

    import ftfy

    text = _LINE_ENDS.sub("\n", row["text"])
    text = ftfy.fix_encoding(text)
    text = _INVISIBLE.sub("", text)
    text = unicodedata.normalize("NFC", text)
    text = _BLANK.sub("\n\n", _TRAILING.sub("", _SPACES.sub(" ", text))).strip("\n")
    return {"text": text, "digest": hashlib.sha256(text.encode()).hexdigest()}


def datasets_pipeline(source: Path, folder: Path) -> int:
    """Documents left."""
    import datasets

    datasets.disable_caching()
    datasets.disable_progress_bars()
    rows = datasets.load_dataset("json", data_files=str(source), split="train", cache_dir=str(folder / "cache"))
    rows = rows.map(clean, num_proc=len(os.sched_getaffinity(0)))
    seen: set[str] = set()

    def new(digest: str) -> bool:
        if digest in seen:
            return False
        seen.add(digest)
        return True

    rows = rows.filter(new, input_columns="digest").remove_columns("digest")
    rows.to_parquet(str(folder / "peer.parquet"))
    return len(rows)


def newleaf_import(source: Path, folder: Path) -> int:
    """Documents left."""
    from newleaf.core.corpus.importing import import_files

    os.environ["NEWLEAF_HOME"] = str(folder / "home")
    return import_files([source], "benchmark").manifest.total.documents


SIDES = {"newleaf": newleaf_import, "datasets": datasets_pipeline}


def main() -> None:
    """Both by turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument(
        "--side", choices=SIDES, help="what a process of its own does: FILE is its source, then its folder"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=3)
    parsed = parser.parse_args()
    if parsed.side:
        print(SIDES[parsed.side](*parsed.files))
        return
    with tempfile.TemporaryDirectory() as name:
        source = Path(name, "documents.jsonl")
        count, size = write(parsed.files, parsed.times, source)
        print(f"{count:,} documents, {size / 1e6:.1f} MB, {len(os.sched_getaffinity(0))} processes")
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        for _round in range(parsed.rounds):
            for side in SIDES:
                folder = Path(name, "work")
                folder.mkdir()
                begin = time.perf_counter()
                command = [sys.executable, __file__, "--side", side, source, folder]
                left = int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.split()[-1])
                took = time.perf_counter() - begin
                shutil.rmtree(folder)
                seconds[side].append(took)
                print(f"{side}: {took:.1f} s, {size / took / 1e6:.1f} MB/s, {left:,} documents left", flush=True)
        medians = {side: statistics.median(values) for side, values in seconds.items()}
        print(f"newleaf is {medians['datasets'] / medians['newleaf']:.2f} times as fast")


if __name__ == "__main__":
    main()
