"""The Celery application: workers, and the scheduler that sweeps. See messaging/tasks.py and campaigns/tasks.py."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import (
    beat_init,
    setup_logging,
    task_prerun,
    worker_init,
    worker_ready,
    worker_shutting_down,
)
from kombu.transport import TRANSPORT_ALIASES

from config import file_queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
TRANSPORT_ALIASES["filesystem"] = file_queue.ALIAS

# Celery warns of root because of pickle, which we do not accept; eight lines of it hide the first log lines.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("crier")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Celery would set up its own loggers otherwise; Django's are already in place."""


@worker_init.connect
def load_addresses(**_: Any) -> None:
    """Before the worker forks its processes: else the first broadcast of each waits for them (0.4 s)."""
    from django.urls import is_valid_path  # the apps are loaded only now

    is_valid_path("/")


@worker_ready.connect
def beat_as_worker(sender: Any, **_: Any) -> None:
    from accounts.heartbeat import start_heartbeat  # the apps are loaded only now

    # One beat a queue: a worker of another queue does not stand in for a dead one.
    for queue in sender.app.amqp.queues.consume_from:
        start_heartbeat(f"worker-{queue}", str(sender.hostname))


@task_prerun.connect
def drop_broken_connections(**_: Any) -> None:
    """Celery keeps the database connection over many tasks (CELERY_DB_REUSE_MAX) and does not look at it."""
    from django.db import close_old_connections  # the apps are loaded only now

    close_old_connections()


@beat_init.connect
def beat_as_scheduler(**_: Any) -> None:
    from accounts.heartbeat import start_heartbeat  # the apps are loaded only now

    start_heartbeat("scheduler", "scheduler")
    # At once, not at the end of its first interval: what is sent before the sandbox knows us gets no receipts.
    if "tend-sandbox" in app.conf.beat_schedule:
        app.send_task("providers.tasks.tend_sandbox", retry=False)


@worker_shutting_down.connect
def tell_engine(**_: Any) -> None:
    from messaging.engine import request_shutdown  # the apps are loaded only now

    request_shutdown()
