"""Trainings as their jobs leave them behind, written down at once, or as they go on: for what looks at them.

`python tests/trainings.py FOLDER RATE` is the process of one that goes on, in the folder of a job.
"""

import contextlib
import json
import math
import random
import subprocess
import sys
import time
from pathlib import Path

from newleaf.core.files import write_json
from newleaf.core.home import folder


def pretend_training(name, steps=400, seed=1, level=1.0, state="finished"):
    """A job of a training that went well, with its events; its folder. Its process is not there."""
    path = folder("jobs") / f"train-{name}"
    path.mkdir(parents=True)
    noise, begun = random.Random(seed), time.time() - 3600
    inputs = {"corpus": "book", "tokenizer": "pieces"}
    created = begun + seed
    write_json(
        path / "job.json",
        {"format": 1, "kind": "train", "target": name, "created": created, "inputs": inputs, "options": {}},
    )
    with (path / "events.jsonl").open("w") as events:

        def event(at, kind, **values):
            events.write(json.dumps({"t": begun + 0.3 * at, "kind": kind, **values}) + "\n")

        event(0, "plan")
        for step in range(1, steps + 1):
            if step > 1000 and step % 10:
                continue
            bits = level * (1.2 + 3.5 * math.exp(-8 * step / steps)) + noise.gauss(0, 0.05)
            event(
                step,
                "step",
                step=step,
                loss=1.6 * bits,
                bits_per_byte=bits,
                learning_rate=0.02 * min(1, step / 50) * (1 - 0.9 * step / steps),
                gradient_norm=abs(noise.gauss(0.5, 0.2)),
                tokens_per_second=18_000 + noise.gauss(0, 500),
            )
            if step % max(1, steps // 20) == 0:
                event(step, "eval", step=step, bits_per_byte=bits + 0.1, best=True)
        event(steps, "sample", step=steps, prompt="", text="And the earth was without form.")
    said = {"state": state, "progress": 1.0, "message": "", "loss": 2.0, "bits_per_byte": 1.25, "step": steps}
    more = {"total_steps": steps, "tokens_per_second": 18_000.0, "started": begun, "updated": begun + 0.3 * steps}
    write_json(path / "status.json", {**said, **more, "pid": 1})
    return path


@contextlib.contextmanager
def going_on(name, rate=20.0):
    """A job of a training that learns nothing, but says what one says: `rate` steps a second; its folder."""
    path = pretend_training(name, steps=200, seed=1000)  # the newest of all
    command = [sys.executable, __file__, str(path), str(rate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield path
        process.kill()


def go_on(path, rate):
    """Say what a training says, until this process is killed."""
    from newleaf.trainer.jobs import Job
    from newleaf.trainer.reporter import Reporter

    job, noise, total = Job(path), random.Random(1), 10**6
    assert job.lock.acquire()
    with Reporter(job) as reporter:
        print("running", flush=True)
        for step in range(201, total):
            values = {
                "loss": 2.0 + noise.gauss(0, 0.05),
                "bits_per_byte": 1.25 + noise.gauss(0, 0.03),
                "tokens_per_second": 18_000 + noise.gauss(0, 500),
            }
            reporter.event("step", step=step, learning_rate=0.02, gradient_norm=abs(noise.gauss(0.5, 0.2)), **values)
            reporter.update(step=step, total_steps=total, message=f"step {step:,} of {total:,}", **values)
            reporter(step, total)
            if step % 100 == 0:
                reporter.event("eval", step=step, bits_per_byte=1.3 + noise.gauss(0, 0.01), best=False)
                reporter.event("sample", step=step, prompt="", text=f"And the earth was {noise.random()} without form.")
            time.sleep(1 / rate)


if __name__ == "__main__":
    go_on(Path(sys.argv[1]), float(sys.argv[2]))
