"""Pages of sync: who sees them, what they ask of the services, and how often of the database."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.access import Actor
from accounts.models import Workspace
from messaging.links.links import create_link
from messaging.models import Link
from messaging.senders import create_sender
from providers.models import ProviderAccount, RemoteRecord, SyncRun
from providers.services.sync import compare
from providers.services.sync_runner import carry_on
from providers.services.sync_runs import Chosen, confirm_run, plan_run, start_compare
from tests.access import assert_access
from tests.engine.makers import make_account
from tests.providers.sync.fakes import LinkPayload, SenderPayload, Store, there

pytestmark = pytest.mark.django_db

ACTOR = Actor()
SHOP = "https://example.com/shop"


def url(name: str, account: ProviderAccount, *args: object) -> str:
    return reverse(f"provider-account-sync{name}", args=[account.pk, *args])


def text_of(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code in (200, 286)
    return re.sub(r"\s+", " ", response.content.decode())


def two_sides(account: ProviderAccount, store: Store) -> None:
    create_sender(workspace=account.workspace, actor=ACTOR, value="Acme")
    store.put("sender", SenderPayload(name="Theirs"))
    compare(account=account, entity="sender")


def record_named(name: str) -> RemoteRecord:
    return RemoteRecord.objects.get(name=name)


def last_run() -> SyncRun:
    return SyncRun.objects.latest("pk")


def test_it_works(keeper: ProviderAccount, store: Store, adam_client: Client) -> None:
    create_sender(workspace=keeper.workspace, actor=ACTOR, value="Acme")
    page = text_of(adam_client, url("", keeper))
    assert "Compare all" in page
    assert "Nothing was compared yet" in page
    response = adam_client.post(url("-compare", keeper))
    run = last_run()
    assert response.headers["Location"] == url("-run", keeper, run.pk)
    assert "0 of 3 steps" in text_of(adam_client, url("-run", keeper, run.pk))
    carry_on(run.pk)
    assert "Only here: 1" in text_of(adam_client, url("-run", keeper, run.pk))
    adam_client.post(url("-do", keeper, "sender"), {"push": record_named("Acme").pk})
    run = last_run()
    page = text_of(adam_client, url("-run", keeper, run.pk))
    assert "1 step is planned" in page
    assert "Nothing was done yet" in page
    assert there("sender") == {}
    adam_client.post(url("-confirm", keeper, run.pk))
    carry_on(run.pk)
    assert "1 of 1 step" in text_of(adam_client, url("-run", keeper, run.pk))
    assert list(there("sender")) == ["Acme"]


def test_everybody_looks_and_admins_change(keeper: ProviderAccount, store: Store) -> None:
    two_sides(keeper, store)
    run = plan_run(account=keeper, what="push", chosen=Chosen(("sender",)), actor=ACTOR)
    record = record_named("Acme")
    for address in (
        url("", keeper),
        url("-runs", keeper),
        url("-run", keeper, run.pk),
        url("-kind", keeper, "sender"),
        url("-record", keeper, "sender", record.pk),
    ):
        assert_access(address, viewer=200, marketer=200, wrong_method="post")
    for address in (
        url("-compare", keeper),
        url("-do", keeper, "sender"),
        url("-link-names", keeper, "sender"),
        url("-link", keeper, "sender", record.pk),
        url("-cancel", keeper, run.pk),
        url("-confirm", keeper, run.pk),
        url("-again", keeper, run.pk),
    ):
        assert_access(address, "post", viewer=403, marketer=403, admin=302, wrong_method="get")


def test_who_may_not_change_sees_no_button(
    keeper: ProviderAccount, store: Store, victor_client: Client
) -> None:
    two_sides(keeper, store)
    run = plan_run(account=keeper, what="push", chosen=Chosen(("sender",)), actor=ACTOR)
    for address in (
        url("", keeper),
        url("-run", keeper, run.pk),
        url("-kind", keeper, "sender"),
        url("-record", keeper, "sender", record_named("Acme").pk),
    ):
        main = text_of(victor_client, address).partition("<main")[2].partition("</main")[0]
        assert 'method="post"' not in main, address


def test_a_provider_without_it_has_no_such_page(acme: Workspace, adam_client: Client) -> None:
    account = make_account(acme, "bulkvs")
    assert adam_client.get(url("", account)).status_code == 404
    detail = text_of(adam_client, reverse("provider-account-detail", args=[account.pk]))
    assert url("", account) not in detail


def test_a_kind_that_there_is_not(keeper: ProviderAccount, adam_client: Client) -> None:
    assert adam_client.get(url("-kind", keeper, "campaign")).status_code == 404
    assert adam_client.post(url("-do", keeper, "campaign"), {"push": "all"}).status_code == 404


def test_the_state_and_the_search_filter(keeper: ProviderAccount, store: Store, bob_client: Client) -> None:
    two_sides(keeper, store)
    kind = url("-kind", keeper, "sender")
    page = text_of(bob_client, f"{kind}?state=local_only")
    assert ">Acme</a>" in page
    assert ">Theirs</a>" not in page
    assert ">Theirs</a>" in text_of(bob_client, f"{kind}?q=thei")
    assert "None matches" in text_of(bob_client, f"{kind}?q=nobody")
    rows = text_of(bob_client, kind, **{"HX-Request": "true"})
    assert rows.strip().startswith('<div id="records">')


def test_the_difference_is_shown_field_by_field(
    keeper: ProviderAccount, store: Store, bob_client: Client, adam_client: Client
) -> None:
    create_link(workspace=keeper.workspace, actor=ACTOR, name="Shop", url=SHOP)
    store.put("link", LinkPayload(name="Shop", url="https://example.com/theirs"))
    compare(account=keeper, entity="link")
    here, there_ = RemoteRecord.objects.get(remote_id=""), RemoteRecord.objects.get(local_id=None)
    page = text_of(adam_client, url("-record", keeper, "link", here.pk))
    assert f'<option value="{there_.pk}">Shop ({there_.remote_id})</option>' in page
    adam_client.post(url("-link", keeper, "link", here.pk), {"to": there_.pk})
    compare(account=keeper, entity="link")
    page = text_of(bob_client, url("-record", keeper, "link", here.pk))
    assert f"<div>{SHOP}</div>" in page
    assert "<div>https://example.com/theirs</div>" in page
    assert "Differs" in page


def test_all_that_match_are_planned(keeper: ProviderAccount, store: Store, adam_client: Client) -> None:
    two_sides(keeper, store)
    create_sender(workspace=keeper.workspace, actor=ACTOR, value="Bravo")
    compare(account=keeper, entity="sender")
    adam_client.post(url("-do", keeper, "sender"), {"push": "all", "state": "", "q": "bra"})
    assert [step.name for step in last_run().steps.all()] == ["Bravo"]
    adam_client.post(url("-do", keeper, "sender"), {"pull": "all"})
    assert [step.name for step in last_run().steps.all()] == ["Theirs"]


def test_the_ticked_ones_are_planned(keeper: ProviderAccount, store: Store, adam_client: Client) -> None:
    two_sides(keeper, store)
    ids = [record_named("Acme").pk, record_named("Theirs").pk]
    adam_client.post(url("-do", keeper, "sender"), {"push": "selected", "selected": ids})
    assert [step.name for step in last_run().steps.order_by("position")] == ["Acme", "Theirs"]
    page = text_of(adam_client, url("-run", keeper, last_run().pk))
    assert "New: 1 · Not possible: 1" in page
    assert "It is only there: pull it" in page


@pytest.mark.parametrize("data", [{}, {"push": "selected"}, {"push": "x²"}, {"compare": "1"}, {"unlink": ""}])
def test_nothing_ticked_is_a_sentence(
    keeper: ProviderAccount, store: Store, adam_client: Client, data: dict[str, str]
) -> None:
    response = adam_client.post(url("-do", keeper, "sender"), data, follow=True)
    assert "Tick what it shall be done with." in response.content.decode()
    assert not SyncRun.objects.exists()


def test_unlinking(keeper: ProviderAccount, store: Store, adam_client: Client) -> None:
    two_sides(keeper, store)
    run = plan_run(account=keeper, what="push", chosen=Chosen(("sender",)), actor=ACTOR)
    carry_on(confirm_run(run=run).pk)
    adam_client.post(url("-do", keeper, "sender"), {"unlink": record_named("Acme").pk})
    states = RemoteRecord.objects.filter(name="Acme").values_list("state", flat=True)
    assert sorted(states) == ["local_only", "remote_only"]
    adam_client.post(url("-link-names", keeper, "sender"))
    assert record_named("Acme").is_linked


def test_another_account_of_the_workspace_is_not_touched(
    keeper: ProviderAccount, store: Store, adam_client: Client
) -> None:
    two_sides(keeper, store)
    second = make_account(keeper.workspace, "keeper", name="Second")
    record = record_named("Acme")
    assert adam_client.get(url("-record", second, "sender", record.pk)).status_code == 404
    adam_client.post(url("-do", second, "sender"), {"push": record.pk})
    assert not SyncRun.objects.exists()


def test_who_asks_while_a_run_has_not_ended_sees_it(keeper: ProviderAccount, adam_client: Client) -> None:
    run = start_compare(account=keeper, entities=[], actor=ACTOR)
    response = adam_client.post(url("-compare", keeper), {"entity": "sender"})
    assert response.headers["Location"] == url("-run", keeper, run.pk)
    assert SyncRun.objects.count() == 1


def test_the_progress_is_asked_for_until_it_is_over(keeper: ProviderAccount, bob_client: Client) -> None:
    run = start_compare(account=keeper, entities=[], actor=ACTOR)
    address, htmx = url("-run", keeper, run.pk), {"HX-Request": "true"}
    response = bob_client.get(address, headers=htmx)
    assert (response.status_code, "HX-Refresh" in response.headers) == (200, False)
    assert 'hx-trigger="every 2s"' in response.content.decode()
    carry_on(run.pk)
    response = bob_client.get(address, headers=htmx)
    assert (response.status_code, response.headers["HX-Refresh"]) == (286, "true")
    assert "hx-trigger" not in response.content.decode()


def test_words_of_a_failure_are_shown(keeper: ProviderAccount, store: Store, adam_client: Client) -> None:
    store.put("link", LinkPayload(name="Private", url="http://127.0.0.1/"))
    compare(account=keeper, entity="link")
    run = plan_run(account=keeper, what="pull", chosen=Chosen(("link",)), actor=ACTOR)
    carry_on(confirm_run(run=run).pk)
    words = run.steps.get().words
    assert words
    page = text_of(adam_client, url("-run", keeper, run.pk))
    assert "1 of 1 step, 1 failed" in page
    assert "Go on with what is not done" in page
    assert not Link.objects.exists()


@pytest.mark.parametrize(("page", "queries"), [("", 8), ("-kind", 9), ("-run", 8), ("-runs", 5)])
def test_how_often_the_database_is_asked(
    keeper: ProviderAccount, store: Store, bob_client: Client, page: str, queries: int
) -> None:
    counts = []
    for many in (2, 120):
        for number in range(many):
            create_sender(workspace=keeper.workspace, actor=ACTOR, value=f"S{many} {number}")
        compare(account=keeper, entity="sender")
        run = plan_run(account=keeper, what="push", chosen=Chosen(("sender",)), actor=ACTOR)
        args = {"-kind": ["sender"], "-run": [run.pk]}.get(page, [])
        text_of(bob_client, url("-runs", keeper))  # what is asked once for many pages
        with CaptureQueriesContext(connection) as asked:
            text_of(bob_client, url(page, keeper, *args))
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[1] == queries
