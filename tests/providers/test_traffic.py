"""What went over the line to a vendor: kept without secrets, for some days, and not of who is erased."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from messaging.erasure import erase_number
from providers import services
from providers.connectors.operations import Exchange
from providers.health import Tally, figures_of, note_reports, note_tally, prune_hours
from providers.models import AccountHour, ProviderAccount, TrafficEntry
from providers.services import keep_exchanges, prune_traffic
from tests.engine.makers import make_account as engine_account
from tests.providers.makers import make_account, tiny_vendor

pytestmark = pytest.mark.django_db
ANN = "12015550123"


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


def exchange(request: str = "{}", answer: str = "{}", *, at: datetime | None = None) -> Exchange:
    moment = at or timezone.now()
    return Exchange("send", "POST", "https://example.com/sms", request, 200, answer, 0.1234, at=moment)


def test_a_connection_test_is_kept_without_secrets(acme: Workspace) -> None:
    with tiny_vendor(body=b'{"result": [], "echo": "very secret"}') as vendor:
        account = make_account(acme, base_url=vendor.url, credentials={"api_key": "very secret"})
        assert services.test_account(account).ok
    [entry] = account.traffic.all()
    assert (entry.operation, entry.method, entry.status, entry.trouble) == ("test", "GET", 200, "")
    assert "[redacted]" in entry.answer
    assert "very secret" not in f"{entry.url}{entry.request}{entry.answer}"


def test_trouble_is_kept_with_its_sentence(acme: Workspace) -> None:
    account = make_account(acme, base_url="http://127.0.0.1:9")
    assert not services.test_account(account).ok
    [entry] = account.traffic.all()
    assert (entry.status, entry.answer) == (None, "")
    assert "could not be reached" in entry.trouble


def test_old_entries_are_forgotten(account: ProviderAccount) -> None:
    old = timezone.now() - timedelta(days=8)
    keep_exchanges(account.pk, [exchange(at=old), exchange(at=old), exchange()])
    assert prune_traffic() == 2
    assert prune_traffic() == 0
    assert TrafficEntry.objects.count() == 1


@pytest.mark.parametrize(
    "written",
    [f'{{"to": "{ANN}"}}', "to +1 201-555-0123", "to=%2B12015550123", '{"to": "\\u002b1 (201) 555-0123"}'],
)
def test_an_erased_number_is_in_none_of_them(account: ProviderAccount, written: str) -> None:
    keep_exchanges(
        account.pk, [exchange(written), exchange("{}", written), exchange('{"to": "12015550199"}')]
    )
    erase_number(workspace=account.workspace, msisdn=ANN, reason="asked", actor=Actor())
    assert [entry.request for entry in account.traffic.all()] == ['{"to": "12015550199"}']


def test_entries_of_another_workspace_stay(account: ProviderAccount, other: Workspace) -> None:
    theirs = make_account(other)
    keep_exchanges(theirs.pk, [exchange(f'{{"to": "{ANN}"}}')])
    erase_number(workspace=account.workspace, msisdn=ANN, reason="asked", actor=Actor())
    assert theirs.traffic.count() == 1


# --- figures by the hour ------------------------------------------------------------------------------


def tally(**figures: int) -> Tally:
    return Tally(**figures)


def test_figures_add_up(account: ProviderAccount) -> None:
    note_tally(account.pk, tally(taken=8, refused=1, answered=9, milliseconds=900, slowest_milliseconds=400))
    note_tally(account.pk, tally(taken=1, unclear=1, answered=1, milliseconds=600, slowest_milliseconds=300))
    note_reports(account.pk, delivered=3, not_delivered=1, seconds=[2.0, 4.0, 6.0, -1.0])
    figures = figures_of(account)
    assert (figures.handed_over, figures.taken_share) == (11, 9 / 11)
    assert (figures.answer_milliseconds, figures.slowest_milliseconds) == (150, 400)
    assert (figures.delivered, figures.delivered_share, figures.report_seconds) == (3, 0.75, 3)
    assert AccountHour.objects.count() == 1


def test_without_figures_nothing_is_claimed(account: ProviderAccount) -> None:
    figures = figures_of(account)
    assert (figures.handed_over, figures.taken_share, figures.answer_milliseconds) == (0, None, None)
    assert (figures.delivered_share, figures.report_seconds) == (None, None)


def test_each_hour_has_its_own(account: ProviderAccount) -> None:
    now = datetime(2026, 1, 31, 12, 59, 59, tzinfo=UTC)
    for at in (now, now + timedelta(seconds=1), now + timedelta(minutes=59)):
        note_tally(account.pk, tally(taken=1), at=at)
    hours = AccountHour.objects.order_by("hour").values_list("hour__hour", "taken")
    assert list(hours) == [(12, 1), (13, 2)]
    assert prune_hours() == 2


def test_hours_that_are_over_do_not_count(acme: Workspace) -> None:
    account = engine_account(acme, "bulkvs")
    note_tally(account.pk, tally(taken=1), at=timezone.now() - timedelta(hours=30))
    note_tally(account.pk, tally(taken=2))
    assert figures_of(account, hours=24).handed_over == 2
    assert figures_of(account, hours=48).handed_over == 3
