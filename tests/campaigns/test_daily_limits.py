"""What an account's limit of parts a day means for a broadcast, said before it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.checks import Check, launch_checks
from campaigns.services.drafts import save_draft
from campaigns.services.estimate import estimate_of
from contacts.models import Recipient
from messaging.models import Dispatch
from providers.daily import take, use_today
from tests.campaigns.makers import make_draft
from tests.campaigns.smart import make_smart

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(time_machine: Any) -> datetime:
    at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    time_machine.move_to(at)
    return at


@pytest.fixture
def draft(acme: Workspace, actor: Actor) -> Broadcast:
    """To thirty people, a part each, through an account of ten parts a day."""
    Workspace.objects.update(time_zone="Europe/Berlin")
    acme.refresh_from_db()
    return make_draft(acme, actor, parts_per_day=10)


def limit_checks(broadcast: Broadcast) -> list[Check]:
    found = launch_checks(broadcast, estimate_of(broadcast))
    return [check for check in found if check.code in ("daily_limit", "over_daily_limit")]


def test_who_is_held_until_when(draft: Broadcast) -> None:
    [check] = limit_checks(draft)
    assert (check.level, check.fix) == ("warn", "account")
    assert str(check.sentence) == (
        "bulkvs test sends 10 parts of broadcasts a day, and 10 are left on 22 November 2026: 20 people are held and get it"
        " later, from 23 November 2026 on, the last on 24 November 2026 (Europe/Berlin)."
    )


def test_what_was_sent_today_counts(draft: Broadcast) -> None:
    assert draft.account is not None
    take(draft.account.pk, use_today(draft.account).day, [4], 10)
    [check] = limit_checks(draft)
    assert "6 are left on 22 November 2026: 24 people are held" in str(check.sentence)
    assert "the last on 25 November 2026" in str(check.sentence)


def test_one_that_is_scheduled_has_the_whole_of_its_day(
    draft: Broadcast, actor: Actor, now: datetime
) -> None:
    assert draft.account is not None
    take(draft.account.pk, use_today(draft.account).day, [10], 10)
    changes = {"send_at": now + timedelta(days=2)}
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)
    [check] = limit_checks(draft)
    assert "10 are left on 24 November 2026: 20 people are held" in str(check.sentence)


@pytest.mark.parametrize(
    ("days", "left", "next_day", "last_day"),
    [(1, 0, 25, 28), (2, 0, 25, 28), (3, 5, 26, 28), (4, 10, 27, 28)],
)
def test_what_is_held_goes_first_on_the_day_of_one_that_is_scheduled(
    draft: Broadcast, actor: Actor, now: datetime, days: int, left: int, next_day: int, last_day: int
) -> None:
    assert draft.account is not None
    take(draft.account.pk, use_today(draft.account).day, [10], 10)
    Dispatch.objects.create(
        workspace=draft.workspace, account=draft.account, state="running", agreed_parts=35, claimed_parts=10
    )
    changes = {"send_at": now + timedelta(days=days)}
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)
    [check] = limit_checks(draft)
    words = str(check.sentence)
    assert f"{left} are left on {22 + days} November 2026: {30 - left} people are held" in words
    assert f"from {next_day} November 2026 on, the last on {last_day} November 2026" in words


def test_different_lengths_are_told_as_about(draft: Broadcast) -> None:
    Recipient.objects.filter(first_name="Person 7").update(first_name="\U0001f600" * 45)
    [check] = limit_checks(draft)
    assert "about 21 people are held" in str(check.sentence)


@pytest.mark.parametrize("limit", [None, 31, 100])
def test_where_all_fits_nothing_is_said(draft: Broadcast, limit: int | None) -> None:
    assert draft.account is not None
    draft.account.parts_per_day = limit
    assert limit_checks(draft) == []


def test_a_text_longer_than_a_day_is_refused(draft: Broadcast) -> None:
    assert draft.account is not None
    draft.account.parts_per_day = 1
    Recipient.objects.filter(first_name="Person 7").update(first_name="\U0001f600" * 45)
    [check] = limit_checks(draft)
    assert (check.code, check.level, check.fix) == ("over_daily_limit", "block", "account")
    assert "more than bulkvs test may send on a whole day (1): they would never go." in str(check.sentence)


def test_the_review_page_says_it(bob_client: Client, draft: Broadcast) -> None:
    html = bob_client.get(f"/broadcasts/{draft.pk}/review/").content.decode()
    assert "20 people are held and get it later" in html
    assert "<dt>Ends</dt><dd>24 November 2026</dd>" in html
    assert "<dt>Takes</dt>" not in html


def test_of_a_smart_one_the_first_segment_alone_is_told(acme: Workspace, actor: Actor) -> None:
    broadcast = make_smart(acme, actor)
    assert broadcast.account is not None
    broadcast.account.parts_per_day = 10
    assert limit_checks(broadcast) == []
    broadcast.account.parts_per_day = 6
    [check] = limit_checks(broadcast)
    assert "6 are left on 22 November 2026: 4 people are held" in str(check.sentence)
