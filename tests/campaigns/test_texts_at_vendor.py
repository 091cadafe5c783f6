"""Through a provider that writes the text itself: free text is refused before sending, and says why."""

from __future__ import annotations

import json

import httpx
import pytest

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.check import Check
from campaigns.services.checks import launch_checks
from campaigns.services.drafts import save_draft
from campaigns.services.estimate import estimate_of
from messaging.bodies import is_lone_address
from messaging.content import compile_content
from messaging.errors import MessagingError
from messaging.models import Message
from messaging.singles import send_one
from tests.campaigns.makers import PEOPLE, send
from tests.engine.makers import make_account, make_sender
from tests.engine.test_brakes import Vendor, run

CREDENTIALS = {
    "api_key": "5A4DB0C5-0000-4000-8000-000000000000",
    "campaign_guid": "71349011-E13D-43FC-ADB4-DAE215EA5438",
}


@pytest.fixture
def through_mx2(draft: Broadcast) -> Broadcast:
    account = draft.account
    assert account is not None
    account.vendor, account.name = "mx2", "Mx2"
    account.credentials = CREDENTIALS
    account.save()
    return draft


def change(draft: Broadcast, actor: Actor, text: str) -> Broadcast:
    return save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"text": text})


def checked(draft: Broadcast) -> dict[str, Check]:
    return {check.code: check for check in launch_checks(draft, estimate_of(draft))}


@pytest.mark.django_db
def test_a_text_of_ours_is_refused_in_words(through_mx2: Broadcast) -> None:
    check = checked(through_mx2)["text_at_vendor"]
    assert (check.level, check.fix) == ("block", "message")
    assert "Mx2 sends the text that is kept at Mx2 Group, not one that is written here" in str(check.sentence)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "https://example.com/sale", "https://example.com/?c={{custom1}}"])
def test_no_text_or_an_address_alone_goes(through_mx2: Broadcast, actor: Actor, text: str) -> None:
    draft = change(through_mx2, actor, text)
    checks = checked(draft)
    assert checks["text_at_vendor"].level == "ok"
    assert [check for check in checks.values() if check.level == "block"] == []
    estimate = estimate_of(draft)
    assert (estimate.people, estimate.parts, estimate.empty) == (PEOPLE, PEOPLE, 0)


@pytest.mark.parametrize(
    ("text", "is_address"),
    [
        ("{{link:5}}", True),
        (" {{ shorten_url }} ", True),
        ("{{link_list:5}}", True),
        ("{{first_name}}", False),
        ("https://example.com/{{first_name|you}}", True),
        ("https://example.com/ now", False),
        ("Go to https://example.com", False),
        ("ftp://example.com", False),
        ("{{link:5}} {{link:6}}", False),
        ("{{link:5}}!", False),
    ],
)
def test_what_an_address_is(text: str, is_address: bool) -> None:
    assert is_lone_address(text) is is_address


@pytest.mark.django_db(transaction=True)
@pytest.mark.engine
@pytest.mark.parametrize(
    ("text", "landing"), [("", None), ("https://example.com/sale", "https://example.com/sale")]
)
def test_what_was_shown_is_what_goes_out(
    through_mx2: Broadcast, actor: Actor, text: str, landing: str | None
) -> None:
    vendor = Vendor(
        lambda number: httpx.Response(
            200, json={"status": "success", "statusMessage": "", "subscriberId": f"s{number}"}
        )
    )
    launched = send(change(through_mx2, actor, text), actor)
    run(vendor)
    dispatch = launched.segments.get().dispatch
    assert dispatch.messages.filter(state="sent", parts=1).count() == PEOPLE
    bodies = [json.loads(request.content) for request in vendor.requests]
    assert {body.get("landingPageUrl") for body in bodies} == {landing}
    assert {body["fname"] for body in bodies} == {f"Person {number}" for number in range(PEOPLE)}
    assert {len(body["cell"]) for body in bodies} == {10}


@pytest.mark.django_db
def test_a_sender_that_nobody_sees_is_told(through_mx2: Broadcast) -> None:
    checks = checked(through_mx2)
    assert "sender" not in checks
    check = checks["sender_of_vendor"]
    assert (check.level, str(check.sentence)) == (
        "warn",
        "Mx2 sends from a sender of its own: the one that is chosen here is not what people see.",
    )


@pytest.mark.django_db
def test_a_single_text_is_refused_in_words(acme: Workspace) -> None:
    account = make_account(acme)
    account.vendor, account.credentials = "mx2", CREDENTIALS
    account.save()
    with pytest.raises(MessagingError, match="not one that is written here") as caught:
        send_one(
            workspace=acme,
            account=account,
            sender=make_sender(acme),
            msisdn="12015550123",
            content=compile_content(acme.pk, "Hi there"),
            values={},
        )
    assert caught.value.field == "text"
    assert not Message.objects.exists()
