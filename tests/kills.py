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
from waiting import wait_for_end

from newleaf.core.model.store import ModelInfo
from newleaf.trainer.jobs import LIVE
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.resuming import resume
from newleaf.trainer.work import training

LONGEST = 5.0  # seconds that a process lives


def weights(name):
    return (ModelInfo.open(name).path / "model.safetensors").read_bytes()


def survive(kills, steps, corpus, tokenizer, seed=1):
    """Two trainings, one killed so often at random moments: the weights of both, and the steps of the kills."""
    chance, moments = random.Random(seed), []
    options = TrainOptions(
        steps=steps, checkpoint_every=0.1, dropout=0.1, token_dropout=0.1, sampled_softmax="on", **TINY
    )
    straight = training.submit(corpus, "straight", options, tokenizer)
    wait_for_end(straight)
    job = training.submit(corpus, "killed", options, tokenizer)
    while len(moments) < kills:
        longest = LONGEST
        if len(moments) % 2:  # however slow the machine is, some kills come while it learns
            longest = LONGEST / 10
            reached = job.status().get("step", 0)
            while job.state in LIVE and job.status().get("step", 0) <= reached:
                time.sleep(0.01)
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
    wait_for_end(job)
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
        undisturbed, killed, moments = survive(kills, steps=30 * kills, corpus="book", tokenizer="pieces")
        print(f"{len(moments)} kills, at steps {moments}")
        print("the weights are the same" if undisturbed == killed else "the weights differ")
        sys.exit(undisturbed != killed or len(moments) < kills)


if __name__ == "__main__":
    main()
