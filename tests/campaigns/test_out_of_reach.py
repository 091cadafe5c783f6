"""People whose numbers the account's provider does not take: told before sending, with how many and where."""

from __future__ import annotations

import json

import httpx
import pytest

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.check import Check
from campaigns.services.checks import launch_checks
from campaigns.services.estimate import estimate_of, is_within
from contacts.models import Recipient
from messaging.content import compile_content
from messaging.errors import MessagingError
from messaging.models import Message
from messaging.singles import send_one
from tests.campaigns.makers import PEOPLE, send
from tests.engine.makers import make_account, make_sender
from tests.engine.test_brakes import Vendor, run

BRITISH = ["447400123456", "447400123457"]
GERMAN = "4915123456789"


@pytest.fixture
def abroad(draft: Broadcast) -> Broadcast:
    """Through BulkVS, which sends in North America alone, to thirty Americans, two Britons and a German."""
    members = draft.lists.get()
    for msisdn in (*BRITISH, GERMAN):
        Recipient.objects.create(list=members, msisdn=msisdn, first_name="Zoe")
    return draft


def checked(draft: Broadcast) -> dict[str, Check]:
    return {check.code: check for check in launch_checks(draft, estimate_of(draft))}


@pytest.mark.django_db
def test_they_are_counted_before_sending(abroad: Broadcast) -> None:
    estimate = estimate_of(abroad)
    assert (estimate.people, estimate.reached, estimate.parts) == (PEOPLE + 3, PEOPLE, PEOPLE)
    assert estimate.as_dict()["out_of_reach"] == {"DE": 1, "GB": 2}
    check = checked(abroad)["out_of_reach"]
    assert (check.level, check.fix) == ("warn", "account")
    assert str(check.sentence).startswith(
        "3 people do not get it, since bulkvs test does not send to their numbers (GB (+44): 2, DE (+49): 1)"
    )


@pytest.mark.django_db
def test_where_that_is_everybody_nothing_goes_out(abroad: Broadcast) -> None:
    abroad.lists.get().recipients.exclude(msisdn__in=[*BRITISH, GERMAN]).delete()
    check = checked(abroad)["out_of_reach"]
    assert check.level == "block"
    assert str(check.sentence).startswith("bulkvs test reaches none of these people (GB (+44): 2, DE")


@pytest.mark.django_db
def test_more_of_them_is_another_broadcast(abroad: Broadcast) -> None:
    agreed = estimate_of(abroad).as_dict()
    assert is_within(estimate_of(abroad), agreed)
    Recipient.objects.filter(msisdn__startswith="1").first().delete()  # type: ignore[union-attr]  # there is one
    Recipient.objects.create(list=abroad.lists.get(), msisdn="447400123458")
    assert not is_within(estimate_of(abroad), agreed)


@pytest.mark.django_db(transaction=True)
@pytest.mark.engine
def test_they_fail_with_their_reason_and_the_others_get_it(abroad: Broadcast, actor: Actor) -> None:
    launched = send(abroad, actor)
    vendor = Vendor()
    vendor._answer = lambda number: _taken(vendor)
    run(vendor)
    dispatch = launched.segments.get().dispatch
    rows = Message.objects.filter(dispatch=dispatch).values_list("state", "reason", "msisdn")
    assert sorted(row for row in rows if row[0] == "failed") == [
        ("failed", "out_of_reach", msisdn) for msisdn in (*BRITISH, GERMAN)
    ]
    assert len(vendor.requests) == PEOPLE


def _taken(vendor: Vendor) -> httpx.Response:
    to = json.loads(vendor.requests[-1].content)["To"][0]
    return httpx.Response(200, json={"RefId": to, "Results": [{"To": to, "Status": "SUCCESS"}]})


@pytest.mark.django_db
def test_a_single_text_to_one_of_them_is_refused(acme: Workspace) -> None:
    with pytest.raises(MessagingError, match=r"does not send to \+447400123456") as caught:
        send_one(
            workspace=acme,
            account=make_account(acme),
            sender=make_sender(acme),
            msisdn=BRITISH[0],
            content=compile_content(acme.pk, "Hi"),
            values={},
        )
    assert caught.value.field == "msisdn"
    assert not Message.objects.exists()
