"""link.clicked: each time that a person follows {{callback_link}}, and never twice for the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.access import Actor
from accounts.models import Workspace
from messaging.erasure import erase_number
from messaging.links.again import run_again
from messaging.links.hits import apply_hits, classify_new_hits
from messaging.links.spool import RawHit
from messaging.models import Dispatch, DispatchLink, Hit, LinkUse, Message, WebhookDelivery
from messaging.tasks import classify_hits
from messaging.webhooks.clicks import tell_clicks
from messaging.webhooks.endpoints import set_endpoint_enabled
from tests.conftest import SentTask
from tests.messaging.links.makers import WHATSAPP, code_of, make_linked_dispatch, messages_of, raw_hit
from tests.messaging.webhooks.support import NOON, body_of, make_endpoint

pytestmark = pytest.mark.django_db
CALLBACK = 3


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    made = make_linked_dispatch(acme, people=8)
    DispatchLink.objects.create(dispatch=made, entry=CALLBACK, use=LinkUse.CALLBACK)
    Message.objects.filter(dispatch=made).update(submitted_at=NOON)
    Dispatch.objects.filter(pk=made.pk).update(link_base="https://sho.example.com/")
    make_endpoint(acme)
    return made


def take(*hits: RawHit) -> None:
    apply_hits(hits)
    while classify_new_hits():
        pass


def click(dispatch: Dispatch, person: int = 0, seconds: int = 60, **further: Any) -> RawHit:
    """`seconds`: after the text was sent."""
    code = code_of(messages_of(dispatch)[person], CALLBACK)
    return raw_hit(code, NOON + timedelta(seconds=seconds), **further)


def told() -> list[Any]:
    return [body_of(row)["data"] for row in WebhookDelivery.objects.order_by("pk")]


def test_it_works(dispatch: Dispatch) -> None:
    take(click(dispatch))
    message, delivery = messages_of(dispatch)[0], WebhookDelivery.objects.get()
    assert body_of(delivery) == {
        "type": "link.clicked",
        "timestamp": "2026-05-04T12:01:00.000Z",
        "data": {
            "message_id": message.pk,
            "link_id": f"sho.example.com/{code_of(message, CALLBACK)}",
            "time": "2026-05-04T12:01:00.000Z",
            "unique_click": True,
            "class": "human",
            "msisdn": message.msisdn,
            "broadcast_id": 1,
        },
    }
    assert (delivery.message_id, delivery.event_type) == (message.pk, "link.clicked")
    assert delivery.event_id == f"msg_{Hit.objects.get().uid.hex}"


def test_the_first_click_alone_is_unique(dispatch: Dispatch) -> None:
    take(click(dispatch, seconds=90), click(dispatch, seconds=60), click(dispatch, person=1, seconds=70))
    take(click(dispatch, seconds=80))
    assert [(each["time"][14:19], each["unique_click"]) for each in told()] == [
        ("01:00", True),
        ("01:10", True),
        ("01:30", False),
        ("01:20", False),
    ]


def test_machines_other_links_and_the_unsure_are_not_told(dispatch: Dispatch) -> None:
    other = raw_hit(code_of(messages_of(dispatch)[1], 0), NOON + timedelta(seconds=60))
    take(click(dispatch, agent=WHATSAPP), click(dispatch, method="HEAD"), click(dispatch, seconds=1), other)
    assert Hit.objects.count() == 4
    assert told() == []
    take(click(dispatch, seconds=600))
    assert [each["unique_click"] for each in told()] == [True]


def test_a_burst_is_a_machines(dispatch: Dispatch) -> None:
    take(*(click(dispatch, person=person, seconds=60 + person) for person in range(6)))
    assert told() == []


def test_computing_again_tells_nothing_twice(dispatch: Dispatch) -> None:
    take(click(dispatch, seconds=60), click(dispatch, seconds=90))
    WebhookDelivery.objects.all().delete()
    assert run_again([dispatch.pk]) == 2
    assert told() == []
    take(click(dispatch, seconds=120))
    assert [each["unique_click"] for each in told()] == [False]


def test_nor_to_an_endpoint_that_came_later(acme: Workspace, dispatch: Dispatch) -> None:
    take(click(dispatch))
    make_endpoint(acme, "https://example.com/later")
    run_again([dispatch.pk])
    assert len(told()) == 1


def test_what_turns_out_to_be_a_persons_is_told_then(dispatch: Dispatch) -> None:
    take(click(dispatch, seconds=1))
    Hit.objects.update(since_sent_seconds=60)
    run_again([dispatch.pk])
    run_again([dispatch.pk])
    assert [each["unique_click"] for each in told()] == [True]


def test_a_line_of_the_spool_that_comes_twice_is_told_once(dispatch: Dispatch) -> None:
    hit = click(dispatch)
    take(hit)
    take(hit)
    assert len(told()) == 1


def test_what_nobody_listened_to_is_not_told_later(acme: Workspace, dispatch: Dispatch) -> None:
    endpoint = acme.webhook_endpoints.get()
    set_endpoint_enabled(endpoint=endpoint, actor=Actor(), enabled=False)
    take(click(dispatch))
    set_endpoint_enabled(endpoint=endpoint, actor=Actor(), enabled=True)
    run_again([dispatch.pk])
    assert told() == []


def test_an_erased_number_is_not_told(acme: Workspace, dispatch: Dispatch) -> None:
    message = messages_of(dispatch)[0]
    take(click(dispatch), click(dispatch, person=1))
    erase_number(workspace=acme, msisdn=message.msisdn, reason="asked by letter", actor=Actor())
    assert [each["msisdn"] for each in told()] == [messages_of(dispatch)[1].msisdn]


def test_the_sender_is_woken_up(dispatch: Dispatch, sent_tasks: list[SentTask]) -> None:
    apply_hits([click(dispatch)])
    classify_hits()
    assert [task.name for task in sent_tasks] == ["messaging.tasks.send_webhooks"]


def test_nothing_is_told_of_who_was_erased(acme: Workspace, dispatch: Dispatch) -> None:
    message = messages_of(dispatch)[0]
    erase_number(workspace=acme, msisdn=message.msisdn, reason="asked by letter", actor=Actor())
    take(click(dispatch), click(dispatch, person=1))
    assert [data["message_id"] for data in told()] == [messages_of(dispatch)[1].pk]


def test_nor_of_what_was_taken_for_a_person_before(acme: Workspace, dispatch: Dispatch) -> None:
    message = messages_of(dispatch)[0]
    apply_hits([click(dispatch)])
    Hit.objects.update(hit_class="human")
    erase_number(workspace=acme, msisdn=message.msisdn, reason="asked by letter", actor=Actor())
    tell_clicks([message.pk], [dispatch.pk])
    assert told() == []
