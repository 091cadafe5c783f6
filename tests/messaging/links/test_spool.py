"""Hits on their way: none is lost by a database that is away, a process that dies or a disk that is full."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from messaging.links import spool as spool_module
from messaging.links.spool import RawHit, Spool, apply_left_behind

ROOT = Path(__file__).resolve().parent.parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.HITS_DIR = tmp_path / "hits"
    return tmp_path / "hits"


class Database:
    """Takes hits, unless it is away."""

    def __init__(self) -> None:
        self.hits: list[RawHit] = []
        self.is_away = False

    def __call__(self, hits: list[RawHit]) -> None:
        if self.is_away:
            raise OperationalError("away")
        self.hits += hits


@pytest.fixture
def spool(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Spool:
    """Applied by hand."""
    made = Spool(Database())
    monkeypatch.setattr(made, "_start", lambda: None)
    return made


def add(spool: Spool, code: str = "AbCd1234") -> None:
    spool.add(code, 1_800_000_000.5, method="GET", agent="Phone", address="203.0.113.7", is_prefetch=False)


def test_it_works(folder: Path, spool: Spool) -> None:
    database: Any = spool._apply
    add(spool, "first")
    add(spool, "second")
    assert spool.flush()
    assert [hit.code for hit in database.hits] == ["first", "second"]
    assert len({hit.uid for hit in database.hits}) == 2
    assert database.hits[0][2:] == (1_800_000_000.5, "GET", "Phone", "203.0.113.7", False, False)
    assert list(folder.iterdir()) == []


def test_a_database_that_is_away_loses_nothing(folder: Path, spool: Spool) -> None:
    database: Any = spool._apply
    database.is_away = True
    add(spool, "first")
    assert not spool.flush()
    add(spool, "second")
    assert not spool.flush()
    database.is_away = False
    assert spool.flush()
    assert [hit.code for hit in database.hits] == ["first", "second"]
    assert list(folder.iterdir()) == []


def test_a_full_disk_loses_nothing(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: Any) -> int:
        raise OSError(28, "No space left on device")

    database: Any = spool._apply
    with monkeypatch.context() as patch:
        patch.setattr(spool_module.os, "write", full)
        add(spool, "first")
    add(spool, "second")
    assert spool.flush()
    assert {hit.code for hit in database.hits} == {"first", "second"}


def test_a_disk_that_is_full_within_a_line_spoils_no_other(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    database: Any = spool._apply
    add(spool, "first")
    with monkeypatch.context() as patch:
        patch.setattr(spool_module.os, "write", lambda file, line: write(file, line[:20]))
        add(spool, "second")
    add(spool, "third")
    assert next(folder.iterdir()).read_bytes().count(b"\n") == 2
    assert spool.flush()
    assert {hit.code for hit in database.hits} == {"first", "second", "third"}


def test_where_even_that_cannot_be_taken_back_a_new_file_is_begun(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> None:
        raise OSError(5, "Input/output error")

    write = os.write
    database: Any = spool._apply
    add(spool, "first")
    with monkeypatch.context() as patch:
        patch.setattr(spool_module.os, "write", lambda file, line: write(file, line[:20]))
        patch.setattr(spool_module.os, "ftruncate", broken)
        add(spool, "second")
    add(spool, "third")
    assert len(list(folder.iterdir())) == 2
    assert spool.flush()
    assert {hit.code for hit in database.hits} == {"first", "second", "third"}


def test_a_file_as_large_as_it_may_be_loses_nothing(folder: Path) -> None:
    """The system writes what fits, then refuses."""
    program = """
import json, resource, sys
from django.conf import settings
settings.configure(HITS_DIR=sys.argv[1])
from messaging.links.spool import Spool
codes = []
spool = Spool(lambda hits: codes.extend(hit.code for hit in hits))
spool._start = lambda: None
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for number in range(200):
    spool.add(f"code{number}", 1.0, method="GET", agent="Phone", address="", is_prefetch=False)
    if number % 70 == 69:
        assert spool.flush()
assert spool.flush()
assert sorted(codes) == sorted(f"code{number}" for number in range(200)), len(codes)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], cwd=ROOT, check=False, timeout=60, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]
    assert list(folder.iterdir()) == []


def test_a_whole_line_behind_half_a_one_is_read(folder: Path, spool: Spool) -> None:
    """As an earlier version left them."""
    add(spool, "first")
    add(spool, "second")
    path = next(folder.iterdir())
    first, second = path.read_bytes().splitlines()
    path.write_bytes(first[:25] + second + b"\n" + b'["x","y"]\n' + b"nothing\n" + first + b"\n")
    database: Any = spool._apply
    with capture_logs() as logs:
        assert spool.flush()
    assert [hit.code for hit in database.hits] == ["second", "first"]
    assert [(one["event"], one["count"]) for one in logs] == [("hits cannot be read", 3)]


def test_a_program_that_names_itself_like_a_line_is_one_hit(spool: Spool) -> None:
    agent = '["' + "0" * 32 + '","x",1.0,"GET","","",false]'
    spool.add("first", 1.0, method="GET", agent=agent, address="", is_prefetch=False)
    database: Any = spool._apply
    assert spool.flush()
    assert [(hit.code, hit.agent) for hit in database.hits] == [("first", agent)]


def test_a_file_that_is_taken_before_it_is_locked_is_not_written_to(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the sweep, which finds it empty and removes it."""
    database: Any = spool._apply
    lock, taken = fcntl.flock, []

    def late(file: int, how: int) -> None:
        if not taken:
            taken.append(file)
            assert apply_left_behind(database) == 0
        lock(file, how)

    monkeypatch.setattr(spool_module.fcntl, "flock", late)
    add(spool, "first")
    assert spool.flush()
    assert [hit.code for hit in database.hits] == ["first"]


def test_a_file_that_another_process_looks_into_just_now_is_left_to_it(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    database: Any = spool._apply
    lock, held = fcntl.flock, []

    def late(file: int, how: int) -> None:
        if not held:
            held.append(os.dup(file))
            raise BlockingIOError
        lock(file, how)

    monkeypatch.setattr(spool_module.fcntl, "flock", late)
    add(spool, "first")
    os.close(held[0])
    assert spool.flush()
    assert [hit.code for hit in database.hits] == ["first"]


def test_beside_the_sweep_nothing_is_lost(spool: Spool) -> None:
    """Two threads add, one applies, one sweeps, for a second."""
    database: Any = spool._apply
    swept = Database()
    over = time.monotonic() + 1

    def until_over(do: Any) -> None:
        while time.monotonic() < over:
            do()

    work = [lambda: add(spool), lambda: add(spool), spool.flush, lambda: apply_left_behind(swept)]
    threads = [threading.Thread(target=until_over, args=(do,)) for do in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spool.flush()
    apply_left_behind(swept)
    assert len({hit.uid for hit in [*database.hits, *swept.hits]}) == spool._number


def test_what_comes_while_memory_is_applied_stays(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: Any) -> int:
        raise OSError(28, "No space left on device")

    database: Any = spool._apply
    monkeypatch.setattr(spool_module.os, "write", full)
    add(spool, "first")
    database.is_away = True
    assert not spool.flush()
    add(spool, "second")
    database.is_away = False
    assert spool.flush()
    assert [hit.code for hit in database.hits] == ["first", "second"]


@pytest.mark.parametrize(("visits", "waits"), [(101, 1), (100, 0)])
def test_rows_give_way_to_visitors_where_many_come(
    folder: Path, monkeypatch: pytest.MonkeyPatch, visits: int, waits: int
) -> None:
    """What many is, is counted while a chunk is applied."""
    slept: list[float] = []

    def apply(hits: list[RawHit]) -> None:
        if not slept and len(hits) == 1:
            for _visit in range(visits):
                add(spool)

    spool = Spool(apply)
    monkeypatch.setattr(spool, "_start", lambda: None)
    monkeypatch.setattr(spool_module.time, "sleep", slept.append)
    add(spool)
    assert spool.flush(gives_way=True)
    assert len(slept) == waits


def test_a_process_that_ends_while_its_thread_applies_waits_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = threading.Event(), threading.Event()
    database = Database()

    def slowly(hits: list[RawHit]) -> None:
        begun.set()
        assert goes_on.wait(10)
        database(hits)

    made = Spool(slowly)
    monkeypatch.setattr(made, "_start", lambda: None)
    add(made, "abc")
    done: list[bool] = []
    threads = [threading.Thread(target=lambda: done.append(made.flush())) for _ in range(2)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    goes_on.set()
    for thread in threads:
        thread.join(10)
    assert done == [True, True]
    assert [hit.code for hit in database.hits] == ["abc"]


def test_what_a_dead_process_left_is_taken(folder: Path) -> None:
    """Killed right after it answered: the line is there, whole."""
    program = """
import os, sys
import django
from django.conf import settings
settings.configure(HITS_DIR=sys.argv[1])
from messaging.links.spool import Spool
spool = Spool(lambda hits: None)
spool._start = lambda: None
for number in range(50):
    spool.add(f"code{number}", 1.0, method="GET", agent="", address="", is_prefetch=False)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == -9
    database = Database()
    assert apply_left_behind(database) == 50
    assert [hit.code for hit in database.hits] == [f"code{number}" for number in range(50)]
    assert list(folder.iterdir()) == []


def test_what_a_living_process_writes_is_left_to_it(folder: Path, spool: Spool) -> None:
    add(spool)
    assert apply_left_behind(Database()) == 0
    assert len(list(folder.iterdir())) == 1


def test_a_line_that_was_cut_off_is_no_hit(folder: Path, spool: Spool) -> None:
    add(spool, "whole")
    path = next(folder.iterdir())
    with path.open("ab") as file:
        file.write(b'["0000","cut",1.0,"GE')
    assert spool.flush()
    database: Any = spool._apply
    assert [hit.code for hit in database.hits] == ["whole"]


def test_applies_by_itself(folder: Path) -> None:
    database = Database()
    spool = Spool(database)
    add(spool)
    deadline = time.monotonic() + 20
    while not database.hits and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [hit.code for hit in database.hits] == ["AbCd1234"]


def test_nobody_else_reads_the_file(folder: Path, spool: Spool) -> None:
    add(spool)
    assert next(folder.iterdir()).stat().st_mode & 0o077 == 0
