"""The doctor: each rule names what is wrong, and is silent otherwise."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.heartbeat import beat
from accounts.instance import fence
from accounts.models import Instance, Workspace
from campaigns.models import Broadcast, BroadcastState
from campaigns.services.drafts import create_draft
from config import doctor
from config.doctor import WATCH, WRONG, Finding, examine
from contacts.models import Import, ImportState
from messaging.models import Dispatch, Message, MessageCount, ReceiptQuestion, WebhookEndpoint
from providers.models import (
    Health,
    ProviderAccount,
    ReceiptRound,
    RemoteRecord,
    StoredWebhookCall,
    SyncState,
)
from tests.engine.makers import make_account, make_dispatch

pytestmark = pytest.mark.django_db
AN_HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def sound(db: None, settings: Settings, tmp_path: Path) -> None:
    """Everything lives, and settings are those of a real installation."""
    for queue in ("default", "files", "send", "webhooks"):
        beat(f"worker-{queue}", "w1@example")
    beat("scheduler", "scheduler")
    beat("sweep", "sweep")
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.PUBLIC_URL_IS_SET, settings.HTTPS = True, True
    settings.DEBUG = False


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


@pytest.fixture
def dispatch(account: ProviderAccount) -> Dispatch:
    return make_dispatch(account.workspace, account, people=5)


def found(*, deep: bool = False) -> list[tuple[str, str]]:
    return [(finding.code, finding.level) for finding in examine(deep=deep)]


def only() -> Finding:
    (finding,) = examine()
    return finding


def long_ago(dispatch: Dispatch, ago: timedelta = AN_HOUR) -> None:
    Dispatch.objects.filter(pk=dispatch.pk).update(
        changed_at=timezone.now() - ago, started_at=timezone.now() - ago
    )
    Message.objects.filter(dispatch=dispatch).update(created_at=timezone.now() - ago)


def test_it_works() -> None:
    assert examine(deep=True) == []


def test_a_running_broadcast_is_no_finding(dispatch: Dispatch) -> None:
    assert examine(deep=True) == []


def test_it_names_what_does_not_live() -> None:
    beat("scheduler", "scheduler")
    doctor.health.ProcessBeat.objects.filter(kind="worker-send").delete()
    assert only().sentence == "No worker lives for: sending."


def test_it_names_a_copy() -> None:
    fence()
    Instance.objects.update(place={"database": "elsewhere", "address": ""})
    assert found() == [("instance", WRONG)]


def test_it_names_missing_migrations() -> None:
    last = MigrationRecorder.Migration.objects.filter(app="campaigns").latest("name")
    MigrationRecorder.Migration.objects.filter(pk=last.pk).delete()
    finding = only()
    assert finding.code == "migrations"
    assert f"campaigns.{last.name}" in finding.sentence
    assert "manage.py migrate" in finding.remedy


def test_it_names_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(total=100, used=99, free=5 * 1024**2)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert {finding.sentence for finding in examine()} == {
        "The disk of CRIER_DATA has 5 MB left.",
        "The disk of CRIER_UPLOADS has 5 MB left.",
    }


def test_it_names_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor.os.access
    monkeypatch.setattr(
        doctor.os, "access", lambda path, mode: str(path)[-5:] != "/data" and real(path, mode)
    )
    assert only().sentence == "The folder of CRIER_DATA cannot be written by this user."


@pytest.mark.skipif("__import__('django.db').db.connection.vendor != 'postgresql'")
def test_it_names_clocks_that_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(seconds=90)
    monkeypatch.setattr(doctor.timezone, "now", lambda: later)
    assert ("clock", WRONG) in found()


def test_it_names_a_public_address_that_is_missing(settings: Settings) -> None:
    settings.EMBEDDED, settings.PUBLIC_URL_IS_SET = False, False
    assert found() == [("public_url", WRONG)]


def test_it_names_an_address_without_encryption(settings: Settings) -> None:
    settings.HTTPS = False
    assert found() == [("https", WATCH)]


# --- accounts -------------------------------------------------------------------------------------------


def test_it_names_credentials_that_no_key_opens(account: ProviderAccount) -> None:
    ProviderAccount.objects.update(encrypted_credentials="of another key")
    finding = only()
    assert (finding.code, finding.level) == ("credentials", WRONG)
    assert finding.sentence.startswith("The account “bulkvs test” of acme: ")
    ProviderAccount.objects.update(enabled=False)
    assert examine() == []


def test_it_names_accounts_that_fail(account: ProviderAccount) -> None:
    ProviderAccount.objects.update(health=Health.FAILING, health_words="No credit.")
    assert only().sentence == "The account “bulkvs test” of acme fails: No credit."


def test_it_names_accounts_of_unknown_providers(account: ProviderAccount) -> None:
    ProviderAccount.objects.update(vendor="gone")
    assert found() == [("vendor", WRONG)]


# --- sending --------------------------------------------------------------------------------------------


def test_it_names_a_queue_that_stands_still(dispatch: Dispatch) -> None:
    long_ago(dispatch)
    assert only().sentence == "A message has been due for 60 minutes."


def test_it_names_claims_that_nobody_swept(dispatch: Dispatch) -> None:
    Message.objects.update(state="submitting", lease_until=timezone.now() - AN_HOUR)
    finding = only()
    assert (finding.code, finding.level) == ("leases", WRONG)
    assert finding.sentence.startswith("5 messages are held by workers")


def test_it_names_what_stays_unknown(dispatch: Dispatch) -> None:
    Message.objects.update(state="unknown")
    MessageCount.objects.update(state="unknown")
    Dispatch.objects.update(state="finished")
    assert examine() == []
    long_ago(dispatch, timedelta(days=8))
    assert found() == [("unknown", WATCH)]


def test_it_names_messages_that_wait_in_what_is_over(dispatch: Dispatch) -> None:
    Dispatch.objects.update(state="finished")
    long_ago(dispatch)
    finding = only()
    assert (finding.code, finding.level) == ("strays", WRONG)
    assert finding.sentence == f"5 messages wait in dispatches that are over (numbers {dispatch.pk})."


def broadcast_of(workspace: Workspace, **fields: object) -> Broadcast:
    made = create_draft(workspace=workspace, actor=Actor(), name="Autumn sale")
    Broadcast.objects.filter(pk=made.pk).update(**fields)
    return made


def test_it_names_what_crier_paused(acme: Workspace) -> None:
    broadcast_of(acme, state=BroadcastState.PAUSED, state_reason="No credit.")
    assert only().sentence == "Crier paused these broadcasts and waits for a person: Autumn sale."


def test_it_does_not_name_what_a_person_paused(acme: Workspace) -> None:
    broadcast_of(acme, state=BroadcastState.PAUSED, state_reason="")
    assert examine() == []


def test_it_names_schedules_that_nobody_launched(acme: Workspace) -> None:
    broadcast_of(acme, state=BroadcastState.SCHEDULED, send_at=timezone.now() - AN_HOUR)
    assert found() == [("schedules", WRONG)]


def test_it_names_planning_that_does_not_end(acme: Workspace, account: ProviderAccount) -> None:
    running = broadcast_of(acme, state=BroadcastState.RUNNING)
    planning = make_dispatch(acme, account, broadcast_id=running.pk, start=False)
    running.segments.create(number=1, dispatch=planning)
    assert examine() == []
    long_ago(planning)
    assert found() == [("planning", WATCH)]


# --- what comes in and goes out -------------------------------------------------------------------------


def test_it_names_calls_that_wait(account: ProviderAccount) -> None:
    call = StoredWebhookCall.objects.create(account=account, method="POST", body=b"{}")
    assert examine() == []
    StoredWebhookCall.objects.filter(pk=call.pk).update(try_at=timezone.now() - AN_HOUR)
    assert found() == [("calls", WATCH)]


def test_it_names_calls_that_fail_again_and_again(account: ProviderAccount) -> None:
    StoredWebhookCall.objects.create(account=account, method="POST", body=b"{}", tries=doctor.TRIES_MANY - 1)
    assert examine() == []
    StoredWebhookCall.objects.update(tries=doctor.TRIES_MANY)
    assert found() == [("failing_calls", WATCH)]
    StoredWebhookCall.objects.update(received_at=timezone.now() - AN_HOUR, try_at=timezone.now())
    assert found() == [("failing_calls", WRONG)]


def test_it_names_calls_that_are_not_understood(account: ProviderAccount) -> None:
    StoredWebhookCall.objects.create(account=account, method="POST", body=b"{}", state="rejected")
    assert only().sentence == "Calls that are not understood came for: bulkvs test."


def test_it_names_webhooks_that_were_disabled(acme: Workspace) -> None:
    hook = WebhookEndpoint.objects.create(
        workspace=acme, url="https://hooks.example.com/in?key=1", enabled=False
    )
    assert examine() == []
    WebhookEndpoint.objects.filter(pk=hook.pk).update(disabled_because="failing")
    assert only().sentence == "Webhooks were disabled because nothing got through: hooks.example.com."


def test_it_names_accounts_that_do_not_say_what_became_of_texts(account: ProviderAccount) -> None:
    asked = ReceiptRound.objects.create(account=account, failures=3, words="503")
    assert examine() == [], "nothing is asked for"
    ReceiptQuestion.objects.create(message_id=1, account=account, due_at=timezone.now())
    assert only().sentence == "Delivery reports are asked for and not got: bulkvs test."
    asked.failures = 2
    asked.save()
    assert examine() == []


def test_it_names_what_could_not_be_synced(account: ProviderAccount) -> None:
    RemoteRecord.objects.create(account=account, entity="link", local_id=1, name="x", state=SyncState.FAILED)
    assert only().sentence == "Something could not be brought to the provider: bulkvs test (1 in all)."


def test_it_names_jobs_that_nobody_works_on(acme: Workspace) -> None:
    made = Import.objects.create(
        workspace=acme, file_name="people.csv", state=ImportState.RUNNING, lease_until=timezone.now()
    )
    assert examine() == []
    Import.objects.filter(pk=made.pk).update(lease_until=timezone.now() - AN_HOUR)
    assert found() == [("jobs", WRONG)]


# --- counters, and the command --------------------------------------------------------------------------


def test_it_names_counters_that_differ_only_when_asked(dispatch: Dispatch) -> None:
    MessageCount.objects.update(count=6)
    assert examine() == []
    (finding,) = examine(deep=True)
    assert finding.code == "counters"
    assert f"in {dispatch.pk} 6 are kept as queued, and there are 5" in finding.sentence


def test_names_in_a_sentence_are_few() -> None:
    assert doctor._named([str(number) for number in range(11)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"


def test_the_command_is_content() -> None:
    out = StringIO()
    call_command("doctor", stdout=out)
    assert out.getvalue().strip() == "Nothing is wrong."


def test_the_command_ends_with_one_where_something_is_wrong(acme: Workspace) -> None:
    broadcast_of(acme, state=BroadcastState.SCHEDULED, send_at=timezone.now() - AN_HOUR)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=out, no_color=True)
    assert ended.value.code == 1
    assert out.getvalue().startswith("WRONG  The time of these scheduled broadcasts has passed")


def test_the_command_ends_well_where_something_is_only_to_be_looked_at(settings: Settings) -> None:
    settings.HTTPS = False
    out = StringIO()
    call_command("doctor", "--json", stdout=out)
    assert [one["code"] for one in json.loads(out.getvalue())["findings"]] == ["https"]


def test_the_command_counts_again(dispatch: Dispatch) -> None:
    MessageCount.objects.update(count=6)
    out = StringIO()
    call_command("doctor", "--recount", "--deep", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"recounted": 1, "findings": []}
    assert dispatch.counts.get().count == 5
