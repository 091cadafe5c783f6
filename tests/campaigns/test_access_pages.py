"""Who may open and do what on the pages of broadcasts."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.campaigns import default_campaign
from messaging.models import Message
from tests.access import assert_access

pytestmark = pytest.mark.django_db

DRAFT_PAGES = ["edit/", "edit/numbers/", "edit/people/", "test/", "review/", "delete/"]
REPORT_PAGES = ["", "head/?state=running", "chart.json", "messages.csv", "missed/", "bar/"]


@pytest.mark.parametrize("page", DRAFT_PAGES)
def test_a_viewer_sees_no_page_that_changes_a_draft(draft: Broadcast, page: str) -> None:
    wrong = "put" if page in ("edit/", "test/", "review/", "delete/") else "post"
    assert_access(f"/broadcasts/{draft.pk}/{page}", viewer=403, marketer=200, wrong_method=wrong)


@pytest.mark.parametrize("page", REPORT_PAGES)
def test_a_viewer_sees_every_report(running: Broadcast, page: str) -> None:
    assert_access(f"/broadcasts/{running.pk}/{page}", viewer=200, marketer=200, wrong_method="post")


def test_a_viewer_sees_one_message(running: Broadcast, message: Message) -> None:
    assert_access(
        f"/broadcasts/{running.pk}/messages/{message.pk}/", viewer=200, marketer=200, wrong_method="post"
    )


@pytest.mark.parametrize("page", ["/", "/running/", "/broadcasts/"])
def test_the_lists_are_for_everybody_in_the_workspace(db: None, page: str) -> None:
    status = 286 if page == "/running/" else 200
    assert_access(page, viewer=status, marketer=status, wrong_method="post", missing=False)


def test_the_campaigns_are_for_everybody_to_see(acme: Workspace) -> None:
    campaign = default_campaign(acme)
    assert_access("/campaigns/", viewer=200, wrong_method="put", missing=False)
    assert_access(f"/campaigns/{campaign.pk}/", viewer=200, wrong_method="put")


@pytest.mark.parametrize(
    ("action", "status"),
    [("pause/", 302), ("resume/", 302), ("stop/", 302), ("duplicate/", 302), ("unschedule/", 302)],
)
def test_a_viewer_controls_nothing(running: Broadcast, action: str, status: int) -> None:
    wrong = "put" if action == "stop/" else "get"
    assert_access(
        f"/broadcasts/{running.pk}/{action}", "post", viewer=403, marketer=status, wrong_method=wrong
    )


def test_a_viewer_makes_nothing(acme: Workspace) -> None:
    campaign = default_campaign(acme)
    new: dict[str, Any] = {"name": "Spring"}
    assert_access("/broadcasts/new/", viewer=403, marketer=200, wrong_method="put", missing=False)
    assert_access(
        "/campaigns/", "post", data=new, viewer=403, marketer=302, wrong_method="put", missing=False
    )
    assert_access(f"/campaigns/{campaign.pk}/default/", "post", viewer=403, marketer=302, wrong_method="get")
