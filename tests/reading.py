"""What tests of readers share: files read by their formats, as an import does it."""

from newleaf.core.corpus.readers.base import Notes, ReadOptions
from newleaf.core.corpus.sources import LeftOut, find_sources, open_sources


def gather(*paths, column=None, **more):
    """What is read of `paths`: {name: text or list of texts}, {name: Notes}, {name: reason}."""
    texts, notes, left = {}, {}, {}
    for item in open_sources(find_sources(paths), **more):
        if isinstance(item, LeftOut):
            left[item.name] = item.reason
            continue
        note = notes[item.name] = Notes()
        payloads = list(item.format.read(item.stream, note, ReadOptions(column=column)))
        if item.format.convert:
            payloads = [text for payload in payloads for text in item.format.convert(payload)]
        texts[item.name] = "".join(payloads) if item.format.lines else payloads
    return texts, notes, left
