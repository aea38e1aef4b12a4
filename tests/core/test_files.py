"""Files are whole or absent, folders appear finished, locks die with their process."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from newleaf.core.errors import UserError
from newleaf.core.files import (
    FolderLock,
    append_lines,
    read_json,
    read_lines,
    remove_folder,
    staged_folder,
    write_atomic,
    write_json,
)


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "f.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "\ud800")
    assert read_json(path) == {"a": 1}
    assert [child.name for child in tmp_path.iterdir()] == ["f.json"]


def test_a_kill_in_the_middle_leaves_a_whole_file(tmp_path):
    path = tmp_path / "f.json"
    script = f"""
from pathlib import Path
from newleaf.core.files import write_json
n = 0
while True:
    n += 1
    write_json(Path({str(path)!r}), [n] * 200_000)
"""
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", script])
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
        process.wait()
        values = read_json(path)
        assert len(values) == 200_000 and len(set(values)) == 1
    assert len(list(tmp_path.iterdir())) <= 2  # one leftover at most, always of the same name


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "f.json").write_text("{")
    with pytest.raises(UserError, match=r"f\.json is damaged"):
        read_json(tmp_path / "f.json")


def test_half_a_line_spoils_no_other(tmp_path):
    path = tmp_path / "events.jsonl"
    append_lines(path, [{"n": 1}, {"n": 2}])
    with path.open("a") as file:
        file.write('{"n": 3')  # a kill
    values, offset = read_lines(path)
    assert values == [{"n": 1}, {"n": 2}]
    append_lines(path, [{"n": 4}])
    assert read_lines(path, offset)[0] == [{"n": 4}]
    assert read_lines(tmp_path / "absent") == ([], 0)


def test_a_lock_is_held_by_one_and_dies_with_it(tmp_path):
    script = f"""
import sys, time
from pathlib import Path
from newleaf.core.files import FolderLock
lock = FolderLock(Path({str(tmp_path)!r}))
assert lock.acquire()
print("held", flush=True)
time.sleep(100)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    process.stdout.readline()
    lock = FolderLock(tmp_path)
    assert lock.is_held() and not lock.acquire()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not lock.is_held() and lock.acquire()
    lock.release()


def test_a_lock_can_be_handed_to_a_child(tmp_path):
    lock = FolderLock(tmp_path)
    assert lock.acquire()
    child = subprocess.Popen(["sleep", "100"], pass_fds=[lock.descriptor])
    lock.release()
    assert FolderLock(tmp_path).is_held()
    child.kill()
    child.wait()
    assert not FolderLock(tmp_path).is_held()


def test_a_staged_folder_appears_finished_or_not_at_all(tmp_path):
    target = tmp_path / "thing"
    with pytest.raises(RuntimeError), staged_folder(target) as folder:
        (folder / "half").touch()
        assert not target.exists()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with staged_folder(target) as folder:
        (folder / "whole").write_text("1")
    assert [path.name for path in target.iterdir()] == ["whole"]
    with pytest.raises(UserError, match="exists already"), staged_folder(target) as folder:
        (folder / "other").touch()
    assert [path.name for path in target.iterdir()] == ["whole"]
    with staged_folder(target, replace=True) as folder:
        (folder / "new").touch()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_two_cannot_make_the_same_folder_at_once(tmp_path):
    with (
        staged_folder(tmp_path / "thing"),
        pytest.raises(UserError, match="another process"),
        staged_folder(tmp_path / "thing"),
    ):
        pass


def test_what_a_killed_process_left_is_cleared(tmp_path):
    script = f"""
import os
from pathlib import Path
from newleaf.core.files import staged_folder
with staged_folder(Path({str(tmp_path / "thing")!r})) as folder:
    (folder / "half").touch()
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script])
    assert not (tmp_path / "thing").exists()
    with staged_folder(tmp_path / "thing") as folder:
        (folder / "whole").touch()
    assert [path.name for path in (tmp_path / "thing").iterdir()] == ["whole"]
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_removing_leaves_nothing(tmp_path):
    (tmp_path / "thing" / "deep").mkdir(parents=True)
    remove_folder(tmp_path / "thing")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_half_made(tmp_path):
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a small disk can be made by root alone")
    try:
        script = """
import os, sys
from pathlib import Path
from newleaf.core.corpus.importing import import_documents
from newleaf.core.errors import explain
import random
random.seed(0)
words = ("".join(chr(random.randrange(0x4E00, 0x9FFF)) for _ in range(4000)) for _ in range(2000))
try:
    import_documents(((text, "x") for text in words), "big")
except OSError as error:
    print(explain(error))
print(sorted(path.name for path in Path(os.environ["NEWLEAF_HOME"], "corpora").iterdir()))
"""
        environment = {**os.environ, "NEWLEAF_HOME": str(mount / "home")}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
        assert "disk is full" in done.stdout, done.stderr
        assert done.stdout.strip().endswith("[]")
        # The same as a job: its own folder is on the full disk too, and still says what happened.
        text = tmp_path / "text.txt"
        text.write_text("\n\n".join(str(json.dumps(os.urandom(3000).hex())) for _ in range(800)))
        command = [sys.executable, "-m", "newleaf", "corpus", "add", str(text), "--name", "big"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 1 and "disk is full" in done.stderr, done.stderr
        assert list((mount / "home" / "corpora").iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)
