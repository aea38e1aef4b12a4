"""How these tests read a file: all texts of a format, and what must hold for any bytes at all."""

import io
import zipfile

from newleaf.core.corpus.readers.base import Notes, NotTextError, ReadOptions


def texts(format_, data, notes=None):
    """The texts of a file that holds `data`."""
    found = []
    for payload in format_.read(io.BytesIO(data), notes if notes is not None else Notes(), ReadOptions()):
        found += format_.convert(payload)
    return found


def texts_or_reason(format_, data):
    """The texts, and the reason where there is one; any other error is one of the test."""
    found = []
    notes = Notes()
    try:
        for payload in format_.read(io.BytesIO(data), notes, ReadOptions()):
            found += format_.convert(payload)
    except NotTextError as error:
        assert str(error) and not str(error).endswith(".")
        return found, str(error)
    assert all(isinstance(text, str) for text in found)
    return found, notes.left_out[0][1] if notes.left_out else ""


def zipped(entries):
    """A zip archive of names and contents."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return memory.getvalue()
