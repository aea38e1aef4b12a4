"""Commands, run to their end as a script runs them."""

import json
import os
import subprocess
import sys


def newleaf(*words, stdin="", **environment):
    """Run a command to its end; stdin is never this process's own."""
    return subprocess.run(
        [sys.executable, "-m", "newleaf", *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
        cwd=os.environ["NEWLEAF_HOME"],
    )


def data(*words, **more):
    """What a command says with --json."""
    done = newleaf(*words, "--json", **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
