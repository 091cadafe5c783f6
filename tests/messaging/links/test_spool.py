"""Hits on their way: none is lost by a database that is away, a process that dies or a disk that is full."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

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
