"""Finishing the job: again to those who missed it, each person once, and a person's word on what is unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import CampaignError, EstimateChanged
from campaigns.models import Broadcast
from campaigns.services.checks import launch_checks
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch
from campaigns.services.missed import draft_for_missed, missed_of, settle_unknown, unknown_groups
from contacts.models import Recipient
from messaging.dispatches import stop_dispatch
from messaging.ledger import Change, apply_changes, cancel_waiting, claim_messages
from messaging.models import Dispatch, Message, ReceiptQuestion
from sms.states import MessageState
from tests.access import assert_access
from tests.campaigns.makers import send
from tests.engine.makers import make_account
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.people import api_client

pytestmark = pytest.mark.django_db
S = MessageState


def settle(broadcast: Broadcast, number: int, state: MessageState, reason: str = "") -> list[Message]:
    """So many of those who wait come to a state."""
    rows = list(Message.objects.filter(broadcast_id=broadcast.pk, state="queued").order_by("id")[:number])
    assert len(rows) == number
    for step, word in ((S.SUBMITTING, ""), (state, reason)):
        apply_changes([Change(row.pk, step, datetime.now(UTC), "engine", word) for row in rows])
    return rows


def dispatch_of(broadcast: Broadcast) -> Dispatch:
    return Dispatch.objects.get(segment__broadcast=broadcast)


def claim(broadcast: Broadcast, limit: int = 100) -> set[str]:
    lease = timezone.now() + timedelta(minutes=1)
    claimed = claim_messages(dispatch=dispatch_of(broadcast), claim="w1", limit=limit, lease_until=lease)
    return {row.msisdn for row in claimed}


def states(broadcast: Broadcast) -> dict[tuple[str, str], int]:
    assert_counters_equal_ledger(dispatch_of(broadcast))
    counts = dispatch_of(broadcast).counts.filter(count__gt=0)
    return {(state, reason): count for state, reason, count in counts.values_list("state", "reason", "count")}


@pytest.fixture
def missed(running: Broadcast) -> Broadcast:
    """Ten refused for their sender, five with a bad number, four unreached, one unknown; ten have it."""
    settle(running, 10, S.FAILED, "sender_not_allowed")
    settle(running, 5, S.FAILED, "bad_number")
    settle(running, 4, S.EXPIRED, "expired")
    settle(running, 1, S.UNKNOWN, "no_answer")
    settle(running, 10, S.DELIVERED)
    return running


def again(broadcast: Broadcast, actor: Actor, *reasons: str) -> Broadcast:
    return draft_for_missed(
        broadcast=broadcast, actor=actor, reasons=reasons or ("sender_not_allowed", "expired")
    )


# --- again to those who missed it -----------------------------------------------------------------------


def test_only_what_certainly_was_not_sent_and_may_succeed_is_offered(missed: Broadcast) -> None:
    assert {one.key: (one.line.count, one.reachable) for one in missed_of(missed)} == {
        "failed:sender_not_allowed": (10, True),
        "failed:bad_number": (5, False),
        "expired:expired": (4, True),
        "unknown:no_answer": (1, False),
    }


def test_the_draft_has_exactly_those_people_and_numbers(missed: Broadcast, actor: Actor) -> None:
    draft = again(missed, actor, "failed:sender_not_allowed")
    estimate = estimate_of(draft)
    assert (draft.state, draft.again_of, draft.again_root, draft.text) == (
        "draft",
        missed,
        missed,
        missed.text,
    )
    assert (estimate.people, estimate.reached, estimate.parts, estimate.cost) == (
        10,
        10,
        10,
        Decimal("0.07900"),
    )
    assert missed.events.count() == 2
    with pytest.raises(CampaignError, match="Nobody among them can be tried again"):
        again(missed, actor, "bad_number", "unknown:no_answer")


def test_it_may_go_through_another_account(missed: Broadcast, actor: Actor, acme: Workspace) -> None:
    other = make_account(acme, "messagewhiz")
    draft = draft_for_missed(broadcast=missed, actor=actor, reasons=["expired"], account=other)
    assert draft.account == other
    sent = send(draft, actor)
    assert set(Message.objects.filter(broadcast_id=sent.pk).values_list("account_id", flat=True)) == {
        other.pk
    }


def test_of_a_code_in_two_states_only_the_chosen_one_goes(running: Broadcast, actor: Actor) -> None:
    settle(running, 2, S.FAILED, "refused")
    settle(running, 3, S.REJECTED, "refused")
    assert estimate_of(again(running, actor, "refused")).people == 2


def test_who_is_on_no_list_any_more_is_not_written_to(missed: Broadcast, actor: Actor) -> None:
    gone = Message.objects.filter(broadcast_id=missed.pk, reason="expired").values("recipient_id")
    Recipient.objects.filter(pk__in=gone).delete()
    assert estimate_of(again(missed, actor)).people == 10
    with pytest.raises(CampaignError, match="on no list any more"):
        again(missed, actor, "expired")


def test_a_single_one_is_tried_again_too(acme: Workspace, actor: Actor, draft: Broadcast) -> None:
    number = Recipient.objects.filter(list__workspace=acme).order_by("id")[0].msisdn
    Broadcast.objects.filter(pk=draft.pk).update(kind="single", msisdn=number)
    Recipient.objects.all().delete()
    single = send(Broadcast.objects.get(pk=draft.pk), actor)
    settle(single, 1, S.UNDELIVERED, "undelivered")
    made = again(single, actor, "undelivered")
    assert (made.kind, made.msisdn, estimate_of(made).reached) == ("single", number, 1)
    send(made, actor)
    third = again(single, actor, "undelivered")
    assert (estimate_of(third).reached, estimate_of(third).has_it) == (0, 1)


# --- each person once -------------------------------------------------------------------------------------


def test_two_drafts_to_the_same_people_text_each_once(missed: Broadcast, actor: Actor) -> None:
    first, second = again(missed, actor), again(missed, actor, "expired")
    send(first, actor)
    estimate = estimate_of(second)
    assert (estimate.people, estimate.reached, estimate.has_it, estimate.parts) == (4, 0, 4, 0)
    [check] = [check for check in launch_checks(second, estimate) if check.code == "has_it"]
    assert (check.level, "4 people do not get it again" in str(check.sentence)) == ("block", True)


def test_what_was_agreed_to_before_the_other_went_is_seen_anew(missed: Broadcast, actor: Actor) -> None:
    first, second = again(missed, actor, "expired"), again(missed, actor)
    agreed = estimate_of(second)
    send(first, actor)
    with pytest.raises(EstimateChanged):
        launch(broadcast=second, actor=actor, launch_token=second.launch_token, digest=agreed.digest)


@pytest.mark.parametrize("first_claims", [True, False])
def test_at_once_the_ledger_lets_one_of_them_send(
    missed: Broadcast, actor: Actor, first_claims: bool
) -> None:
    """Both were launched before either had a row, so neither knew of the other's."""
    first, second = again(missed, actor, "expired"), again(missed, actor, "expired")
    both = [send(first, actor, plan=False), send(second, actor, plan=False)]
    for broadcast in both:
        send_planned(broadcast)
    order = both if first_claims else both[::-1]
    got = [claim(broadcast) for broadcast in order]
    assert len(got[0] | got[1]) == 4
    assert got[0] & got[1] == set()
    # Who waits in the one that was made first is left to it.
    assert got == ([got[0], set()] if first_claims else [set(), got[1]])
    assert states(both[1]) == {("cancelled", "has_it"): 4}


def send_planned(broadcast: Broadcast) -> None:
    from campaigns.services.planning import plan_segment  # the makers' way, in two steps

    for segment in broadcast.segments.all():
        plan_segment(segment_id=segment.pk)


def test_what_the_first_one_certainly_did_not_send_the_second_may(missed: Broadcast, actor: Actor) -> None:
    first, second = (send(again(missed, actor, "expired"), actor, plan=False) for _draft in range(2))
    send_planned(first)
    send_planned(second)
    stop_dispatch(dispatch_id=dispatch_of(first).pk)
    cancel_waiting(dispatch_of(first).pk)
    assert len(claim(second)) == 4


def test_again_of_one_that_was_again_is_of_one_family(missed: Broadcast, actor: Actor) -> None:
    first = send(again(missed, actor, "expired"), actor)
    late = again(missed, actor, "expired")
    settle(first, 4, S.UNDELIVERED, "undelivered")
    grandchild = send(again(first, actor, "undelivered"), actor)
    assert grandchild.again_root == missed
    assert len(claim(grandchild)) == 4
    assert estimate_of(late).has_it == 4


# --- unknown ------------------------------------------------------------------------------------------------


def test_groups_by_reason_and_account(running: Broadcast) -> None:
    rows = settle(running, 3, S.UNKNOWN, "no_answer") + settle(running, 2, S.UNKNOWN, "worker_lost")
    ReceiptQuestion.objects.create(
        message_id=rows[0].pk, account_id=rows[0].account_id, due_at=timezone.now()
    )
    found = [(group.reason, group.count, group.asked) for group in unknown_groups(running)]
    assert found == [("no_answer", 3, 1), ("worker_lost", 2, 0)]


def test_a_person_settles_a_group(running: Broadcast, actor: Actor) -> None:
    settle(running, 3, S.UNKNOWN, "no_answer")
    settle(running, 2, S.UNKNOWN, "worker_lost")
    account_id = running.account_id
    assert (
        settle_unknown(
            broadcast=running, actor=actor, received=False, account_id=account_id, reason="no_answer"
        )
        == 3
    )
    assert settle_unknown(broadcast=running, actor=actor, received=True, reason="worker_lost") == 2
    assert states(running) == {
        ("failed", "said_not_received"): 3,
        ("delivered", "said_received"): 2,
        ("queued", ""): 25,
    }
    message = Message.objects.filter(reason="said_not_received").order_by("id")[0]
    assert [step[0] for step in message.history][-2:] == ["unknown", "failed"]
    assert message.history[-1][2] == "person"
    sentences = list(running.events.filter(kind="settled").values_list("sentence", "user"))
    assert sentences == [
        (
            "3 unknown messages settled: they did not arrive and may be sent again.",
            actor.user and actor.user.pk,
        ),
        ("2 unknown messages settled: they arrived.", actor.user and actor.user.pk),
    ]
    assert estimate_of(again(running, actor, "said_not_received")).people == 3
    with pytest.raises(CampaignError, match="settled meanwhile"):
        settle_unknown(broadcast=running, actor=actor, received=True)


def test_a_word_is_final_and_a_report_before_it_too(running: Broadcast, actor: Actor) -> None:
    first, second = settle(running, 2, S.UNKNOWN, "no_answer")
    apply_changes([Change(first.pk, S.DELIVERED, timezone.now(), "receipt")])
    assert settle_unknown(broadcast=running, actor=actor, received=False) == 1
    apply_changes([Change(second.pk, S.DELIVERED, timezone.now(), "receipt")])
    second.refresh_from_db()
    assert (second.state, second.reason) == ("failed", "said_not_received")
    first.refresh_from_db()
    assert (first.state, first.reason) == ("delivered", "")


def test_many_are_settled_in_pieces(
    running: Broadcast, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.services.missed.SETTLED_AT_ONCE", 4)
    settle(running, 30, S.UNKNOWN, "no_answer")
    assert settle_unknown(broadcast=running, actor=actor, received=False) == 30
    assert states(running) == {("failed", "said_not_received"): 30}


# --- pages and API --------------------------------------------------------------------------------------------


def test_the_page_takes_the_word_and_makes_the_draft(bob_client: Client, missed: Broadcast) -> None:
    page = f"/broadcasts/{missed.pk}/missed/"
    html = bob_client.get(page).content.decode()
    assert "Write to the 14 reachable ones" in html
    assert "1 unknown" in html
    word = {"word": "not_received", "account": missed.account_id, "reason": "no_answer"}
    assert bob_client.post(f"/broadcasts/{missed.pk}/settle/", word).headers["Location"] == page
    assert "Write to the 15 reachable ones" in bob_client.get(page).content.decode()
    reasons = ["failed:said_not_received"]
    made = bob_client.post(f"{page}draft/", {"reasons": reasons, "account": missed.account_id})
    draft = Broadcast.objects.get(again_of=missed)
    assert made.headers["Location"] == f"/broadcasts/{draft.pk}/review/"
    assert "Send to 1 person" in bob_client.get(made.headers["Location"]).content.decode()
    assert "Autumn sale, again" in bob_client.get(page).content.decode()


def test_one_message_is_settled_from_its_page(bob_client: Client, missed: Broadcast) -> None:
    message = Message.objects.get(broadcast_id=missed.pk, state="unknown")
    page = f"/broadcasts/{missed.pk}/messages/{message.pk}/"
    assert "They got it" in bob_client.get(page).content.decode()
    answer = bob_client.post(f"/broadcasts/{missed.pk}/settle/", {"word": "received", "message": message.pk})
    assert answer.headers["Location"] == page
    message.refresh_from_db()
    assert (message.state, message.reason) == ("delivered", "said_received")
    assert "They got it" not in bob_client.get(page).content.decode()


def test_who_may_settle(missed: Broadcast) -> None:
    assert_access(
        f"/broadcasts/{missed.pk}/settle/",
        "post",
        viewer=403,
        marketer=302,
        wrong_method="get",
        data={"word": "received", "reason": "no_answer"},
    )


def test_the_api(acme: Workspace, missed: Broadcast) -> None:
    client, url = api_client(), f"/api/v1/broadcasts/{missed.pk}/"
    found = client.get(f"{url}missed/").json()
    assert [(one["key"], one["count"]) for one in found["missed"] if one["reachable"]] == [
        ("failed:sender_not_allowed", 10),
        ("expired:expired", 4),
    ]
    [group] = found["unknown"]
    assert (group["reason"], group["account"], group["count"]) == ("no_answer", missed.account_id, 1)
    assert client.post(f"{url}settle/", {"received": False}).status_code == 400
    word = {"received": False, "account": group["account"], "reason": group["reason"]}
    assert client.post(f"{url}settle/", word).json() == {"settled": 1}
    assert client.post(f"{url}settle/", word).status_code == 409
    made = client.post(f"{url}again/", {"reasons": ["failed:said_not_received", "expired:expired"]})
    assert (made.status_code, made.json()["again_of"]) == (201, missed.pk)
    estimate = client.get(f"/api/v1/broadcasts/{made.json()['id']}/estimate/").json()
    assert (estimate["people"], estimate["has_it"], estimate["capped"]) == (5, 0, 0)
    assert client.post(f"{url}again/", {"reasons": ["failed:bad_number"]}).status_code == 400
    assert client.post(f"{url}again/", {"reasons": [], "account": 987654321}).status_code == 400
    assert api_client("viewer").post(f"{url}again/", {"reasons": ["x"]}).status_code == 403
