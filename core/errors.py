"""What goes wrong, in words for a person."""

from __future__ import annotations

import errno

from .language import N_
from .language import gettext as _


def is_disk_full(error: OSError) -> bool:
    """Whether there was no room to write to, on the disk or within what the person may use of it."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


class UserError(ValueError):
    """A person's mistake, or a state of their machine: one or two sentences, what and where, then what to do next."""


FAULT = N_("A fault of newleaf itself: {error}.")


def explain(error: BaseException) -> str | None:
    """The sentence for an error that a person can do something about, or None: then it is a fault of newleaf."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return _("The machine's memory is full. Close other programs, or choose a smaller size.")
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        if is_disk_full(error):
            return _("The disk is full{where}. Free some space, then run it again.").format(where=where)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return _("No permission{where}. Change the permissions, or set NEWLEAF_HOME to a folder of yours.").format(
                where=where
            )
        if error.errno == errno.EMFILE:
            return _("Too many files are open. Raise the limit with `ulimit -n 4096`, then run it again.")
    return None
