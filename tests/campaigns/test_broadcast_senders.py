"""A broadcast's sender or sender list: in the composer, the launch check, the estimate, a test and the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import CampaignError, EstimateChanged, LaunchRefused
from campaigns.models import Broadcast
from campaigns.services.check import Check
from campaigns.services.checks import launch_checks
from campaigns.services.drafts import create_draft, duplicate, save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch, launch_due_broadcasts, send_single, send_test
from campaigns.services.senders import sender_for
from campaigns.views.review import verb_of
from contacts.models import Recipient, RecipientList
from messaging.models import Dispatch, Sender, SenderList
from messaging.sender_lists import create_sender_list, update_sender_list
from messaging.senders import allow_accounts, allow_countries, create_sender, set_sender_enabled
from tests.campaigns.makers import PEOPLE, send
from tests.campaigns.test_composer_pages import form_of, save
from tests.engine.makers import make_account
from tests.people import ApiClient

pytestmark = pytest.mark.django_db

NUMBERS = ["12025550101", "12025550102", "12025550103"]
BRITISH, MEXICAN = "447400123456", "525512345678"
Api = Callable[..., ApiClient]


@pytest.fixture
def several(acme: Workspace) -> SenderList:
    senders = [create_sender(workspace=acme, actor=Actor(), value=value) for value in NUMBERS]
    return create_sender_list(workspace=acme, actor=Actor(), name="Main numbers", senders=senders)


@pytest.fixture
def listed(draft: Broadcast, several: SenderList, actor: Actor) -> Broadcast:
    return change(draft, actor, sender_list_id=several.pk)


def change(draft: Broadcast, actor: Actor, **changes: Any) -> Broadcast:
    return save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)


def checked(draft: Broadcast) -> dict[str, Check]:
    return {check.code: check for check in launch_checks(draft, estimate_of(draft))}


def restrict(countries: list[str], values: list[str]) -> None:
    for sender in Sender.objects.filter(value__in=values).select_related("workspace"):
        allow_countries(sender=sender, actor=Actor(), countries=countries)


@pytest.fixture
def abroad(draft: Broadcast) -> None:
    """Its account reaches every country."""
    account = draft.account
    assert account is not None
    account.vendor = "messagewhiz"
    account.credentials = {"api_key": "sandbox-key"}
    account.save()


def add_people(members: RecipientList, *msisdns: str) -> None:
    for msisdn in msisdns:
        Recipient.objects.create(list=members, msisdn=msisdn, first_name="Zoe")


# --- drafts ---------------------------------------------------------------------------------------------


def test_it_works(listed: Broadcast, several: SenderList, actor: Actor) -> None:
    assert (listed.sender, listed.sender_list) == (None, several)
    launched = send(listed, actor)
    dispatch = launched.segments.get().dispatch
    assert (dispatch.sender, dispatch.senders) == ("", [[value, []] for value in NUMBERS])
    assert dispatch.messages.count() == PEOPLE


def test_one_takes_the_place_of_the_other(listed: Broadcast, actor: Actor, several: SenderList) -> None:
    sender = Sender.objects.get(value=NUMBERS[0])
    back = change(listed, actor, sender_id=sender.pk)
    assert (back.sender, back.sender_list) == (sender, None)
    with pytest.raises(CampaignError, match="not both") as caught:
        change(back, actor, sender_id=sender.pk, sender_list_id=several.pk)
    assert caught.value.field == "sender_list_id"


def test_rejects_a_list_of_others(draft: Broadcast, actor: Actor, other: Workspace) -> None:
    theirs = create_sender_list(workspace=other, actor=Actor(), name="Theirs")
    with pytest.raises(CampaignError, match=f"There is no sender list {theirs.pk} in this workspace"):
        change(draft, actor, sender_list_id=theirs.pk)


def test_a_copy_has_the_list_too(listed: Broadcast, actor: Actor, several: SenderList) -> None:
    assert duplicate(broadcast=listed, actor=actor).sender_list == several


def test_a_new_draft_takes_the_default(acme: Workspace, several: SenderList, actor: Actor) -> None:
    assert create_draft(workspace=acme, actor=actor).sender is None
    Sender.objects.filter(value=NUMBERS[1]).update(is_default=True)
    made = create_draft(workspace=acme, actor=actor)
    assert made.sender is not None and made.sender.value == NUMBERS[1]


def test_the_composer_offers_both_in_one_control(
    bob_client: Client, draft: Broadcast, several: SenderList
) -> None:
    page = bob_client.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert '<optgroup label="Sender lists">' in page
    answer = save(bob_client, draft, sender=f"list-{several.pk}")
    assert answer.json()["errors"] == {}
    draft.refresh_from_db()
    assert (draft.sender, draft.sender_list) == (None, several)
    page = bob_client.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert f'<option value="list-{several.pk}" selected>Main numbers</option>' in page
    first = Recipient.objects.order_by("id")[0]
    assert f"<span data-phone-sender>{sender_for(draft, first.msisdn)}</span>" in page


@pytest.mark.parametrize("value", ["list-987654", "987654", "list-", "zebra", "list-1e3"])
def test_a_sender_that_is_not_offered_is_refused_at_its_field(
    bob_client: Client, draft: Broadcast, value: str
) -> None:
    answer = save(bob_client, draft, sender=value)
    assert list(answer.json()["errors"]) == ["id_sender"]
    before = draft.sender
    draft.refresh_from_db()
    assert draft.sender == before


def test_a_disabled_list_stays_where_it_is_chosen(
    bob_client: Client, listed: Broadcast, several: SenderList, actor: Actor
) -> None:
    update_sender_list(sender_list=several, actor=actor, enabled=False)
    data = form_of(listed, sender=f"list-{several.pk}")
    answer = bob_client.post(f"/broadcasts/{listed.pk}/edit/", data, headers={"accept": "application/json"})
    assert answer.json()["errors"] == {}


# --- the launch check -----------------------------------------------------------------------------------


def test_the_check_says_how_senders_are_chosen(listed: Broadcast, several: SenderList, actor: Actor) -> None:
    assert checked(listed)["sender"].sentence == "3 senders of Main numbers, one at random for each message"
    update_sender_list(sender_list=several, actor=actor, choice="sticky")
    listed.refresh_from_db()
    assert (
        checked(listed)["sender"].sentence
        == "3 senders of Main numbers, each person always gets the same one"
    )


def test_members_that_cannot_be_used_are_left_out_and_named(
    listed: Broadcast, acme: Workspace, actor: Actor
) -> None:
    first, second, third = Sender.objects.filter(value__in=NUMBERS).order_by("value")
    set_sender_enabled(sender=first, enabled=False, actor=actor)
    allow_accounts(sender=second, actor=actor, accounts=[make_account(acme, name="Other")])
    check = checked(listed)["senders_left_out"]
    assert check.level == "warn"
    assert f"2 senders of Main numbers are left out, since they cannot be used: {first}, {second}." in str(
        check.sentence
    )
    launched = send(listed, actor)
    assert launched.segments.get().dispatch.senders == [[third.value, []]]


@pytest.mark.parametrize("code", ["sender_list_disabled", "sender_list_empty", "sender_not_allowed"])
def test_a_list_that_cannot_be_used_blocks(
    listed: Broadcast, several: SenderList, actor: Actor, code: str
) -> None:
    if code == "sender_list_disabled":
        update_sender_list(sender_list=several, actor=actor, enabled=False)
    elif code == "sender_list_empty":
        update_sender_list(sender_list=several, actor=actor, senders=[])
    else:
        Sender.objects.update(enabled=False)
    listed.refresh_from_db()
    assert checked(listed)[code].level == "block"
    with pytest.raises(LaunchRefused):
        send(listed, actor)
    assert not Dispatch.objects.exists()


@pytest.mark.usefixtures("abroad")
def test_people_without_a_sender_are_counted_before_sending(
    listed: Broadcast, members: RecipientList
) -> None:
    add_people(members, BRITISH, MEXICAN, "525512345679")
    restrict(["US"], NUMBERS[:2])
    restrict(["US", "GB"], NUMBERS[2:])
    estimate = estimate_of(listed)
    assert (estimate.people, estimate.parts, estimate.no_sender) == (PEOPLE + 3, PEOPLE + 1, {"MX": 2})
    check = checked(listed)["no_sender_for_country"]
    assert check.level == "warn"
    assert str(check.sentence).startswith("2 people do not get it") and "MX (+52): 2" in str(check.sentence)
    assert checked(listed)["people"].sentence == f"{PEOPLE + 1} people get it"
    assert verb_of(listed, estimate).startswith(f"Send to {PEOPLE + 1} people for")


def test_nobody_with_a_sender_blocks(listed: Broadcast, actor: Actor) -> None:
    restrict(["GB"], NUMBERS)
    assert checked(listed)["no_sender_for_country"].level == "block"
    with pytest.raises(LaunchRefused, match="may not send to any of these people"):
        send(listed, actor)


@pytest.mark.usefixtures("abroad")
def test_one_sender_of_some_countries_is_held_to_them(
    draft: Broadcast, members: RecipientList, actor: Actor
) -> None:
    add_people(members, BRITISH)
    assert draft.sender is not None
    restrict(["US"], [draft.sender.value])
    draft.refresh_from_db()
    assert estimate_of(draft).no_sender == {"GB": 1}
    dispatch = send(draft, actor).segments.get().dispatch
    assert (dispatch.sender, dispatch.senders) == ("", [["12025550100", ["US"]]])


def test_a_changed_list_is_another_estimate(listed: Broadcast, several: SenderList, actor: Actor) -> None:
    digest = estimate_of(listed).digest
    update_sender_list(sender_list=several, actor=actor, senders=Sender.objects.filter(value=NUMBERS[0]))
    with pytest.raises(EstimateChanged):
        launch(broadcast=listed, actor=actor, launch_token=listed.launch_token, digest=digest)


@pytest.mark.usefixtures("abroad")
def test_a_scheduled_one_that_lost_senders_for_people_asks(
    listed: Broadcast, members: RecipientList, actor: Actor
) -> None:
    add_people(members, BRITISH)
    scheduled = send(
        change(listed, actor, send_at=timezone.now() + timezone.timedelta(hours=1)), actor, plan=False
    )
    restrict(["US"], NUMBERS)
    Broadcast.objects.update(send_at=timezone.now())
    launch_due_broadcasts()
    scheduled.refresh_from_db()
    assert scheduled.state == "draft"
    assert "GB (+44): 1" in scheduled.state_reason


# --- review, tests, single texts --------------------------------------------------------------------------


def test_the_review_shows_each_sample_with_its_sender(
    listed: Broadcast, bob_client: Client, members: RecipientList
) -> None:
    page = bob_client.get(f"/broadcasts/{listed.pk}/review/").content.decode()
    first = members.recipients.order_by("id")[0]
    assert "<dd>Main numbers</dd>" in page
    assert f"from {sender_for(listed, first.msisdn)}" in page


def test_a_test_comes_from_the_sender_of_that_person(
    listed: Broadcast, actor: Actor, members: RecipientList
) -> None:
    for person in members.recipients.order_by("id")[:8]:
        sent = send_test(broadcast=listed, actor=actor, msisdn="+12015550188", recipient_id=person.pk)
        assert sent.message.sender == sent.message.dispatch.sender == sender_for(listed, person.msisdn)


def test_a_test_of_a_disabled_list_is_refused(listed: Broadcast, several: SenderList, actor: Actor) -> None:
    update_sender_list(sender_list=several, actor=actor, enabled=False)
    listed.refresh_from_db()
    with pytest.raises(CampaignError, match="The sender list Main numbers is disabled") as caught:
        send_test(broadcast=listed, actor=actor, msisdn="+12015550188")
    assert caught.value.field == "sender"


def test_a_test_that_no_sender_may_send_is_refused(listed: Broadcast, actor: Actor) -> None:
    restrict(["GB"], NUMBERS)
    with pytest.raises(CampaignError, match=r"None of the senders of Main numbers can send to \+12015550188"):
        send_test(broadcast=listed, actor=actor, msisdn="+12015550188")


@pytest.mark.usefixtures("abroad")
def test_a_single_text_is_held_to_the_countries_of_its_sender(draft: Broadcast, actor: Actor) -> None:
    assert draft.sender is not None and draft.account is not None
    restrict(["US"], [draft.sender.value])
    draft.refresh_from_db()
    with pytest.raises(CampaignError, match=r"sends to US \(\+1\) only") as caught:
        send_single(
            workspace=draft.workspace,
            actor=actor,
            account=draft.account,
            sender=Sender.objects.get(pk=draft.sender_id),
            msisdn="+" + BRITISH,
            text="Hello",
        )
    assert caught.value.field == "sender"
    assert not Dispatch.objects.exists()


# --- API --------------------------------------------------------------------------------------------------


def test_api_takes_a_sender_list(api: Api, draft: Broadcast, several: SenderList) -> None:
    url = f"/api/v1/broadcasts/{draft.pk}/"
    client = api("marketer")
    changed = client.patch(url, {"sender_list": several.pk}).json()
    assert (changed["sender"], changed["sender_list"]) == (None, several.pk)
    assert client.get(f"{url}estimate/").json()["no_sender"] == {}
    refused = client.patch(url, {"sender": Sender.objects.all()[0].pk, "sender_list": several.pk})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "sender_list"
    assert client.patch(url, {"sender_list": 987654}).status_code == 400
