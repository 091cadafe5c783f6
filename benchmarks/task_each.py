"""The usual way to send from Django: one Celery task a message, ORM get, httpx post, ORM save.

The worker is Celery's own command: `celery -A benchmarks.task_each worker`. BENCH_TASK_BROKER, BENCH_TASK_VENDOR and
BENCH_TASK_REUSE (how many tasks a database connection may serve; empty: Celery's default, one) tell it where.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from celery import Celery
from kombu import Connection

DEFAULT_BROKER = "redis://127.0.0.1:6379/9"
QUEUE = "crier-bench-each"
ENOUGH_SECONDS = 120.0

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("task_each", broker=os.environ.get("BENCH_TASK_BROKER", DEFAULT_BROKER))
app.conf.update(
    task_ignore_result=True,
    task_default_queue=QUEUE,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
reuse = os.environ.get("BENCH_TASK_REUSE", "")
app.conf["CELERY_DB_REUSE_MAX"] = int(reuse) if reuse else None
if str(app.conf.broker_url).startswith("filesystem"):
    folder = Path(os.environ["BENCH_TASK_FOLDER"])
    for part in ("queue", "control"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    app.conf.broker_transport_options = {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.05,
    }

_client: list[httpx.Client] = []


@app.task(name="benchmarks.send_one")
def send_one(message_id: int) -> None:
    from django.utils import timezone  # the apps are loaded by the worker, after this module

    from contacts.models import Recipient
    from messaging.models import Message

    if not _client:
        _client.append(httpx.Client(timeout=30, trust_env=False))
    message = Message.objects.select_related("dispatch").get(pk=message_id)
    recipient = Recipient.objects.get(pk=message.recipient_id or 0)
    text = message.dispatch.text
    for token, value in {
        "{{first_name|there}}": recipient.first_name or "there",
        "{{custom1}}": recipient.custom1,
        "{{url}}": recipient.url,
    }.items():
        text = text.replace(token, value)
    body = {"api_key": "stand-in-key", "from": message.sender, "to": message.msisdn, "text": text}
    answer = _client[0].post(os.environ["BENCH_TASK_VENDOR"] + "/sms", json=body)
    answer.raise_for_status()
    message.provider_message_id = answer.json()["message_id"]
    message.state = "sent"
    message.text = text
    message.submitted_at = message.changed_at = timezone.now()
    message.save()


def broker_settings(folder: Path) -> dict[str, str]:
    """Redis where it answers, else files: the settings of task_each's processes."""
    url = os.environ.get("BENCH_BROKER_URL") or DEFAULT_BROKER
    if not answers(url):
        print(f"(no broker at {urlsplit(url).hostname}: Celery's filesystem broker) ", end="", flush=True)
        url = "filesystem://"
    return {"BENCH_TASK_BROKER": url, "BENCH_TASK_FOLDER": str(folder)}


def answers(url: str) -> bool:
    try:
        with Connection(url, connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except Exception:  # each kind of broker has its own tree of errors
        return False
    return True


def send_all(ids: Sequence[int], *, vendor_url: str, broker: dict[str, str], reuse: int | None) -> float:
    """Messages a second of one worker with a process a core, from its first message on."""
    environment = (
        os.environ | broker | {"BENCH_TASK_VENDOR": vendor_url, "BENCH_TASK_REUSE": str(reuse or "")}
    )
    enqueue = [sys.executable, "-m", "benchmarks.task_each", *map(str, ids)]
    subprocess.run(enqueue, env=environment, check=True)
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "benchmarks.task_each", "worker"]
    command += ["--queues", QUEUE, "--concurrency", str(os.cpu_count() or 1), "--loglevel", "ERROR"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        return _rate_of_sent(len(ids))
    finally:
        worker.terminate()
        worker.wait(30)


def _rate_of_sent(count: int) -> float:
    from messaging.models import Message

    sent: Any = Message.objects.filter(state="sent")
    until = time.monotonic() + ENOUGH_SECONDS
    first, first_at = 0, 0.0
    while time.monotonic() < until:
        now_sent = sent.count()
        if now_sent and not first_at:
            first, first_at = now_sent, time.perf_counter()
        if now_sent >= count and first_at:
            return (count - first) / (time.perf_counter() - first_at)
        time.sleep(0.02)
    raise AssertionError(f"{sent.count():,} of {count:,} messages were sent in {ENOUGH_SECONDS:.0f} seconds.")


def main() -> None:
    """Queues a task for each message id given, after what an earlier run left is thrown away."""
    app.control.purge()
    for message_id in sys.argv[1:]:
        send_one.delay(int(message_id))


if __name__ == "__main__":
    main()
