"""The background process of a job: `python -m newleaf.trainer.worker FOLDER LOCK`.

LOCK is the file descriptor of the folder's lock, inherited from whoever started this process; it is given up by ending.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from pathlib import Path

from ..core.progress import Cancelled
from .jobs import ENDLESS, WATCHED, Job, die_with
from .queue import KINDS, wait_for_turn
from .reporter import Reporter
from .work import do

NICENESS = 10  # the person at the machine comes first


def main(folder: str, lock: str) -> int:
    """Do the job; the exit code."""
    os.set_inheritable(int(lock), False)  # no child of ours may keep the job alive
    job = Job(Path(folder))
    print(time.strftime("%Y-%m-%d %H:%M:%S"), "start", job.name, "process", os.getpid(), flush=True)
    if job.kind not in ENDLESS:  # which answer somebody
        os.nice(NICENESS)
    reporter = Reporter(job)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: reporter.request_stop())
    try:
        with reporter:
            device = wait_for_turn(job, reporter) if job.kind in KINDS else None
            do(job, reporter)
            del device
    except Cancelled:
        pass
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        print(time.strftime("%Y-%m-%d %H:%M:%S"), reporter.status["state"], flush=True)
    return 0


if __name__ == "__mp_main__" and WATCHED in os.environ:  # one of several that train together, in its first moment
    die_with(int(os.environ[WATCHED]))
if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # a library's thread that still works on what nobody wants any more must not hold it up
