"""Segments that a person sends: each with its own text and size, everybody once, and nobody without an account."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import AlreadyLaunched, CampaignError, EstimateChanged, LaunchRefused, NotNow
from campaigns.models import Broadcast
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from campaigns.services.drafts import create_draft, save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.planning import plan_segment, plan_waiting_segments
from campaigns.services.reports import report_of
from campaigns.services.segment_lines import segment_lines
from campaigns.services.segment_state import left_in_reserve
from campaigns.services.segments import continue_broadcast, next_of
from contacts.models import OptOut
from messaging import reserve
from messaging.budget import budget_of
from messaging.links.links import create_link_list
from messaging.models import Message
from tests.campaigns.makers import PEOPLE, TEXT, send
from tests.campaigns.smart import (
    PRICE,
    assert_counted,
    make_smart,
    messages_in,
    segment_of,
    send_all,
    send_next,
)
from tests.campaigns.test_links_in_texts import link_named


@pytest.fixture
def smart(acme: Workspace, actor: Actor) -> Broadcast:
    return send(make_smart(acme, actor), actor)


@pytest.fixture
def through(smart: Broadcast) -> Broadcast:
    """Its first segment is through."""
    send_all(smart, 1)
    return smart


def test_it_works(acme: Workspace, actor: Actor, smart: Broadcast) -> None:
    assert [len(messages_in(smart, number)) for number in (0, 1)] == [20, 10]
    assert (segment_of(smart, 0).dispatch.state, segment_of(smart, 1).dispatch.state) == (
        "reserve",
        "running",
    )
    assert report_of(smart).people == PEOPLE
    send_all(smart, 1)
    assert smart.state == "running"
    second = send_next(smart, actor, 5, text="Last day, {{first_name}}! STOP ends")
    assert (second.number, second.dispatch.text) == (2, "Last day, {{first_name}}! STOP ends")
    send_all(smart, 2)
    send_next(smart, actor, None)
    assert [len(messages_in(smart, number)) for number in (0, 1, 2, 3)] == [0, 10, 5, 15]
    assert_counted(smart)
    send_all(smart, 3)
    assert smart.state == "finished"
    assert report_of(smart).sent == PEOPLE


def test_the_segments_take_the_people_in_their_order(actor: Actor, through: Broadcast) -> None:
    send_next(through, actor)
    everybody = list(
        Message.objects.filter(broadcast_id=through.pk).order_by("id").values_list("id", flat=True)
    )
    assert [message.pk for message in messages_in(through, 1)] == everybody[:10]
    assert [message.pk for message in messages_in(through, 2)] == everybody[10:20]


def test_the_launch_is_for_the_first_segment(acme: Workspace, actor: Actor) -> None:
    estimate = estimate_of(make_smart(acme, actor))
    assert estimate.first is not None
    assert (estimate.people, estimate.first.people, estimate.first.parts) == (PEOPLE, 10, 10)
    assert (estimate.cost, estimate.first.cost) == (PEOPLE * PRICE, 10 * PRICE)


def test_a_segment_has_agreed_parts_and_cost_of_its_own(actor: Actor, through: Broadcast) -> None:
    second = send_next(through, actor, 5)
    assert (second.dispatch.agreed_parts, second.dispatch.agreed_cost) == (5, 5 * PRICE)


def test_the_budget_is_held_for_what_goes_out(acme: Workspace, actor: Actor, smart: Broadcast) -> None:
    assert budget_of(acme).agreed == 10 * PRICE


def test_a_budget_refuses_a_segment(acme: Workspace, actor: Actor, through: Broadcast) -> None:
    acme.monthly_budget = 3 * PRICE
    acme.save()
    with pytest.raises(LaunchRefused) as refused:
        send_next(through, actor, 5)
    assert [check.code for check in refused.value.checks] == ["over_budget"]
    assert through.segments.count() == 2


def test_a_double_click_is_one_segment(actor: Actor, through: Broadcast) -> None:
    token, found = through.launch_token, next_of(through, size=5)
    first = Broadcast.objects.get(pk=through.pk)
    again = Broadcast.objects.get(pk=through.pk)
    digest = found.estimate.digest
    continue_broadcast(broadcast=first, actor=actor, launch_token=token, size=5, digest=digest)
    with pytest.raises((AlreadyLaunched, NotNow)):
        continue_broadcast(broadcast=again, actor=actor, launch_token=token, size=5, digest=digest)
    assert through.segments.count() == 3


def test_another_estimate_is_refused(actor: Actor, through: Broadcast) -> None:
    digest = next_of(through, size=5).estimate.digest
    OptOut.objects.create(workspace=through.workspace, msisdn=messages_in(through, 0)[0].msisdn)
    with pytest.raises(EstimateChanged):
        continue_broadcast(
            broadcast=through, actor=actor, launch_token=through.launch_token, size=5, digest=digest
        )


def test_who_opted_out_is_not_counted(actor: Actor, through: Broadcast) -> None:
    OptOut.objects.create(workspace=through.workspace, msisdn=messages_in(through, 0)[0].msisdn)
    found = next_of(through, size=5)
    assert (found.size, found.estimate.people, found.estimate.parts) == (5, 4, 4)


def test_only_one_segment_goes_out_at_a_time(actor: Actor, smart: Broadcast) -> None:
    with pytest.raises(NotNow, match="Segment 1 is still being sent"):
        send_next(smart, actor)


def test_a_paused_one_is_not_continued(actor: Actor, through: Broadcast) -> None:
    pause_broadcast(broadcast=through, actor=actor)
    with pytest.raises(NotNow, match="It is paused"):
        send_next(through, actor)
    resume_broadcast(broadcast=through, actor=actor)
    assert send_next(through, actor).number == 2


def test_a_stopped_one_is_not_continued(actor: Actor, through: Broadcast) -> None:
    stop_broadcast(broadcast=through, actor=actor)
    with pytest.raises(NotNow, match="It is over"):
        send_next(through, actor)


def test_a_base_one_has_no_segments(running: Broadcast) -> None:
    with pytest.raises(NotNow, match="Only a smart broadcast has segments"):
        next_of(running, size=5)


def test_an_ended_campaign_refuses_it(actor: Actor, through: Broadcast) -> None:
    through.campaign.ends_on = timezone.localdate() - timedelta(days=2)
    through.campaign.save()
    with pytest.raises(LaunchRefused) as refused:
        send_next(through, actor)
    assert [check.code for check in refused.value.checks] == ["campaign_dates"]


def test_a_wrong_token_refuses_it(actor: Actor, through: Broadcast) -> None:
    with pytest.raises(LaunchRefused) as refused:
        send_next(through, actor, 5, text="Hi {{nobody_knows}}")
    assert "token" in [check.code for check in refused.value.checks]


def test_a_sender_of_another_workspace_does_not_exist(actor: Actor, through: Broadcast) -> None:
    with pytest.raises(CampaignError, match="There is no sender 999999"):
        next_of(through, size=5, own={"sender_id": 999_999})


def test_stopping_cancels_the_reserve_too(actor: Actor, smart: Broadcast) -> None:
    stop_broadcast(broadcast=smart, actor=actor)
    report = report_of(smart)
    assert (report.cancelled, report.waiting) == (PEOPLE, 0)
    assert [(line.code, line.count) for line in report.reasons] == [("stopped", PEOPLE)]
    assert_counted(smart)


def test_pausing_holds_the_segment_that_goes_out(actor: Actor, smart: Broadcast) -> None:
    pause_broadcast(broadcast=smart, actor=actor)
    assert segment_of(smart, 1).dispatch.state == "paused"
    assert segment_of(smart, 0).dispatch.state == "reserve"
    resume_broadcast(broadcast=smart, actor=actor)
    assert segment_of(smart, 1).dispatch.state == "running"


def test_filling_that_was_cut_off_goes_on(
    acme: Workspace, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker dies between two chunks; nobody is moved twice, and nothing goes out before all are there."""
    smart = send(make_smart(acme, actor), actor, plan=False)
    monkeypatch.setattr("campaigns.services.planning.CHUNK_IDS", 4)
    monkeypatch.setattr("campaigns.services.planning.SQLITE_CHUNK_IDS", 4)
    moves = []

    def dies(*args: object, **kwargs: object) -> int:
        if len(moves) == 2:
            raise KeyboardInterrupt
        moves.append(1)
        return move(*args, **kwargs)  # type: ignore[arg-type]  # passed through

    move = reserve.move_planned
    monkeypatch.setattr(reserve, "move_planned", dies)
    with pytest.raises(KeyboardInterrupt):
        plan_segment(segment_id=segment_of(smart, 0).pk)
    assert (len(messages_in(smart, 1)), segment_of(smart, 1).dispatch.state) == (8, "planning")
    assert_counted(smart)
    assert left_in_reserve(smart) == 20
    monkeypatch.setattr(reserve, "move_planned", move)
    plan_waiting_segments()
    assert (len(messages_in(smart, 1)), segment_of(smart, 1).dispatch.state) == (10, "running")
    assert_counted(smart)


def test_a_list_of_links_is_spread_evenly_over_the_whole_broadcast(acme: Workspace, actor: Actor) -> None:
    """Also where the text of the launch had none."""
    smart = send(make_smart(acme, actor), actor)
    send_all(smart, 1)
    links = [link_named(acme, f"Shop {n}", f"shop-{n}") for n in range(3)]
    spread = create_link_list(workspace=acme, actor=actor, name="Shops", links=links)
    send_next(smart, actor, 10, text=f"{TEXT} {{{{link_list:{spread.pk}}}}}")
    assert [message.place for message in messages_in(smart, 2)] == list(range(10, 20))


def test_a_segment_in_figures(actor: Actor, through: Broadcast) -> None:
    send_next(through, actor, 5)
    lines = segment_lines(through)
    assert [(one.number, one.state, one.people, one.sent, one.waiting) for one in lines] == [
        (1, "finished", 10, 10, 0),
        (2, "running", 5, 0, 5),
    ]


def test_those_who_were_not_agreed_to_are_asked_about_first(acme: Workspace, actor: Actor) -> None:
    smart = send(make_smart(acme, actor), actor, plan=False)
    smart.lists.get().recipients.order_by("id")[0].delete()
    plan_segment(segment_id=segment_of(smart, 0).pk)
    smart.refresh_from_db()
    assert smart.state == "paused"
    assert smart.state_reason.startswith("The audience is not the one that was agreed to: 29 now, 30 then.")
    assert segment_of(smart, 1).dispatch.state == "paused"
    resume_broadcast(broadcast=smart, actor=actor)
    assert segment_of(smart, 1).dispatch.state == "running"


def test_a_scheduled_one_holds_the_budget_of_its_first_segment(acme: Workspace, actor: Actor) -> None:
    draft = make_smart(acme, actor, send_at=timezone.now() + timedelta(minutes=5))
    send(draft, actor)
    assert budget_of(acme).agreed == 10 * PRICE


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("first_segment_size", 0, "first_segment_size is 0; it has to be from 1 to 1,000,000,000."),
        (
            "conversion_threshold",
            Decimal(2),
            "A broadcast of the kind smart_manual takes no conversion_threshold.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    acme: Workspace, actor: Actor, field: str, value: object, sentence: str
) -> None:
    draft = make_smart(acme, actor)
    with pytest.raises(CampaignError) as refused:
        save_draft(broadcast=draft, actor=actor, version=draft.version, changes={field: value})
    assert str(refused.value.sentence).startswith(sentence)
    assert refused.value.field == field


def test_a_base_one_takes_no_sizes(acme: Workspace, actor: Actor) -> None:
    draft = create_draft(workspace=acme, actor=actor)
    with pytest.raises(CampaignError, match="kind base takes no first_segment_size"):
        save_draft(broadcast=draft, actor=actor, version=1, changes={"first_segment_size": 10})
