"""How fast text becomes numbers, beside SentencePiece's own batch encoder with as many threads:

    python tests/benchmarks/encoding.py TEXT.txt [POEMS.txt.gz]

By turns, with the same model and the same documents; medians of the rates, and their ratio. The peer makes lists of
numbers, as it does unless it is told otherwise; `encode_corpus` reads the documents from disk and writes the numbers.
"""

import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 7
VOCABULARY = 8000


def measure(path: Path) -> dict[str, float]:
    """Megabytes a second of the ways, and the ratios to SentencePiece's."""
    import sentencepiece

    from newleaf.core.corpus.importing import import_documents
    from newleaf.core.files import remove_folder
    from newleaf.core.tokenizer.options import TokenizerOptions
    from newleaf.core.tokenizer.sentencepiece import SentencePieceTokenizer
    from newleaf.core.tokenizer.token_files import encode_corpus
    from newleaf.core.tokenizer.training import train_tokenizer

    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    name = path.name.partition(".")[0]
    corpus = import_documents([(part, path.name) for part in text.split("\n\n")], name)
    tokenizer = train_tokenizer(corpus, name, TokenizerOptions(vocab_size=VOCABULARY))
    assert isinstance(tokenizer, SentencePieceTokenizer)
    peer = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model)
    documents, threads = list(corpus.documents()), os.cpu_count() or 1
    size = corpus.manifest.total.bytes / 1e6

    def whole_corpus() -> None:
        remove_folder(encode_corpus(corpus, tokenizer, "t").path)

    ways: dict[str, Callable[[], object]] = {
        "sentencepiece": lambda: peer.encode(documents, num_threads=threads),
        "encode_documents": lambda: tokenizer.encode_documents(documents, threads),
        "encode_corpus": whole_corpus,
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _round in range(ROUNDS):
        for way, run in ways.items():
            begin = time.perf_counter()
            run()
            found[way].append(size / (time.perf_counter() - begin))
    rates = {way: statistics.median(rates) for way, rates in found.items()}
    print(f"{path.name}: {len(documents):,} documents, {size:.1f} MB, {threads} threads")
    for way, rate in rates.items():
        print(f"  {way:18} {rate:8.2f} MB/s {rate / rates['sentencepiece']:6.2f} x")
    return {way: round(rate / rates["sentencepiece"], 3) for way, rate in rates.items()}


def main() -> None:
    """A table for each text, and one line of JSON last."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEWLEAF_HOME"] = home
        print(json.dumps({argument: measure(Path(argument)) for argument in sys.argv[1:]}))


if __name__ == "__main__":
    main()
