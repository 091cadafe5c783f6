"""Whoever was agreed to is in the ledger, or a broadcast says why not: opted out since, and it goes on; else it asks."""

from __future__ import annotations

import pytest

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import EstimateChanged
from campaigns.models import Broadcast
from campaigns.services import planning
from campaigns.services.control import pause_broadcast, resume_broadcast
from campaigns.services.drafts import save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch, remember_estimate
from campaigns.services.planning import plan_segment
from campaigns.services.reports import report_of
from contacts.models import OptOut, Recipient, RecipientList, UnsubscribeList, UnsubscribeMember
from contacts.people import Sought
from contacts.rules import rule_of
from contacts.services import lists
from contacts.services.list_jobs import Wish, start_job
from contacts.services.lists import Person
from messaging.models import Message
from tests.campaigns.makers import make_draft, send
from tests.contacts.support import NOBODY, list_named, number

IN = rule_of({"conditions": [{"field": "first_name", "operator": "is", "value": "in"}]})


@pytest.fixture
def six(acme: Workspace) -> RecipientList:
    """Three are in, three are out."""
    return list_named(
        acme, people=[Person(f"+{number(n)}", {"first_name": "in" if n < 3 else "out"}) for n in range(6)]
    )


@pytest.fixture
def launched(acme: Workspace, actor: Actor, six: RecipientList) -> Broadcast:
    """To six, not planned yet."""
    return send(make_draft(acme, actor, six), actor, plan=False)


def plan(broadcast: Broadcast) -> Broadcast:
    plan_segment(segment_id=broadcast.segments.get().pk)
    broadcast.refresh_from_db()
    return broadcast


def planned(broadcast: Broadcast) -> set[str]:
    return set(Message.objects.filter(broadcast_id=broadcast.pk).values_list("msisdn", flat=True))


def numbers(*wanted: int) -> set[str]:
    return {number(n) for n in wanted}


def said(broadcast: Broadcast, kind: str = "planned") -> list[str]:
    return list(broadcast.events.filter(kind=kind).values_list("sentence", flat=True))


def set_name(people: RecipientList, n: int, name: str) -> None:
    person = people.recipients.get(msisdn=number(n))
    lists.update_recipient(recipient=person, actor=NOBODY, fields={"first_name": name})


def move_all(source: RecipientList, target: RecipientList) -> None:
    start_job(sought=Sought(source), wish=Wish("move", target=target), actor=NOBODY)


def test_those_who_were_agreed_to_are_planned_and_nothing_is_asked(launched: Broadcast) -> None:
    assert plan(launched).state == "running"
    assert said(launched) == ["6 people planned."]
    assert report_of(launched).left_out == {}


def test_whoever_opted_out_since_is_counted_and_named(
    acme: Workspace, actor: Actor, six: RecipientList
) -> None:
    """And those before are not counted again."""
    unsubscribed = UnsubscribeList.objects.create(workspace=acme, name="No offers")
    OptOut.objects.create(workspace=acme, msisdn=number(0))
    UnsubscribeMember.objects.create(list=unsubscribed, msisdn=number(1))
    draft = make_draft(acme, actor, six)
    draft.unsubscribe_lists.set([unsubscribed])
    launched = send(draft, actor, plan=False)
    OptOut.objects.create(workspace=acme, msisdn=number(2))
    UnsubscribeMember.objects.create(list=unsubscribed, msisdn=number(2))
    UnsubscribeMember.objects.create(list=unsubscribed, msisdn=number(3))
    assert plan(launched).state == "running"
    assert planned(launched) == numbers(4, 5)
    assert said(launched) == [
        "2 people planned. 2 people opted out or unsubscribed since it was agreed to and are left out."
    ]
    assert report_of(launched).left_out == {"opted_out": 1, "unsubscribed": 1, "since_launch": 2}


def test_who_opts_out_after_being_planned_is_no_difference(
    acme: Workspace, launched: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two chunks: planned, and left out when the turn comes."""
    monkeypatch.setattr(planning, "CHUNK_IDS", 3)
    monkeypatch.setattr(planning, "SQLITE_CHUNK_IDS", 3)
    real, msisdns = planning.count_planned, iter([number(0), number(5)])

    def opt_out(dispatch_id: int, count: int) -> None:
        real(dispatch_id, count)
        if count:
            OptOut.objects.create(workspace=acme, msisdn=next(msisdns, number(30)))

    monkeypatch.setattr(planning, "count_planned", opt_out)
    assert plan(launched).state == "running"
    assert number(0) in planned(launched)
    assert len(planned(launched)) == 6 - launched.estimate.get("left_out_since", 0)


def test_nobody_left_asks(acme: Workspace, actor: Actor, launched: Broadcast) -> None:
    for n in range(6):
        OptOut.objects.create(workspace=acme, msisdn=number(n))
    assert plan(launched).state == "paused"
    assert (
        "Nobody is left of those who were agreed to (6): opted out or unsubscribed since 6"
        in launched.state_reason
    )
    assert said(launched, "paused") == [launched.state_reason]
    report = report_of(launched)
    assert (report.people, report.waiting) == (0, 0)
    assert resume_broadcast(broadcast=launched, actor=actor).state == "finished"


def test_whoever_was_moved_before_the_planning_is_missed(
    acme: Workspace, launched: Broadcast, six: RecipientList
) -> None:
    move_all(six, list_named(acme, "Elsewhere"))
    assert plan(launched).state == "paused"
    assert planned(launched) == set()
    assert "not on its lists any more 6" in launched.state_reason


def test_whoever_is_moved_while_it_runs_gets_it(
    acme: Workspace, launched: Broadcast, six: RecipientList
) -> None:
    """The message finds its person, whose name is in the text."""
    plan(launched)
    elsewhere = list_named(acme, "Elsewhere")
    move_all(six, elsewhere)
    ids = Message.objects.filter(broadcast_id=launched.pk).values_list("recipient_id", flat=True)
    assert elsewhere.recipients.filter(pk__in=ids).count() == 6


def test_fewer_ask_and_say_how_many_for_what(
    acme: Workspace, actor: Actor, launched: Broadcast, six: RecipientList
) -> None:
    OptOut.objects.create(workspace=acme, msisdn=number(0))
    ids = list(six.recipients.filter(msisdn__in=numbers(1, 2)).values_list("pk", flat=True))
    lists.remove_recipients(recipient_list=six, ids=ids, actor=NOBODY)
    assert plan(launched).state == "paused"
    assert "3 now, 6 then" in launched.state_reason
    assert "since: 1." in launched.state_reason
    assert "disabled): 2," in launched.state_reason
    assert planned(launched) == numbers(3, 4, 5)
    assert resume_broadcast(broadcast=launched, actor=actor).state == "running"


def test_a_disabled_list_asks(actor: Actor, launched: Broadcast, six: RecipientList) -> None:
    lists.set_list_enabled(recipient_list=six, actor=actor, enabled=False)
    assert plan(launched).state == "paused"
    assert "Nobody is left" in launched.state_reason


def test_others_on_a_live_list_ask(acme: Workspace, actor: Actor, six: RecipientList) -> None:
    """One leaves and one comes: as many, but nobody has seen the one who came."""
    live = lists.create_live_list(source=six, actor=NOBODY, name="Live", rule=IN)
    launched = send(make_draft(acme, actor, live), actor, plan=False)
    set_name(six, 0, "out")
    set_name(six, 5, "in")
    assert plan(launched).state == "paused"
    assert "3 now, 3 then, but some left its lists and others came" in launched.state_reason
    assert not Message.objects.exclude(state="queued").exists()


def test_one_opted_out_and_another_ones_opt_out_undone_asks(
    acme: Workspace, actor: Actor, six: RecipientList
) -> None:
    gone = OptOut.objects.create(workspace=acme, msisdn=number(0))
    launched = send(make_draft(acme, actor, six), actor, plan=False)
    gone.delete()
    OptOut.objects.create(workspace=acme, msisdn=number(1))
    assert plan(launched).state == "paused"
    assert planned(launched) == numbers(0, 2, 3, 4, 5)


def test_somebody_moved_here_asks(acme: Workspace, launched: Broadcast, six: RecipientList) -> None:
    """The row is older than the launch, so it is planned."""
    older = list_named(acme, "Older")
    Recipient.objects.filter(list=six, msisdn=number(5)).update(list=older)
    lists.change_count(six, -1)
    lists.change_count(older, 1)
    OptOut.objects.create(workspace=acme, msisdn=number(4))
    assert plan(launched).state == "paused"


def test_the_same_number_on_two_lists_is_no_difference(
    acme: Workspace, actor: Actor, six: RecipientList
) -> None:
    """Nor that it leaves one of them."""
    more = list_named(acme, "More", [Person(f"+{number(n)}") for n in (0, 1, 20)])
    draft = make_draft(acme, actor, six)
    changes = {"list_ids": [six.pk, more.pk]}
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)
    launched = send(draft, actor, plan=False)
    ids = [six.recipients.get(msisdn=number(0)).pk]
    lists.remove_recipients(recipient_list=six, ids=ids, actor=NOBODY)
    assert plan(launched).state == "running"
    assert planned(launched) == numbers(0, 1, 2, 3, 4, 5, 20)


def test_one_that_was_paused_by_hand_asks_too(
    acme: Workspace, actor: Actor, launched: Broadcast, six: RecipientList
) -> None:
    pause_broadcast(broadcast=launched, actor=actor)
    move_all(six, list_named(acme, "Elsewhere"))
    assert plan(launched).state == "paused"
    assert "Nobody is left" in launched.state_reason
    assert said(launched, "paused") == ["Paused.", launched.state_reason]


def test_others_than_were_reviewed_are_not_launched_to(
    acme: Workspace, actor: Actor, six: RecipientList
) -> None:
    """Between the review and the button."""
    live = lists.create_live_list(source=six, actor=NOBODY, name="Live", rule=IN)
    draft = make_draft(acme, actor, live)
    seen = estimate_of(draft)
    remember_estimate(broadcast=draft, estimate=seen)
    draft.refresh_from_db()
    set_name(six, 0, "out")
    set_name(six, 5, "in")
    with pytest.raises(
        EstimateChanged, match="Other people would get it than when you saw it, though as many"
    ):
        launch(broadcast=draft, actor=actor, launch_token=draft.launch_token, digest=seen.digest)


def test_one_launched_before_that_was_kept_is_judged_by_its_count(
    launched: Broadcast, six: RecipientList
) -> None:
    del launched.estimate["audience"]
    launched.save()
    assert plan(launched).state == "running"
