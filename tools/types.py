"""Check the types of the package: the repository's root is the package, so mypy sees it in a folder of that name."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".mypy_cache"
PARTS = ("core", "trainer", "tui", "cli", "__init__.py", "__main__.py", "py.typed")


def main() -> int:
    """mypy's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "newleaf")
        package.mkdir()
        for part in PARTS:
            (package / part).symlink_to(ROOT / part)
        command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", CACHE]
        return subprocess.run(
            [*command, "--num-workers", "auto", "-p", "newleaf"], cwd=folder, env={**os.environ, "MYPYPATH": folder}
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
