"""Clicks in the report: people counted once, machines not at all, and everybody to be found."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.reports import report_of
from messaging.ledger import Change, apply_changes
from messaging.links.counts import Conversion, conversion_of
from messaging.links.hits import apply_hits, classify_new_hits
from messaging.links.links import create_link_list
from messaging.models import Link, Message
from messaging.tasks import compute_clicks_again
from sms.states import MessageState
from tests.access import assert_access
from tests.campaigns.makers import PEOPLE, send
from tests.campaigns.test_links_in_texts import link_named, with_text
from tests.conftest import SentTask
from tests.messaging.links.makers import IPHONE, WHATSAPP, code_of, raw_hit
from tests.people import ApiClient


@pytest.fixture
def broadcast(acme: Workspace, draft: Broadcast, actor: Actor) -> Broadcast:
    """Sent to thirty people a minute ago; two of its people followed the first link, one also the second, and a
    messenger drew a preview."""
    sale, shop = link_named(acme), link_named(acme, "Shop", "shop")
    made = send(with_text(draft, actor, f"{{{{link:{sale.pk}}}}} {{{{link:{shop.pk}}}}}"), actor)
    messages = list(Message.objects.filter(broadcast_id=made.pk).order_by("id"))
    now = timezone.now()
    apply_changes([Change(message.pk, MessageState.SENT, now, "engine") for message in messages])
    Message.objects.filter(broadcast_id=made.pk).update(submitted_at=now - timedelta(minutes=1))
    ann, bob, carla = messages[:3]
    apply_hits(
        [
            raw_hit(code_of(ann), now),
            raw_hit(code_of(ann), now + timedelta(minutes=1)),
            raw_hit(code_of(ann, 1), now + timedelta(minutes=2)),
            raw_hit(code_of(bob), now, agent=f"{IPHONE} 2"),
            raw_hit(code_of(carla), now, agent=WHATSAPP),
        ]
    )
    classify_new_hits()
    return made


def test_it_works(broadcast: Broadcast) -> None:
    report = report_of(broadcast)
    assert report.clicks is not None
    assert (report.clicks.all.people, report.clicks.all.human, report.clicks.all.bot) == (2, 4, 1)
    assert report.click_rate == round(2 * 100 / PEOPLE, 2)
    lines = [(line.link.name if line.link else "", line.followed.people) for line in report.clicks.lines]
    assert lines == [("Sale", 2), ("Shop", 1)]


def test_a_text_without_links_has_no_clicks(running: Broadcast, bob_client: Client) -> None:
    assert report_of(running).clicks is None
    page = bob_client.get(reverse("broadcast-detail", args=[running.pk])).text
    assert "report-clicks" not in page


def test_the_page(broadcast: Broadcast, bob_client: Client) -> None:
    page = bob_client.get(reverse("broadcast-detail", args=[broadcast.pk])).text
    assert "6.7" in page
    assert 'id="tab-count-clicked">2<' in page
    clicked = bob_client.get(reverse("broadcast-detail", args=[broadcast.pk]), {"tab": "clicked"}).text
    assert clicked.count("Clicked ") >= 2
    first, second, third = Message.objects.filter(broadcast_id=broadcast.pk).order_by("id")[:3]
    assert reverse("broadcast-message", args=[broadcast.pk, first.pk]) in clicked
    assert reverse("broadcast-message", args=[broadcast.pk, second.pk]) in clicked
    assert reverse("broadcast-message", args=[broadcast.pk, third.pk]) not in clicked


def test_the_live_head_brings_the_links_along(broadcast: Broadcast, bob_client: Client) -> None:
    head = bob_client.get(reverse("broadcast-head", args=[broadcast.pk]), {"state": "running"}).text
    assert 'id="report-clicks" hx-swap-oob="true"' in head


def test_a_recipients_page_says_who_followed_and_why_it_counts(
    broadcast: Broadcast, bob_client: Client
) -> None:
    first, _second, third = Message.objects.filter(broadcast_id=broadcast.pk).order_by("id")[:3]
    page = bob_client.get(reverse("broadcast-message", args=[broadcast.pk, first.pk])).text
    assert page.count("A person") == 3
    page = bob_client.get(reverse("broadcast-message", args=[broadcast.pk, third.pk])).text
    assert "A machine: a messenger drew a preview" in page


def test_the_csv(broadcast: Broadcast, bob_client: Client) -> None:
    answer = bob_client.get(reverse("broadcast-csv", args=[broadcast.pk]))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # streamed
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == PEOPLE
    assert sum(bool(row["clicked_at"]) for row in rows) == 2
    answer = bob_client.get(reverse("broadcast-csv", args=[broadcast.pk]), {"tab": "clicked"})
    assert b"".join(answer.streaming_content).count(b"\r\n") == 3  # type: ignore[attr-defined]  # streamed


def test_the_api(broadcast: Broadcast, api: Callable[..., ApiClient]) -> None:
    found = api("marketer").get(f"/api/v1/broadcasts/{broadcast.pk}/report/").json()
    assert found["click_rate"] == 6.67
    assert found["clicks"]["all"] == {"people": 2, "human": 4, "bot": 1, "unsure": 0}
    assert [line["name"] for line in found["clicks"]["lines"]] == ["Sale", "Shop"]


def test_conversion(acme: Workspace, other: Workspace, broadcast: Broadcast) -> None:
    """The MessageWhiz document, Link: conversion, recipients and clicks of an address."""
    assert conversion_of(workspace=acme, url="https://example.com/sale") == Conversion(PEOPLE, 2)
    assert conversion_of(workspace=acme, url="https://example.com/shop") == Conversion(PEOPLE, 1)
    assert Conversion(PEOPLE, 2).conversion == 6.67
    assert conversion_of(workspace=acme, url="https://example.com/nowhere") is None
    assert conversion_of(workspace=other, url="https://example.com/sale") is None


def test_conversion_of_a_link_that_shares_its_recipients(
    acme: Workspace, draft: Broadcast, actor: Actor
) -> None:
    links = [link_named(acme, f"Shop {number}", f"shop{number}") for number in range(3)]
    shops = create_link_list(workspace=acme, actor=actor, name="Shops", links=links)
    made = send(with_text(draft, actor, f"{{{{link_list:{shops.pk}}}}}"), actor)
    ids = Message.objects.filter(broadcast_id=made.pk).values_list("id", flat=True)
    apply_changes([Change(pk, MessageState.SENT, timezone.now(), "engine") for pk in ids])
    assert conversion_of(workspace=acme, url="https://example.com/shop1") == Conversion(PEOPLE // 3, 0)


def test_the_number_page_tells_when_a_link_was_followed(bob_client: Client, broadcast: Broadcast) -> None:
    ann, _bob, carla = Message.objects.filter(broadcast_id=broadcast.pk).order_by("id")[:3]
    assert "Link followed" in bob_client.get(f"/numbers/{ann.msisdn}/").content.decode()
    assert "Link followed" not in bob_client.get(f"/numbers/{carla.msisdn}/").content.decode(), "a preview"


def test_clicks_are_computed_again_from_the_report(
    bob_client: Client, broadcast: Broadcast, no_broker: list[SentTask]
) -> None:
    url = reverse("broadcast-clicks", args=[broadcast.pk])
    assert (
        "Compute again" in bob_client.get(reverse("broadcast-detail", args=[broadcast.pk])).content.decode()
    )
    assert bob_client.post(url).status_code == 302
    (task,) = [task for task in no_broker if task.name == compute_clicks_again.name]
    page = bob_client.get(reverse("broadcast-detail", args=[broadcast.pk])).content.decode()
    assert "waits for a worker" in page
    assert "Compute again" not in page
    compute_clicks_again(*task.args)
    assert report_of(broadcast).clicks.all.people == 2  # type: ignore[union-attr]  # it has links
    assert bob_client.get(url, headers={"HX-Request": "true"}).status_code == 286


def test_who_may_compute_again(broadcast: Broadcast) -> None:
    url = reverse("broadcast-clicks", args=[broadcast.pk])
    assert_access(url, viewer=302)
    assert_access(url, "post", viewer=403, marketer=302)
    api_url = f"/api/v1/broadcasts/{broadcast.pk}/compute-clicks-again/"
    assert_access(api_url, viewer=200)


def test_the_page_of_a_link_names_the_broadcast(bob_client: Client, broadcast: Broadcast) -> None:
    link = Link.objects.get(name="Shop")
    page = bob_client.get(f"/links/{link.pk}/").content.decode()
    assert f'href="{reverse("broadcast-detail", args=[broadcast.pk])}"' in page
    assert "of 30 people who were sent it" in page
