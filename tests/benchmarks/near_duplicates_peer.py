"""datatrove's MinHash deduplication with its own defaults, in one process: TEXTS (JSON) FOLDER. Prints JSON."""

import json
import struct
import sys
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
from loguru import logger


def main() -> None:
    """Print the seconds of both parts and each document's representative."""
    logger.remove()
    texts, folder = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])
    config = MinhashConfig()
    signatures = MinhashDedupSignature(str(folder / "signatures"), config)
    signatures.get_signature(signatures.get_shingles("once, so that nothing is loaded while it is measured"))
    documents = [Document(text, str(number)) for number, text in enumerate(texts)]
    begin = time.perf_counter()
    signatures.run(iter(documents))
    sketching = time.perf_counter() - begin
    begin = time.perf_counter()
    for bucket in range(config.num_buckets):
        step = MinhashDedupBuckets(str(folder / "signatures"), str(folder / "buckets"), config=config)
        step.run(None, bucket, config.num_buckets)
    clusters = folder / "clusters"
    MinhashDedupCluster(str(folder / "buckets"), str(clusters), config, save_cluster_id=True).run(None, 0, 1)
    grouping = time.perf_counter() - begin
    representatives, first = list(range(len(texts))), {}
    for path in clusters.glob("*.clusters"):
        for document, cluster in sorted(struct.iter_unpack("<2I", path.read_bytes())):
            representatives[document] = first.setdefault(cluster, document)
    seconds = {"sketching": sketching, "grouping": grouping}
    print(json.dumps({"seconds": seconds, "representatives": representatives}))


if __name__ == "__main__":
    main()
