"""When many fail: the workspace's limit, a broadcast's own, what the pages and webhooks say, and resuming."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from campaigns.errors import CampaignError
from campaigns.models import Broadcast, BroadcastKind
from campaigns.services.control import resume_broadcast
from campaigns.services.drafts import create_draft, duplicate, save_draft
from messaging.failures import judge_failures
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message, WebhookDelivery, WebhookEndpoint
from sms.states import MessageState
from tests.access import assert_access
from tests.campaigns.makers import send
from tests.people import api_client

pytestmark = pytest.mark.django_db


def fail(broadcast: Broadcast, number: int) -> None:
    rows = Message.objects.filter(broadcast_id=broadcast.pk, state="queued").order_by("id")
    ids = list(rows.values_list("id", flat=True)[:number])
    for state, reason in ((MessageState.SUBMITTING, ""), (MessageState.FAILED, "bad_number")):
        apply_changes([Change(pk, state, datetime.now(UTC), "engine", reason) for pk in ids])


@pytest.fixture
def strict(acme: Workspace) -> Workspace:
    """Pauses when one of ten fails."""
    Workspace.objects.filter(pk=acme.pk).update(failure_limit=10, failure_sample=10)
    acme.refresh_from_db()
    return acme


def paused(draft: Broadcast, actor: Actor) -> Broadcast:
    draft.workspace.refresh_from_db()
    running = send(draft, actor)
    fail(running, 12)
    assert judge_failures() == 1
    running.refresh_from_db()
    return running


def test_it_works(strict: Workspace, draft: Broadcast, actor: Actor, bob_client: Client) -> None:
    WebhookEndpoint.objects.create(
        workspace=strict, url="https://example.com/hook", events=["broadcast.paused"]
    )
    broadcast = paused(draft, actor)
    assert broadcast.state == "paused"
    words = "of the last 12 messages handed over 12 were refused, more than 10 of a hundred."
    assert words in broadcast.state_reason
    assert words in broadcast.events.get(kind="paused").sentence
    assert words in bob_client.get(f"/broadcasts/{broadcast.pk}/").content.decode()
    assert words in bob_client.get("/").content.decode()
    told = WebhookDelivery.objects.get()
    assert told.event_type == "broadcast.paused"
    assert words in told.body
    assert f'"broadcast_id":{broadcast.pk}' in told.body

    resumed = resume_broadcast(broadcast=broadcast, actor=actor)
    assert judge_failures() == 0
    resumed.refresh_from_db()
    assert resumed.state == "running"


def test_a_pause_by_hand_is_told_to_no_webhook(
    acme: Workspace, running: Broadcast, bob_client: Client
) -> None:
    WebhookEndpoint.objects.create(
        workspace=acme, url="https://example.com/hook", events=["broadcast.paused"]
    )
    bob_client.post(f"/broadcasts/{running.pk}/pause/")
    running.refresh_from_db()
    assert (running.state, WebhookDelivery.objects.count()) == ("paused", 0)


def test_a_broadcast_may_have_its_own_limit(strict: Workspace, draft: Broadcast, actor: Actor) -> None:
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"failure_limit": 50})
    assert duplicate(broadcast=draft, actor=actor).failure_limit == 50
    running = send(draft, actor)
    dispatch = Dispatch.objects.get(segment__broadcast=running)
    assert (dispatch.failure_limit, dispatch.failure_sample) == (50, 10)


@pytest.mark.parametrize("limit", [0, 101])
def test_a_limit_that_is_none_is_refused(draft: Broadcast, actor: Actor, limit: int) -> None:
    with pytest.raises(CampaignError, match="it has to be from 1 to 100"):
        save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"failure_limit": limit})


def test_a_single_one_has_none(acme: Workspace, actor: Actor) -> None:
    single = create_draft(workspace=acme, actor=actor, kind=BroadcastKind.SINGLE)
    with pytest.raises(CampaignError, match="takes no failure_limit"):
        save_draft(broadcast=single, actor=actor, version=single.version, changes={"failure_limit": 5})


def test_the_composer_offers_it(draft: Broadcast, bob_client: Client) -> None:
    page = bob_client.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert "Empty: as in the settings, 10. 100: never." in page
    values = {"version": draft.version, "name": draft.name, "save": "1"}
    assert bob_client.post(f"/broadcasts/{draft.pk}/edit/", values | {"failure_limit": "25"}).status_code in (
        200,
        302,
        422,
    )
    draft.refresh_from_db()
    assert draft.failure_limit == 25


# --- the settings ---------------------------------------------------------------------------------------


def test_admins_set_the_workspaces(acme: Workspace, alice_client: Client, bob_client: Client) -> None:
    values = {"failure_limit": "5", "failure_sample": "500", "frequency_days": "7"}
    assert bob_client.post("/settings/sending/", values).status_code == 403
    assert alice_client.post("/settings/sending/", values).status_code == 302
    acme.refresh_from_db()
    assert (acme.failure_limit, acme.failure_sample) == (5, 500)
    assert AuditEntry.objects.filter(workspace=acme, action="changed").exists()
    refused = alice_client.post("/settings/sending/", values | {"failure_limit": "0"})
    assert refused.status_code == 422
    assert 'value="5"' in bob_client.get("/settings/sending/").content.decode()


def test_who_may_see_the_page(acme: Workspace) -> None:
    assert_access("/settings/sending/", viewer=200, marketer=200, admin=200, owner=200)


def test_the_api_reads_and_sets_them(acme: Workspace) -> None:
    reader = api_client("viewer")
    assert reader.get("/api/v1/sending/").json() == {
        "failure_limit": 10,
        "failure_sample": 200,
        "frequency_cap": None,
        "frequency_days": 7,
    }
    assert reader.patch("/api/v1/sending/", {"failure_limit": 5}).status_code == 403
    client = api_client("admin")
    changed = client.patch("/api/v1/sending/", {"failure_limit": 5})
    assert (changed.status_code, changed.json()["failure_limit"]) == (200, 5)
    assert client.patch("/api/v1/sending/", {"failure_limit": 0}).status_code == 400
