"""The figures of an account on its page: what a person reads, and words where there is nothing to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from providers.health import Tally, note_tally
from providers.health_view import health_card, milliseconds_text, seconds_text, share_text
from providers.models import ProviderAccount
from tests.providers.makers import make_account

NOW = datetime(2026, 11, 21, 9, 20, tzinfo=UTC)


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def values(account: ProviderAccount, hours: str) -> dict[str, tuple[str, str]]:
    return {stat["label"]: (stat["value"], stat["sub"]) for stat in health_card(account, hours).stats}


def test_it_works(account: ProviderAccount) -> None:
    first = Tally(
        taken=95,
        refused=4,
        unclear=1,
        throttled=3,
        answered=100,
        milliseconds=25_000,
        slowest_milliseconds=1900,
    )
    note_tally(account.pk, first, NOW)
    note_tally(account.pk, Tally(delivered=60, not_delivered=20, reported=80, report_seconds=8000), NOW)
    assert values(account, "24") == {
        "Taken": ("95%", "of 100 handed over"),
        "Answers after": ("250 ms", "slowest 1.9 s"),
        "Delivered": ("75%", "60 of those reported"),
        "Reports after": ("100 s", "from handing over"),
        "Refused": ("4", "certainly not sent"),
        "Throttled": ("3", "tried again later"),
        "Unclear": ("1", "perhaps sent"),
        "Unreachable": ("0", "no connection"),
    }


def test_each_period_has_its_own(account: ProviderAccount) -> None:
    for hours_ago, taken in ((0, 1), (5, 10), (100, 100)):
        note_tally(account.pk, Tally(taken=taken), NOW - timedelta(hours=hours_ago))
    handed_over = [values(account, hours)["Taken"][1] for hours in ("1", "24", "168", "nonsense")]
    assert handed_over == [
        "of 1 handed over",
        "of 11 handed over",
        "of 111 handed over",
        "of 11 handed over",
    ]


def test_the_chart_has_every_hour_or_day(account: ProviderAccount) -> None:
    note_tally(account.pk, Tally(taken=7, refused=2, unclear=1), NOW - timedelta(hours=5))
    by_hour, by_day = health_card(account, "24").chart, health_card(account, "168").chart
    assert by_hour is not None and by_day is not None
    assert (len(by_hour["labels"]), len(by_day["labels"])) == (24, 8)
    for chart in (by_hour, by_day):
        assert [(one["key"], sum(one["values"])) for one in chart["series"]] == [
            ("taken", 7),
            ("refused", 2),
            ("unclear", 1),
        ]
    assert by_hour["series"][0]["values"][-6] == 7
    assert health_card(account, "1").chart is None


def test_words_where_nothing_was_sent(account: ProviderAccount, victor_client: Client) -> None:
    shown = victor_client.get(reverse("provider-account-detail", args=[account.pk])).content.decode()
    assert "Nothing was handed over in this time" in shown
    assert "<canvas" not in shown


def test_the_page_shows_figures_and_chart(account: ProviderAccount, victor_client: Client) -> None:
    note_tally(account.pk, Tally(taken=3), NOW)
    shown = victor_client.get(reverse("provider-account-detail", args=[account.pk])).content.decode()
    assert "of 3 handed over" in shown
    assert "<canvas" in shown
    assert "vendor/chart" in shown


@pytest.mark.parametrize(
    ("share", "words"),
    [(None, "—"), (1.0, "100%"), (0.9999, "> 99.9%"), (0.0001, "< 0.1%"), (0.0, "0%"), (0.9555, "95.5%")],
)
def test_a_share_is_never_rounded_to_all_or_none(share: float | None, words: str) -> None:
    assert share_text(share) == words


def test_times_have_their_unit() -> None:
    assert [milliseconds_text(value) for value in (None, 0, 999, 1900)] == ["—", "0 ms", "999 ms", "1.9 s"]
    assert [seconds_text(value) for value in (None, 0, 119, 180, 7200)] == [
        "—",
        "0 s",
        "119 s",
        "3 min",
        "2 h",
    ]
