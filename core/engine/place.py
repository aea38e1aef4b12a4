"""Where the engine of a home is to be found: a unix socket that only its owner can reach."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

from ... import __version__
from ..home import home, home_path, make_private

LONGEST = 100  # bytes of a socket's path; systems take 104 or 108


def socket_path() -> Path:
    """The socket of this version's engine: in the home, or in a temporary folder where that path is too long."""
    name = f"engine-{__version__}.sock"
    path = home_path() / name
    if len(os.fsencode(path)) <= LONGEST:
        return path
    import tempfile

    digest = hashlib.sha256(os.fsencode(home_path())).hexdigest()[:16]
    for place in filter(None, (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")):
        path = Path(place, f"newleaf-{os.getuid()}", f"{digest}-{name}")
        if len(os.fsencode(path)) <= LONGEST:
            break
    return path


def connect(timeout: float | None = None) -> socket.socket | None:
    """A connection to the engine that runs, or None."""
    path = socket_path()
    if not path.exists() or path.parent.stat().st_uid != os.getuid():  # a folder of somebody else's is no place
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(os.fspath(path))
    except OSError:
        connection.close()
        return None
    return connection


def listen() -> socket.socket:
    """The socket, for the engine itself; what a killed one left in its place is taken away."""
    home()
    path = socket_path()
    make_private(path.parent)
    path.unlink(missing_ok=True)
    return listen_privately(path)


def listen_privately(path: Path) -> socket.socket:
    """A socket that only its owner can reach. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)  # readable and writable by its owner alone, from the first moment on
    try:
        listener.bind(os.fspath(path))
    finally:
        os.umask(mask)
    listener.listen(128)
    return listener
