"""Clicks of a link by period: people, classes, days of the workspace's zone, devices; bounded. And computed again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from messaging import tasks as tasks_module
from messaging.errors import MessagingError
from messaging.links import activity as activity_module
from messaging.links import again as again_module
from messaging.links.activity import activity_of
from messaging.links.again import (
    compute_again,
    compute_some_again,
    dispatches_of_link,
    progress_of,
    run_again,
)
from messaging.links.charts import chart_of
from messaging.links.counts import followed_ever
from messaging.links.hits import apply_hits, classify_new_hits
from messaging.models import ClicksAgain, Dispatch, Hit, Link, LinkCount
from messaging.tasks import compute_clicks_again, sweep_hits
from tests.conftest import SentTask
from tests.messaging.links.makers import (
    IPHONE,
    SHOP,
    WHATSAPP,
    WINDOWS,
    code_of,
    make_link,
    make_linked_dispatch,
    messages_of,
    raw_hit,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    """Three people: two followed Sale, one of them twice; a messenger drew a preview; one came from a poster."""
    made = make_linked_dispatch(acme)
    ann, ben, cleo = messages_of(made)
    sale = Link.objects.get(name="Sale")
    apply_hits(
        [
            raw_hit(code_of(ann), NOON),
            raw_hit(code_of(ann), NOON + timedelta(hours=1)),
            # In New York still the day before.
            raw_hit(code_of(ben), NOON - timedelta(hours=8), agent=WINDOWS),
            raw_hit(code_of(cleo), NOON, agent=WHATSAPP),
            raw_hit(code_of(cleo, SHOP), NOON, agent=f"{IPHONE} 3"),
            raw_hit(sale.code, NOON, agent=f"{IPHONE} 4"),
            raw_hit(sale.code, NOON, agent=WHATSAPP),
        ]
    )
    classify_new_hits()
    return made


@pytest.fixture
def sale(dispatch: Dispatch) -> Link:
    return Link.objects.select_related("workspace").get(name="Sale")


def test_it_works(sale: Link) -> None:
    found = activity_of(sale, "30", NOON)
    assert (found.people, found.classes.human, found.classes.bot, found.classes.unsure) == (2, 3, 1, 0)
    assert (found.public.human, found.public.bot) == (1, 1)
    assert {str(day): one.human for day, one in found.by_day.items()} == {"2026-11-19": 1, "2026-11-20": 2}
    assert found.by_device["desktop"].human == 1
    (line,) = found.by_broadcast
    assert (line.broadcast_id, line.people, line.classes.bot) == (1, 2, 1)
    assert {(rule.hit_class, rule.rule): rule.count for rule in found.rules} == {
        ("human", ""): 4,
        ("bot", "preview"): 2,
    }
    assert not found.is_cut


def test_a_period_begins_with_a_day_of_the_workspace(sale: Link) -> None:
    later = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert activity_of(sale, "7", later).people == 1, "the 20th to the 26th: without Ben"
    assert activity_of(sale, "7", later - timedelta(days=1)).people == 2
    assert activity_of(sale, "7", NOON + timedelta(days=60)).people == 0
    assert activity_of(sale, "all", NOON + timedelta(days=600)).people == 2


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Asia/Kolkata", "America/St_Johns", "UTC"])
def test_days_of_zones_that_are_off_by_quarters(sale: Link, zone: str) -> None:
    Workspace.objects.update(time_zone=zone)
    sale.workspace.refresh_from_db()
    days = activity_of(sale, "all", NOON).by_day
    own = {
        hit.at.astimezone(ZoneInfo(zone)).date()
        for hit in Hit.objects.filter(link_id=sale.pk, message_id__isnull=False)
    }
    assert set(days) == own


def test_of_too_many_the_newest_and_it_says_so(sale: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity_module, "MOST_HITS", 2)
    found = activity_of(sale, "all", NOON)
    assert found.is_cut
    assert found.since is not None
    assert found.since >= NOON
    assert found.classes.all + found.public.all < 6


def test_the_page_tells_it(sale: Link, bob_client: Client) -> None:
    page = bob_client.get(f"/links/{sale.pk}/?period=all").content.decode()
    for part in ("a messenger drew a preview", "Desktop", "Single texts"):
        assert part in page, part
    assert "period=7" in page
    assert bob_client.get(f"/links/{sale.pk}/?period=nonsense").status_code == 200


def test_beside_the_period_stands_all_time(sale: Link, bob_client: Client, time_machine: Any) -> None:
    time_machine.move_to(NOON + timedelta(days=10), tick=False)
    stats = bob_client.get(f"/links/{sale.pk}/?period=7").context["stats"]
    assert [(one["value"], one["sub"]) for one in stats[:4]] == [
        ("0", "2 of all time"),
        ("0", "3 of all time"),
        ("0", "1 of all time"),
        ("0", "0 of all time"),
    ]


def test_all_time_is_of_this_link_alone(sale: Link) -> None:
    shop = Link.objects.get(name="Shop")
    assert (followed_ever(shop).human, followed_ever(sale).human) == (1, 3)


def test_a_chart_of_days_and_of_months(sale: Link) -> None:
    today = NOON.date()
    chart = chart_of(activity_of(sale, "30", NOON), "30", today)
    assert chart is not None
    assert (len(chart.data["labels"]), chart.by_month) == (30, False)
    assert chart.label == "Clicks over time: 3 by people, 1 by machines, 0 unsure"
    late = chart_of(activity_of(sale, "all", NOON), "all", today + timedelta(days=200))
    assert late is not None
    assert (late.by_month, sum(late.data["series"][0]["values"])) == (True, 3)
    assert late.data["labels"][0] == "Nov 2026"


def test_no_chart_where_nobody_came(acme: Workspace, bob_client: Client) -> None:
    link = make_link(acme)
    assert chart_of(activity_of(link), "30") is None
    assert "Nobody followed it" in bob_client.get(f"/links/{link.pk}/").content.decode()


# --- computed again -------------------------------------------------------------------------------------


def test_computing_again_gives_the_same(sale: Link, dispatch: Dispatch) -> None:
    before = list(LinkCount.objects.order_by("entry", "hit_class").values_list("entry", "hit_class", "hits"))
    Hit.objects.filter(rule="preview", message_id__isnull=False).update(hit_class="human", rule="")
    assert run_again([dispatch.pk]) == 5
    after = list(LinkCount.objects.order_by("entry", "hit_class").values_list("entry", "hit_class", "hits"))
    assert after == before
    assert activity_of(sale, "all", NOON).classes.bot == 1


def test_the_button_asks_a_worker(
    sale: Link, dispatch: Dispatch, bob_client: Client, no_broker: list[SentTask]
) -> None:
    bob_client.post(f"/links/{sale.pk}/again/")
    (task,) = [task for task in no_broker if task.name == compute_clicks_again.name]
    assert task.args == ([dispatch.pk],)
    assert AuditEntry.objects.filter(action="computed clicks again", subject="link").count() == 1
    assert "waits for a worker" in bob_client.get(f"/links/{sale.pk}/").content.decode()
    response = bob_client.get(f"/links/{sale.pk}/again/", headers={"HX-Request": "true"})
    assert (response.status_code, "hx-get" in response.content.decode()) == (200, True)
    compute_clicks_again(*task.args)
    response = bob_client.get(f"/links/{sale.pk}/again/", headers={"HX-Request": "true"})
    assert response.status_code == 286
    page = response.content.decode()
    assert "5 requests computed again." in page
    assert "Show the new figures" in page


def test_progress_is_kept_with_each_portion(
    sale: Link, dispatch: Dispatch, no_broker: list[SentTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies loses nothing: the sweep wakes another one."""
    monkeypatch.setattr(again_module, "at_once", lambda: 2)
    assert progress_of([dispatch.pk]) is None
    ask(sale, [dispatch.pk])
    assert shown(dispatch) == ("asked", None, 0, 0)
    assert compute_some_again()
    assert shown(dispatch) == ("running", 5, 0, 0)
    assert compute_some_again()
    # Three of them came in one moment, and go together.
    assert shown(dispatch) == ("running", 5, 4, 80)
    sweep_hits()
    assert compute_clicks_again.name not in {task.name for task in no_broker}, "somebody is at it"
    ago = timezone.now() - timedelta(minutes=2)
    ClicksAgain.objects.update(worked_at=ago, asked_at=ago)
    sweep_hits()
    (task,) = [task for task in no_broker if task.name == compute_clicks_again.name]
    compute_clicks_again(*task.args)
    assert shown(dispatch) == ("done", 5, 5, 100)
    ClicksAgain.objects.update(ended_at=timezone.now() - timedelta(hours=2))
    assert progress_of([dispatch.pk]) is None


def shown(dispatch: Dispatch) -> tuple[str, int | None, int, int]:
    progress = progress_of([dispatch.pk])
    assert progress is not None
    return progress.state, progress.total, progress.done, progress.percent


def test_meanwhile_the_figures_stay_and_new_clicks_go_first(
    sale: Link, dispatch: Dispatch, no_broker: list[SentTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_module, "CHUNKS_A_TASK", 2)
    before = activity_of(sale, "all", NOON)
    ask(sale, [dispatch.pk])
    apply_hits([raw_hit(code_of(messages_of(dispatch)[1]), NOON + timedelta(hours=3), agent=f"{IPHONE} 9")])
    compute_clicks_again([dispatch.pk])
    after = activity_of(sale, "all", NOON)
    assert (after.classes.human, after.classes.waiting) == (before.classes.human + 1, 0)
    assert shown(dispatch) == ("running", 6, 0, 0)
    assert compute_clicks_again.name in {task.name for task in no_broker}, "it goes on"


def ask(link: Link, ids: list[int], reached: bool = True) -> None:
    compute_again(
        workspace=link.workspace, actor=Actor(), subject=link, dispatch_ids=ids, wake=lambda ids: reached
    )


def test_rejects_what_is_under_way_and_what_never_went_out(sale: Link, dispatch: Dispatch) -> None:
    with pytest.raises(MessagingError, match="went out in no text"):
        ask(sale, [])
    ask(sale, dispatches_of_link(sale))
    with pytest.raises(MessagingError, match="already"):
        ask(sale, [dispatch.pk])


def test_without_a_broker_nothing_is_begun(sale: Link, dispatch: Dispatch) -> None:
    with pytest.raises(MessagingError, match="No worker could be reached"):
        ask(sale, [dispatch.pk], reached=False)
    assert progress_of([dispatch.pk]) is None
    assert not AuditEntry.objects.filter(action="computed clicks again").exists()


def test_anothers_dispatch_is_none_of_ours(sale: Link, dispatch: Dispatch, other: Workspace) -> None:
    theirs = make_link(other)
    with pytest.raises(MessagingError, match="went out in no text"):
        ask(theirs, [dispatch.pk])
