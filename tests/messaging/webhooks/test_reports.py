"""Delivery reports out: message.reported as it happens, and MessageWhiz's rounds after T1 and T2."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.access import Actor
from accounts.models import Workspace
from contacts.models import OptOut
from messaging.dispatches import cancel_stopped, finish_dispatch_if_done, stop_dispatch
from messaging.ledger import Change, Return, apply_changes, claim_messages, return_to_queue
from messaging.models import (
    Dispatch,
    Message,
    ReportRound,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookKind,
)
from messaging.webhooks.endpoints import create_endpoint, send_test
from messaging.webhooks.events import LINK_CLICKED, MESSAGEWHIZ_REPORTS, REPORTED
from messaging.webhooks.reports import REPORTS_MOST, forget_reports
from messaging.webhooks.rounds import is_any_round_due, tell_due_rounds
from messaging.webhooks.sending import send_due
from providers.health import figures_of
from providers.models import ProviderAccount
from providers.services import apply_waiting_calls, store_call
from sms.states import MessageState as S
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.messaging.webhooks.support import Receiver
from tests.providers.makers import whiz_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


@pytest.fixture
def dispatch(account: ProviderAccount) -> Dispatch:
    return make_dispatch(account.workspace, account, people=5)


@pytest.fixture
def hook(acme: Workspace) -> WebhookEndpoint:
    return endpoint_of(acme)


def endpoint_of(
    workspace: Workspace, url: str = "https://example.com/crier", **given: Any
) -> WebhookEndpoint:
    given = given or {"events": [REPORTED]}
    return create_endpoint(workspace=workspace, actor=Actor(), url=url, **given).endpoint


def whiz_of(workspace: Workspace, first: int = 5, second: int | None = None) -> WebhookEndpoint:
    return endpoint_of(
        workspace, kind=WebhookKind.MESSAGEWHIZ, events=[], first_after=first, second_after=second
    )


def change(message: Message, state: S, **given: Any) -> Change:
    return Change(message.pk, state, given.pop("at", timezone.now()), "receipt", **given)


def move(dispatch: Dispatch, state: S, **given: Any) -> None:
    apply_changes([change(message, state, **given) for message in dispatch.messages.order_by("pk")])


def reports() -> list[dict[str, Any]]:
    rows = WebhookDelivery.objects.filter(event_type=REPORTED).order_by("pk")
    return [report for row in rows for report in json.loads(row.body)["data"]["reports"]]


# --- as it happens --------------------------------------------------------------------------------------


def test_it_works(dispatch: Dispatch, hook: WebhookEndpoint) -> None:
    message = dispatch.messages.order_by("pk")[0]
    Dispatch.objects.update(custom_parameter="order 4711")
    at = timezone.now()
    apply_changes([change(message, S.SENT, at=at, parts=2, price=Decimal("0.0158"))])
    delivery = WebhookDelivery.objects.get()
    body = json.loads(delivery.body)
    assert (body["type"], delivery.message_id, delivery.endpoint) == (REPORTED, message.pk, hook)
    assert body["data"]["reports"] == [
        {
            "message_id": message.pk,
            "broadcast_id": 1,
            "msisdn": message.msisdn,
            "sender": "12025550100",
            "state": "sent",
            "is_final": False,
            "dlr_number": 1,
            "dlr_name": "ENROUTE",
            "reason": "",
            "words": "",
            "parts": 2,
            "cost": "0.01580",
            "currency": "USD",
            "time": body["timestamp"],
            "custom_parameter": "order 4711",
        }
    ]


def test_what_a_provider_posts_is_told(acme: Workspace, hook: WebhookEndpoint) -> None:
    """From its call, stored word for word, to the event; and the account's figures know it."""
    whiz = make_account(acme, "messagewhiz")
    sent = make_dispatch(acme, whiz, people=1)
    message = sent.messages.get()
    Message.objects.filter(pk=message.pk).update(msisdn="12015550123", submitted_at=timezone.now())
    apply_changes([change(message, S.SENT, provider_message_id="m-1")])
    WebhookDelivery.objects.all().delete()
    store_call(
        account_id=whiz.pk,
        method="POST",
        query="",
        headers={"Content-Type": "application/json"},
        body=whiz_report("m-1"),
        remote_address=None,
    )
    apply_waiting_calls()
    assert [(one["message_id"], one["state"]) for one in reports()] == [(message.pk, "delivered")]
    assert (figures_of(whiz).delivered, figures_of(whiz).delivered_share) == (1, 1.0)


def test_each_step_is_told_once(dispatch: Dispatch, hook: WebhookEndpoint) -> None:
    message = dispatch.messages.order_by("pk")[0]
    for state in (S.SENT, S.SENT, S.DELIVERED, S.SENT, S.UNDELIVERED):
        apply_changes([change(message, state)])
    assert [(one["state"], one["is_final"], one["dlr_name"]) for one in reports()] == [
        ("sent", False, "ENROUTE"),
        ("delivered", True, "DELIVRD"),
    ]


def test_many_are_told_together(account: ProviderAccount, hook: WebhookEndpoint) -> None:
    dispatch = make_dispatch(account.workspace, account, people=REPORTS_MOST + 1)
    move(dispatch, S.SENT)
    assert len(reports()) == REPORTS_MOST + 1
    assert [row.message_id for row in WebhookDelivery.objects.order_by("pk")] == [
        None,
        dispatch.messages.order_by("pk").last().pk,  # type: ignore[union-attr]  # there are some
    ]


def test_who_opted_out_is_told(dispatch: Dispatch, hook: WebhookEndpoint) -> None:
    first = dispatch.messages.order_by("pk")[0]
    OptOut.objects.create(workspace=dispatch.workspace, msisdn=first.msisdn, how="stop")
    claim_messages(dispatch=dispatch, claim="w1", limit=10, lease_until=timezone.now() + timedelta(minutes=1))
    assert [(one["message_id"], one["state"], one["reason"]) for one in reports()] == [
        (first.pk, "suppressed", "opted_out")
    ]


def test_who_was_cancelled_is_told(dispatch: Dispatch, hook: WebhookEndpoint) -> None:
    claimed = claim_messages(
        dispatch=dispatch, claim="w1", limit=1, lease_until=timezone.now() + timedelta(minutes=1)
    )
    stop_dispatch(dispatch_id=dispatch.pk)
    cancel_stopped([dispatch.pk])
    assert len(reports()) == 4
    return_to_queue([Return(claimed[0].message_id, "w1", "throttled")])
    assert {one["state"] for one in reports()} == {"cancelled"}
    assert len({one["message_id"] for one in reports()}) == len(reports()) == 5
    assert_counters_equal_ledger(dispatch)


def test_only_who_wants_it_is_told(dispatch: Dispatch, acme: Workspace, other: Workspace) -> None:
    endpoint_of(acme, "https://example.com/clicks", events=[LINK_CLICKED])
    endpoint_of(other)
    WebhookEndpoint.objects.filter(pk=endpoint_of(acme, "https://example.com/off").pk).update(enabled=False)
    move(dispatch, S.SENT)
    assert not WebhookDelivery.objects.exists()


def test_a_move_that_is_undone_tells_nothing(
    dispatch: Dispatch, hook: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("messaging.ledger._touch", fail)
    with pytest.raises(RuntimeError):
        move(dispatch, S.SENT)
    assert not WebhookDelivery.objects.exists()
    assert set(dispatch.messages.values_list("state", flat=True)) == {"queued"}


def test_without_an_endpoint_it_costs_one_query(
    dispatch: Dispatch, acme: Workspace, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    from messaging.webhooks.reports import Moved, tell_reports

    moved = [Moved(1, dispatch.pk, S.SENT, "", timezone.now())]
    with django_assert_num_queries(1):
        tell_reports(moved)


def test_it_arrives_signed(acme: Workspace, dispatch: Dispatch, receiver: Receiver) -> None:
    made = create_endpoint(workspace=acme, actor=Actor(), url=receiver.url, events=[REPORTED])
    move(dispatch, S.SENT)
    send_due(seconds=5)
    event = receiver.received[0].verified(made.secret)
    assert len(event["data"]["reports"]) == 5


# --- erasure --------------------------------------------------------------------------------------------


def test_an_erased_number_is_taken_out(dispatch: Dispatch, hook: WebhookEndpoint, acme: Workspace) -> None:
    move(dispatch, S.SENT)
    gone = dispatch.messages.order_by("pk")[2].msisdn
    assert forget_reports(workspace_id=acme.pk, msisdn=gone) == 1
    assert gone not in WebhookDelivery.objects.get().body
    assert len(reports()) == 4


def test_what_told_of_an_erased_number_alone_goes(
    dispatch: Dispatch, hook: WebhookEndpoint, acme: Workspace
) -> None:
    message = dispatch.messages.order_by("pk")[0]
    apply_changes([change(message, S.SENT)])
    forget_reports(workspace_id=acme.pk, msisdn=message.msisdn)
    assert not WebhookDelivery.objects.exists()


def test_another_workspace_keeps_its_own(dispatch: Dispatch, hook: WebhookEndpoint, other: Workspace) -> None:
    move(dispatch, S.SENT)
    assert forget_reports(workspace_id=other.pk, msisdn=dispatch.messages.order_by("pk")[0].msisdn) == 0


# --- MessageWhiz's way ----------------------------------------------------------------------------------


def finish(dispatch: Dispatch) -> None:
    for number, message in enumerate(dispatch.messages.order_by("pk")):
        apply_changes([change(message, S.SENT, parts=1, price=Decimal("0.0079"))])
        if number < 2:
            apply_changes([change(message, S.DELIVERED)])
    assert finish_dispatch_if_done(dispatch_id=dispatch.pk)


def pass_time(minutes: int) -> None:
    for one in ReportRound.objects.all():
        ReportRound.objects.filter(pk=one.pk).update(due_at=one.due_at - timedelta(minutes=minutes))


def told() -> list[dict[str, Any]]:
    rows = WebhookDelivery.objects.filter(event_type=MESSAGEWHIZ_REPORTS).order_by("pk")
    return [json.loads(row.body) for row in rows]


def test_reports_come_after_t1(dispatch: Dispatch, acme: Workspace) -> None:
    whiz_of(acme)
    Dispatch.objects.update(custom_parameter="1234abcd")
    finish(dispatch)
    assert (is_any_round_due(), tell_due_rounds()) == (False, 0)
    pass_time(5)
    assert (is_any_round_due(), tell_due_rounds(), tell_due_rounds()) == (True, 1, 0)
    assert not is_any_round_due()
    (body,) = told()
    first = dispatch.messages.order_by("pk")[0]
    assert body["custom_parameter"] == "1234abcd"
    assert "pduDLR" not in body
    assert [one["task_state"] for one in body["dlrs"]] == [2, 2, 0, 0, 0]
    assert body["dlrs"][0] == {
        "segment_id": dispatch.pk,
        "_id": str(first.pk),
        "broadcast_id": 1,
        "recipient": first.msisdn,
        "price": 0.0079,
        "task_state": 2,
        "updated": round(first.changed_at.timestamp() * 1000),
    }


def test_reports_come_again_after_t2_with_what_is_known_then(dispatch: Dispatch, acme: Workspace) -> None:
    whiz_of(acme, 5, 60)
    finish(dispatch)
    pass_time(5)
    tell_due_rounds()
    move(dispatch, S.UNDELIVERED)
    assert tell_due_rounds() == 0
    pass_time(55)
    assert tell_due_rounds() == 1
    assert [one["task_state"] for one in told()[1]["dlrs"]] == [2, 2, 5, 5, 5]


def test_a_single_text_has_its_parts(acme: Workspace, account: ProviderAccount) -> None:
    whiz_of(acme)
    single = make_dispatch(acme, account, people=1, broadcast_id=None)
    move(single, S.DELIVERED, parts=3)
    finish_dispatch_if_done(dispatch_id=single.pk)
    pass_time(5)
    tell_due_rounds()
    (body,) = told()
    assert body["pduDLR"] == {"delivered_count": 3}
    assert body["dlrs"][0]["broadcast_id"] is None
    assert WebhookDelivery.objects.get().message_id == single.messages.get().pk


def test_a_stopped_one_is_told_of_those_handed_over(dispatch: Dispatch, acme: Workspace) -> None:
    whiz_of(acme)
    apply_changes([change(dispatch.messages.order_by("pk")[0], S.SENT)])
    stop_dispatch(dispatch_id=dispatch.pk)
    cancel_stopped([dispatch.pk])
    pass_time(5)
    tell_due_rounds()
    assert len(told()[0]["dlrs"]) == 1


def test_many_go_in_several_deliveries_and_a_dead_worker_tells_none_twice(
    dispatch: Dispatch, acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.webhooks.rounds.DLRS_MOST", 2)
    whiz_of(acme)
    finish(dispatch)
    pass_time(5)
    assert tell_due_rounds(most=1) == 1
    assert ReportRound.objects.get().done_at is None
    assert tell_due_rounds() == 2
    ids = [one["_id"] for body in told() for one in body["dlrs"]]
    assert ids == [str(pk) for pk in dispatch.messages.order_by("pk").values_list("pk", flat=True)]
    assert ReportRound.objects.get().done_at is not None


def test_a_disabled_one_is_told_nothing(dispatch: Dispatch, acme: Workspace) -> None:
    whiz_of(acme)
    finish(dispatch)
    WebhookEndpoint.objects.update(enabled=False)
    pass_time(5)
    assert tell_due_rounds() == 0
    assert not is_any_round_due()


def test_an_end_that_is_told_again_plans_nothing_twice(dispatch: Dispatch, acme: Workspace) -> None:
    from messaging.webhooks.rounds import plan_rounds

    whiz_of(acme, 5, 10)
    finish(dispatch)
    plan_rounds(dispatch.pk)
    assert ReportRound.objects.count() == 2


def test_erasure_reaches_them(dispatch: Dispatch, acme: Workspace) -> None:
    whiz_of(acme)
    finish(dispatch)
    pass_time(5)
    tell_due_rounds()
    gone = dispatch.messages.order_by("pk")[0].msisdn
    assert forget_reports(workspace_id=acme.pk, msisdn=gone) == 1
    assert [one["recipient"] for one in told()[0]["dlrs"]].count(gone) == 0


def test_its_test_event_is_written_as_messagewhiz_does(acme: Workspace, receiver: Receiver) -> None:
    made = endpoint_of(acme, receiver.url, kind=WebhookKind.MESSAGEWHIZ, events=[], first_after=5)
    send_test(endpoint=made, actor=Actor())
    send_due(seconds=5)
    assert json.loads(receiver.received[0].body) == {"dlrs": [], "custom_parameter": "A test of Crier."}


# --- setting up -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({}, "first_after", "after how many minutes"),
        ({"first_after": 4}, "first_after", "4 minutes are not possible: choose 5 to 10,080."),
        ({"first_after": 5, "second_after": 10081}, "second_after", "not possible"),
        ({"first_after": 9, "second_after": 9}, "second_after", "must come after the first one"),
        ({"first_after": 5, "events": [REPORTED]}, "events", "choose none"),
        ({"kind": "crier", "first_after": 5}, "first_after", "leave the minutes empty"),
    ],
)
def test_the_api_refuses_by_name(api: Any, given: dict[str, Any], field: str, words: str) -> None:
    body = {"url": "https://example.com/in", "kind": "messagewhiz", **given}
    answer = api("admin").post("/api/v1/webhooks/", body)
    assert answer.status_code == 400
    assert [words in error["detail"] for error in answer.json()["errors"] if error["field"] == field] == [
        True
    ]


def test_the_api_sets_one_up_and_keeps_its_kind(api: Any) -> None:
    client = api("admin")
    made = client.post(
        "/api/v1/webhooks/", {"url": "https://example.com/in", "kind": "messagewhiz", "first_after": 5}
    ).json()
    address = f"/api/v1/webhooks/{made['id']}/"
    assert (made["events"], made["first_after"], made["second_after"]) == ([], 5, None)
    assert client.patch(address, {"second_after": 30}).json()["second_after"] == 30
    assert client.patch(address, {"url": "https://example.com/on"}).json()["second_after"] == 30
    assert client.patch(address, {"second_after": None}).json()["second_after"] is None
    assert client.patch(address, {"kind": "crier"}).status_code == 400


def test_the_page_sets_one_up(adam_client: Any, acme: Workspace) -> None:
    answer = adam_client.post(
        "/settings/webhooks/new/",
        {
            "url": "https://example.com/in",
            "kind": "messagewhiz",
            "events": [REPORTED],
            "first_after": "5",
            "second_after": "60",
        },
    )
    assert answer.status_code == 200
    made = WebhookEndpoint.objects.get()
    assert (made.kind, made.events, made.first_after, made.second_after) == ("messagewhiz", [], 5, 60)
    shown = adam_client.get(f"/settings/webhooks/{made.pk}/").content.decode()
    assert "5 and again 60 minutes after the end of each run" in shown
    changed = adam_client.post(
        f"/settings/webhooks/{made.pk}/", {"url": made.url, "first_after": "10", "second_after": ""}
    )
    assert changed.status_code == 302
    made.refresh_from_db()
    assert (made.first_after, made.second_after) == (10, None)
