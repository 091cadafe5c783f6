"""Who gets it: the reach adds up, and is what planning writes."""

from __future__ import annotations

import random

import pytest

from accounts.models import Workspace
from campaigns.models import Broadcast, BroadcastKind, Campaign
from campaigns.services.audience import Reach, audience_rows, last_recipient_id, reach_of
from contacts.models import OptOut, Recipient, RecipientList, UnsubscribeList, UnsubscribeMember
from sms.examples import example_msisdns

pytestmark = pytest.mark.django_db
NUMBERS = list(example_msisdns(60))


@pytest.fixture
def broadcast(acme: Workspace) -> Broadcast:
    campaign = Campaign.objects.create(workspace=acme, name="Spring")
    return Broadcast.objects.create(workspace=acme, campaign=campaign, name="Hello")


def put_on_list(broadcast: Broadcast, numbers: list[str], *, enabled: bool = True) -> RecipientList:
    name = f"List {broadcast.lists.count()}"
    made = RecipientList.objects.create(workspace=broadcast.workspace, name=name, enabled=enabled)
    Recipient.objects.bulk_create(Recipient(list=made, msisdn=msisdn, country="US") for msisdn in numbers)
    broadcast.lists.add(made)
    return made


def unsubscribe(broadcast: Broadcast, numbers: list[str], *, enabled: bool = True) -> None:
    name = f"Gone {broadcast.unsubscribe_lists.count()}"
    made = UnsubscribeList.objects.create(workspace=broadcast.workspace, name=name, enabled=enabled)
    UnsubscribeMember.objects.bulk_create(UnsubscribeMember(list=made, msisdn=msisdn) for msisdn in numbers)
    broadcast.unsubscribe_lists.add(made)


def opt_out(workspace: Workspace, numbers: list[str]) -> None:
    OptOut.objects.bulk_create(OptOut(workspace=workspace, msisdn=msisdn) for msisdn in numbers)


def test_one_list(broadcast: Broadcast) -> None:
    put_on_list(broadcast, NUMBERS[:10])
    opt_out(broadcast.workspace, NUMBERS[:2])
    assert reach_of(broadcast) == Reach(on_lists=10, opted_out=2, people=8)


def test_a_number_on_three_lists_is_one_person(broadcast: Broadcast) -> None:
    for _ in range(3):
        put_on_list(broadcast, NUMBERS[:4])
    assert reach_of(broadcast) == Reach(on_lists=12, duplicates=8, people=4)


def test_the_first_exclusion_counts(broadcast: Broadcast) -> None:
    put_on_list(broadcast, NUMBERS[:10])
    opt_out(broadcast.workspace, NUMBERS[:3])
    unsubscribe(broadcast, NUMBERS[2:5])
    unsubscribe(broadcast, NUMBERS[4:6])
    assert reach_of(broadcast) == Reach(on_lists=10, opted_out=3, unsubscribed=3, people=4)


def test_disabled_lists_reach_nobody_and_exclude_nobody(broadcast: Broadcast) -> None:
    put_on_list(broadcast, NUMBERS[:10])
    put_on_list(broadcast, NUMBERS[10:20], enabled=False)
    unsubscribe(broadcast, NUMBERS[:5], enabled=False)
    assert reach_of(broadcast) == Reach(on_lists=10, people=10)


def test_no_list_reaches_nobody(broadcast: Broadcast) -> None:
    assert reach_of(broadcast) == Reach()


def test_an_empty_list_reaches_nobody(broadcast: Broadcast) -> None:
    put_on_list(broadcast, [])
    assert reach_of(broadcast) == Reach()
    put_on_list(broadcast, [])
    assert reach_of(broadcast) == Reach()


def test_opt_outs_of_other_workspaces_do_not_count(broadcast: Broadcast, other: Workspace) -> None:
    put_on_list(broadcast, NUMBERS[:3])
    opt_out(other, NUMBERS[:3])
    assert reach_of(broadcast).people == 3


def test_a_single_broadcast_reaches_its_number(broadcast: Broadcast) -> None:
    broadcast.kind, broadcast.msisdn = BroadcastKind.SINGLE, NUMBERS[0]
    assert reach_of(broadcast) == Reach(on_lists=1, people=1)
    opt_out(broadcast.workspace, NUMBERS[:1])
    assert reach_of(broadcast) == Reach(on_lists=1, opted_out=1)


@pytest.mark.parametrize("seed", range(8))
def test_adds_up_and_is_what_planning_writes(broadcast: Broadcast, seed: int) -> None:
    chance = random.Random(seed)
    lists = [chance.sample(NUMBERS, chance.randrange(40)) for _ in range(chance.randint(1, 3))]
    gone = chance.sample(NUMBERS, chance.randrange(20))
    asked = [chance.sample(NUMBERS, chance.randrange(20)) for _ in range(chance.randrange(3))]
    for numbers in lists:
        put_on_list(broadcast, numbers)
    for numbers in asked:
        unsubscribe(broadcast, numbers)
    opt_out(broadcast.workspace, gone)
    everybody = {msisdn for numbers in lists for msisdn in numbers}
    left = everybody - set(gone)
    people = left - {msisdn for numbers in asked for msisdn in numbers}
    on_lists = sum(map(len, lists))
    assert reach_of(broadcast) == Reach(
        on_lists=on_lists,
        duplicates=on_lists - len(everybody),
        opted_out=len(everybody) - len(left),
        unsubscribed=len(left) - len(people),
        people=len(people),
    )
    assert {row.msisdn for row in audience_rows(broadcast)} == people
    assert audience_rows(broadcast).count() == len(people)


def live_list(of: RecipientList, name: str, value: str) -> RecipientList:
    rule = {"match": "all", "conditions": [{"field": "first_name", "operator": "is", "value": value}]}
    return RecipientList.objects.create(workspace=of.workspace, name=name, source=of, rule=rule)


def test_a_live_list_reaches_whoever_matches_just_now(broadcast: Broadcast) -> None:
    source = put_on_list(broadcast, NUMBERS[:10])
    broadcast.lists.set([live_list(source, "Anns", "ann")])
    assert reach_of(broadcast) == Reach()
    source.recipients.filter(msisdn__in=NUMBERS[:3]).update(first_name="Ann")
    opt_out(broadcast.workspace, NUMBERS[:1])
    assert reach_of(broadcast) == Reach(on_lists=3, opted_out=1, people=2)
    assert {row.msisdn for row in audience_rows(broadcast)} == set(NUMBERS[1:3])
    last = source.recipients.order_by("-id").first()
    assert last is not None
    assert last_recipient_id(broadcast) == last.pk


def test_live_lists_beside_their_source_and_others(broadcast: Broadcast) -> None:
    source = put_on_list(broadcast, NUMBERS[:10])
    put_on_list(broadcast, NUMBERS[5:15])
    source.recipients.filter(msisdn__in=NUMBERS[:6]).update(first_name="Ann")
    broadcast.lists.add(live_list(source, "Anns", "Ann"), live_list(source, "Annas", "ann"))
    assert reach_of(broadcast) == Reach(on_lists=32, duplicates=17, people=15)
    assert sorted(row.msisdn for row in audience_rows(broadcast)) == sorted(NUMBERS[:15])
    broadcast.lists.remove(source)
    assert reach_of(broadcast) == Reach(on_lists=22, duplicates=7, people=15)
    assert len({row.msisdn for row in audience_rows(broadcast)}) == audience_rows(broadcast).count() == 15


def test_a_live_list_of_a_disabled_list_reaches_nobody(broadcast: Broadcast) -> None:
    source = put_on_list(broadcast, NUMBERS[:3], enabled=False)
    source.recipients.update(first_name="Ann")
    broadcast.lists.set([live_list(source, "Anns", "Ann")])
    assert reach_of(broadcast) == Reach()
    assert not audience_rows(broadcast).exists()
