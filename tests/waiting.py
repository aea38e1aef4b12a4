"""Wait for jobs, which are processes of their own."""

import time

from newleaf.trainer.jobs import LIVE

PATIENCE = 200.0  # seconds


def wait_until(condition, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def wait_for_end(job, patience=PATIENCE):
    """Its status then."""
    wait_until(lambda: job.state not in LIVE, patience)
    return job.status()


def finish(job):
    """Wait for a job that shall end well."""
    status = wait_for_end(job)
    assert status["state"] == "finished", (status, job.log()[-3000:])
