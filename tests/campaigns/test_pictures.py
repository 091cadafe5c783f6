"""Broadcasts and single texts with pictures: chosen, checked, priced, pinned, handed over and shown again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import CampaignError
from campaigns.models import Broadcast
from campaigns.services.check import Check
from campaigns.services.checks import blocking, launch_checks
from campaigns.services.drafts import duplicate, save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import send_test
from messaging.engine.jobs import Job, claim_jobs, load_lanes
from messaging.media.addresses import public_urls
from messaging.media.services import set_picture_enabled
from messaging.models import Dispatch, Media
from providers.models import ProviderAccount
from providers.services import update_account
from sms.parts import part_count
from tests.campaigns.makers import PEOPLE, send
from tests.engine.makers import make_account
from tests.messaging.media.makers import make_picture
from tests.people import ApiClient

LONG = "Reply STOP to opt out. " * 20


@pytest.fixture
def sale(acme: Workspace) -> Media:
    return make_picture(acme, "Sale")


@pytest.fixture
def with_picture(draft: Broadcast, actor: Actor, sale: Media) -> Broadcast:
    """A text of three parts, and one picture; its account has a price for that."""
    assert draft.account is not None
    update_account(account=draft.account, actor=actor, media_price="0.02")
    return changed(draft, actor, media_ids=[sale.pk], text=LONG)


def changed(broadcast: Broadcast, actor: Actor, **changes: Any) -> Broadcast:
    save_draft(broadcast=broadcast, actor=actor, version=broadcast.version, changes=changes)
    return Broadcast.objects.select_related("workspace", "account", "sender", "campaign").get(pk=broadcast.pk)


def checks_of(broadcast: Broadcast) -> list[Check]:
    return launch_checks(broadcast, estimate_of(broadcast))


def check(broadcast: Broadcast, code: str) -> Check | None:
    return next((one for one in checks_of(broadcast) if one.code == code), None)


def jobs_of(dispatch: Dispatch) -> list[Job]:
    lane = load_lanes({})[dispatch.account_id]
    return claim_jobs(lane, lane.dispatches[dispatch.pk], claim="me", limit=5)


def test_it_works(with_picture: Broadcast, actor: Actor, sale: Media) -> None:
    estimate = estimate_of(with_picture)
    assert part_count(LONG) > 1
    assert (estimate.parts, estimate.by_parts, estimate.cost) == (
        PEOPLE,
        {1: PEOPLE},
        Decimal("0.02") * PEOPLE,
    )
    assert blocking(checks_of(with_picture)) == []
    dispatch = send(with_picture, actor).segments.get().dispatch
    assert dispatch.media_urls == public_urls([sale])
    jobs = jobs_of(dispatch)
    assert {job.outgoing.media_urls for job in jobs} == {tuple(public_urls([sale]))}
    assert {(job.parts, job.price) for job in jobs} == {(1, Decimal("0.02"))}


def test_a_picture_needs_no_text(with_picture: Broadcast, actor: Actor) -> None:
    bare = changed(with_picture, actor, text="")
    assert (estimate_of(bare).parts, blocking(checks_of(bare))) == (PEOPLE, [])
    [first, *_rest] = jobs_of(send(bare, actor).segments.get().dispatch)
    assert (first.outgoing.text, len(first.outgoing.media_urls)) == ("", 1)


def test_an_account_that_sends_no_pictures_is_refused_in_words(
    with_picture: Broadcast, actor: Actor, acme: Workspace
) -> None:
    texts = make_account(acme, "messagewhiz")
    other = changed(with_picture, actor, account_id=texts.pk)
    found = check(other, "pictures_not_sent")
    assert found == Check(
        "pictures_not_sent",
        "block",
        "messagewhiz test sends no pictures: remove them, or choose another account.",
        "pictures",
    )


def test_too_many_too_large_and_hidden_ones_block(
    with_picture: Broadcast, actor: Actor, acme: Workspace, sale: Media
) -> None:
    many = [make_picture(acme, colour=(number, 0, 0)).pk for number in range(6)]
    assert "has 6 pictures" in str(check(changed(with_picture, actor, media_ids=many), "pictures_not_sent"))
    Media.objects.filter(pk=sale.pk).update(size_bytes=500_001)
    again = changed(Broadcast.objects.get(pk=with_picture.pk), actor, media_ids=[sale.pk])
    assert "501 KB together" in str(check(again, "pictures_not_sent"))
    set_picture_enabled(media=sale, actor=actor, enabled=False)
    assert "is disabled" in str(check(again, "picture_disabled"))
    sale.file.storage.delete(str(sale.file.name))
    assert "is gone" in str(check(again, "picture_missing"))


def test_a_private_address_is_warned_of_but_not_at_the_sandbox(
    with_picture: Broadcast, settings: Settings
) -> None:
    assert check(with_picture, "pictures_not_reached") is not None
    for address in ("http://192.168.1.2", "http://crier.internal", "http://localhost:8000"):
        settings.PUBLIC_URL = address
        found = check(with_picture, "pictures_not_reached")
        assert found is not None
        assert (found.level, address in str(found.sentence)) == ("warn", True)
    settings.PUBLIC_URL = "https://crier.example.com"
    assert check(with_picture, "pictures_not_reached") is None
    settings.PUBLIC_URL = "http://127.0.0.1"
    assert with_picture.account is not None
    settings.SANDBOX_URL = with_picture.account.base_url.rpartition("/")[0]
    assert check(with_picture, "pictures_not_reached") is None


def test_without_a_price_the_cost_is_not_known(with_picture: Broadcast, actor: Actor) -> None:
    account = ProviderAccount.objects.get(pk=with_picture.account_id)
    update_account(account=account, actor=actor, media_price=None)
    fresh = Broadcast.objects.select_related("workspace", "account", "sender", "campaign").get(
        pk=with_picture.pk
    )
    assert estimate_of(fresh).cost is None
    assert "has no price for messages with pictures" in str(check(fresh, "unpriced"))


def test_other_pictures_are_another_agreement(with_picture: Broadcast, actor: Actor, acme: Workspace) -> None:
    before = estimate_of(with_picture).digest
    other = make_picture(acme, colour="blue")
    assert estimate_of(changed(with_picture, actor, media_ids=[other.pk])).digest != before


def test_foreign_and_too_many_ones_are_refused(draft: Broadcast, actor: Actor, other: Workspace) -> None:
    foreign = make_picture(other)
    for ids, words in (([foreign.pk], f"no picture {foreign.pk}"), (list(range(1, 12)), "11 pictures")):
        with pytest.raises(CampaignError, match=words):
            save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"media_ids": ids})
    assert draft.media.count() == 0


def test_a_copy_keeps_them(with_picture: Broadcast, actor: Actor, sale: Media) -> None:
    assert list(duplicate(broadcast=with_picture, actor=actor).media.all()) == [sale]


def test_a_test_text_has_them(with_picture: Broadcast, actor: Actor, sale: Media) -> None:
    sent = send_test(broadcast=with_picture, actor=actor, msisdn="+12015550123")
    assert sent.message.dispatch.media_urls == public_urls([sale])
    assert (sent.parts, sent.cost) == (1, Decimal("0.02"))


def test_a_test_text_says_why_it_cannot_have_them(with_picture: Broadcast, actor: Actor, sale: Media) -> None:
    set_picture_enabled(media=sale, actor=actor, enabled=False)
    with pytest.raises(CampaignError, match="is disabled"):
        send_test(broadcast=with_picture, actor=actor, msisdn="+12015550123")


def test_the_composer_offers_and_saves_them(bob_client: Client, draft: Broadcast, acme: Workspace) -> None:
    chosen = make_picture(acme, "Oldest")
    for number in range(21):
        make_picture(acme, f"Number {number}", colour=(number, 0, 0))
    address = reverse("broadcast-edit", args=[draft.pk])
    page = bob_client.get(address)
    assertNotContains(page, "Oldest")
    assertContains(bob_client.get(f"{address}?pictures=all"), "Oldest")
    form = page.context["form"]
    data = {
        name: form[name].value() or ""
        for name in ("version", "name", "campaign", "sender", "account", "text")
    }
    data |= {"lists": form["lists"].value(), "when": "now", "pictures": [chosen.pk]}
    assert bob_client.post(address, data).status_code == 302
    assert list(draft.media.all()) == [chosen]
    again = bob_client.get(address)
    # In the choice, and in the phone.
    assertContains(again, reverse("media-thumbnail", args=[chosen.pk]), count=2)
    numbers = bob_client.get(reverse("broadcast-numbers", args=[draft.pk]))
    assertContains(numbers, '<div id="pictures" hx-swap-oob="true"><img')
    data |= {"version": again.context["form"]["version"].value(), "pictures": ["77777"]}
    assertContains(bob_client.post(address, data), "77777", status_code=422)


def test_review_report_message_and_the_pictures_page_show_them(
    bob_client: Client, with_picture: Broadcast, actor: Actor, sale: Media
) -> None:
    thumbnail = reverse("media-thumbnail", args=[sale.pk])
    assertContains(bob_client.get(reverse("broadcast-review", args=[with_picture.pk])), thumbnail, count=5)
    sent = send(with_picture, actor)
    assertContains(bob_client.get(reverse("broadcast-detail", args=[sent.pk])), thumbnail)
    message = sent.segments.get().dispatch.messages.order_by("id")[0]
    assertContains(bob_client.get(reverse("broadcast-message", args=[sent.pk, message.pk])), thumbnail)
    assertContains(bob_client.get(reverse("media-detail", args=[sale.pk])), "Autumn sale")
    assert bob_client.get(reverse("media-list")).context["rows"] == [(sale, "PNG", 1)]


def test_the_api_writes_and_reads_them(
    api: Callable[..., ApiClient], with_picture: Broadcast, sale: Media, acme: Workspace
) -> None:
    client, address = api("marketer"), f"/api/v1/broadcasts/{with_picture.pk}/"
    assert client.get(address).json()["media"] == [sale.pk]
    assert client.patch(address, {"media": []}).json()["media"] == []
    [error] = client.patch(address, {"media": [4711]}).json()["errors"]
    assert (error["field"], "4711" in error["detail"]) == ("media", True)
    text = {"account": with_picture.account_id, "sender": with_picture.sender_id, "msisdn": "+12015550123"}
    sent = client.post("/api/v1/messages/", text | {"text": "", "media": [sale.pk]})
    assert (sent.status_code, sent.json()["parts"], sent.json()["cost"]) == (201, 1, "0.02000")
    assert Dispatch.objects.latest("id").media_urls == public_urls([sale])
    assert sent.json()["media"] == [sale.pk]
    assert client.get(f"/api/v1/messages/{sent.json()['id']}/").json()["media"] == [sale.pk]
    [error] = client.post("/api/v1/messages/", text | {"text": ""}).json()["errors"]
    assert (error["field"], "empty" in error["detail"]) == ("text", True)
    [error] = client.post("/api/v1/messages/", text | {"text": "Hi", "media": [4711]}).json()["errors"]
    assert error["field"] == "media"
    texts = make_account(acme, "messagewhiz", name="Texts")
    refused = client.post("/api/v1/messages/", text | {"account": texts.pk, "text": "Hi", "media": [sale.pk]})
    [error] = refused.json()["errors"]
    assert (error["field"], "sends no pictures" in error["detail"]) == ("media", True)
