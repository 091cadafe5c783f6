"""The same planning on SQLite; the subject's process was given a SQLite file."""

from benchmarks.plan import run

__all__ = ["run"]
