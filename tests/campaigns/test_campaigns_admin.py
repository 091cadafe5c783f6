"""Django admin: campaigns are edited through their service; broadcasts and ledger only looked at."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import AuditEntry, User, Workspace
from campaigns.models import Broadcast, Campaign
from campaigns.services.campaigns import default_campaign
from messaging.models import Message
from tests.people import client_of

pytestmark = pytest.mark.django_db

LEDGER = ["dispatch", "message", "messagecount", "messageminute", "inboundtext"]


@pytest.fixture
def staff(db: None) -> Client:
    return client_of(User.objects.create_superuser("staff@example.com", "long-enough-for-tests"))


@pytest.mark.parametrize("model", ["campaign", "broadcast", "segment", "broadcastevent"])
def test_lists_open(staff: Client, running: Broadcast, model: str) -> None:
    assert staff.get(f"/admin/campaigns/{model}/").status_code == 200


@pytest.mark.parametrize("model", LEDGER)
def test_the_ledger_is_only_looked_at(staff: Client, running: Broadcast, model: str) -> None:
    assert staff.get(f"/admin/messaging/{model}/").status_code == 200
    assert staff.get(f"/admin/messaging/{model}/add/").status_code == 403


def test_a_message_is_not_changed(staff: Client, message: Message) -> None:
    url = f"/admin/messaging/message/{message.pk}/change/"

    assert staff.get(url).status_code == 200
    assert staff.post(url, {"state": "delivered"}).status_code == 403
    message.refresh_from_db()
    assert message.state == "queued"


def test_a_broadcast_does_not_show_its_launch_token(staff: Client, draft: Broadcast) -> None:
    html = staff.get(f"/admin/campaigns/broadcast/{draft.pk}/change/").content.decode()

    assert "Autumn sale" in html
    assert draft.launch_token not in html


def test_a_campaign_is_made_through_its_service(staff: Client, acme: Workspace) -> None:
    staff.post("/admin/campaigns/campaign/add/", {"workspace": acme.pk, "name": "Spring"})

    assert Campaign.objects.get(name="Spring").enabled
    assert AuditEntry.objects.filter(workspace=acme, action="created", label="Spring").exists()


def test_a_campaign_is_changed_and_refused_in_words(staff: Client, acme: Workspace) -> None:
    campaign = default_campaign(acme)
    url = f"/admin/campaigns/campaign/{campaign.pk}/change/"

    refused = staff.post(url, {"name": "General", "starts_on": "", "ends_on": ""})
    assert "The default campaign cannot be disabled." in refused.content.decode()

    staff.post(url, {"name": "Everything", "enabled": "on", "starts_on": "2027-01-01"})
    campaign.refresh_from_db()
    assert (campaign.name, str(campaign.starts_on)) == ("Everything", "2027-01-01")
