"""From a batch of payloads to cleaned documents in a scratch file, and what is known of each.

What is done with every text is done for all of a batch at once, in C where there is any; Python looks at those texts
alone in which a step of cleaning may have something to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..language import current_language
from ..language import gettext as _
from .arrays import number_array
from .batches import Batch
from .cleaning.cleaner import Cleaner
from .cleaning.language import language_of
from .cleaning.look import HALF, VISIBLE, look_at
from .cleaning.tally import Tally
from .documents import MOST, split_documents
from .near_duplicates import columns_of, sketch
from .readers.base import Notes, NotTextError
from .readers.json_lines import Lines
from .seen import SeenTexts
from .texts import Texts

if TYPE_CHECKING:
    import numpy as np

    from .importing import ImportOptions

    Array = np.ndarray[Any, Any]

# The language of one of so many documents is looked at, and of each of the first ones.
LANGUAGE_SAMPLE, LANGUAGES_AT_FIRST = 256, 200
# What is kept of a document besides its text: the first 16 bytes of its SHA-256, its lengths, where it is from, the
# split that it has already (0: none), and its language where it was looked at.
DOCUMENT = [
    ("high", "<u8"),
    ("low", "<u8"),
    ("characters", "<u8"),
    ("bytes", "<u8"),
    ("source", "<u4"),
    ("split", "u1"),
    ("language", "S3"),
]
SPLITS = {None: 0, "train": 1, "val": 2}


@dataclass
class Prepared:
    """What became of a batch."""

    number: int
    documents: Array  # of DOCUMENT
    compared: Array  # for each whether it has a sketch
    signatures: list[bytes]  # of those: see near_duplicates.py
    tally: Tally
    left_out: list[tuple[int, str, str]] = field(default_factory=list)  # (source, where, why)
    left_out_besides: int = 0  # how many more
    unreadable: int = 0  # characters, in payloads that were read here


@dataclass
class Preparer:
    """Turns batches into documents in the files of a folder."""

    folder: Path
    options: ImportOptions
    names: list[str]  # of the sources; grows while they are read
    language: str = field(default_factory=current_language)
    seen: SeenTexts | None = None  # what was prepared before by this pool of processes

    def __call__(self, batch: Batch, names: list[str] | None = None) -> Prepared:
        """The documents of a batch; `names` are those of its payloads' sources."""
        import numpy as np

        names = names or [self.names[source] for source in batch.sources]
        prepared = _nothing(batch)
        raw, sources = _read(batch, self.options.documents, prepared)
        named = dict(zip(batch.sources, names, strict=True))
        texts, characters, kept = self._cleaned(raw, sources, named, batch.split is not None, prepared)
        texts, characters, sources = texts.where(kept), characters[kept], sources[kept]
        documents = np.zeros(len(texts), DOCUMENT)
        high, low = texts.digests()
        documents["high"], documents["low"] = high, low
        documents["characters"], documents["bytes"] = characters, texts.ends - texts.starts
        documents["source"], documents["split"] = sources, SPLITS[batch.split]
        if self.seen and batch.split is None and self.options.is_on("duplicates"):
            new = ~self.seen.before(high, low, batch.number)  # the others will not be kept
        else:
            new = np.ones(len(texts), bool)
        looked_at = low % np.uint64(LANGUAGE_SAMPLE) == 0
        if not batch.number:
            looked_at[:LANGUAGES_AT_FIRST] = True
        for number in np.flatnonzero(looked_at & new).tolist():
            documents["language"][number] = language_of(texts[number]).encode()
        prepared.documents, prepared.compared = documents, new
        prepared.signatures = columns_of(sketch(texts.where(new)))
        texts.ends = np.where(new, texts.ends, texts.starts)
        _write(self.folder / scratch_name(batch.number), texts, sources)
        return prepared

    def _cleaned(
        self, raw: Texts, sources: Array, names: dict[int, str], as_they_are: bool, prepared: Prepared
    ) -> tuple[Texts, Array, Array]:
        """The texts when they are clean, the characters of each, and which of them are kept."""
        import numpy as np

        cleaner = Cleaner(self.options)
        seen, characters = look_at(raw, strip=not as_they_are)
        suspected = seen & (HALF if as_they_are else HALF | cleaner.bits) > 0
        kept = (seen & VISIBLE > 0) & ~suspected
        if not as_they_are:
            cleaner.pass_over(len(raw) - int(suspected.sum()), int(characters[~suspected].sum()))
            cleaner.keep(int(kept.sum()), int(characters[kept].sum()))
        found: dict[int, str] = {}
        for number in np.flatnonzero(suspected).tolist():
            source, text = int(sources[number]), raw[number]
            try:
                cleaned = text if as_they_are else cleaner.clean(text, names[source], int(seen[number]))
            except (MemoryError, OSError):
                raise
            except Exception as error:  # of a library, on a text that its authors never saw
                prepared.left_out.append((source, "", cannot_be_read(error)))
                continue
            if cleaned and not cleaned.isspace():
                found[number] = cleaned = _whole(cleaned)
                kept[number], characters[number] = True, len(cleaned)
        prepared.tally = cleaner.tally
        return raw.with_these(found), characters, kept


def _read(batch: Batch, mode: str, prepared: Prepared) -> tuple[Texts, Array]:
    """The texts of a batch, and the number of the source of each; `prepared` learns what could not be read."""
    import numpy as np

    pieces: list[Texts] = []
    strings: list[str] = []
    sources: list[int] = []
    counts: list[int] = []  # of texts, of each source in `sources`
    for payload, source in zip(batch.payloads, batch.sources, strict=True):
        before = len(strings)
        try:
            if isinstance(payload, Lines):
                notes = Notes()
                pieces += [Texts.of(strings), payload.texts(notes)]
                strings, before = [], -len(pieces[-1])
                prepared.left_out += [(source, where, reason) for where, reason in notes.left_out]
                prepared.left_out_besides += notes.left_out_besides
                prepared.unreadable += notes.unreadable
            else:
                for text in texts_of(batch, payload, mode):
                    strings.append(text)
        except NotTextError as error:
            prepared.left_out.append((source, "", str(error)))
        except (MemoryError, OSError):
            raise
        except Exception as error:  # of a library, on a file that its authors never saw
            prepared.left_out.append((source, "", cannot_be_read(error)))
        sources.append(source)
        counts.append(len(strings) - before)
    return Texts.joined([*pieces, Texts.of(strings)]), np.repeat(np.array(sources, np.uint32), counts)


def texts_of(batch: Batch, payload: Any, mode: str) -> Iterator[str]:
    """The documents in a payload of a batch, cut as `mode` says; see documents.py. Raises what its reader raises."""
    if isinstance(payload, Lines):
        yield from payload.strings(Notes())
        return
    for text in [payload] if batch.convert is None else batch.convert(payload):
        if batch.convert is None or batch.records or mode == "file" or (mode == "auto" and len(text) <= MOST):
            yield text
        else:
            yield from split_documents(text.splitlines(keepends=True), mode)


def scratch_name(number: int) -> str:
    """The file with the documents of a batch."""
    return f"batch-{number:07d}.arrow"


def cannot_be_read(error: Exception) -> str:
    """The reason for a file at which a library fails in a way that nobody foresaw."""
    return _("it cannot be read ({error})").format(error=f"{type(error).__name__}: {error}"[:120].rstrip(": "))


def nothing(batch: Batch, folder: Path) -> Prepared:
    """What becomes of a batch of which nothing can be read."""
    import numpy as np

    _write(folder / scratch_name(batch.number), Texts.of([]), np.zeros(0, np.uint32))
    return _nothing(batch)


def _nothing(batch: Batch) -> Prepared:
    import numpy as np

    return Prepared(batch.number, np.zeros(0, DOCUMENT), np.zeros(0, bool), columns_of(sketch([])), Tally())


def _whole(text: str) -> str:
    """The text, in which half of a pair of surrogates, from a file that spells characters by numbers, is U+FFFD."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _write(path: Path, texts: Texts, sources: Array) -> None:
    import pyarrow

    packed, offsets = texts.packed()
    text = pyarrow.LargeStringArray.from_buffers(len(texts), pyarrow.py_buffer(offsets), pyarrow.py_buffer(packed))
    table = pyarrow.RecordBatch.from_arrays([text, number_array(sources)], names=["text", "source"])
    options = pyarrow.ipc.IpcWriteOptions(compression="lz4")
    with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_file(file, table.schema, options=options) as writer:
        writer.write_batch(table)
