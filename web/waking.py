"""Sending a Celery task that only wakes somebody up: never fails the request or the transaction that asks for it."""

from __future__ import annotations

from typing import Any

import structlog

log = structlog.get_logger("crier.tasks")


def wake(task: Any, *args: Any, expires: float | None = None) -> bool:
    """False when the broker did not take it, for whatever reason: what is due stands in the database, and the sweep
    finds it. Each broker's driver has errors of its own, so all are caught; their words may hold an address with its
    password, so only their kind is logged."""
    try:
        task.apply_async(args=args, expires=expires, retry=False)
    except Exception as error:
        log.warning(
            "the broker did not take a wake-up; the sweep will see to it",
            task=task.name,
            error=type(error).__name__,
        )
        return False
    return True
