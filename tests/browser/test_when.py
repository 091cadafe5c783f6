"""Pages that tell of quiet hours and of a time where each recipient is: clean wide and light, narrow and dark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from campaigns.services.drafts import save_draft
from messaging.ledger import hold_each
from messaging.reasons import LOCAL_TIME, QUIET_HOURS
from tests.browser.support import assert_page_is_clean
from tests.campaigns.makers import send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

OpenPage = Callable[..., Page]
SIZES = pytest.mark.parametrize(("width", "height", "dark"), [(1440, 900, False), (390, 844, True)])


@pytest.fixture(autouse=True)
def night(acme: Workspace) -> None:
    """Quiet hours are around now, whenever that is."""
    local = timezone.localtime(timezone.now(), ZoneInfo(acme.time_zone))
    hours = {
        "quiet_from": (local - timedelta(hours=3)).time().replace(second=0, microsecond=0),
        "quiet_to": (local + timedelta(hours=3)).time().replace(second=0, microsecond=0),
    }
    Workspace.objects.filter(pk=acme.pk).update(has_quiet_hours=True, **hours)


@SIZES
def test_from_the_settings_to_the_review(
    open_page: OpenPage, site: str, alice: User, draft: Broadcast, width: int, height: int, dark: bool
) -> None:
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, f"{site}/settings/")
    expect(page.get_by_label("Quiet from")).to_be_visible()
    assert_page_is_clean(page, f"{site}/broadcasts/{draft.pk}/edit/")
    expect(page.get_by_label("Where that time has passed already")).to_be_hidden()
    page.get_by_role("radio", name="At a set time where each recipient is").check()
    expect(page.get_by_label("Where that time has passed already")).to_be_visible()
    expect(page.get_by_label("Send also in quiet hours")).to_be_visible()
    assert_page_is_clean(page, f"{site}/broadcasts/{draft.pk}/review/")


@SIZES
def test_the_review_and_the_report_tell_of_both(
    open_page: OpenPage, site: str, alice: User, actor: Actor, draft: Broadcast,
    width: int, height: int, dark: bool,
) -> None:  # fmt: skip
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    draft = Broadcast.objects.select_related("workspace", "account", "sender").get(pk=draft.pk)
    assert_page_is_clean(page, f"{site}/broadcasts/{draft.pk}/review/")
    expect(page.get_by_text("are in quiet hours").first).to_be_visible()
    day = timezone.now() + timedelta(days=3)
    changes = {"local_at": day.replace(tzinfo=None, second=0, microsecond=0)}
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)
    assert_page_is_clean(page, f"{site}/broadcasts/{draft.pk}/review/")
    expect(page.get_by_text("where each recipient is").first).to_be_visible()
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"local_at": None})
    running = send(draft, actor)
    dispatch_id = running.segments.get().dispatch_id
    first = running.segments.get().dispatch.messages.order_by("id")[5].msisdn
    later = timezone.now() + timedelta(hours=5)
    hold_each(dispatch_id, QUIET_HOURS, lambda msisdn, _zone, now: later if msisdn < first else now)
    hold_each(dispatch_id, LOCAL_TIME, lambda _msisdn, _zone, _now: later)
    Broadcast.objects.filter(pk=running.pk).update(local_date=day.date(), local_time=day.time())
    assert_page_is_clean(page, f"{site}/broadcasts/{running.pk}/")
    expect(page.get_by_text("are held: it is a quiet hour where they are")).to_be_visible()
    expect(page.get_by_text("wait until it is")).to_be_visible()
