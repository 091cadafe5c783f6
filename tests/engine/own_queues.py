"""Crier's processes on queues of their own, whoever else uses the broker: what is wiped there is nobody else's.

`python -m tests.engine.own_queues worker -Q NAMEsend …` as `celery -A config.celery worker …`, and
`tests.engine.own_queues:application` for the web server. NAME: CRIER_TEST_QUEUES.
"""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.celery import app

PREFIX = os.environ.get("CRIER_TEST_QUEUES", "")

app.conf.task_default_queue = PREFIX + "default"
app.conf.task_default_exchange = app.conf.task_default_routing_key = PREFIX + "default"
app.conf.task_routes = {
    name: {"queue": PREFIX + route["queue"]} for name, route in app.conf.task_routes.items()
}

if __name__ == "__main__":
    app.start(sys.argv[1:])
else:
    from config.asgi import application as application
