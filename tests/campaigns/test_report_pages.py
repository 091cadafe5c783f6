"""The report: everybody accounted for, live while it may change, and a person's word over the run."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast, BroadcastState
from campaigns.services.control import stop_broadcast
from contacts.models import Recipient, RecipientList
from messaging.daily import DAILY_LIMIT
from messaging.ledger import Change, apply_changes, hold_waiting
from messaging.models import Message
from providers.daily import take, use_today
from providers.models import ProviderAccount
from sms.msisdn import format_msisdn
from sms.states import MessageState
from web.templatetags.crier import full_time

pytestmark = pytest.mark.django_db

S = MessageState
DOCUMENTED = re.findall(r"^\| `(\w+)` \|", Path("docs/report-csv.md").read_text(), re.MULTILINE)


def settle(broadcast: Broadcast, *outcomes: tuple[MessageState, str]) -> list[Message]:
    """The first messages of the broadcast get these states, with these reasons."""
    rows = list(Message.objects.filter(broadcast_id=broadcast.pk).order_by("id")[: len(outcomes)])
    apply_changes(
        [
            Change(row.pk, state, timezone.now(), "receipt", reason, f"vendor says {state.value}")
            for row, (state, reason) in zip(rows, outcomes, strict=True)
        ]
    )
    return rows


def test_it_works(victor_client: Client, running: Broadcast) -> None:
    settle(running, (S.DELIVERED, ""), (S.DELIVERED, ""), (S.EXPIRED, "expired"), (S.UNKNOWN, "no_answer"))

    html = victor_client.get(f"/broadcasts/{running.pk}/").content.decode()

    assert "3 of 30 sent" in html
    assert "Delivered 2" in html
    assert "Waiting 26" in html
    assert "The phone was not reached in time" in html
    assert "vendor says expired" in html


def test_a_viewer_sees_no_buttons(victor_client: Client, running: Broadcast) -> None:
    html = victor_client.get(f"/broadcasts/{running.pk}/").content.decode()

    assert "/pause/" not in html
    assert "stop-dialog" not in html


def test_the_head_brings_buttons_only_when_the_state_changed(bob_client: Client, running: Broadcast) -> None:
    same = bob_client.get(f"/broadcasts/{running.pk}/head/?state=running").content.decode()
    other = bob_client.get(f"/broadcasts/{running.pk}/head/?state=paused").content.decode()

    assert 'id="report-actions"' not in same
    assert 'id="report-actions" hx-swap-oob="true"' in other


def test_the_head_ends_the_polling_when_nothing_can_change(
    bob_client: Client, running: Broadcast, actor: Actor
) -> None:
    assert bob_client.get(f"/broadcasts/{running.pk}/head/").status_code == 200
    stop_broadcast(broadcast=running, actor=actor)

    answer = bob_client.get(f"/broadcasts/{running.pk}/head/?state=running")

    assert answer.status_code == 286
    assert "hx-trigger" not in answer.content.decode()


def test_the_head_asks_no_more_with_more_people(
    bob_client: Client, running: Broadcast, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(20):  # type: ignore[operator]  # a pytest-django fixture
        bob_client.get(f"/broadcasts/{running.pk}/head/?state=running")


def test_the_chart_comes_as_json(bob_client: Client, running: Broadcast) -> None:
    settle(running, (S.DELIVERED, ""), (S.EXPIRED, "expired"))

    chart = bob_client.get(f"/broadcasts/{running.pk}/chart.json").json()

    values = {one["key"]: one["values"] for one in chart["series"]}
    assert values == {"sent": [0], "delivered": [1], "failed": [1]}
    assert len(chart["labels"]) == 1
    assert chart["finished"] is False


class TestRecipients:
    def test_a_tab_shows_its_states(self, bob_client: Client, running: Broadcast) -> None:
        first = settle(running, (S.EXPIRED, "expired"))[0]

        answer = bob_client.get(
            f"/broadcasts/{running.pk}/", {"tab": "failed"}, headers={"hx-request": "true"}
        )

        html = answer.content.decode()
        assert format_msisdn(first.msisdn) in html
        assert html.count("<tr>") == 2  # head and one row
        assert "<html" not in html
        assert "HX-Request" in answer.headers["Vary"]

    def test_search_finds_a_piece_of_a_number(self, bob_client: Client, running: Broadcast) -> None:
        rows = list(Message.objects.order_by("id"))

        html = bob_client.get(f"/broadcasts/{running.pk}/", {"q": rows[7].msisdn[-7:]}).content.decode()

        assert format_msisdn(rows[7].msisdn) in html
        assert format_msisdn(rows[8].msisdn) not in html

    def test_search_finds_a_number_in_any_writing(self, bob_client: Client, running: Broadcast) -> None:
        msisdn = Message.objects.filter(broadcast_id=running.pk).order_by("id")[7].msisdn
        national = f"({msisdn[1:4]}) {msisdn[4:7]}-{msisdn[7:]}"
        for writing in (national, f"00{msisdn}", f"+{msisdn}", f"011 {msisdn}"):
            page = bob_client.get(f"/broadcasts/{running.pk}/", {"q": writing}).content.decode()
            assert format_msisdn(msisdn) in page

    def test_search_finds_a_name(self, bob_client: Client, running: Broadcast) -> None:
        html = bob_client.get(f"/broadcasts/{running.pk}/", {"q": "person 7"}).content.decode()

        assert "Person 7" in html
        assert "Person 8" not in html

    def test_no_match_offers_to_clear(self, bob_client: Client, running: Broadcast) -> None:
        html = bob_client.get(f"/broadcasts/{running.pk}/", {"q": "zzz"}).content.decode()

        assert "Nobody matches" in html
        assert f'href="/broadcasts/{running.pk}/"' in html

    def test_pages_follow_each_other_by_key(
        self, bob_client: Client, running: Broadcast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("campaigns.views.report.PAGE_SIZE", 20)
        rows = list(Message.objects.order_by("id"))

        first = bob_client.get(f"/broadcasts/{running.pk}/").content.decode()
        assert f"?after={rows[19].pk}" in first
        second = bob_client.get(f"/broadcasts/{running.pk}/", {"after": rows[19].pk}).content.decode()

        assert format_msisdn(rows[19].msisdn) not in second
        assert format_msisdn(rows[29].msisdn) in second
        assert "Next page" not in second

    @pytest.mark.parametrize(
        "query", [{"tab": "nonsense"}, {"after": "x"}, {"after": "9" * 40}, {"q": "+" * 80}]
    )
    def test_nonsense_in_the_address_does_no_harm(
        self, bob_client: Client, running: Broadcast, query: dict[str, str]
    ) -> None:
        assert bob_client.get(f"/broadcasts/{running.pk}/", query).status_code == 200

    def test_one_message_shows_its_life(self, bob_client: Client, running: Broadcast) -> None:
        row = settle(running, (S.REJECTED, "rejected"))[0]

        html = bob_client.get(f"/broadcasts/{running.pk}/messages/{row.pk}/").content.decode()

        assert "Planned" in html
        assert "The provider said: vendor says rejected" in html
        assert "Check wording and sender" in html

    def test_a_message_of_another_broadcast_is_not_here(
        self, bob_client: Client, running: Broadcast, message: Message
    ) -> None:
        assert bob_client.get(f"/broadcasts/{running.pk + 1}/messages/{message.pk}/").status_code == 404


class TestZones:
    """Acme is in New York."""

    def test_the_table_names_its_zone(self, victor_client: Client, running: Broadcast) -> None:
        Message.objects.filter(broadcast_id=running.pk).update(
            changed_at=datetime(2026, 1, 15, 17, 30, tzinfo=UTC)
        )

        page = victor_client.get(f"/broadcasts/{running.pk}/").content.decode()

        assert ">Time (EST)</th>" in page
        assert page.count('data-label="Time (EST)"') == 30
        assert "12:30:00</time>" in page

    def test_a_change_of_the_clocks_names_both(self, victor_client: Client, running: Broadcast) -> None:
        """30 rows: one before summer time began, the others after."""
        rows = Message.objects.filter(broadcast_id=running.pk)
        rows.update(changed_at=datetime(2026, 3, 8, 14, tzinfo=UTC))
        Message.objects.filter(pk=rows.earliest("id").pk).update(
            changed_at=datetime(2026, 3, 7, 14, tzinfo=UTC)
        )

        assert "Time (EST/EDT)" in victor_client.get(f"/broadcasts/{running.pk}/").content.decode()

    def test_a_zone_without_letters_is_told_by_its_offset(
        self, victor_client: Client, running: Broadcast
    ) -> None:
        Workspace.objects.update(time_zone="Asia/Dubai")

        assert "Time (UTC+04)" in victor_client.get(f"/broadcasts/{running.pk}/").content.decode()

    def test_lists_of_what_happened_name_it_too(self, victor_client: Client, running: Broadcast) -> None:
        message = Message.objects.filter(broadcast_id=running.pk).earliest("id")
        Message.objects.filter(pk=message.pk).update(created_at=datetime(2026, 7, 1, tzinfo=UTC))

        page = victor_client.get(f"/broadcasts/{running.pk}/messages/{message.pk}/").content.decode()

        assert "Times in EDT" in page
        assert "Times in E" in victor_client.get(f"/broadcasts/{running.pk}/").content.decode()


class TestCsv:
    def rows(self, client: Client, url: str) -> list[list[str]]:
        answer = client.get(url)
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # it streams
        return list(csv.reader(io.StringIO(text)))

    def test_it_has_a_row_for_everybody(self, victor_client: Client, running: Broadcast) -> None:
        header, *rows = self.rows(victor_client, f"/broadcasts/{running.pk}/messages.csv")

        assert header == DOCUMENTED
        assert len(rows) == 30

    def test_a_tab_can_be_taken_alone(self, victor_client: Client, running: Broadcast) -> None:
        settle(running, (S.EXPIRED, "expired"), (S.DELIVERED, ""))

        rows = self.rows(victor_client, f"/broadcasts/{running.pk}/messages.csv?tab=failed")

        assert [row[3] for row in rows[1:]] == ["expired"]

    def row(self, client: Client, broadcast: Broadcast) -> dict[str, str]:
        header, first, *_rows = self.rows(client, f"/broadcasts/{broadcast.pk}/messages.csv")
        return dict(zip(header, first, strict=True))

    def test_programs_can_read_it(self, victor_client: Client, running: Broadcast) -> None:
        """Acme is in New York."""
        (message,) = settle(running, (S.DELIVERED, ""))
        Message.objects.filter(pk=message.pk).update(
            created_at=datetime(2026, 3, 7, 14, tzinfo=UTC),
            submitted_at=datetime(2026, 3, 7, 14, 0, 1, tzinfo=UTC),
            settled_at=datetime(2026, 3, 8, 14, tzinfo=UTC),
            history=[
                ["sent", "2026-03-07T14:00:02.5+00:00", "engine", "", ""],
                ["delivered", "2026-03-08T14:00:00+00:00", "receipt", "", "DELIVRD"],
            ],
            provider_message_id="abc-1",
            parts=2,
            price="0.0158",
        )
        Recipient.objects.filter(pk=message.recipient_id).update(first_name="Ann", last_name="Lee")

        row = self.row(victor_client, running)

        assert row["msisdn"] == f"+{message.msisdn}"
        assert (row["first_name"], row["last_name"], row["state"]) == ("Ann", "Lee", "delivered")
        assert (row["parts"], row["cost"], row["currency"]) == ("2", "0.01580", "USD")
        assert row["queued_at"] == "2026-03-07T09:00:00-05:00"
        assert row["sent_at"] == "2026-03-07T09:00:02-05:00"
        assert row["delivered_at"] == row["settled_at"] == "2026-03-08T10:00:00-04:00", "summer time began"
        assert row["provider_message_id"] == "abc-1"

    @pytest.mark.parametrize("name", ["=1+1", "+SUM(A1)", "-x", "@x", "\tx", "\rx"])
    def test_no_value_runs_as_a_formula(self, victor_client: Client, running: Broadcast, name: str) -> None:
        message = Message.objects.filter(broadcast_id=running.pk).earliest("id")
        Recipient.objects.filter(pk=message.recipient_id).update(first_name=name, last_name=name)
        Message.objects.filter(pk=message.pk).update(words=name, text=name, provider_message_id=name)

        row = self.row(victor_client, running)

        for column in ("first_name", "last_name", "provider_words", "text", "provider_message_id"):
            assert row[column] == f"'{name}"
        assert row["msisdn"].startswith("+1")

    def test_names_cost_one_query_a_chunk(
        self, victor_client: Client, running: Broadcast, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(10):
            self.rows(victor_client, f"/broadcasts/{running.pk}/messages.csv")

    def test_its_name_is_that_of_the_broadcast(self, victor_client: Client, running: Broadcast) -> None:
        answer = victor_client.get(f"/broadcasts/{running.pk}/messages.csv")

        assert answer.headers["Content-Disposition"] == f'attachment; filename="autumn-sale-{running.pk}.csv"'


class TestControl:
    def test_pause_and_resume(self, bob_client: Client, running: Broadcast) -> None:
        bob_client.post(f"/broadcasts/{running.pk}/pause/")
        running.refresh_from_db()
        assert running.state == BroadcastState.PAUSED

        bob_client.post(f"/broadcasts/{running.pk}/resume/")
        running.refresh_from_db()
        assert running.state == BroadcastState.RUNNING

    def test_stop_asks_first(self, bob_client: Client, running: Broadcast) -> None:
        html = bob_client.get(f"/broadcasts/{running.pk}/stop/").content.decode()
        assert "Stop sending to 30 people?" in html
        running.refresh_from_db()
        assert running.state == BroadcastState.RUNNING

        bob_client.post(f"/broadcasts/{running.pk}/stop/")
        running.refresh_from_db()
        assert running.state == BroadcastState.STOPPED
        assert set(Message.objects.values_list("state", flat=True)) == {"cancelled"}

    def test_what_the_state_does_not_allow_is_said(self, bob_client: Client, running: Broadcast) -> None:
        answer = bob_client.post(f"/broadcasts/{running.pk}/resume/", follow=True)

        assert "Only a paused broadcast can be resumed." in answer.content.decode()

    def test_from_the_list_it_goes_back_to_the_list(self, bob_client: Client, running: Broadcast) -> None:
        answer = bob_client.post(f"/broadcasts/{running.pk}/pause/", {"from": "list"})

        assert answer.headers["Location"] == "/broadcasts/"


class TestMissed:
    def test_reasons_are_counted_and_the_reachable_can_be_written_to(
        self, bob_client: Client, running: Broadcast
    ) -> None:
        outcomes = [
            (S.EXPIRED, "expired"),
            (S.EXPIRED, "expired"),
            (S.UNKNOWN, "no_answer"),
            (S.DELIVERED, ""),
        ]
        rows = settle(running, *outcomes)
        html = bob_client.get(f"/broadcasts/{running.pk}/missed/").content.decode()
        assert "3 people" in html
        assert "Write to the 2 reachable ones" in html

        answer = bob_client.post(
            f"/broadcasts/{running.pk}/missed/draft/", {"reasons": ["expired", "no_answer"]}
        )

        draft = Broadcast.objects.exclude(pk=running.pk).get()
        assert answer.headers["Location"] == f"/broadcasts/{draft.pk}/review/"
        people = RecipientList.objects.get(broadcasts=draft)
        assert set(people.recipients.values_list("msisdn", flat=True)) == {rows[0].msisdn, rows[1].msisdn}

    def test_nothing_chosen_is_said(self, bob_client: Client, running: Broadcast) -> None:
        settle(running, (S.EXPIRED, "expired"))

        answer = bob_client.post(f"/broadcasts/{running.pk}/missed/draft/")

        assert answer.status_code == 422
        assert "Nobody among them can be tried again: no reason is chosen" in answer.content.decode()
        assert Broadcast.objects.count() == 1

    def test_nobody_missed_it(self, bob_client: Client, running: Broadcast) -> None:
        assert "Nobody missed it" in bob_client.get(f"/broadcasts/{running.pk}/missed/").content.decode()

    def test_a_viewer_looks_but_writes_to_nobody(self, victor_client: Client, running: Broadcast) -> None:
        settle(running, (S.EXPIRED, "expired"))

        assert "Write to the" not in victor_client.get(f"/broadcasts/{running.pk}/missed/").content.decode()
        assert victor_client.post(f"/broadcasts/{running.pk}/missed/draft/").status_code == 403


def test_a_draft_opens_in_the_composer_or_is_only_told_of(
    bob_client: Client, victor_client: Client, draft: Broadcast
) -> None:
    assert bob_client.get(f"/broadcasts/{draft.pk}/").headers["Location"] == f"/broadcasts/{draft.pk}/edit/"
    assert "Still being written" in victor_client.get(f"/broadcasts/{draft.pk}/").content.decode()


class TestWithoutReceipts:
    """Of a provider that never says whether a message arrived."""

    @pytest.fixture
    def silent(self, running: Broadcast) -> Broadcast:
        keys = {"api_key": "k", "subscription_key": "s", "trigger_key": "t"}
        assert running.account is not None
        running.account.vendor, running.account.credentials = "mobiz", keys
        running.account.save()
        return running

    def test_the_report_expects_none(self, victor_client: Client, silent: Broadcast) -> None:
        settle(silent, (S.SENT, ""))
        assert "no receipt expected" in victor_client.get(f"/broadcasts/{silent.pk}/").content.decode()

    def test_the_message_says_so(self, victor_client: Client, silent: Broadcast) -> None:
        [message] = settle(silent, (S.SENT, ""))
        html = victor_client.get(f"/broadcasts/{silent.pk}/messages/{message.pk}/").content.decode()
        assert "No receipt expected." in html

    def test_where_reports_come_nothing_is_said(self, victor_client: Client, running: Broadcast) -> None:
        [message] = settle(running, (S.SENT, ""))
        html = victor_client.get(f"/broadcasts/{running.pk}/messages/{message.pk}/").content.decode()
        assert "No receipt expected." not in html
        assert "no receipt expected" not in victor_client.get(f"/broadcasts/{running.pk}/").content.decode()


class TestHeldForTheNextDay:
    """The account has sent its parts of the day."""

    @pytest.fixture
    def held(self, running: Broadcast) -> Broadcast:
        account = running.account
        assert account is not None
        account.parts_per_day = 10
        account.save()
        take(account.pk, use_today(account).day, [10], 10)
        dispatch_id = running.segments.get().dispatch_id
        hold_waiting(dispatch_id, reason=DAILY_LIMIT, until=timezone.now())
        return running

    def test_the_report_says_who_and_when(self, victor_client: Client, held: Broadcast) -> None:
        html = victor_client.get(f"/broadcasts/{held.pk}/").content.decode()
        assert "30 people are held: bulkvs test has sent its parts of this day." in html
        assert f"It goes on by itself on {tomorrow_of(held)}, or at once when" in html
        assert "The account&#x27;s limit of parts a day is reached" in html

    def test_raised_they_are_being_let_go(self, victor_client: Client, held: Broadcast) -> None:
        ProviderAccount.objects.update(parts_per_day=100)
        html = victor_client.get(f"/broadcasts/{held.pk}/").content.decode()
        assert "They are being let go on just now." in html

    def test_the_message_says_when(self, victor_client: Client, held: Broadcast) -> None:
        message = Message.objects.filter(broadcast_id=held.pk)[0]
        html = victor_client.get(f"/broadcasts/{held.pk}/messages/{message.pk}/").content.decode()
        assert f"Goes on: {tomorrow_of(held)}." in html

    def test_stopped_nobody_is_held(self, victor_client: Client, held: Broadcast) -> None:
        stop_broadcast(broadcast=held, actor=Actor())
        html = victor_client.get(f"/broadcasts/{held.pk}/").content.decode()
        assert "are held" not in html


def tomorrow_of(broadcast: Broadcast) -> str:
    zone = ZoneInfo(broadcast.workspace.time_zone)
    day = timezone.localtime(timezone.now(), zone).date() + timedelta(days=1)
    with timezone.override(zone):
        return full_time(datetime.combine(day, time(), zone))
