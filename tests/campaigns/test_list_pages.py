"""Lists of broadcasts and campaigns, and the dashboard."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast, Campaign
from campaigns.services.campaigns import create_campaign, default_campaign
from campaigns.services.drafts import create_draft
from providers.models import Health

pytestmark = pytest.mark.django_db


class TestBroadcasts:
    def test_it_works(self, victor_client: Client, running: Broadcast, acme: Workspace, actor: Actor) -> None:
        create_draft(workspace=acme, actor=actor, name="Winter sale")

        html = victor_client.get("/broadcasts/").content.decode()

        assert "Autumn sale" in html
        assert "Winter sale" in html
        assert "0 of 30 sent" in html
        assert "/broadcasts/new/" not in html

    def test_a_new_workspace_is_told_what_a_broadcast_is(self, bob_client: Client) -> None:
        assert "No broadcast yet" in bob_client.get("/broadcasts/").content.decode()

    def test_tabs_and_search_are_in_the_address(
        self, bob_client: Client, running: Broadcast, acme: Workspace, actor: Actor
    ) -> None:
        create_draft(workspace=acme, actor=actor, name="Winter sale")

        html = bob_client.get("/broadcasts/", {"tab": "draft", "q": "WINTER"}).content.decode()

        assert "Winter sale" in html
        assert "Autumn sale" not in html
        assert 'href="/broadcasts/?tab=running&amp;q=WINTER"' in html

    def test_no_match_is_not_nothing_yet(self, bob_client: Client, draft: Broadcast) -> None:
        html = bob_client.get("/broadcasts/", {"q": "zzz"}).content.decode()

        assert "No broadcast matches" in html

    def test_htmx_gets_the_table_alone(self, bob_client: Client, draft: Broadcast) -> None:
        answer = bob_client.get("/broadcasts/", headers={"hx-request": "true"})

        assert answer.content.decode().strip().startswith('<div id="broadcasts"')

    def test_more_broadcasts_cost_no_more_queries(
        self,
        bob_client: Client,
        draft: Broadcast,
        acme: Workspace,
        actor: Actor,
        django_assert_max_num_queries: object,
    ) -> None:
        for number in range(20):
            create_draft(workspace=acme, actor=actor, name=f"Draft {number}")

        with django_assert_max_num_queries(11):  # type: ignore[operator]  # a pytest-django fixture
            bob_client.get("/broadcasts/")

    def test_others_are_not_shown(self, charlie_client: Client, draft: Broadcast) -> None:
        assert "Autumn sale" not in charlie_client.get("/broadcasts/").content.decode()

    def test_the_bar_of_a_running_one_is_asked_again(self, bob_client: Client, running: Broadcast) -> None:
        answer = bob_client.get(f"/broadcasts/{running.pk}/bar/")
        assert answer.status_code == 200
        assert 'hx-trigger="every 5s"' in answer.content.decode()

        bob_client.post(f"/broadcasts/{running.pk}/stop/")
        assert bob_client.get(f"/broadcasts/{running.pk}/bar/").status_code == 286


class TestNew:
    @pytest.mark.parametrize("kind", ["base", "single"])
    def test_a_blank_one(self, bob_client: Client, kind: str) -> None:
        answer = bob_client.post("/broadcasts/new/", {"kind": kind})

        made = Broadcast.objects.get()
        assert (made.kind, made.state) == (kind, "draft")
        assert answer.headers["Location"] == f"/broadcasts/{made.pk}/edit/"

    def test_a_copy(self, bob_client: Client, draft: Broadcast) -> None:
        bob_client.post("/broadcasts/new/", {"copy_of": draft.pk})

        copy = Broadcast.objects.exclude(pk=draft.pk).get()
        assert (copy.name, copy.text) == ("Copy of Autumn sale", draft.text)
        assert list(copy.lists.all()) == list(draft.lists.all())

    def test_a_copy_of_another_workspace_is_refused(self, charlie_client: Client, draft: Broadcast) -> None:
        assert charlie_client.post("/broadcasts/new/", {"copy_of": draft.pk}).status_code == 422
        assert Broadcast.objects.count() == 1

    def test_duplicate(self, bob_client: Client, running: Broadcast) -> None:
        answer = bob_client.post(f"/broadcasts/{running.pk}/duplicate/")

        copy = Broadcast.objects.exclude(pk=running.pk).get()
        assert copy.state == "draft"
        assert answer.headers["Location"] == f"/broadcasts/{copy.pk}/edit/"

    def test_delete_asks_first(self, bob_client: Client, draft: Broadcast) -> None:
        assert (
            "Delete the draft “Autumn sale”?"
            in bob_client.get(f"/broadcasts/{draft.pk}/delete/").content.decode()
        )
        assert Broadcast.objects.exists()

        assert bob_client.post(f"/broadcasts/{draft.pk}/delete/").headers["Location"] == "/broadcasts/"
        assert not Broadcast.objects.exists()

    def test_what_was_launched_is_never_deleted(self, bob_client: Client, running: Broadcast) -> None:
        answer = bob_client.post(f"/broadcasts/{running.pk}/delete/", follow=True)

        assert "Only a draft can be deleted." in answer.content.decode()
        assert Broadcast.objects.exists()


class TestDashboard:
    def test_a_new_workspace_gets_a_checklist(self, bob_client: Client) -> None:
        html = bob_client.get("/").content.decode()

        assert "Your first broadcast" in html
        assert "Connect a provider" in html

    def test_what_runs_is_shown_and_polled(self, victor_client: Client, running: Broadcast) -> None:
        html = victor_client.get("/").content.decode()

        assert "Running now" in html
        assert 'hx-get="/running/"' in html
        assert "Your first broadcast" not in html

    def test_what_needs_a_person_is_named(self, bob_client: Client, running: Broadcast) -> None:
        account = running.account
        assert account is not None
        account.health, account.health_words = Health.FAILING, "401 from the vendor"
        account.save()

        html = bob_client.get("/").content.decode()

        assert "bulkvs test fails: 401 from the vendor" in html
        assert f'href="/providers/{account.pk}/"' in html

    def test_others_see_none_of_it(self, charlie_client: Client, running: Broadcast) -> None:
        assert "Autumn sale" not in charlie_client.get("/").content.decode()

    @pytest.mark.parametrize(("days", "bars"), [("7", 7), ("30", 30), ("x", 7)])
    def test_the_range_is_in_the_address(
        self, bob_client: Client, running: Broadcast, days: str, bars: int
    ) -> None:
        html = bob_client.get("/", {"days": days}).content.decode()

        assert f"The last {bars} days" in html


class TestCampaigns:
    def test_a_campaign_is_made_and_changed(self, bob_client: Client, acme: Workspace) -> None:
        answer = bob_client.post("/campaigns/", {"name": "Spring", "starts_on": "2027-03-01", "ends_on": ""})
        made = Campaign.objects.get(name="Spring")
        assert answer.headers["Location"] == f"/campaigns/{made.pk}/"
        assert made.starts_on == date(2027, 3, 1)

        bob_client.post(f"/campaigns/{made.pk}/", {"name": "Spring sale", "enabled": "on"})
        made.refresh_from_db()
        assert (made.name, made.starts_on, made.enabled) == ("Spring sale", None, True)

    def test_a_name_is_used_once(self, bob_client: Client, acme: Workspace, actor: Actor) -> None:
        create_campaign(workspace=acme, actor=actor, name="Spring")

        answer = bob_client.post("/campaigns/", {"name": "SPRING"})

        assert answer.status_code == 422
        assert "There is a campaign named SPRING already" in answer.content.decode()

    def test_days_go_forward(self, bob_client: Client) -> None:
        fields = {"name": "Spring", "starts_on": "2027-03-02", "ends_on": "2027-03-01"}

        answer = bob_client.post("/campaigns/", fields)

        assert answer.status_code == 422
        assert "The last day is before the first day." in answer.content.decode()

    def test_the_default_is_moved(self, bob_client: Client, acme: Workspace, actor: Actor) -> None:
        old = default_campaign(acme)
        new = create_campaign(workspace=acme, actor=actor, name="Spring")

        bob_client.post(f"/campaigns/{new.pk}/default/")

        old.refresh_from_db()
        new.refresh_from_db()
        assert (old.is_default, new.is_default) == (False, True)

    def test_its_broadcasts_and_totals_are_shown(self, victor_client: Client, running: Broadcast) -> None:
        html = victor_client.get(f"/campaigns/{running.campaign_id}/").content.decode()

        assert "Autumn sale" in html
        assert "<dd>30</dd>" in html

    def test_a_viewer_changes_nothing(self, victor_client: Client, acme: Workspace) -> None:
        campaign = default_campaign(acme)

        assert victor_client.post(f"/campaigns/{campaign.pk}/", {"name": "X"}).status_code == 403
        assert "New campaign" not in victor_client.get("/campaigns/").content.decode()
