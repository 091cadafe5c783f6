"""What the scheduler's sweep does for sending, as a process of its own and five times a second."""

import os
import signal
import threading

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from messaging.dispatches import finish_done_dispatches  # noqa: E402  # the apps must be loaded first
from messaging.engine import recover  # noqa: E402
from messaging.ledger import expire_leases  # noqa: E402
from messaging.tasks import wake_engine  # noqa: E402

if __name__ == "__main__":
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.wait(0.2):
        recover()
        expire_leases()
        finish_done_dispatches()
        wake_engine()
