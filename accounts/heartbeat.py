"""A small thread in every worker and in the scheduler writes each few seconds that the process lives."""

import threading
from datetime import timedelta

import structlog
from django.db import DatabaseError, connections
from django.utils import timezone

from accounts.models import ProcessBeat

log = structlog.get_logger("crier.heartbeat")
EVERY_SECONDS = 5.0
ALIVE_FOR = timedelta(seconds=20)
FORGET_AFTER = timedelta(hours=1)


def start_heartbeat(kind: str, name: str) -> threading.Event:
    """Starts the thread; setting the returned event ends it."""
    stop = threading.Event()
    threading.Thread(target=_beat_until, args=(kind, name, stop), name="heartbeat", daemon=True).start()
    return stop


def beat(kind: str, name: str) -> None:
    now = timezone.now()
    ProcessBeat.objects.update_or_create(kind=kind, name=name, defaults={"seen_at": now})
    ProcessBeat.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()


def is_alive(kind: str, within: timedelta = ALIVE_FOR) -> bool:
    return ProcessBeat.objects.filter(kind=kind, seen_at__gt=timezone.now() - within).exists()


def _beat_until(kind: str, name: str, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            beat(kind, name)
        except DatabaseError as error:
            # The database is away for a moment: readyz says so by itself, and the next beat mends it.
            log.warning("heartbeat not written", kind=kind, error=str(error))
            connections.close_all()
        stop.wait(EVERY_SECONDS)
    connections.close_all()
