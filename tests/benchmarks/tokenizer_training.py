"""Bytes that a piece stands for, beside what SentencePiece's trainer makes of the same text with its defaults:

    python tests/benchmarks/tokenizer_training.py POEMS.txt.gz [PIECES]

Poems are made Simplified, and exact duplicates dropped; both learn from the same ones and are measured on those held
out. SentencePiece's defaults normalise by NFKC and lose ends of lines: it is given the poems line by line, and its
bytes are counted as those of the text that went in, which is more than comes back from it.
"""

import gzip
import json
import os
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Print both figures, and one line of JSON last."""
    import opencc
    import sentencepiece

    from newleaf.core.corpus.importing import import_documents
    from newleaf.core.tokenizer.options import TokenizerOptions
    from newleaf.core.tokenizer.store import TokenizerInfo
    from newleaf.core.tokenizer.training import train_tokenizer

    path, pieces = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 8000
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    simplified = opencc.OpenCC("t2s").convert(text)
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEWLEAF_HOME"] = home
        corpus = import_documents([(poem, path.name) for poem in simplified.split("\n\n")], "poems")
        ours = train_tokenizer(corpus, "poems", TokenizerOptions(vocab_size=pieces))
        print(f"{corpus.manifest.total.documents:,} poems, {corpus.report['duplicates']:,} duplicates dropped")
        for remark in TokenizerInfo.open("poems").report["remarks"]:
            print(f"  {remark}")
        lines = Path(home, "lines.txt")
        lines.write_text("".join(f"{document}\n" for document in corpus.documents("train")), "utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(lines), model_prefix=str(Path(home, "peer")), vocab_size=pieces, minloglevel=2
        )
        peer = sentencepiece.SentencePieceProcessor(model_file=str(Path(home, "peer.model")))
        held_out = list(corpus.documents("val"))
        size = sum(len(poem.encode()) for poem in held_out)
        numbers = ours.encode_documents(held_out)
        back = [ours.decode(row) for row in numbers]
        theirs = [peer.encode(poem) for poem in held_out]
        unknown = sum(row.count(peer.unk_id()) for row in theirs)
        found = {
            "newleaf": size / sum(map(len, numbers)),
            "sentencepiece": size / sum(map(len, theirs)),
            "newleaf_poems_back": sum(a == b for a, b in zip(back, held_out, strict=True)) / len(held_out),
            "sentencepiece_poems_back": sum(
                peer.decode(row) == poem for row, poem in zip(theirs, held_out, strict=True)
            )
            / len(held_out),
            "sentencepiece_unknown": unknown / sum(map(len, theirs)),
        }
        for way in ("newleaf", "sentencepiece"):
            print(f"{way:14} {found[way]:.3f} bytes a piece, {found[f'{way}_poems_back']:.1%} of poems come back as is")
        print(json.dumps({name: round(value, 4) for name, value in found.items()}))


if __name__ == "__main__":
    main()
