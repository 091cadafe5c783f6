"""Health, calls and traffic of an account over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry, Workspace
from providers import tasks
from providers.connectors.operations import Exchange
from providers.health import Tally, note_tally
from providers.models import ProviderAccount, StoredWebhookCall
from providers.services import keep_exchanges, store_call
from tests.access import assert_access
from tests.conftest import SentTask
from tests.people import api_client
from tests.providers.makers import make_account


@pytest.fixture(autouse=True)
def no_wake_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_next_wake", 0.0)


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


def url(account: ProviderAccount, rest: str) -> str:
    return f"/api/v1/provider-accounts/{account.pk}/{rest}"


def stored(account: ProviderAccount, state: str, body: bytes = b"{}") -> StoredWebhookCall:
    headers = {"Content-Type": "application/json"}
    call = store_call(
        account_id=account.pk,
        method="POST",
        query="a=1",
        headers=headers,
        body=body,
        remote_address="192.0.2.1",
    )
    StoredWebhookCall.objects.filter(pk=call.pk).update(state=state)
    return call


def kept(account: ProviderAccount, operation: str = "send", trouble: str = "") -> None:
    exchange = Exchange(operation, "POST", "https://api.example.com/", "{}", 200, "[]", 0.1, trouble)
    keep_exchanges(account.pk, [exchange])


def listed(client: Any, address: str, **query: str) -> list[dict[str, Any]]:
    response = client.get(address, query)
    assert response.status_code == 200, response.content
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def test_who_may(account: ProviderAccount) -> None:
    call = stored(account, "rejected")
    assert_access(url(account, "health/"))
    assert_access(url(account, "calls/"))
    assert_access(url(account, f"calls/{call.pk}/"))
    assert_access(url(account, "traffic/"), viewer=403, marketer=403, admin=200)
    refused: dict[str, Any] = {"viewer": 403, "marketer": 403, "wrong_method": "get"}
    assert_access(url(account, f"calls/{call.pk}/apply-again/"), "post", admin=200, **refused)
    assert_access(
        url(account, "calls/apply-again/"), "post", admin=200, data={"state": "rejected"}, **refused
    )


def test_health(account: ProviderAccount) -> None:
    tally = Tally(taken=3, refused=1, answered=4, milliseconds=1000, slowest_milliseconds=700, throttled=2)
    note_tally(account.pk, tally)
    note_tally(account.pk, Tally(taken=10), timezone.now() - timedelta(hours=30))
    viewer = api_client("viewer")
    assert viewer.get(url(account, "health/")).json() == {
        "hours": 24,
        "handed_over": 4,
        "taken_share": 0.75,
        "answer_milliseconds": 250,
        "slowest_milliseconds": 700,
        "delivered": 0,
        "delivered_share": None,
        "report_seconds": None,
        "refused": 1,
        "throttled": 2,
        "unclear": 0,
        "unreachable": 0,
    }
    assert viewer.get(url(account, "health/"), {"hours": "48"}).json()["handed_over"] == 14


@pytest.mark.parametrize("query", [{"hours": "0"}, {"hours": "2161"}, {"hours": "x"}, {"days": "1"}])
def test_health_rejects(account: ProviderAccount, query: dict[str, str]) -> None:
    response = api_client("viewer").get(url(account, "health/"), query)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == next(iter(query))


def test_calls_by_state(account: ProviderAccount) -> None:
    rejected, applied = stored(account, "rejected"), stored(account, "applied")
    client = api_client("viewer")
    assert [row["id"] for row in listed(client, url(account, "calls/"))] == [applied.pk, rejected.pk]
    assert [row["id"] for row in listed(client, url(account, "calls/"), state="rejected")] == [rejected.pk]
    assert client.get(url(account, "calls/"), {"state": "odd"}).status_code == 400


def test_only_an_admins_key_sees_what_was_posted(account: ProviderAccount) -> None:
    call = stored(account, "rejected", b"x" * 9000 + b"\xff")
    secret = ("remote_address", "query", "headers", "body")
    for address in (url(account, "calls/"), url(account, f"calls/{call.pk}/")):
        answer = api_client("marketer").get(address).json()
        row = answer["results"][0] if "results" in answer else answer
        assert [row[name] for name in secret] == [None] * 4
    admin = api_client("admin")
    [row] = listed(admin, url(account, "calls/"))
    assert (row["remote_address"], row["query"], len(row["body"])) == ("192.0.2.1", "a=1", 8000)
    assert row["headers"] == {"content-type": "application/json"}
    assert admin.get(url(account, f"calls/{call.pk}/")).json()["body"] == "x" * 9000 + "�"


def test_lists_cost_the_same_however_long(account: ProviderAccount) -> None:
    admin, counts = api_client("admin"), []
    listed(admin, url(account, "calls/"))  # the first call notes when the key was used
    for _ in range(2):
        for _ in range(10):
            stored(account, "rejected")
            kept(account)
        for rest in ("calls/", "traffic/"):
            with CaptureQueriesContext(connection) as queries:
                listed(admin, url(account, rest))
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


def test_one_is_applied_again(account: ProviderAccount, sent_tasks: list[SentTask]) -> None:
    call, admin = stored(account, "rejected"), api_client("admin")
    address = url(account, f"calls/{call.pk}/apply-again/")
    assert [admin.post(address).json() for _ in range(2)] == [{"calls": 1}, {"calls": 0}]
    assert StoredWebhookCall.objects.get().state == "new"
    assert sent_tasks[0].name == "providers.tasks.apply_webhook_calls"
    entry = AuditEntry.objects.get(action="applied a webhook call again")
    assert entry.api_key is not None


def test_all_of_a_state_are_applied_again(account: ProviderAccount) -> None:
    for state in ("unmatched", "rejected", "unmatched"):
        stored(account, state)
    response = api_client("admin").post(url(account, "calls/apply-again/"), {"state": "unmatched"})
    assert response.json() == {"calls": 2}
    assert list(StoredWebhookCall.objects.order_by("id").values_list("state", flat=True)) == [
        "new",
        "rejected",
        "new",
    ]


@pytest.mark.parametrize("body", [{}, {"state": "applied"}, {"state": "unmatched", "limit": 1}])
def test_rejects_to_apply_again(account: ProviderAccount, body: dict[str, Any]) -> None:
    stored(account, "unmatched")
    assert api_client("admin").post(url(account, "calls/apply-again/"), body).status_code == 400
    assert StoredWebhookCall.objects.get().state == "unmatched"


def test_traffic(account: ProviderAccount) -> None:
    kept(account)
    kept(account, "test", "It refused.")
    admin = api_client("admin")
    newest, oldest = listed(admin, url(account, "traffic/"))
    assert (newest["operation"], newest["trouble"], newest["milliseconds"]) == ("test", "It refused.", 100)
    assert (oldest["request"], oldest["answer"], oldest["status"]) == ("{}", "[]", 200)
    for query, operation in (
        ({"operation": "send"}, "send"),
        ({"trouble": "true"}, "test"),
        ({"trouble": "false"}, "send"),
    ):
        assert [row["operation"] for row in listed(admin, url(account, "traffic/"), **query)] == [operation]
    assert admin.get(url(account, "traffic/"), {"trouble": "perhaps"}).status_code == 400
