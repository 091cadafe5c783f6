"""The send loop: claim, render, pace, submit, write back. One `Engine` in each worker process.

The database is the queue and decides who sends what; a worker may die at any line. What it had handed over is found by
the sweep when its lease ends and becomes `unknown`; what it had only claimed goes back into the queue (journal.py).
"""

from messaging.engine.journal import recover
from messaging.engine.loop import Engine, EngineReport, request_shutdown

__all__ = ["Engine", "EngineReport", "recover", "request_shutdown"]
