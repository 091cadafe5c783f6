"""A person gets so many broadcasts within so many days: in the numbers before, and when the turn comes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.checks import launch_checks
from campaigns.services.estimate import estimate_of
from messaging.ledger import claim_messages
from messaging.models import Dispatch, Message
from tests.campaigns.makers import make_draft, send
from tests.campaigns.test_missed import claim, dispatch_of, states
from tests.engine.makers import make_account, make_dispatch, make_list
from tests.messaging.verification.support import message_of, started
from tests.people import api_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def capped(acme: Workspace) -> Workspace:
    """One broadcast a week."""
    Workspace.objects.filter(pk=acme.pk).update(frequency_cap=1, frequency_days=7)
    acme.refresh_from_db()
    return acme


def had(
    draft: Broadcast, people: int, *, days_ago: float = 1, state: str = "delivered", broadcast_id: int = 900
) -> None:
    """The first people of its list got another broadcast."""
    numbers = list(draft.lists.get().recipients.order_by("id").values_list("msisdn", flat=True)[:people])
    assert draft.account is not None
    dispatch = make_dispatch(
        draft.workspace, draft.account, broadcast_id=broadcast_id or None, msisdns=numbers
    )
    Message.objects.filter(dispatch=dispatch).update(
        state=state, submitted_at=timezone.now() - timedelta(days=days_ago)
    )
    Dispatch.objects.filter(pk=dispatch.pk).update(state="finished")


def test_it_works(capped: Workspace, actor: Actor) -> None:
    draft = make_draft(capped, actor)
    had(draft, 12)
    estimate = estimate_of(draft)
    assert (estimate.people, estimate.capped, estimate.reached, estimate.parts) == (30, 12, 18, 18)
    [check] = [check for check in launch_checks(draft, estimate) if check.code == "frequency_cap"]
    assert (check.level, check.fix) == ("warn", "audience")
    assert "12 people do not get it: at most 1 broadcasts within 7 days are allowed" in str(check.sentence)
    running = send(draft, actor)
    assert running.state == "running"
    assert len(claim(running)) == 18
    assert states(running) == {("submitting", ""): 18, ("cancelled", "frequency_cap"): 12}


def test_where_everybody_had_enough_nothing_is_sent(capped: Workspace, actor: Actor) -> None:
    draft = make_draft(capped, actor)
    had(draft, 30)
    [check] = [check for check in launch_checks(draft, estimate_of(draft)) if check.level == "block"]
    assert check.code == "frequency_cap"


@pytest.mark.parametrize(
    ("days_ago", "state", "broadcast_id", "counts"),
    [
        (6.9, "delivered", 900, True),
        (7.1, "delivered", 900, False),
        (1, "sent", 900, True),
        (1, "unknown", 900, True),
        (1, "undelivered", 900, False),
        (1, "failed", 900, False),
        (1, "delivered", 0, False),
    ],
)
def test_what_counts(
    capped: Workspace, actor: Actor, days_ago: float, state: str, broadcast_id: int, counts: bool
) -> None:
    """What may have reached the person lately, of broadcasts alone: single texts and codes do not count."""
    draft = make_draft(capped, actor)
    had(draft, 3, days_ago=days_ago, state=state, broadcast_id=broadcast_id)
    assert estimate_of(draft).capped == (3 if counts else 0)
    assert len(claim(send(draft, actor))) == (27 if counts else 30)


def test_as_many_as_are_allowed(capped: Workspace, actor: Actor) -> None:
    Workspace.objects.update(frequency_cap=3)
    capped.refresh_from_db()
    draft = make_draft(capped, actor)
    had(draft, 10)
    had(draft, 8, broadcast_id=901)
    assert estimate_of(draft).capped == 0
    had(draft, 5, broadcast_id=902)
    assert estimate_of(draft).capped == 5
    assert len(claim(send(draft, actor))) == 25


def test_who_got_another_one_after_the_launch_is_left_out(capped: Workspace, actor: Actor) -> None:
    running = send(make_draft(capped, actor), actor)
    had(running, 4)
    assert len(claim(running)) == 26
    assert states(running)["cancelled", "frequency_cap"] == 4


def test_of_another_workspace_nothing_counts(capped: Workspace, actor: Actor) -> None:
    draft = make_draft(capped, actor)
    had(draft, 5)
    Message.objects.filter(broadcast_id=900).update(workspace=Workspace.objects.create(name="other"))
    assert estimate_of(draft).capped == 0


def test_codes_always_go(capped: Workspace, actor: Actor) -> None:
    draft = make_draft(capped, actor)
    had(draft, 1)
    assert draft.account is not None
    number = draft.lists.get().recipients.order_by("id")[0].msisdn
    code = message_of(started(draft.account, msisdn=number).verification)
    lease = timezone.now() + timedelta(minutes=1)
    [claimed] = claim_messages(dispatch=code.dispatch, claim="w1", limit=10, lease_until=lease)
    assert claimed.msisdn == number


def test_without_a_cap_nothing_is_asked(acme: Workspace, actor: Actor) -> None:
    draft = make_draft(acme, actor)
    had(draft, 12)
    assert estimate_of(draft).capped == 0
    assert dispatch_of(send(draft, actor)).frequency_cap is None


def test_it_is_found_by_the_index(capped: Workspace, actor: Actor) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads a small table whole; SQLite tells its plan whatever the size")
    from messaging import barred, ledger  # the statement as the claim makes it

    dispatch = dispatch_of(send(make_draft(capped, actor), actor))
    query, values = barred.cases(dispatch, timezone.now())
    why = f"CASE WHEN {ledger._OPTED_OUT} THEN 'opted_out'{query} ELSE '' END"
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN QUERY PLAN " + ledger._DUE.format(why),
            [dispatch.workspace_id, *values, dispatch.pk, 0, now, now, 10],
        )
        plan = " ".join(row[-1] for row in cursor.fetchall())
    assert "c USING INDEX messaging_message_number (workspace_id=? AND msisdn=?)" in plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's writers wait for the whole file")
def test_two_broadcasts_at_once_do_not_both_find_room(capped: Workspace) -> None:
    people = make_list(capped, 200).recipients.values_list("msisdn", flat=True)
    dispatches = []
    for number in (1, 2):
        account = make_account(capped, name=f"account {number}")
        dispatch = make_dispatch(capped, account, broadcast_id=number, msisdns=list(people))
        Dispatch.objects.filter(pk=dispatch.pk).update(frequency_cap=1, frequency_days=7)
        dispatch.refresh_from_db()
        dispatches.append(dispatch)
    got: list[str] = []

    def work(dispatch: Dispatch) -> None:
        lease = timezone.now() + timedelta(minutes=1)
        try:
            while claimed := claim_messages(
                dispatch=dispatch, claim=f"w{dispatch.pk}", limit=10, lease_until=lease
            ):
                got.extend(row.msisdn for row in claimed)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[dispatch]) for dispatch in dispatches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(people)


def test_the_settings_take_it(acme: Workspace) -> None:
    client = api_client("admin")
    changed = client.patch("/api/v1/sending/", {"frequency_cap": 4, "frequency_days": 30}).json()
    assert (changed["frequency_cap"], changed["frequency_days"]) == (4, 30)
    assert client.patch("/api/v1/sending/", {"frequency_cap": 0}).status_code == 400
    assert client.patch("/api/v1/sending/", {"frequency_cap": None}).json()["frequency_cap"] is None
