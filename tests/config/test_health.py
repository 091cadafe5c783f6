"""/healthz, /readyz and /metrics: what they say when all is well, and when something is missing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.heartbeat import ALIVE_FOR, beat
from accounts.models import ProcessBeat, Workspace
from config import health
from config.celery import app as celery_app
from contacts.models import Import, ImportState
from messaging.models import Dispatch, DispatchState, Message, MessageCount, MessageMinute
from providers.health import Tally, note_tally
from providers.models import ProviderAccount, StoredWebhookCall
from tests.conftest import CANARY_SECRET

TOKEN = "metrics-token-of-the-tests"
NUMBER = "1201555010{}"


def checks(response: Any) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in response.json()["checks"]}


@pytest.fixture
def living(db: None) -> None:
    for queue in ("default", "files", "send", "webhooks"):
        beat(f"worker-{queue}", "w1@example")
    beat("scheduler", "scheduler")
    beat("sweep", "sweep")


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise OperationalError(f"connection refused, password={CANARY_SECRET[:6]}")

    monkeypatch.setattr(MigrationRecorder.Migration.objects, "filter", refuse)


# --- /healthz -------------------------------------------------------------------------------------


def test_healthz_works(db: None, client: Client, settings: Settings) -> None:
    response = client.get("/healthz")
    assert response.status_code == 200
    body = response.json()
    assert (body["status"], body["version"]) == ("ok", settings.VERSION)
    assert checks(response)["database"]["ok"] is True
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.usefixtures("living")
def test_readyz_while_nothing_gets_done(client: Client) -> None:
    """A worker whose every task fails says all the same that it lives."""
    ProcessBeat.objects.filter(kind="sweep").update(seen_at=timezone.now() - timedelta(minutes=3))
    worker = checks(client.get("/readyz"))["worker"]
    assert worker["ok"] is False
    assert (
        worker["sentence"] == "A worker lives for each queue, but no sweep has come to its end for a while."
    )


@pytest.mark.usefixtures("no_database")
def test_healthz_without_a_database(db: None, client: Client) -> None:
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["title"], body["status"], body["code"]) == ("Service Unavailable", 503, "unhealthy")
    check = checks(response)["database"]
    assert check["ok"] is False
    assert "DATABASE_URL" in check["remedy"]
    assert "password" not in response.content.decode()


def test_healthz_before_migration(db: None, client: Client) -> None:
    MigrationRecorder.Migration.objects.all().delete()
    response = client.get("/healthz")
    assert response.status_code == 503
    assert checks(response)["database"]["remedy"] == "Run `manage.py migrate`."


@pytest.mark.parametrize("url", ["/healthz", "/readyz", "/metrics"])
def test_they_only_read(db: None, client: Client, url: str) -> None:
    assert client.post(url).status_code == 405


# --- /readyz --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("living")
def test_readyz_works(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200, response.content
    assert {name: check["ok"] for name, check in checks(response).items()} == {
        "database": True,
        "broker": True,
        "instance": True,
        "worker": True,
        "scheduler": True,
    }


@pytest.mark.usefixtures("living")
@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("worker-send", "Start one: `celery -A config.celery worker -Q send -P solo`."),
        ("worker-files", "Start one: `celery -A config.celery worker -Q files -P solo`."),
        ("scheduler", "Start it: `celery -A config.celery beat`."),
    ],
)
def test_readyz_without_a_process(client: Client, kind: str, remedy: str) -> None:
    long_ago = timezone.now() - ALIVE_FOR - timedelta(seconds=1)
    ProcessBeat.objects.filter(kind=kind).update(seen_at=long_ago)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["code"]) == (503, "not_ready")
    failed = [check for check in response.json()["checks"] if not check["ok"]]
    assert [(check["name"], check["remedy"]) for check in failed] == [(kind.partition("-")[0], remedy)]
    assert failed[0]["sentence"]


@pytest.mark.usefixtures("no_database")
def test_readyz_without_a_database(db: None, client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert checks(response)["broker"]["ok"] is True
    assert checks(response)["worker"]["sentence"] == "Not known while the database does not answer."


@pytest.mark.usefixtures("living")
def test_readyz_with_a_queue_folder_that_is_gone(client: Client, settings: Settings, tmp_path: Path) -> None:
    settings.CELERY_BROKER_URL = "filesystem://"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_out": str(tmp_path / "gone")}
    check = checks(client.get("/readyz"))["broker"]
    assert check["ok"] is False
    assert "writable" in check["remedy"]


@contextmanager
def broker_at(url: str, settings: Settings) -> Iterator[None]:
    before = celery_app.conf.broker_url, celery_app.conf.broker_transport_options
    settings.CELERY_BROKER_URL = url
    celery_app.conf.update(broker_url=url, broker_write_url=url, broker_transport_options={})
    try:
        yield
    finally:
        celery_app.conf.update(
            broker_url=before[0], broker_write_url=before[0], broker_transport_options=before[1]
        )


@pytest.mark.usefixtures("living")
@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_readyz_with_a_broker_that_is_down(
    client: Client, settings: Settings, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = timezone.now()
    with broker_at(f"{scheme}://user:{CANARY_SECRET}@127.0.0.1:{port}//", settings):
        response = client.get("/readyz")
    check = checks(response)["broker"]
    assert check["ok"] is False
    assert check["sentence"] == f"The broker ({scheme}) does not answer: nothing wakes the workers."
    assert CANARY_SECRET not in response.content.decode()
    assert (timezone.now() - began).total_seconds() < 4 * health.BROKER_TIMEOUT_SECONDS


@pytest.mark.usefixtures("living")
@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_readyz_with_a_broker_that_says_nothing(client: Client, settings: Settings, scheme: str) -> None:
    """A server that takes the connection and stays silent must not hold the answer up."""
    began = timezone.now()
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        broker_at(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}//", settings),
    ):
        response = client.get("/readyz")
    assert checks(response)["broker"]["ok"] is False
    assert (timezone.now() - began).total_seconds() < 4 * health.BROKER_TIMEOUT_SECONDS


# --- /metrics -------------------------------------------------------------------------------------


@pytest.fixture
def scrape(client: Client, settings: Settings, db: None) -> Any:
    settings.METRICS_TOKEN = TOKEN

    def ask() -> dict[tuple[str, str], float]:
        """Values by (name, the labels' values with a blank between)."""
        response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/plain")
        families = text_string_to_metric_families(response.content.decode())
        return {
            (sample.name, " ".join(sample.labels.values())): sample.value
            for family in families
            for sample in family.samples
        }

    return ask


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return ProviderAccount.objects.create(
        workspace=acme, vendor="bulkvs", name="main", base_url="https://vendor.example.com"
    )


def dispatch_of(account: ProviderAccount, state: str, started_at: datetime) -> Dispatch:
    return Dispatch.objects.create(
        workspace=account.workspace,
        account=account,
        state=state,
        text="Hi",
        sender="Acme",
        started_at=started_at,
    )


def message_of(dispatch: Dispatch, number: int, **fields: Any) -> Message:
    defaults = {"workspace": dispatch.workspace, "account": dispatch.account, "sender": "Acme"}
    return Message.objects.create(
        dispatch=dispatch, msisdn=NUMBER.format(number), price=Decimal("0.01"), **(defaults | fields)
    )


def test_metrics_work_on_an_empty_system(scrape: Any) -> None:
    values = scrape()
    assert values["crier_messages", "delivered"] == 0
    assert values["crier_messages", "unknown"] == 0
    assert values["crier_queue_depth", ""] == 0
    assert values["crier_oldest_due_age_seconds", ""] == 0
    assert values["crier_live_processes", "worker-send"] == 0
    assert values["process_resident_memory_bytes", ""] > 1_000_000


def test_metrics_read_kept_counters(scrape: Any, account: ProviderAccount) -> None:
    now = timezone.now()
    running = dispatch_of(account, DispatchState.RUNNING, now)
    paused = dispatch_of(account, DispatchState.PAUSED, now)
    for dispatch, state, reason, count in [
        (running, "queued", "", 40),
        (running, "delivered", "", 5),
        (running, "failed", "bad_number", 2),
        (running, "failed", "no_credit", 1),
        (paused, "queued", "", 7),
        (paused, "unknown", "", 3),
    ]:
        MessageCount.objects.create(dispatch=dispatch, state=state, reason=reason, count=count)
    values = scrape()
    assert values["crier_messages", "queued"] == 47
    assert values["crier_messages", "failed"] == 3
    assert values["crier_messages", "unknown"] == 3
    assert values["crier_queue_depth", ""] == 40, "a paused dispatch waits for a person, not for a worker"


def test_the_oldest_due_message(scrape: Any, account: ProviderAccount) -> None:
    now = timezone.now()
    running = dispatch_of(account, DispatchState.RUNNING, now - timedelta(minutes=5))
    message_of(running, 1, state="delivered", created_at=now - timedelta(hours=9))
    message_of(running, 2, due_at=now + timedelta(hours=1), created_at=now - timedelta(hours=8))
    message_of(running, 3, created_at=now - timedelta(hours=7))
    paused = dispatch_of(account, DispatchState.PAUSED, now - timedelta(hours=3))
    message_of(paused, 4, created_at=now - timedelta(hours=6))
    age = scrape()["crier_oldest_due_age_seconds", ""]
    assert 300 <= age < 330, "it could go once the dispatch ran"


def test_what_is_over_is_not_due(scrape: Any, account: ProviderAccount) -> None:
    now = timezone.now()
    over = dispatch_of(account, DispatchState.RUNNING, now - timedelta(hours=1))
    message_of(over, 1, created_at=now - timedelta(hours=1))
    Dispatch.objects.filter(pk=over.pk).update(not_after=now - timedelta(minutes=1))
    assert scrape()["crier_oldest_due_age_seconds", ""] == 0


def test_a_due_retry_counts_from_its_time(scrape: Any, account: ProviderAccount) -> None:
    now = timezone.now()
    running = dispatch_of(account, DispatchState.RUNNING, now - timedelta(hours=5))
    message_of(running, 1, due_at=now - timedelta(seconds=40), created_at=now - timedelta(hours=5))
    assert 40 <= scrape()["crier_oldest_due_age_seconds", ""] < 70


def test_webhook_calls_imports_and_processes(
    scrape: Any, account: ProviderAccount, acme: Workspace, living: None
) -> None:
    for state in ("new", "new", "applied", "rejected"):
        StoredWebhookCall.objects.create(account=account, method="POST", body=b"{}", state=state)
    for import_state in (ImportState.RUNNING, ImportState.CHECKING, ImportState.FINISHED):
        Import.objects.create(workspace=acme, file_name="people.csv", state=import_state)
    ProcessBeat.objects.create(kind="worker-send", name="dead", seen_at=timezone.now() - timedelta(minutes=1))
    values = scrape()
    assert values["crier_webhook_calls_waiting", ""] == 2
    assert values["crier_imports_running", ""] == 2
    assert values["crier_live_processes", "worker-send"] == 1
    assert values["crier_live_processes", "scheduler"] == 1


def test_rates_of_the_last_whole_minute(scrape: Any, account: ProviderAccount) -> None:
    running = dispatch_of(account, DispatchState.RUNNING, timezone.now())
    this_minute = timezone.now().replace(second=0, microsecond=0)
    for ago, count in ((0, 6000), (1, 120), (2, 6000)):
        MessageMinute.objects.create(
            dispatch=running, minute=this_minute - timedelta(minutes=ago), state="sent", count=count
        )
    values = scrape()
    assert values["crier_messages_per_second", "sent"] in (2, 100), "the minute may have passed meanwhile"
    assert values["crier_messages_per_second", "failed"] == 0


def test_what_providers_said_and_how_long_it_took(scrape: Any, account: ProviderAccount) -> None:
    two_hours = (timezone.now(), timezone.now() - timedelta(hours=1))
    for at in two_hours:
        note_tally(
            account.pk,
            Tally(taken=3, refused=1, answered=4, milliseconds=500, reported=2, report_seconds=9),
            at,
        )
    values = scrape()
    assert values["crier_provider_messages_total", f"{account.pk} taken"] == 6
    assert values["crier_provider_messages_total", f"{account.pk} refused"] == 2
    assert values["crier_provider_answer_seconds_count", str(account.pk)] == 8
    assert values["crier_provider_answer_seconds_sum", str(account.pk)] == 1.0
    assert values["crier_provider_report_seconds_count", str(account.pk)] == 4
    assert values["crier_provider_report_seconds_sum", str(account.pk)] == 18


def test_a_scrape_takes_few_queries(scrape: Any, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Eight, and those that ask where the database is: on PostgreSQL in a savepoint."""
    scrape()
    with django_assert_num_queries(9 if connection.vendor == "sqlite" else 13):
        scrape()


def test_without_a_token_there_is_no_metrics_page(db: None, client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "given", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x", "Bearer ünß"]
)
def test_a_wrong_token_is_401(db: None, client: Client, settings: Settings, given: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    response = client.get("/metrics", headers={"Authorization": given} if given else {})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "crier_" not in response.content.decode()
