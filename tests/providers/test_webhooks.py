"""The address that vendors post to: quick, public, and safe to post anything at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from kombu.exceptions import OperationalError
from pytest_django import DjangoAssertNumQueries

from accounts.access import Actor
from accounts.models import Workspace
from providers import tasks
from providers.models import ProviderAccount, StoredWebhookCall
from providers.services import set_enabled
from providers.webhooks import BODY_MOST
from tests.conftest import SentTask
from tests.people import client_of, person
from tests.providers.makers import make_account

TASK = "providers.tasks.apply_webhook_calls"


@pytest.fixture(autouse=True)
def no_wake_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tasks, "_next_wake", 0.0)
    yield


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


@pytest.fixture
def url(account: ProviderAccount) -> str:
    return f"/hooks/{account.webhook_token}/"


def test_it_works(client: Client, account: ProviderAccount, url: str, sent_tasks: list[SentTask]) -> None:
    body = b'{"message_id": "m1", "odd": "\xff"}'
    response = client.post(url + "?a=1&b=%20", body, content_type="application/json")
    assert (response.status_code, response.content) == (200, b"OK")
    call = StoredWebhookCall.objects.get()
    assert (call.account, call.method, call.query, bytes(call.body)) == (account, "POST", "a=1&b=%20", body)
    assert (call.state, call.remote_address) == ("new", "127.0.0.1")
    assert [task.name for task in sent_tasks] == [TASK]


def test_a_call_by_get_is_stored(client: Client, url: str) -> None:
    assert client.get(url, {"from": "12015550123", "message": "STOP"}).status_code == 200
    call = StoredWebhookCall.objects.get()
    assert (call.method, call.query, bytes(call.body)) == ("GET", "from=12015550123&message=STOP", b"")


def test_the_slash_may_be_missing(client: Client, url: str) -> None:
    assert client.post(url.rstrip("/"), b"{}", content_type="application/json").status_code == 200


def test_no_csrf_token_is_asked_for(url: str) -> None:
    assert Client(enforce_csrf_checks=True).post(url, b"{}", content_type="text/plain").status_code == 200


def test_no_session_is_read_or_made(
    url: str, django_assert_num_queries: DjangoAssertNumQueries, account: ProviderAccount
) -> None:
    client = client_of(person("alice"))
    with django_assert_num_queries(2):
        response = client.post(url, b"{}", content_type="application/json")
    assert not response.cookies


@pytest.mark.parametrize("token", ["A" * 43, "short", "x" * 65, "%00" * 30, "a" * 20 + "/b"])
def test_an_unknown_token_is_404_and_stores_nothing(client: Client, db: None, token: str) -> None:
    assert client.post(f"/hooks/{token}/", b"{}", content_type="application/json").status_code == 404
    assert not StoredWebhookCall.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client: Client, url: str, method: str) -> None:
    assert getattr(client, method)(url).status_code == 405


@pytest.mark.parametrize(("size", "status"), [(BODY_MOST, 200), (BODY_MOST + 1, 413)])
def test_the_body_is_capped(client: Client, url: str, size: int, status: int) -> None:
    assert client.post(url, b"x" * size, content_type="text/plain").status_code == status
    assert StoredWebhookCall.objects.count() == (1 if status == 200 else 0)


def test_a_body_without_length_is_refused(client: Client, url: str) -> None:
    response = client.post(url, b"", content_type="text/plain", headers={"Transfer-Encoding": "chunked"})
    assert response.status_code == 411


def test_neither_authorization_nor_cookies_are_kept(client: Client, url: str) -> None:
    client.cookies["sessionid"] = "secret-cookie"
    headers = {"Authorization": "Basic c2VjcmV0", "User-Agent": "Vendor/1", "X-Api-Key": "secret-key"}
    client.post(url, b"{}", content_type="application/json", headers=headers)
    assert StoredWebhookCall.objects.get().headers == {
        "content-type": "application/json",
        "content-length": "2",
        "user-agent": "Vendor/1",
    }


def test_a_disabled_account_is_still_heard(client: Client, account: ProviderAccount, url: str) -> None:
    set_enabled(account=account, enabled=False, actor=Actor())
    assert client.post(url, b"{}", content_type="application/json").status_code == 200


def test_a_burst_wakes_one_worker(client: Client, url: str, sent_tasks: list[SentTask]) -> None:
    for _ in range(5):
        client.post(url, b"{}", content_type="application/json")
    assert len(sent_tasks) == 1
    assert sent_tasks[0].options["retry"] is False


def test_the_next_wake_comes_after_its_time(
    client: Client, url: str, sent_tasks: list[SentTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(tasks.time, "monotonic", lambda: now)
    client.post(url, b"{}", content_type="application/json")
    now += tasks.WAKE_EVERY_SECONDS
    client.post(url, b"{}", content_type="application/json")
    assert len(sent_tasks) == 2


@pytest.mark.parametrize(
    "error", [OperationalError("no broker"), ConnectionRefusedError(), PermissionError()]
)
def test_a_broker_that_is_away_fails_no_call(
    client: Client, url: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    tries = []

    def fail(**_options: object) -> None:
        tries.append(1)
        raise error

    monkeypatch.setattr(tasks.apply_webhook_calls, "apply_async", fail)
    for _ in range(3):
        assert client.post(url, b"{}", content_type="application/json").status_code == 200
    assert (StoredWebhookCall.objects.count(), len(tries)) == (3, 1)
