"""A broadcast to a live list, from the draft to the ledger: whoever matches when it is planned, each once."""

from __future__ import annotations

from collections import Counter

import pytest

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.audience import reach_of
from campaigns.services.drafts import save_draft
from campaigns.services.planning import plan_segment
from contacts.models import OptOut, Recipient, RecipientList
from contacts.rules import rule_of
from contacts.services import list_jobs, lists
from contacts.services.list_jobs import Wish
from contacts.services.lists import Person
from messaging.models import Message
from tests.campaigns.makers import make_draft, send
from tests.contacts.support import NOBODY, list_named, number

ANNS = rule_of({"conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}]})


@pytest.fixture
def source(acme: Workspace) -> RecipientList:
    """Twelve people; every third is Ann."""
    rows = [Person(f"+{number(n)}", {"first_name": "Bob" if n % 3 else "Ann"}) for n in range(12)]
    return list_named(acme, people=rows)


@pytest.fixture
def live(source: RecipientList) -> RecipientList:
    return lists.create_live_list(source=source, actor=NOBODY, name="Anns", rule=ANNS)


def to(draft: Broadcast, actor: Actor, *chosen: RecipientList) -> Broadcast:
    changes = {"list_ids": [one.pk for one in chosen]}
    return save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)


def texted(broadcast: Broadcast) -> Counter[str]:
    return Counter(Message.objects.filter(broadcast_id=broadcast.pk).values_list("msisdn", flat=True))


def once(*wanted: int) -> Counter[str]:
    return Counter(number(n) for n in wanted)


def test_whoever_matches_gets_it_once(acme: Workspace, actor: Actor, live: RecipientList) -> None:
    draft = make_draft(acme, actor, live)
    OptOut.objects.create(workspace=acme, msisdn=number(3))
    assert reach_of(draft).as_dict() == {
        "on_lists": 4,
        "duplicates": 0,
        "opted_out": 1,
        "unsubscribed": 0,
        "people": 3,
    }
    running = send(draft, actor)
    assert running.state == "running"
    assert texted(running) == once(0, 6, 9)
    for segment in running.segments.all():
        plan_segment(segment_id=segment.pk)
    assert texted(running) == once(0, 6, 9)


def test_on_the_live_list_and_its_source_is_once(
    acme: Workspace, actor: Actor, live: RecipientList, source: RecipientList
) -> None:
    draft = to(make_draft(acme, actor, live), actor, live, source)
    reach = reach_of(draft)
    assert (reach.on_lists, reach.duplicates, reach.people) == (16, 4, 12)
    assert texted(send(draft, actor)) == once(*range(12))


def test_on_two_live_lists_and_another_list_is_once(
    acme: Workspace, actor: Actor, live: RecipientList, source: RecipientList
) -> None:
    rule = rule_of({"conditions": [{"field": "msisdn", "operator": "is", "value": number(0)}]})
    zero = lists.create_live_list(source=source, actor=NOBODY, name="Zero", rule=rule)
    more = list_named(acme, "More", [Person(f"+{number(n)}") for n in (0, 1, 20)])
    draft = to(make_draft(acme, actor, live), actor, live, zero, more)
    reach = reach_of(draft)
    assert (reach.on_lists, reach.duplicates, reach.people) == (8, 2, 6)
    assert texted(send(draft, actor)) == once(0, 1, 3, 6, 9, 20)


def test_who_matches_no_more_at_planning_does_not_get_it(
    acme: Workspace, actor: Actor, live: RecipientList, source: RecipientList
) -> None:
    running = send(make_draft(acme, actor, live), actor, plan=False)
    person = source.recipients.get(msisdn=number(6))
    lists.update_recipient(recipient=person, actor=NOBODY, fields={"first_name": "Anna"})
    plan_segment(segment_id=running.segments.get().pk)
    assert texted(running) == once(0, 3, 9)


def test_who_matches_only_since_the_launch_is_no_surprise(
    acme: Workspace, actor: Actor, live: RecipientList, source: RecipientList
) -> None:
    """Whoever is added later is not texted."""
    running = send(make_draft(acme, actor, live), actor, plan=False)
    lists.add_recipients(
        recipient_list=source, people=[Person(f"+{number(30)}", {"first_name": "Ann"})], actor=NOBODY
    )
    plan_segment(segment_id=running.segments.get().pk)
    assert texted(running) == once(0, 3, 6, 9)


def test_more_who_match_than_were_agreed_to_pause_it(
    acme: Workspace, actor: Actor, live: RecipientList, source: RecipientList
) -> None:
    running = send(make_draft(acme, actor, live), actor, plan=False)
    source.recipients.filter(msisdn=number(1)).update(first_name="Ann")
    plan_segment(segment_id=running.segments.get().pk)
    running.refresh_from_db()
    assert running.state == "paused"
    assert texted(running) == once(0, 1, 3, 6, 9)
    assert not Message.objects.exclude(state="queued").exists()


def test_a_disabled_source_reaches_nobody(
    acme: Workspace, actor: Actor, live: RecipientList, source: RecipientList
) -> None:
    draft = make_draft(acme, actor, live)
    lists.set_list_enabled(recipient_list=source, actor=NOBODY, enabled=False)
    assert reach_of(draft).people == 0


def test_copied_as_it_stands_it_changes_no_more(
    acme: Workspace, actor: Actor, live: RecipientList, source: RecipientList
) -> None:
    job = list_jobs.start_job(sought=list_jobs.Sought(live), wish=Wish("copy", new_list="Kept"), actor=NOBODY)
    Recipient.objects.filter(list=source).update(first_name="Bob")
    kept = RecipientList.objects.get(pk=job.target_id)
    assert texted(send(make_draft(acme, actor, kept), actor)) == once(0, 3, 6, 9)
