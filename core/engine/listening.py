"""Where servers listen: a host and a port, and whether others than this machine's users can come there."""

from __future__ import annotations

import ipaddress
import socket

from ..errors import UserError
from ..language import gettext as _

LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine's users can connect to it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def in_address(host: str) -> str:
    """How it is written in an address."""
    return f"[{host}]" if ":" in host else host


def listen_at(host: str, port: int) -> socket.socket:
    """A socket there; port 0 is any that is free."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise UserError(
            _("Cannot listen at {host}:{port}: {reason}. Choose another --port.").format(
                host=host, port=port, reason=error.strerror or str(error)
            )
        ) from None


def token_problem(host: str) -> str:
    """What is said to whom asks for a host that others can reach, and names no token."""
    return _("--host {host} can be reached from other machines: say what they must know, with --token.").format(
        host=host
    )
