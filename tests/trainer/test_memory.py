"""What a training takes of the memory."""

import contextlib
import re
import shutil
import sys
from pathlib import Path

import pytest
from waiting import finish, wait_until

from newleaf.trainer.jobs import LIVE
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.work import training


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("size", "context", "dtype"), [("nano", 256, "auto"), ("mini", 1024, "auto"), ("mini", 1024, "float32")]
)
def test_it_takes_about_as_much_as_the_plan_says(prepared, newleaf_home, size, context, dtype):
    shutil.copytree(prepared, newleaf_home)
    options = TrainOptions(
        size=size,
        context=context,
        dtype=dtype,
        batch_tokens=2 * context,
        steps=12,
        eval_every=2,
        device="cpu",
        compile="off",
    )
    job = training.submit("book", "m", options, "pieces")
    most = [0]

    def is_over():
        with contextlib.suppress(OSError, TypeError, KeyError):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{job.status()['pid']}/status").read_text())
            most.append(int(found[1]) << 10)
        return job.state not in LIVE

    wait_until(is_over)
    finish(job)
    assert max(most) > 0
    planned = next(event["memory_bytes"] for event in job.events()[0] if event["kind"] == "plan")
    assert 0.7 * planned < max(most) < 1.4 * planned, max(most) / planned
