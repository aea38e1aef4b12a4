"""An import that is killed leaves the old corpus or the new one, and the next try begins clean."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from newleaf.core.corpus.importing import ImportOptions, import_files
from newleaf.core.corpus.store import Corpus
from newleaf.core.home import folder

EXTEND = """
import sys
from newleaf.core.corpus.importing import ImportOptions, extend
if __name__ == "__main__":
    print("begun", flush=True)
    extend("c", [sys.argv[1]], ImportOptions(documents="paragraph"))
"""


def texts(begin, end):
    draw = random.Random(begin)
    words = ["".join(draw.choices("abcdefgh", k=6)) for _ in range(3000)]
    return "\n\n".join(" ".join(draw.choices(words, k=300)) for _ in range(begin, end))


def process(script, path):
    return subprocess.Popen([sys.executable, script, path], stdout=subprocess.PIPE, start_new_session=True)


def rows(name="c"):
    return list(Corpus.open(name).rows())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "moments"),
    [
        (signal.SIGKILL, 5),
        pytest.param(signal.SIGKILL, 10, marks=pytest.mark.long),
        pytest.param(signal.SIGINT, 10, marks=pytest.mark.long),
    ],
)
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_corpus(tmp_path, number, moments):
    script = tmp_path / "extend.py"
    script.write_text(EXTEND)
    (tmp_path / "a.txt").write_text(texts(0, 200))
    (tmp_path / "b.txt").write_text(texts(200, 900))
    import_files([tmp_path / "a.txt"], "c", ImportOptions(documents="paragraph"))
    shutil.copytree(folder("corpora") / "c", tmp_path / "old")
    old = rows()
    begin = time.monotonic()
    undisturbed = process(script, tmp_path / "b.txt")
    assert undisturbed.wait() == 0
    took, new = time.monotonic() - begin, rows()
    assert len(new) == 900
    seen = set()
    for moment in range(moments):
        shutil.rmtree(folder("corpora") / "c")
        shutil.copytree(tmp_path / "old", folder("corpora") / "c")
        killed = process(script, tmp_path / "b.txt")
        time.sleep(took * (moment + 0.5) / moments)
        os.kill(killed.pid, number)
        killed.wait()
        left = rows()
        assert left in (old, new)
        seen.add(left == new)
        again = process(script, tmp_path / "b.txt")
        assert again.wait() == 0
        assert rows() == new
        assert [path.name for path in folder("corpora").iterdir()] == ["c"]
    assert False in seen
