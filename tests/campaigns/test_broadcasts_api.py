"""The API of campaigns and broadcasts: the same services as the pages, refusals as problems in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Role, Workspace
from campaigns.models import Broadcast, Campaign
from campaigns.services.campaigns import create_campaign, default_campaign
from campaigns.services.launch import launch_due_broadcasts
from contacts.models import OptOut, Recipient, RecipientList
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message
from sms.states import MessageState
from tests.access import assert_access
from tests.engine.makers import make_account, make_list, make_sender
from tests.people import ApiClient, api_client, workspace_named

pytestmark = pytest.mark.django_db

Api = Callable[..., ApiClient]
PROBLEM = "application/problem+json"


@pytest.fixture
def marketer(db: None) -> ApiClient:
    return api_client(Role.MARKETER)


def post(client: ApiClient, broadcast: Broadcast, action: str, **body: Any) -> Any:
    return client.post(f"/api/v1/broadcasts/{broadcast.pk}/{action}/", body)


def test_what_the_customers_program_calls_it_goes_along(draft: Broadcast, marketer: ApiClient) -> None:
    address = f"/api/v1/broadcasts/{draft.pk}/"
    too_long = marketer.patch(address, {"version": draft.version, "custom_parameter": "x" * 161})
    assert (too_long.status_code, too_long.json()["errors"][0]["field"]) == (400, "custom_parameter")
    given = marketer.patch(address, {"version": draft.version, "custom_parameter": "spring 26"})
    assert given.json()["custom_parameter"] == "spring 26"
    post(marketer, draft, "launch", confirm=True)
    assert Dispatch.objects.get().custom_parameter == "spring 26"


class TestAccess:
    @pytest.mark.parametrize("action", ["", "estimate/", "report/", "messages/"])
    def test_a_viewers_key_reads(self, running: Broadcast, action: str) -> None:
        wrong = "put" if not action else "post"
        assert_access(
            f"/api/v1/broadcasts/{running.pk}/{action}", viewer=200, marketer=200, wrong_method=wrong
        )

    @pytest.mark.parametrize("action", ["pause/", "resume/", "unschedule/", "stop/"])
    def test_a_viewers_key_controls_nothing(self, running: Broadcast, action: str) -> None:
        status = {"pause/": 200, "stop/": 200}.get(action, 409)
        assert_access(
            f"/api/v1/broadcasts/{running.pk}/{action}",
            "post",
            viewer=403,
            marketer=status,
            wrong_method="get",
        )

    def test_launch_and_test_need_a_marketers_key(self, draft: Broadcast) -> None:
        assert_access(
            f"/api/v1/broadcasts/{draft.pk}/test/", "post", viewer=403, marketer=400, wrong_method="get"
        )
        assert_access(
            f"/api/v1/broadcasts/{draft.pk}/launch/",
            "post",
            data={"confirm": True},
            viewer=403,
            marketer=200,
            wrong_method="get",
        )

    def test_campaigns(self, acme: Workspace) -> None:
        campaign = default_campaign(acme)
        assert_access("/api/v1/campaigns/", viewer=200, marketer=200, wrong_method="put", missing=False)
        assert_access(f"/api/v1/campaigns/{campaign.pk}/", viewer=200, wrong_method="delete")

    def test_lists_hold_only_the_workspaces_own(self, draft: Broadcast, api: Api) -> None:
        stranger = api(Role.OWNER, workspace_named("other"))

        assert stranger.get("/api/v1/broadcasts/").json()["results"] == []
        assert stranger.get("/api/v1/campaigns/").json()["results"] == []


class TestDrafts:
    def test_it_works(self, marketer: ApiClient, acme: Workspace) -> None:
        account, sender, people = make_account(acme), make_sender(acme), make_list(acme, 5)
        body = {
            "name": "Spring sale",
            "lists": [people.pk],
            "account": account.pk,
            "sender": sender.pk,
            "text": "Hi {{first_name|there}} ",
        }

        answer = marketer.post("/api/v1/broadcasts/", body)

        assert answer.status_code == 201
        made = answer.json()
        assert (made["kind"], made["state"], made["lists"]) == ("base", "draft", [people.pk])
        assert made["text"] == "Hi {{first_name|there}} "
        assert "launch_token" not in made

    def test_a_wrong_field_leaves_no_half_made_draft(self, marketer: ApiClient, acme: Workspace) -> None:
        answer = marketer.post("/api/v1/broadcasts/", {"name": "Spring", "lists": [987654]})

        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == PROBLEM
        assert answer.json()["errors"] == [
            {
                "field": "lists",
                "detail": "There is no list 987654 in this workspace. Choose another one.",
                "code": "invalid",
                "value": "[987654]",
            }
        ]
        assert not Broadcast.objects.exists()

    def test_rows_of_another_workspace_do_not_exist(
        self, marketer: ApiClient, draft: Broadcast, other: Workspace
    ) -> None:
        foreign = make_sender(other)

        answer = marketer.patch(f"/api/v1/broadcasts/{draft.pk}/", {"sender": foreign.pk})

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "sender"

    def test_a_change_keeps_the_rest(self, marketer: ApiClient, draft: Broadcast) -> None:
        answer = marketer.patch(f"/api/v1/broadcasts/{draft.pk}/", {"text": "Hello"})

        assert answer.status_code == 200
        assert (answer.json()["text"], answer.json()["name"]) == ("Hello", "Autumn sale")
        assert answer.json()["version"] == draft.version + 1

    def test_an_old_version_is_refused(self, marketer: ApiClient, draft: Broadcast) -> None:
        marketer.patch(f"/api/v1/broadcasts/{draft.pk}/", {"text": "First"})

        answer = marketer.patch(
            f"/api/v1/broadcasts/{draft.pk}/", {"text": "Second", "version": draft.version}
        )

        assert answer.status_code == 409
        assert (answer.json()["code"], answer.json()["version"]) == ("edited_elsewhere", draft.version + 1)

    def test_a_time_without_its_offset_is_that_of_utc(self, marketer: ApiClient, draft: Broadcast) -> None:
        answer = marketer.patch(f"/api/v1/broadcasts/{draft.pk}/", {"send_at": "2027-01-01T09:00:00+01:00"})

        assert answer.status_code == 200
        draft.refresh_from_db()
        assert draft.send_at is not None
        assert draft.send_at.isoformat() == "2027-01-01T08:00:00+00:00"

    def test_a_number_that_is_none_is_refused_in_words(self, marketer: ApiClient, acme: Workspace) -> None:
        answer = marketer.post("/api/v1/broadcasts/", {"kind": "single", "msisdn": "12"})

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "msisdn"

    def test_a_draft_can_be_deleted_and_nothing_else(
        self, marketer: ApiClient, running: Broadcast, acme: Workspace, actor: Actor
    ) -> None:
        assert marketer.delete(f"/api/v1/broadcasts/{running.pk}/").status_code == 409

        made = marketer.post("/api/v1/broadcasts/", {}).json()
        assert marketer.delete(f"/api/v1/broadcasts/{made['id']}/").status_code == 204

    def test_a_launched_one_is_not_changed(self, marketer: ApiClient, running: Broadcast) -> None:
        answer = marketer.patch(f"/api/v1/broadcasts/{running.pk}/", {"text": "Other"})

        assert answer.status_code == 409
        assert answer.json()["code"] == "not_now"

    def test_they_are_filtered_by_state(self, marketer: ApiClient, running: Broadcast) -> None:
        marketer.post("/api/v1/broadcasts/", {"name": "Draft"})

        found = marketer.get("/api/v1/broadcasts/?state=running").json()["results"]

        assert [one["id"] for one in found] == [running.pk]


class TestLaunch:
    def test_with_the_digest_that_was_read(self, marketer: ApiClient, draft: Broadcast) -> None:
        estimate = marketer.get(f"/api/v1/broadcasts/{draft.pk}/estimate/").json()
        assert (estimate["people"], estimate["parts"], estimate["cost"]) == (30, 30, "0.23700")
        assert (estimate["reached"], estimate["reach"]["people"]) == (30, 30)
        assert {check["level"] for check in estimate["checks"]} == {"ok"}

        answer = post(marketer, draft, "launch", digest=estimate["digest"])

        assert answer.status_code == 200
        assert answer.json()["state"] == "running"
        assert answer.json()["estimate"]["people"] == 30

    def test_a_changed_estimate_is_422_with_both(
        self, marketer: ApiClient, draft: Broadcast, acme: Workspace
    ) -> None:
        digest = marketer.get(f"/api/v1/broadcasts/{draft.pk}/estimate/").json()["digest"]
        OptOut.objects.create(workspace=acme, msisdn=draft.lists.get().recipients.order_by("id")[0].msisdn)

        answer = post(marketer, draft, "launch", digest=digest)

        assert answer.status_code == 422
        assert answer.headers["Content-Type"] == PROBLEM
        assert (answer.json()["code"], answer.json()["estimate"]["people"]) == ("estimate_changed", 29)

    def test_with_the_number_of_people(self, marketer: ApiClient, draft: Broadcast) -> None:
        wrong = post(marketer, draft, "launch", people=31)
        assert wrong.status_code == 422
        assert "31 people" in wrong.json()["detail"]
        assert wrong.json()["code"] == "estimate_changed"

        assert post(marketer, draft, "launch", people=30).status_code == 200

    def test_without_a_word_of_agreement_nothing_is_sent(self, marketer: ApiClient, draft: Broadcast) -> None:
        for body in ({}, {"confirm": False}):
            answer = post(marketer, draft, "launch", **body)
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["code"] == "not_agreed"
        draft.refresh_from_db()
        assert draft.state == "draft"

    def test_a_second_launch_is_409(self, marketer: ApiClient, draft: Broadcast) -> None:
        assert post(marketer, draft, "launch", confirm=True).status_code == 200

        answer = post(marketer, draft, "launch", confirm=True)

        assert answer.status_code == 409
        assert answer.json()["code"] == "already_launched"

    def test_a_blocking_check_is_named(self, marketer: ApiClient, draft: Broadcast) -> None:
        marketer.patch(f"/api/v1/broadcasts/{draft.pk}/", {"text": "Hi {{frist_name}}"})

        answer = post(marketer, draft, "launch", confirm=True)

        assert answer.status_code == 422
        assert [check["code"] for check in answer.json()["checks"]] == ["token"]
        assert "{{first_name}}" in answer.json()["detail"]

    def test_a_scheduled_one_can_be_taken_back(self, marketer: ApiClient, draft: Broadcast) -> None:
        later = (timezone.now() + timedelta(days=1)).isoformat()
        marketer.patch(f"/api/v1/broadcasts/{draft.pk}/", {"send_at": later})

        scheduled = post(marketer, draft, "launch", confirm=True).json()
        assert (scheduled["state"], scheduled["notice"]) == (
            "scheduled",
            "The audience is that of its time. If it grew or would cost more by then, it waits and asks: nothing is sent.",
        )
        taken_back = post(marketer, draft, "unschedule").json()
        assert (taken_back["state"], taken_back["notice"]) == ("draft", "")

    def test_a_scheduled_one_that_grew_says_so(
        self, marketer: ApiClient, draft: Broadcast, time_machine: Any
    ) -> None:
        later = timezone.now() + timedelta(days=1)
        marketer.patch(f"/api/v1/broadcasts/{draft.pk}/", {"send_at": later.isoformat()})
        post(marketer, draft, "launch", people=30)
        Recipient.objects.create(list=draft.lists.get(), msisdn="12015550177")
        time_machine.move_to(later + timedelta(seconds=1))
        launch_due_broadcasts()

        found = marketer.get(f"/api/v1/broadcasts/{draft.pk}/").json()

        assert (found["state"], found["estimate"]["people"]) == ("draft", 30)
        assert found["state_reason"].startswith(
            "It is more than was agreed to. Agreed to: people 30, parts 30,"
        )


class TestTest:
    def test_it_works(self, marketer: ApiClient, draft: Broadcast) -> None:
        person = draft.lists.get().recipients.order_by("id")[4]

        answer = post(marketer, draft, "test", msisdn="(201) 555-0199", recipient=person.pk)

        assert answer.status_code == 201
        sent = answer.json()
        assert (sent["msisdn"], sent["parts"], sent["cost"]) == ("12015550199", 1, "0.00790")
        assert Message.objects.get().recipient_id == person.pk

    @pytest.mark.parametrize("pk", [0, 987654, 10**30])
    def test_a_recipient_that_does_not_exist_is_named(
        self, marketer: ApiClient, draft: Broadcast, pk: int
    ) -> None:
        answer = post(marketer, draft, "test", msisdn="12015550199", recipient=pk)

        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert (error["field"], error["detail"]) == (
            "recipient",
            f"There is no recipient {pk} in this workspace. Choose another one.",
        )
        assert not Message.objects.exists()

    def test_a_recipient_of_another_workspace_does_not_exist(
        self, marketer: ApiClient, draft: Broadcast, other: Workspace
    ) -> None:
        foreign = make_list(other, 1, "Theirs", start=500).recipients.get()

        answer = post(marketer, draft, "test", msisdn="12015550199", recipient=foreign.pk)

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "recipient"
        assert not Message.objects.exists()

    def test_many_parts_are_told(self, marketer: ApiClient, draft: Broadcast) -> None:
        marketer.patch(f"/api/v1/broadcasts/{draft.pk}/", {"text": "x" * 1500})

        assert post(marketer, draft, "test", msisdn="12015550199").json()["parts"] == 10


class TestControl:
    def test_pause_resume_stop(self, marketer: ApiClient, running: Broadcast) -> None:
        assert post(marketer, running, "pause").json()["state"] == "paused"
        assert post(marketer, running, "resume").json()["state"] == "running"
        assert post(marketer, running, "stop").json()["state"] == "stopped"

    def test_what_the_state_does_not_allow_is_409(self, marketer: ApiClient, running: Broadcast) -> None:
        answer = post(marketer, running, "resume")

        assert answer.status_code == 409
        assert answer.json()["detail"] == "Only a paused broadcast can be resumed."


class TestReport:
    def test_the_counts_add_up(self, marketer: ApiClient, running: Broadcast, message: Message) -> None:
        apply_changes(
            [Change(message.pk, MessageState.EXPIRED, timezone.now(), "receipt", "expired", "EXPIRED")]
        )

        report = marketer.get(f"/api/v1/broadcasts/{running.pk}/report/").json()

        assert sum(report["by_state"].values()) == report["people"] == 30
        assert (report["failed"], report["waiting"]) == (1, 29)
        assert report["reasons"][0]["sentence"] == "The phone was not reached in time"
        assert report["chart"]["unit_minutes"] == 1

    def test_messages_are_paged_and_filtered(
        self, marketer: ApiClient, running: Broadcast, message: Message
    ) -> None:
        url = f"/api/v1/broadcasts/{running.pk}/messages/"
        first = marketer.get(url, {"page_size": 20}).json()
        second = marketer.get(first["next"]).json()
        assert [len(first["results"]), len(second["results"])] == [20, 10]

        apply_changes([Change(message.pk, MessageState.DELIVERED, timezone.now(), "receipt")])
        found = marketer.get(url, {"state": "delivered"}).json()["results"]
        assert [(one["id"], one["dlr"]) for one in found] == [(message.pk, 2)]
        assert marketer.get(url, {"state": "nonsense"}).status_code == 400


class TestCampaigns:
    def test_one_is_made_and_changed(self, marketer: ApiClient, acme: Workspace) -> None:
        made = marketer.post("/api/v1/campaigns/", {"name": "Spring", "starts_on": "2027-03-01"})
        assert made.status_code == 201

        answer = marketer.patch(f"/api/v1/campaigns/{made.json()['id']}/", {"is_default": True})

        assert answer.json()["is_default"] is True
        assert default_campaign(acme).name == "Spring"

    def test_a_name_is_used_once(self, marketer: ApiClient, acme: Workspace, actor: Actor) -> None:
        create_campaign(workspace=acme, actor=actor, name="Spring")

        answer = marketer.post("/api/v1/campaigns/", {"name": "spring"})

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "name"

    def test_there_is_always_a_default(self, marketer: ApiClient, acme: Workspace) -> None:
        campaign = default_campaign(acme)
        url = f"/api/v1/campaigns/{campaign.pk}/"

        assert marketer.patch(url, {"is_default": False}).status_code == 400
        assert marketer.patch(url, {"enabled": False}).status_code == 409
        assert Campaign.objects.get().enabled

    def test_a_list_is_not_needed_to_read_one(
        self, api: Api, members: RecipientList, acme: Workspace
    ) -> None:
        campaign = default_campaign(acme)

        assert api(Role.VIEWER).get(f"/api/v1/campaigns/{campaign.pk}/").json()["name"] == "General"
