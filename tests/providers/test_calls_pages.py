"""Calls of vendors on pages: found by state, read by admins, applied again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from providers import tasks
from providers.models import ProviderAccount, StoredWebhookCall
from providers.services import (
    ProviderAccountError,
    apply_state_again,
    store_call,
    troubled_calls,
    webhook_calls,
)
from providers.spread_out import spread_out
from tests.access import assert_access
from tests.conftest import SentTask
from tests.providers.makers import make_account


@pytest.fixture(autouse=True)
def no_wake_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_next_wake", 0.0)


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


def stored(
    account: ProviderAccount, state: str = "new", body: bytes = b"{}", words: str = "", query: str = ""
) -> StoredWebhookCall:
    headers = {"Content-Type": "application/json"}
    call = store_call(
        account_id=account.pk,
        method="POST",
        query=query,
        headers=headers,
        body=body,
        remote_address="192.0.2.7",
    )
    applied_at = None if state == "new" else timezone.now()
    StoredWebhookCall.objects.filter(pk=call.pk).update(state=state, words=words, applied_at=applied_at)
    call.refresh_from_db()
    return call


def url(account: ProviderAccount, name: str = "calls", *ids: int) -> str:
    return reverse(f"provider-account-{name}", args=[account.pk, *ids])


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def states() -> Iterable[str]:
    return list(StoredWebhookCall.objects.order_by("id").values_list("state", flat=True))


def test_who_sees_and_who_applies_again(account: ProviderAccount) -> None:
    call = stored(account, "rejected")
    assert_access(url(account), wrong_method="post")
    assert_access(url(account, "call", call.pk), wrong_method="post")
    for name, ids in (("call-again", (call.pk,)), ("calls-again", ())):
        assert_access(
            url(account, name, *ids), "post", viewer=403, marketer=403, admin=302, wrong_method="get", data={}
        )


def test_each_state_has_its_tab(account: ProviderAccount, victor_client: Client) -> None:
    stored(account, "applied", words="was applied")
    stored(account, "rejected", words="The body is not JSON.")
    everything = text_of(victor_client, url(account))
    assert "was applied" in everything and "The body is not JSON." in everything
    rejected = text_of(victor_client, url(account) + "?state=rejected")
    assert "The body is not JSON." in rejected and "was applied" not in rejected
    assert "None is in this state" in text_of(victor_client, url(account) + "?state=unmatched")


def test_a_call_of_another_account_is_404(
    acme: Workspace, account: ProviderAccount, alice_client: Client
) -> None:
    foreign = stored(make_account(acme, "bulkvs"))
    assert alice_client.get(url(account, "call", foreign.pk)).status_code == 404
    assert alice_client.post(url(account, "call-again", foreign.pk)).status_code == 404


def test_only_admins_see_what_was_posted(
    account: ProviderAccount, victor_client: Client, adam_client: Client
) -> None:
    call = stored(account, "rejected", b'{"a": "<b>odd</b>\xff"}', query="from=12015550123")
    for address in (url(account), url(account, "call", call.pk)):
        shown = text_of(victor_client, address)
        assert "odd" not in shown and "12015550123" not in shown and "192.0.2.7" not in shown
    assert "&lt;b&gt;odd&lt;/b&gt;" in text_of(adam_client, url(account))
    full = text_of(adam_client, url(account, "call", call.pk))
    for part in ("&lt;b&gt;odd&lt;/b&gt;", "from=12015550123", "192.0.2.7", "content-type"):
        assert part in full


def test_a_long_body_is_cut(account: ProviderAccount, adam_client: Client) -> None:
    call = stored(account, body=b"x" * 200_000)
    shown = text_of(adam_client, url(account, "call", call.pk))
    assert "Only the beginning is shown." in shown
    assert "200,000 bytes" in shown
    assert len(shown) < 150_000


def test_the_list_costs_the_same_however_long(account: ProviderAccount, adam_client: Client) -> None:
    counts = []
    for _ in range(2):
        for _ in range(30):
            stored(account, "rejected", b"{}" * 10_000)
        text_of(adam_client, url(account))
        with CaptureQueriesContext(connection) as queries:
            shown = text_of(adam_client, url(account) + "?state=rejected")
        counts.append(len(queries))
    assert counts[0] == counts[1] < 9
    assert shown.count('data-label="Received"') == 50
    assert "?state=rejected&amp;before=" in shown


def test_one_call_is_applied_again(
    account: ProviderAccount, adam_client: Client, sent_tasks: list[SentTask]
) -> None:
    call, other = stored(account, "rejected", words="odd"), stored(account, "rejected")
    response = adam_client.post(url(account, "call-again", call.pk), follow=True)
    assert "The call is applied again" in response.content.decode()
    assert states() == ["new", "rejected"]
    assert [task.name for task in sent_tasks] == ["providers.tasks.apply_webhook_calls"]
    entry = AuditEntry.objects.get(action="applied a webhook call again")
    assert (entry.subject_id, entry.details) == (account.pk, {"call": call.pk})
    again = adam_client.post(url(account, "call-again", call.pk), follow=True)
    assert "waits for its first time" in again.content.decode()
    assert other.state == "rejected"


def test_all_of_a_state_are_applied_again(
    acme: Workspace, account: ProviderAccount, adam_client: Client
) -> None:
    for state in ("unmatched", "applied", "unmatched", "rejected"):
        stored(account, state)
    stored(make_account(acme, "bulkvs"), "unmatched")
    shown = text_of(adam_client, url(account) + "?state=unmatched")
    assert "Apply all of these again" in shown
    response = adam_client.post(url(account, "calls-again"), {"state": "unmatched"}, follow=True)
    assert "2 calls are applied again." in response.content.decode()
    assert states() == ["new", "applied", "new", "rejected", "unmatched"]


def test_those_first_that_were_looked_at_longest_ago(
    account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_calls, "AGAIN_MOST", 1)
    first, second = stored(account, "unmatched"), stored(account, "unmatched")
    StoredWebhookCall.objects.filter(pk=second.pk).update(applied_at=timezone.now() - timedelta(hours=1))
    assert apply_state_again(account=account, state="unmatched", actor=Actor()) == 1
    assert states() == ["unmatched", "new"]
    assert first.state == "unmatched"


@pytest.mark.parametrize("state", ["applied", "new", "", "x" * 500])
def test_rejects_states_that_are_not_mended_so(
    account: ProviderAccount, adam_client: Client, state: str
) -> None:
    stored(account, "applied")
    with pytest.raises(ProviderAccountError, match="choose one of unmatched, rejected"):
        apply_state_again(account=account, state=state, actor=Actor())
    adam_client.post(url(account, "calls-again"), {"state": state})
    assert states() == ["applied"]


def test_the_overview_counts_what_is_left(account: ProviderAccount, victor_client: Client) -> None:
    for state in ("unmatched", "unmatched", "rejected", "applied", "new"):
        stored(account, state)
    old = stored(account, "rejected")
    StoredWebhookCall.objects.filter(pk=old.pk).update(received_at=timezone.now() - timedelta(days=31))
    assert troubled_calls(account) == webhook_calls.TroubledCalls(2, 1)
    shown = text_of(victor_client, url(account, "detail"))
    assert "2 calls of the last 30 days belong to no message." in shown
    assert "1 call of the last 30 days was not understood." in shown
    assert url(account) + "?state=unmatched" in shown


def test_viewers_get_no_buttons(account: ProviderAccount, victor_client: Client) -> None:
    call = stored(account, "rejected")
    for address in (url(account) + "?state=rejected", url(account, "call", call.pk)):
        assert "<form" not in text_of(victor_client, address).split("<main")[1].split("</main>")[0]


# --- JSON over lines ------------------------------------------------------------------------------------


def test_json_is_spread_out_word_for_word() -> None:
    written = r'{"a":1.10,"a":[],"b":{"c":"x, \"}\" é","d":[1,{"e":null}]}}'
    assert spread_out(written) == "\n".join(
        [
            "{",
            '  "a": 1.10,',
            '  "a": [],',
            '  "b": {',
            r'    "c": "x, \"}\" é",',
            '    "d": [',
            "      1,",
            "      {",
            '        "e": null',
            "      }",
            "    ]",
            "  }",
            "}",
        ]
    )


@pytest.mark.parametrize(
    "text", ["", "a=1&b=2", '{"cut": "he', "12", '"x"', "[" * 5000, "[" * 500 + "]" * 500]
)
def test_anything_else_stays(text: str) -> None:
    assert spread_out(text) == text
