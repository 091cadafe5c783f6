"""The same pages on SQLite; the subject's process was given a SQLite file."""

from benchmarks.audience import run

__all__ = ["run"]
