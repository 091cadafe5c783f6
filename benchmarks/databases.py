"""Databases of the benchmarks' own: made, migrated once, copied for each subject, dropped at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_URL = "postgres://postgres@127.0.0.1:5432/postgres"
NAME = "crier_bench"
BLANK = "crier_bench_blank"
# A second one, for what is compared with the same at another size.
SMALL = "crier_bench_small"
# A subject that was ended leaves its last statement running for a while.
DROP_SECONDS = 20.0


class NoDatabase(Exception):
    """The sentence says what is missing and how to get it."""


class Server:
    """A PostgreSQL server on which we may create databases. Raises NoDatabase where there is none."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_migrated = False
        try:
            self.version = str(self._value("SHOW server_version")).split()[0]
        except psycopg.Error as error:
            why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise NoDatabase(
                f"No PostgreSQL at BENCH_DATABASE_URL ({hidden_password(url)}): {why}."
                " Start one, or set BENCH_DATABASE_URL; its user must be allowed to create databases."
            ) from None

    @property
    def url(self) -> str:
        """Of the subject's database."""
        return self.url_of(NAME)

    def url_of(self, name: str) -> str:
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))

    def make_fresh(self, environment: Mapping[str, str]) -> None:
        """An empty database with all tables. Raises NoDatabase."""
        if not self._is_migrated:
            self._replace(BLANK, template="template0")
            migrate({**environment, "DATABASE_URL": self.url_of(BLANK)})
            self._is_migrated = True
        self._replace(NAME, template=BLANK)

    def make_copy(self, name: str) -> None:
        """Another empty one, where `make_fresh` was called before."""
        self._replace(name, template=BLANK)

    def drop_all(self) -> None:
        for name in (NAME, SMALL, BLANK):
            self._drop(name)

    def _replace(self, name: str, *, template: str) -> None:
        self._drop(name)
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )

    def _drop(self, name: str) -> None:
        """Not by force: whoever stays connected is another run, whose figures and data are not ours to spoil."""
        until = time.monotonic() + DROP_SECONDS
        while True:
            try:
                self._execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
                return
            except psycopg.errors.ObjectInUse:
                if time.monotonic() > until:
                    raise NoDatabase(
                        f"The database {name} is in use: another run of the benchmarks is under way. Wait for its end."
                    ) from None
                time.sleep(0.2)

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)

    def _value(self, statement: LiteralString) -> object:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute(statement).fetchone()
        return row[0] if row else None


def migrate(environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"],
        cwd=ROOT,
        env=dict(environment),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise NoDatabase(f"The tables could not be made: {lines[-1]}")


def hidden_password(url: str) -> str:
    parts = urlsplit(url)
    if not parts.password:
        return url
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rpartition('@')[2]}"))


def server_url() -> str:
    return os.environ.get("BENCH_DATABASE_URL") or DEFAULT_URL
