"""From a draft to the ledger: what was agreed to is what is planned, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.errors import (
    AlreadyLaunched,
    CountNotTyped,
    EditedElsewhere,
    EstimateChanged,
    LaunchRefused,
    NotNow,
)
from campaigns.models import Broadcast, BroadcastState, Segment
from campaigns.services import planning
from campaigns.services.audience import reach_of
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from campaigns.services.drafts import create_draft, delete_draft, save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch, launch_due_broadcasts
from contacts.models import OptOut, Recipient, UnsubscribeList, UnsubscribeMember
from messaging.models import Dispatch, Message
from tests.conftest import SentTask
from tests.engine.makers import make_account, make_list, make_sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(alice: User) -> Actor:
    return Actor(user=alice)


@pytest.fixture
def draft(acme: Workspace, actor: Actor) -> Broadcast:
    account, sender = make_account(acme), make_sender(acme)
    people = make_list(acme, 30)
    broadcast = create_draft(workspace=acme, actor=actor, name="Autumn sale")
    changes = {
        "list_ids": [people.pk],
        "account_id": account.pk,
        "sender_id": sender.pk,
        "text": "Hi {{first_name}}, 25% off. Reply STOP to opt out",
    }
    return save_draft(broadcast=broadcast, actor=actor, version=1, changes=changes)


def send(draft: Broadcast, actor: Actor, **options: int) -> Broadcast:
    digest = estimate_of(draft).digest
    return launch(broadcast=draft, actor=actor, launch_token=draft.launch_token, digest=digest, **options)


def plan(broadcast: Broadcast) -> None:
    planning.plan_segment(segment_id=broadcast.segments.get().pk)
    broadcast.refresh_from_db()


def test_it_works(
    draft: Broadcast, actor: Actor, sent_tasks: list[SentTask], django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a pytest-django fixture
        send(draft, actor)
    assert [task.name for task in sent_tasks] == ["campaigns.tasks.plan_segment"]
    plan(draft)
    assert draft.state == "running"
    assert Message.objects.filter(broadcast_id=draft.pk, state="queued").count() == 30
    dispatch = Dispatch.objects.get(broadcast_id=draft.pk)
    assert (dispatch.state, dispatch.counts.get().count) == ("running", 30)
    assert [event.kind for event in draft.events.all()] == ["launched", "planned"]


def test_a_double_click_is_one_launch(draft: Broadcast, actor: Actor) -> None:
    again = Broadcast.objects.get(pk=draft.pk)
    digest = estimate_of(draft).digest
    launch(broadcast=draft, actor=actor, launch_token=again.launch_token, digest=digest)
    with pytest.raises(AlreadyLaunched):
        launch(broadcast=again, actor=actor, launch_token=again.launch_token, digest=digest)
    assert Segment.objects.filter(broadcast=draft).count() == 1


def test_planning_twice_writes_nobody_twice(draft: Broadcast, actor: Actor) -> None:
    send(draft, actor)
    plan(draft)
    plan(draft)
    assert Message.objects.filter(broadcast_id=draft.pk).count() == 30


def test_planning_goes_on_after_a_worker_died(
    draft: Broadcast, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(draft, actor)
    monkeypatch.setattr(planning, "CHUNK_IDS", 7)
    monkeypatch.setattr(planning, "SQLITE_CHUNK_IDS", 7)
    real, calls = planning._plan_chunk, []

    def dies_in_the_third(segment: Segment, after: int, to: int) -> int:
        calls.append(after)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(segment, after, to)

    monkeypatch.setattr(planning, "_plan_chunk", dies_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        plan(draft)
    assert Dispatch.objects.get(broadcast_id=draft.pk).state == "planning"
    planning.plan_waiting_segments()
    dispatch = Dispatch.objects.get(broadcast_id=draft.pk)
    assert dispatch.state == "running"
    assert dispatch.counts.get().count == Message.objects.filter(broadcast_id=draft.pk).count() == 30


def test_leaves_out_opted_out_unsubscribed_and_duplicates(
    draft: Broadcast, actor: Actor, acme: Workspace
) -> None:
    numbers = list(Recipient.objects.order_by("id").values_list("msisdn", flat=True))
    second = make_list(acme, 10, name="Second", start=25)  # five of them are on the first list too
    asked = UnsubscribeList.objects.create(workspace=acme, name="Shop")
    OptOut.objects.create(workspace=acme, msisdn=numbers[0])
    OptOut.objects.create(workspace=acme, msisdn=numbers[29])  # on both lists
    UnsubscribeMember.objects.create(list=asked, msisdn=numbers[1])
    UnsubscribeMember.objects.create(list=asked, msisdn=numbers[0])  # counted once, as opted out
    lists = [*draft.lists.values_list("id", flat=True), second.pk]
    draft = save_draft(
        broadcast=draft,
        actor=actor,
        version=draft.version,
        changes={"list_ids": lists, "unsubscribe_list_ids": [asked.pk]},
    )
    reach = reach_of(draft)
    assert reach.as_dict() == {
        "on_lists": 40,
        "duplicates": 5,
        "opted_out": 2,
        "unsubscribed": 1,
        "people": 32,
    }
    send(draft, actor)
    plan(draft)
    planned = set(Message.objects.filter(broadcast_id=draft.pk).values_list("msisdn", flat=True))
    assert len(planned) == 32
    assert not planned & {numbers[0], numbers[1], numbers[29]}


def test_refuses_when_the_estimate_changed(draft: Broadcast, actor: Actor) -> None:
    seen = estimate_of(draft).digest
    Recipient.objects.filter(list__in=draft.lists.all()).order_by("id").first().delete()  # type: ignore[union-attr]
    with pytest.raises(EstimateChanged) as refused:
        launch(broadcast=draft, actor=actor, launch_token=draft.launch_token, digest=seen)
    assert refused.value.now.people == 29
    draft.refresh_from_db()
    assert draft.state == "draft"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "Hello {{first_nam}}"}, "token"),
        ({"list_ids": []}, "no_list"),
        ({"sender_id": None}, "no_sender"),
        ({"account_id": None}, "no_account"),
        ({"send_at": timezone.now() - timedelta(hours=1)}, "in_the_past"),
        ({"text": "{{custom}}"}, "empty_text"),
    ],
)
def test_blocks(draft: Broadcast, actor: Actor, changes: dict[str, object], code: str) -> None:
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)
    with pytest.raises(LaunchRefused) as refused:
        send(draft, actor)
    assert code in {check.code for check in refused.value.checks}
    assert all(str(check.sentence) for check in refused.value.checks)


def test_refuses_outside_the_campaigns_dates(draft: Broadcast, actor: Actor) -> None:
    draft.campaign.ends_on = timezone.localdate() - timedelta(days=2)
    draft.campaign.save()
    with pytest.raises(LaunchRefused) as refused:
        send(draft, actor)
    assert {check.code for check in refused.value.checks} == {"campaign_dates"}


def test_asks_for_the_count_above_the_limit(draft: Broadcast, actor: Actor, acme: Workspace) -> None:
    acme.typed_count_above = 29
    acme.save()
    draft = Broadcast.objects.get(pk=draft.pk)
    with pytest.raises(CountNotTyped):
        send(draft, actor)
    with pytest.raises(CountNotTyped):
        send(draft, actor, typed_count=29)
    assert send(draft, actor, typed_count=30).state == "running"


def test_pauses_when_more_people_are_planned_than_agreed_to(draft: Broadcast, actor: Actor) -> None:
    send(draft, actor)
    Recipient.objects.create(list=draft.lists.get(), msisdn="12015550177")
    plan(draft)
    assert draft.state == "paused"
    assert "31" in draft.state_reason and "30" in draft.state_reason


def test_pause_while_planning_holds(draft: Broadcast, actor: Actor) -> None:
    send(draft, actor)
    pause_broadcast(broadcast=draft, actor=actor)
    plan(draft)
    assert Dispatch.objects.get(broadcast_id=draft.pk).state == "paused"
    resume_broadcast(broadcast=draft, actor=actor)
    assert Dispatch.objects.get(broadcast_id=draft.pk).state == "running"


def test_stop_while_planning_sends_nothing(draft: Broadcast, actor: Actor) -> None:
    send(draft, actor)
    stop_broadcast(broadcast=draft, actor=actor)
    plan(draft)
    assert not Message.objects.filter(broadcast_id=draft.pk, state="queued").exists()
    assert Dispatch.objects.get(broadcast_id=draft.pk).state == "stopped"


def test_a_scheduled_broadcast_goes_at_its_time_with_the_audience_of_then(
    draft: Broadcast, actor: Actor, time_machine: object
) -> None:
    at = timezone.now() + timedelta(hours=2)
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": at})
    send(draft, actor)
    assert draft.state == "scheduled"
    assert launch_due_broadcasts() == 0
    Recipient.objects.create(list=draft.lists.get(), msisdn="12015550177")
    time_machine.move_to(at + timedelta(seconds=1))  # type: ignore[attr-defined]  # a time-machine fixture
    assert launch_due_broadcasts() == 1
    plan(draft)
    assert draft.state == "running"
    assert Message.objects.filter(broadcast_id=draft.pk).count() == 31
    assert "31 people at its time; 30 when it was scheduled." in [
        event.sentence for event in draft.events.all()
    ]


def test_a_schedule_found_more_than_an_hour_late_asks(
    draft: Broadcast, actor: Actor, time_machine: object
) -> None:
    at = timezone.now() + timedelta(hours=2)
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": at})
    send(draft, actor)
    time_machine.move_to(at + timedelta(minutes=61))  # type: ignore[attr-defined]  # a time-machine fixture
    assert launch_due_broadcasts() == 1
    draft.refresh_from_db()
    assert draft.state == BroadcastState.DRAFT
    assert "more than an hour ago" in draft.state_reason
    assert not Message.objects.exists()


def test_an_old_version_does_not_overwrite(draft: Broadcast, actor: Actor) -> None:
    save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"name": "Mine"})
    with pytest.raises(EditedElsewhere):
        save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"name": "Theirs"})
    draft.refresh_from_db()
    assert draft.name == "Mine"


def test_only_a_draft_can_be_edited_or_deleted(draft: Broadcast, actor: Actor) -> None:
    send(draft, actor)
    with pytest.raises(NotNow):
        save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"name": "Late"})
    with pytest.raises(NotNow):
        delete_draft(broadcast=draft, actor=actor)


def test_another_workspaces_list_is_not_found(draft: Broadcast, actor: Actor, other: Workspace) -> None:
    foreign = make_list(other, 3)
    with pytest.raises(Exception, match="no list"):
        save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"list_ids": [foreign.pk]})


def test_estimate_counts_each_persons_own_text(draft: Broadcast, actor: Actor) -> None:
    long_name = Recipient.objects.order_by("id")[3]
    Recipient.objects.filter(pk=long_name.pk).update(first_name="ŵ")  # makes that text UCS-2
    draft = save_draft(
        broadcast=draft, actor=actor, version=draft.version, changes={"text": "{{first_name}} " + "x" * 100}
    )
    estimate = estimate_of(draft)
    assert estimate.by_parts == {1: 29, 2: 1}
    assert estimate.parts == 31
    assert str(estimate.cost) == "0.2449" or float(estimate.cost or 0) == pytest.approx(31 * 0.0079)
