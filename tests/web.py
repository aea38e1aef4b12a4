"""`newleaf --web` as a process, for tests that open its page."""

import contextlib
import os
import re
import signal
import subprocess
import sys


@contextlib.contextmanager
def served(*words, **environment):
    """The process and the address that it has printed; it is ended, and has to end well."""
    command = [sys.executable, "-m", "newleaf", "--web", "--port", "0", *words]
    environment = {**os.environ, **environment}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        line = process.stderr.readline()
        yield process, re.search(r"http://\S+", line)[0]
        process.send_signal(signal.SIGINT)
        words, errors = process.communicate(timeout=60)
        assert (process.returncode, words, errors) == (0, "", "")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
