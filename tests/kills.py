"""Kill a training again and again, and see whether it makes the same weights as one that nobody disturbs.

`python tests/kills.py 50` does it in a home of its own and prints what it found.
"""

import os
import random
import signal
import sys
import tempfile
import time

from homes import TINY
from waiting import PATIENCE, wait_for_end, wait_until

from newleaf.core.model.store import ModelInfo
from newleaf.trainer.jobs import LIVE
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.resuming import resume
from newleaf.trainer.work import training


def weights(name):
    return (ModelInfo.open(name).path / "model.safetensors").read_bytes()


def until_it_learns(job, reached=0):
    """Wait until a job is beyond a step, or has ended: the seconds."""
    begin = time.monotonic()
    wait_until(lambda: job.state not in LIVE or (job.status().get("step") or 0) > reached)
    return time.monotonic() - begin


def survive(kills, steps, corpus, tokenizer, seed=1):
    """Two trainings, one killed so often at random moments: the weights of both, and the steps of the kills.

    The moments are within as much of the training as leaves enough for the kills that are to come, whatever the
    machine's speed: half of them from when it learns on, the others from its first moment.
    """
    chance, moments, patience = random.Random(seed), [], PATIENCE + steps  # a second for each at most
    options = TrainOptions(
        steps=steps, checkpoint_every=0.1, dropout=0.1, token_dropout=0.1, sampled_softmax="on", **TINY
    )
    straight = training.submit(corpus, "straight", options, tokenizer)
    beginning, learning = until_it_learns(straight), time.monotonic()
    wait_for_end(straight, patience)
    learning = time.monotonic() - learning
    job = training.submit(corpus, "killed", options, tokenizer)
    while len(moments) < kills:
        reached = job.status().get("step") or 0
        longest = 0.3 * learning * (1 - reached / steps) / (kills - len(moments))
        if len(moments) % 2:
            beginning = min(beginning, until_it_learns(job, reached))
        else:
            longest += beginning
        deadline = time.monotonic() + chance.uniform(0.0, longest)
        while time.monotonic() < deadline and job.state in LIVE:
            time.sleep(0.01)
        if job.state not in LIVE:
            break
        status = job.status()
        if "pid" not in status:
            continue
        os.kill(status["pid"], signal.SIGKILL)
        moments.append(status.get("step", 0))
        while job.lock.is_held():
            time.sleep(0.01)
        if job.state == "finished":  # the kill came after its last word
            break
        resume(job)
    wait_for_end(job, patience)
    assert straight.state == job.state == "finished", (straight.status(), job.status())
    return weights("straight"), weights("killed"), moments


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEWLEAF_HOME"] = home
        from newleaf.core.corpus.python_text import import_python_text
        from newleaf.core.tokenizer.options import TokenizerOptions
        from newleaf.core.tokenizer.training import train_tokenizer

        train_tokenizer(import_python_text("book"), "pieces", TokenizerOptions(vocab_size=512))
        undisturbed, killed, moments = survive(kills, steps=100 * kills, corpus="book", tokenizer="pieces")
        print(f"{len(moments)} kills, at steps {moments}")
        print("the weights are the same" if undisturbed == killed else "the weights differ")
        sys.exit(undisturbed != killed or len(moments) < kills)


if __name__ == "__main__":
    main()
