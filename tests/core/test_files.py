"""Files are whole or absent, folders appear finished, locks die with their process."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.errors import UserError
from newleaf.core.files import (
    FolderLock,
    append_lines,
    clear_staging,
    disk_size,
    read_json,
    read_lines,
    remove_folder,
    staged_folder,
    write_atomic,
    write_json,
)

texts = st.text(st.characters(codec="utf-8") | st.sampled_from("\udc80\udce9"))  # as in names of files, too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
json_objects = st.dictionaries(st.text(), json_values, max_size=3)


def run_until_killed(script, ready=b"\n"):
    """Start Python on `script`, wait until it says something, and give the process back."""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout.readline().endswith(ready)
    return process


def kill(process):
    process.kill()
    process.wait()
    process.stdout.close()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Files.


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "f.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "\ud800")
    assert read_json(path) == {"a": 1}
    assert names(tmp_path) == ["f.json"]


def test_a_first_write_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        write_atomic(tmp_path / "f.txt", "\ud800")
    assert names(tmp_path) == []


@pytest.mark.parametrize("durable", [True, False])
def test_a_write_puts_all_of_it(tmp_path, durable):
    for data in ("好\r\n", b"\0\xff", ""):
        write_atomic(tmp_path / "f", data, durable)
        assert (tmp_path / "f").read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert names(tmp_path) == ["f"]


def test_a_kill_in_the_middle_leaves_a_whole_file(tmp_path):
    path = tmp_path / "folder" / "f.json"
    path.parent.mkdir()
    script = f"""
from pathlib import Path
from newleaf.core.files import write_json
n = 0
while True:
    n += 1
    write_json(Path({str(path)!r}), [n] * 200_000)
    print(n, flush=True)
"""
    for moment in range(4):
        process = run_until_killed(script)
        time.sleep(0.02 * moment)
        kill(process)
        values = read_json(path)
        assert len(values) == 200_000 and len(set(values)) == 1
    assert len(names(path.parent)) <= 2  # one leftover at most, always of the same name


def test_a_damaged_file_is_named(tmp_path):
    for content in (b"{", b"", b"\xff\xfe\x00", b'{"a": 1} x'):
        (tmp_path / "f.json").write_bytes(content)
        with pytest.raises(UserError, match=r"f\.json is damaged"):
            read_json(tmp_path / "f.json")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "absent")


@given(value=json_values)
def test_json_comes_back_whatever_is_in_it(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(path, value, durable=False)
    assert read_json(path) == value


def test_the_name_of_any_file_can_be_written(tmp_path):
    name = os.fsdecode(b"caf\xe9.txt")  # no UTF-8, as from an old machine
    write_json(tmp_path / "job.json", {"paths": [name]})
    append_lines(tmp_path / "events.jsonl", [{"text": name}])
    assert read_json(tmp_path / "job.json") == {"paths": [name]}
    assert read_lines(tmp_path / "events.jsonl")[0] == [{"text": name}]
    assert "\\udce9" in (tmp_path / "job.json").read_text(encoding="utf-8")  # which other programs read, too


# Lines.


def test_half_a_line_spoils_no_other(tmp_path):
    path = tmp_path / "events.jsonl"
    append_lines(path, [{"n": 1}, {"n": 2}])
    with path.open("a") as file:
        file.write('{"n": 3')  # a kill
    values, offset = read_lines(path)
    assert values == [{"n": 1}, {"n": 2}]
    append_lines(path, [{"n": 4}])
    assert read_lines(path, offset)[0] == [{"n": 4}]


def test_a_reader_goes_on_where_it_was(tmp_path):
    path = tmp_path / "events.jsonl"
    assert read_lines(path) == ([], 0)
    append_lines(path, [{"n": 1}])
    values, offset = read_lines(path)
    assert values == [{"n": 1}] and read_lines(path, offset) == ([], offset)
    with path.open("a") as file:
        file.write('{"n"')
    assert read_lines(path, offset) == ([], offset)
    with path.open("a") as file:
        file.write(": 2}\n")
    assert read_lines(path, offset) == ([{"n": 2}], path.stat().st_size)


def test_what_is_no_object_is_passed_over(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('null\n5\n[1]\n"text"\n{"n": 1}\nno JSON\n')
    assert read_lines(path) == ([{"n": 1}], path.stat().st_size)


@given(before=st.lists(json_objects), after=st.lists(json_objects, min_size=1), data=st.data())
def test_a_cut_anywhere_costs_one_line_at_most(tmp_path_factory, before, after, data):
    path = tmp_path_factory.getbasetemp() / "cut.jsonl"
    path.unlink(missing_ok=True)
    append_lines(path, before)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    assert read_lines(path)[0] == before[:kept]
    append_lines(path, after)
    found = read_lines(path)[0]
    assert found[:kept] == before[:kept] and found[-len(after) :] == after
    assert len(found) <= kept + 1 + len(after)  # what was cut may be whole all the same, but for the end of its line


# Locks.


def test_a_lock_is_held_by_one_and_dies_with_it(tmp_path):
    script = f"""
import time
from pathlib import Path
from newleaf.core.files import FolderLock
lock = FolderLock(Path({str(tmp_path)!r}))
assert lock.acquire()
print("held", flush=True)
time.sleep(100)
"""
    process = run_until_killed(script)
    lock = FolderLock(tmp_path)
    assert lock.is_held() and not lock.acquire(patience=0)
    kill(process)
    assert process.returncode == -signal.SIGKILL
    assert not lock.is_held() and lock.acquire()
    lock.release()
    assert not lock.is_held()


def test_a_lock_is_held_against_its_own_process_too(tmp_path):
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert not first.is_held()
    assert first.acquire() and not second.acquire(patience=0) and second.is_held()
    first.release()
    first.release()  # twice is once
    assert second.acquire()
    second.release()


def test_a_lock_can_be_handed_to_a_child(tmp_path):
    lock = FolderLock(tmp_path)
    assert lock.acquire()
    child = subprocess.Popen(["sleep", "100"], pass_fds=[lock.descriptor])
    lock.release()
    assert FolderLock(tmp_path).is_held()
    child.kill()
    child.wait()
    assert not FolderLock(tmp_path).is_held()


def test_a_lock_is_not_handed_to_a_child_that_is_not_given_it(tmp_path):
    lock = FolderLock(tmp_path)
    assert lock.acquire()
    child = subprocess.Popen(["sleep", "100"], close_fds=False)
    lock.release()
    assert not FolderLock(tmp_path).is_held()
    child.kill()
    child.wait()


# Folders.


def test_who_waits_for_a_staged_folder_that_gets_done_makes_one_of_its_own(tmp_path):
    made = []

    def make(word):
        with staged_folder(tmp_path / "thing", replace=True) as folder:
            made.append(word)
            (folder / "word").write_text(word)
            time.sleep(0.1)

    threads = [threading.Thread(target=make, args=(word,)) for word in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == ["one", "two"]
    assert (tmp_path / "thing" / "word").read_text() == made[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_a_staged_folder_appears_finished(tmp_path):
    target = tmp_path / "thing"
    with staged_folder(target) as folder:
        (folder / "whole").write_text("1")
        assert not target.exists()
    assert names(target) == ["whole"] and names(tmp_path) == ["thing"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_staged_folder_that_fails_leaves_nothing(tmp_path, error):
    with pytest.raises(error), staged_folder(tmp_path / "thing") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "half").touch()
        raise error
    assert names(tmp_path) == []


def test_what_exists_is_not_overwritten(tmp_path):
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "mine").touch()
    with pytest.raises(UserError, match="exists already"), staged_folder(tmp_path / "thing") as folder:
        (folder / "other").touch()
    assert names(tmp_path / "thing") == ["mine"] and names(tmp_path) == ["thing"]


def test_what_exists_gives_way_when_asked_and_only_to_what_is_finished(tmp_path):
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "old").touch()
    with pytest.raises(RuntimeError), staged_folder(tmp_path / "thing", replace=True) as folder:
        (folder / "half").touch()
        raise RuntimeError
    assert names(tmp_path / "thing") == ["old"]
    with staged_folder(tmp_path / "thing", replace=True) as folder:
        (folder / "new").touch()
        assert names(tmp_path / "thing") == ["old"]
    assert names(tmp_path / "thing") == ["new"] and names(tmp_path) == ["thing"]


def test_two_cannot_make_the_same_folder_at_once(tmp_path):
    with (
        staged_folder(tmp_path / "thing") as folder,
        pytest.raises(UserError, match="another process"),
        staged_folder(tmp_path / "thing"),
    ):
        pass
    assert not folder.exists() and names(tmp_path) == ["thing"]


def test_two_can_make_different_folders_at_once(tmp_path):
    with staged_folder(tmp_path / "a") as a, staged_folder(tmp_path / "b") as b:
        (a / "1").touch()
        (b / "2").touch()
    assert names(tmp_path / "a") == ["1"] and names(tmp_path / "b") == ["2"]


def test_what_a_killed_process_left_is_cleared(tmp_path):
    script = f"""
import time
from pathlib import Path
from newleaf.core.files import staged_folder
with staged_folder(Path({str(tmp_path / "thing")!r})) as folder:
    (folder / "half").touch()
    (folder / "deep").mkdir()
    print("half", flush=True)
    time.sleep(100)
"""
    kill(run_until_killed(script))
    assert names(tmp_path) == [".partial-thing"]
    with staged_folder(tmp_path / "thing") as folder:
        (folder / "whole").touch()
    assert names(tmp_path / "thing") == ["whole"] and names(tmp_path) == ["thing"]


def test_clearing_takes_only_what_nobody_is_making(tmp_path):
    hour_ago = time.time() - 3600
    for name in ("left", "held", "young"):
        (tmp_path / f".partial-{name}").mkdir()
        (tmp_path / f".partial-{name}" / "half").touch()
    (tmp_path / "finished").mkdir()
    lock = FolderLock(tmp_path / ".partial-held")
    assert lock.acquire()
    for name in (".partial-left", ".partial-held", "finished"):
        os.utime(tmp_path / name, (hour_ago, hour_ago))
    clear_staging(tmp_path)
    assert names(tmp_path) == [".partial-held", ".partial-young", "finished"]
    lock.release()


def test_removing_leaves_nothing(tmp_path):
    (tmp_path / "thing" / "deep").mkdir(parents=True)
    (tmp_path / "thing" / "deep" / "file").touch()
    remove_folder(tmp_path / "thing")
    assert names(tmp_path) == []


def test_the_size_is_that_of_all_files(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a").write_bytes(bytes(10))
    (tmp_path / "deep" / "b").write_bytes(bytes(5))
    assert disk_size(tmp_path) == 15
