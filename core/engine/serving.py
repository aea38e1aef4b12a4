"""What a person can say about how models are served over HTTP. Imports no server."""

from __future__ import annotations

from dataclasses import dataclass

from ..language import N_
from ..options import OptionsBase, option
from .listening import is_loopback, token_problem


@dataclass(frozen=True)
class ServeOptions(OptionsBase):
    """How models are served."""

    host: str = option("127.0.0.1", N_("The address to listen at; others than this machine's own need --token."))
    port: int = option(8000, N_("The port; 0 for any that is free."), minimum=0, maximum=65535)
    socket: str | None = option(
        None, N_("Listen at a unix socket that only you can reach, instead of a port."), metavar="PATH"
    )
    token: str | None = option(
        None, N_("What clients must send as their API key; NEWLEAF_TOKEN says it too."), metavar="TOKEN"
    )
    queue: int = option(
        16, N_("How many requests may wait or be at work; more are turned away."), minimum=1, maximum=10_000
    )
    timeout: float = option(600.0, N_("How long a request may take, waiting included."), minimum=1, kind="duration")
    body: int = option(1_000_000, N_("The most bytes of a request."), minimum=1_000, maximum=1_000_000_000)
    memory: float | None = option(
        None, N_("How many GB of weights stay in memory; half of the machine's without it."), minimum=0.01
    )

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine's users can connect."""
        return self.socket is not None or is_loopback(self.host)

    def problems(self) -> list[str]:
        return [] if self.is_local or self.token else [token_problem(self.host)]
