"""Any provider, same behaviour: the same people through each vendor's door of the sandbox, to the same ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from contacts.models import OptOut
from messaging.dispatches import counts_of
from messaging.models import Dispatch, Message
from messaging.tasks import run_engine
from providers.models import ProviderAccount
from providers.services import connector_of, create_sandbox_accounts, is_sandbox
from tests.engine.makers import make_dispatch
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

VENDORS = ("bulkvs", "messagewhiz", "mobiz", "mx2", "ogangi")
# What a refusal, an unclear answer and a text that was taken come to, whoever the vendor is. Ogangi tells at once what
# others tell by a report.
QUIET = [f"1201555{number:04d}" for number in range(100, 130)]
REFUSED, THROTTLED, CUT, FAILS, HTML = (f"12015550{ending}" for ending in (193, 194, 195, 196, 197))


@pytest.fixture
def accounts(
    acme: Workspace, sandbox: SandboxProcess, settings: Settings
) -> Iterator[dict[str, ProviderAccount]]:
    settings.SANDBOX_URL = sandbox.url
    settings.ENGINE_CONTROL_SECONDS = 0.05
    made = {account.vendor: account for account in create_sandbox_accounts(acme)}
    ProviderAccount.objects.update(parts_per_second=Decimal(10_000), max_in_flight=4)
    yield {vendor: ProviderAccount.objects.get(pk=account.pk) for vendor, account in made.items()}


def text_for(vendor: str) -> str:
    """Mx2 writes the text itself: what is ours there is the landing page's address."""
    return "https://example.com/sale" if vendor == "mx2" else "Hello {{first_name|there}}"


def states(dispatch: Dispatch) -> dict[str, int]:
    dispatch.refresh_from_db()
    return {state: count for state, count in counts_of([dispatch.pk]).items() if count}


@pytest.mark.parametrize("vendor", VENDORS)
def test_everybody_gets_it_once(
    accounts: dict[str, ProviderAccount], sandbox: SandboxProcess, vendor: str
) -> None:
    account = accounts[vendor]
    assert is_sandbox(account)
    dispatch = make_dispatch(account.workspace, account, msisdns=QUIET, text=text_for(vendor))
    report = run_engine(seconds=30)
    assert (report.sent, states(dispatch), dispatch.state) == (30, {"sent": 30}, "finished")
    stats = sandbox.control("GET", "stats")
    assert (stats["accepted"], stats["most_per_recipient_and_reference"]) == (30, 1)
    texts = sandbox.control("GET", f"handsets/{QUIET[0]}")["thread"]
    assert [text["text"] for text in texts if text["direction"] == "outbound"]
    rows = Message.objects.filter(dispatch=dispatch)
    assert not rows.filter(provider_message_id="").exists()
    assert_counters_equal_ledger(dispatch)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("msisdn", "state", "tries"),
    [
        (REFUSED, "failed", 1),
        (THROTTLED, "sent", 3),
        (CUT, "unknown", 1),
        (FAILS, "unknown", 1),
        (HTML, "unknown", 1),
    ],
)
def test_each_ending_means_the_same(
    accounts: dict[str, ProviderAccount],
    sandbox: SandboxProcess,
    vendor: str,
    msisdn: str,
    state: str,
    tries: int,
) -> None:
    account = accounts[vendor]
    dispatch = make_dispatch(account.workspace, account, msisdns=[msisdn], text=text_for(vendor))
    deadline = time.monotonic() + 30
    while dispatch_state(dispatch) != "finished" and time.monotonic() < deadline:
        run_engine(seconds=2)
    message = Message.objects.get(dispatch=dispatch)
    assert (message.state, message.tries, dispatch_state(dispatch)) == (state, tries, "finished")
    assert sandbox.control("GET", "stats")["most_per_recipient_and_reference"] <= 1


def dispatch_state(dispatch: Dispatch) -> str:
    dispatch.refresh_from_db()
    return dispatch.state


@pytest.mark.parametrize("vendor", VENDORS)
def test_who_opted_out_is_not_texted(
    accounts: dict[str, ProviderAccount], sandbox: SandboxProcess, vendor: str
) -> None:
    account = accounts[vendor]
    dispatch = make_dispatch(account.workspace, account, msisdns=QUIET[:5], text=text_for(vendor))
    OptOut.objects.create(workspace=account.workspace, msisdn=QUIET[2], source="api")
    run_engine(seconds=30)
    assert states(dispatch) == {"sent": 4, "suppressed": 1}
    assert QUIET[2] not in sandbox.control("GET", "accepted")


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_account_without_credit_pauses_and_loses_nobody(
    accounts: dict[str, ProviderAccount], sandbox: SandboxProcess, vendor: str
) -> None:
    """Ogangi's ERROR does not say that nothing was sent: there it is unclear, and stops the account all the same."""
    sandbox.control("POST", "dial", {"vendor": vendor, "force_outcome": "no_credit"})
    account = accounts[vendor]
    dispatch = make_dispatch(account.workspace, account, msisdns=QUIET, text=text_for(vendor))
    run_engine(seconds=30)
    found = states(dispatch)
    assert sum(found.values()) == 30
    assert sandbox.control("GET", "stats")["accepted"] == 0
    if vendor == "ogangi":
        assert set(found) <= {"unknown", "queued", "failed"}
    else:
        assert (found, dispatch.state) == ({"queued": 30}, "paused")


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_went_over_the_line_is_kept_without_secrets(
    accounts: dict[str, ProviderAccount], vendor: str
) -> None:
    account = accounts[vendor]
    make_dispatch(account.workspace, account, msisdns=QUIET[:3], text=text_for(vendor))
    run_engine(seconds=30)
    entries = list(account.traffic.all())
    assert entries
    assert {entry.operation for entry in entries} == {"send"}
    kept = " ".join(f"{entry.url} {entry.request} {entry.answer} {entry.trouble}" for entry in entries)
    for secret in secrets_of(account):
        assert secret not in kept
    hour = account.hours.get()
    assert (hour.taken, hour.refused, hour.unclear) == (3, 0, 0)
    assert hour.answered >= 1


def secrets_of(account: ProviderAccount) -> list[str]:
    # "sandbox", the shared key of some doors, stands in ordinary words as well.
    return [secret for secret in connector_of(account).config.secrets() if secret != "sandbox"]


def test_all_doors_are_asked(accounts: dict[str, Any]) -> None:
    assert tuple(accounts) == VENDORS
