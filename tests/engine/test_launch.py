"""From a draft to the ledger: what was agreed to is what is planned, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

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
from campaigns.services import launch as launch_service
from campaigns.services import planning
from campaigns.services.audience import reach_of
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from campaigns.services.drafts import create_draft, delete_draft, save_draft
from campaigns.services.estimate import Estimate, estimate_of
from campaigns.services.launch import launch, launch_due_broadcasts, unschedule
from campaigns.services.reports import report_of
from contacts.models import OptOut, Recipient, UnsubscribeList, UnsubscribeMember
from messaging.models import Dispatch, Message
from providers.models import ProviderAccount
from tests.conftest import SentTask
from tests.engine.makers import make_account, make_list, make_sender

pytestmark = pytest.mark.django_db

# A person who comes later.
ADDED = "12015550177"


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
    gone = OptOut.objects.create(workspace=draft.workspace, msisdn=Recipient.objects.order_by("id")[0].msisdn)
    send(draft, actor)
    gone.delete()
    plan(draft)
    assert draft.state == "paused"
    assert "30" in draft.state_reason and "29" in draft.state_reason


def test_who_was_added_after_the_launch_is_not_texted(draft: Broadcast, actor: Actor) -> None:
    send(draft, actor)
    Recipient.objects.create(list=draft.lists.get(), msisdn=ADDED)
    plan(draft)
    assert draft.state == "running"
    assert Message.objects.filter(broadcast_id=draft.pk).count() == 30
    assert not Message.objects.filter(msisdn=ADDED).exists()


def test_a_segment_launched_before_the_mark_was_kept_is_planned_whole(draft: Broadcast, actor: Actor) -> None:
    send(draft, actor)
    draft.segments.update(plan_up_to=None)
    plan(draft)
    assert Message.objects.filter(broadcast_id=draft.pk).count() == 30


def test_the_dispatch_knows_the_parts_that_were_agreed_to(draft: Broadcast, actor: Actor) -> None:
    send(draft, actor)
    assert Dispatch.objects.get(broadcast_id=draft.pk).agreed_parts == 30


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


@pytest.fixture
def scheduled(draft: Broadcast, actor: Actor) -> Broadcast:
    at = timezone.now() + timedelta(hours=2)
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": at})
    return send(draft, actor)


def come_due(scheduled: Broadcast, time_machine: Any, **late: int) -> int:
    assert scheduled.send_at is not None
    time_machine.move_to(scheduled.send_at + timedelta(**(late or {"seconds": 1})))
    launched = launch_due_broadcasts()
    scheduled.refresh_from_db()
    return launched


def test_a_scheduled_broadcast_goes_at_its_time_with_the_audience_of_then(
    scheduled: Broadcast, time_machine: Any
) -> None:
    assert scheduled.state == "scheduled"
    assert launch_due_broadcasts() == 0
    Recipient.objects.order_by("id")[0].delete()
    Recipient.objects.create(list=scheduled.lists.get(), msisdn=ADDED)
    Recipient.objects.order_by("id")[0].delete()
    assert come_due(scheduled, time_machine) == 1
    plan(scheduled)
    assert scheduled.state == "running"
    assert Message.objects.filter(broadcast_id=scheduled.pk).count() == 29
    assert Message.objects.filter(msisdn=ADDED).exists()
    assert [event.sentence for event in scheduled.events.filter(kind="audience")] == [
        "Agreed to: people 30, parts 30, cost $0.24. At its time: people 29, parts 29, cost $0.23."
    ]


def test_a_scheduled_broadcast_keeps_what_was_agreed_to(scheduled: Broadcast, time_machine: Any) -> None:
    OptOut.objects.create(workspace=scheduled.workspace, msisdn=Recipient.objects.order_by("id")[0].msisdn)
    come_due(scheduled, time_machine)
    report = report_of(scheduled)
    assert (report.people, str(report.expected_cost), report.left_out) == (29, "0.23700", {"opted_out": 1})
    assert Dispatch.objects.get(broadcast_id=scheduled.pk).agreed_parts == 30


def test_a_scheduled_broadcast_that_changed_in_nothing_says_nothing(
    scheduled: Broadcast, time_machine: Any
) -> None:
    come_due(scheduled, time_machine)
    assert [event.kind for event in scheduled.events.all()] == ["scheduled", "launched"]


def test_who_was_added_after_the_time_of_a_scheduled_broadcast_is_not_texted(
    scheduled: Broadcast, time_machine: Any
) -> None:
    come_due(scheduled, time_machine)
    Recipient.objects.order_by("id")[0].delete()
    Recipient.objects.create(list=scheduled.lists.get(), msisdn=ADDED)
    plan(scheduled)
    assert not Message.objects.filter(msisdn=ADDED).exists()


def add_a_person(scheduled: Broadcast) -> None:
    Recipient.objects.create(list=scheduled.lists.get(), msisdn=ADDED)


def lengthen_a_name(scheduled: Broadcast) -> None:
    first = Recipient.objects.order_by("id")[0]
    Recipient.objects.filter(pk=first.pk).update(first_name="ŵ" * 50)


def raise_the_price(scheduled: Broadcast) -> None:
    ProviderAccount.objects.update(default_price="0.0179")


def change_the_currency(scheduled: Broadcast) -> None:
    ProviderAccount.objects.update(currency="EUR")


def lose_the_price(scheduled: Broadcast) -> None:
    ProviderAccount.objects.update(default_price=None)


@pytest.mark.parametrize(
    ("change", "now"),
    [
        (add_a_person, "people 31, parts 31, cost $0.24."),
        (lengthen_a_name, "people 30, parts 31, cost $0.24."),
        (raise_the_price, "people 30, parts 30, cost $0.54."),
        (change_the_currency, "people 30, parts 30, cost €0.24."),
        (lose_the_price, "people 30, parts 30, cost —. No price is known for 30 people"),
    ],
)
def test_a_scheduled_broadcast_that_grew_asks(
    scheduled: Broadcast, time_machine: Any, change: Callable[[Broadcast], None], now: str
) -> None:
    agreed = scheduled.estimate
    change(scheduled)
    assert come_due(scheduled, time_machine) == 1
    assert (scheduled.state, scheduled.launched_at, scheduled.estimate) == ("draft", None, agreed)
    assert "Agreed to: people 30, parts 30, cost $0.24. At its time: " + now in scheduled.state_reason
    assert scheduled.state_reason.endswith("Review it and send it again.")
    assert scheduled.events.last().sentence == f"Not sent: {scheduled.state_reason}"  # type: ignore[union-attr]
    assert not Dispatch.objects.exists()
    assert launch_due_broadcasts() == 0


def test_a_scheduled_broadcast_without_a_price_goes_while_nobody_is_added(
    draft: Broadcast, actor: Actor, time_machine: Any
) -> None:
    lose_the_price(draft)
    at = timezone.now() + timedelta(hours=2)
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": at})
    draft = send(Broadcast.objects.get(pk=draft.pk), actor)
    come_due(draft, time_machine)
    assert draft.state == "running"


def test_one_that_was_scheduled_anew_while_it_was_counted_waits_for_its_new_time(
    scheduled: Broadcast, actor: Actor, time_machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = launch_service.estimate_of

    def meanwhile(broadcast: Broadcast) -> Estimate:
        monkeypatch.setattr(launch_service, "estimate_of", real)
        draft = unschedule(broadcast=Broadcast.objects.get(pk=broadcast.pk), actor=actor)
        later = timezone.now() + timedelta(days=1)
        send(
            save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": later}), actor
        )
        return real(broadcast)

    monkeypatch.setattr(launch_service, "estimate_of", meanwhile)
    assert come_due(scheduled, time_machine) == 0
    assert scheduled.state == "scheduled"


def test_a_scheduled_broadcast_asks_for_the_count_too(
    draft: Broadcast, actor: Actor, acme: Workspace
) -> None:
    Workspace.objects.update(typed_count_above=29)
    at = timezone.now() + timedelta(hours=2)
    save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": at})
    draft = Broadcast.objects.get(pk=draft.pk)
    with pytest.raises(CountNotTyped):
        send(draft, actor)
    assert send(draft, actor, typed_count=30).state == "scheduled"


def test_a_schedule_found_more_than_an_hour_late_asks(scheduled: Broadcast, time_machine: Any) -> None:
    assert come_due(scheduled, time_machine, minutes=61) == 1
    assert scheduled.state == BroadcastState.DRAFT
    assert "more than an hour ago" in scheduled.state_reason
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
