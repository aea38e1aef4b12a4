"""Wait for jobs, which are processes of their own."""

import time

from newleaf.trainer.jobs import LIVE


def wait_until(condition, patience=200.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def wait_for_end(job):
    """Its status then."""
    wait_until(lambda: job.state not in LIVE)
    return job.status()


def finish(job):
    """Wait for a job that shall end well."""
    status = wait_for_end(job)
    assert status["state"] == "finished", (status, job.log()[-3000:])
