"""How long a person waits for the first words: `python tests/benchmarks/startup.py`.

By turns, each command and a bare interpreter; the medians, and their ratio. Run it on a quiet machine.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 21
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "newleaf --help": [str(Path(sys.executable).with_name("newleaf")), "--help"],
    "python -m newleaf --help": [sys.executable, "-m", "newleaf", "--help"],
    "newleaf model list": [sys.executable, "-m", "newleaf", "model", "list"],
    "import newleaf.tui.app": [sys.executable, "-c", "import newleaf.tui.app"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def seconds(command: list[str]) -> float:
    """One run."""
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Print a table, and one line of JSON last."""
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(ROUNDS):
        for name, command in COMMANDS.items():
            if name != "import torch" or number < 3:
                found[name].append(seconds(command))
    medians = {name: statistics.median(times) for name, times in found.items()}
    bare = medians["python -c pass"]
    for name, median in medians.items():
        print(f"{name:28} {1000 * median:8.1f} ms {median / bare:7.2f} x")
    print(json.dumps({name: round(median, 5) for name, median in medians.items()}))


if __name__ == "__main__":
    main()
