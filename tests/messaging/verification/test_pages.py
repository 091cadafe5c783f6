"""The page of verifications, and their place in the admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import User, Workspace
from messaging.models import Verification
from messaging.verification.services import check_verification
from providers.models import ProviderAccount
from tests.access import assert_access
from tests.engine.makers import make_account, make_sender
from tests.messaging.verification.support import AHMAD, MAYA, code_of, move_back, started, wrong
from tests.people import api_client

pytestmark = pytest.mark.django_db

URL = "/verifications/"
OTHERS = [f"120155501{ending:02d}" for ending in range(3, 20)]


@pytest.fixture
def account(acme: Workspace, settings: Settings) -> ProviderAccount:
    settings.VERIFICATION_SECONDS_BETWEEN = 0
    return make_account(acme)


def main_of(client: Client, url: str = URL) -> str:
    page = client.get(url).content.decode()
    return page.split("<main")[1].split("</main>")[0]


def test_it_works(account: ProviderAccount, victor_client: Client) -> None:
    made = started(account, reference="order 4711", actor=Actor(api_key=api_client().api_key)).verification
    code = code_of(made)
    page = main_of(victor_client)
    for words in (
        "+1 201-555-0101",
        "Waiting for the code",
        "0&nbsp;of&nbsp;5",
        "order 4711",
        "marketer key",
        "Queued",
    ):
        assert words in page
    for secret in (code, made.salt, made.code_hash, made.sealed_code):
        assert secret not in page


def test_access(account: ProviderAccount) -> None:
    assert_access(URL, wrong_method="post")


def test_it_is_in_the_menu(acme: Workspace, victor_client: Client) -> None:
    assert 'href="/verifications/"' in victor_client.get("/").content.decode()


def test_an_empty_page_teaches(acme: Workspace, victor_client: Client) -> None:
    page = main_of(victor_client)
    for words in ("No number was verified yet", "texts a code to a number", "/api/v1/verifications/check/"):
        assert words in page


def test_who_may_make_keys_is_led_there(alice_client: Client, bob_client: Client) -> None:
    assert "Make an API key" in main_of(alice_client)
    assert "Make an API key" not in main_of(bob_client)


def test_the_sample_names_what_there_is(
    account: ProviderAccount, acme: Workspace, bob_client: Client
) -> None:
    sender = make_sender(acme)
    page = main_of(bob_client)
    assert f"&quot;sender&quot;: {sender.pk}, &quot;account&quot;: {account.pk}" in page
    assert "{{verification_code}}" in page


def test_others_see_nothing(account: ProviderAccount, charlie_client: Client) -> None:
    started(account)
    assert "No number was verified yet" in main_of(charlie_client)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {MAYA, AHMAD}),
        ("?q=%2B1+201-555-0101", {MAYA}),
        ("?q=2015550102", {AHMAD}),
        ("?state=expired", {MAYA}),
        ("?state=pending", {AHMAD}),
        ("?state=pending&q=2015550101", set()),
        ("?state=nonsense", {MAYA, AHMAD}),
    ],
)
def test_the_list_is_filtered_by_the_address(
    account: ProviderAccount, victor_client: Client, query: str, shown: set[str]
) -> None:
    move_back(started(account, MAYA).verification, timedelta(minutes=10))
    started(account, AHMAD)
    page = main_of(victor_client, f"{URL}{query}")
    links = {msisdn for msisdn in (MAYA, AHMAD) if reverse("number-detail", args=[msisdn]) in page}
    assert links == shown
    assert ("No verification matches" in page) is (not shown)
    part = victor_client.get(f"{URL}{query}", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="verifications">')


def test_the_counts_are_of_seven_days(account: ProviderAccount, victor_client: Client) -> None:
    first = started(account, MAYA, max_tries=1).verification
    check_verification(verification=first, code=wrong(code_of(first)))
    second = started(account, MAYA).verification
    check_verification(verification=second, code=code_of(second))
    move_back(started(account, AHMAD).verification, timedelta(minutes=10))
    move_back(started(account, OTHERS[0]).verification, timedelta(days=8))
    stats = victor_client.get(URL).context["stats"]
    told = {one["label"]: one["value"] for one in stats}
    assert told == {
        "Codes asked for": "3",
        "Verified": "1",
        "Expired": "1",
        "Too many wrong codes": "1",
        "Conversion": "50%",
    }
    assert stats[-1]["sub"] == "of 2 numbers"


def test_the_page_asks_the_same_of_much_as_of_little(account: ProviderAccount, victor_client: Client) -> None:
    key = api_client().api_key
    victor_client.get(URL)
    counts = []
    for number, msisdn in enumerate(OTHERS):
        started(account, msisdn, actor=Actor(api_key=key))
        if number in (0, len(OTHERS) - 1):
            with CaptureQueriesContext(connection) as queries:
                victor_client.get(URL)
            counts.append(len(queries))
    assert counts[0] == counts[1] < 10


def test_long_lists_come_in_pages(account: ProviderAccount, acme: Workspace, victor_client: Client) -> None:
    made = started(account).verification
    Verification.objects.bulk_create(
        Verification(workspace=acme, msisdn=MAYA, state="replaced", expires_at=made.expires_at)
        for _ in range(60)
    )
    page = victor_client.get(URL)
    assert len(page.context["rows"]) == 50
    assert len(victor_client.get(page.context["page"].next).context["rows"]) == 11


def test_the_admin_only_looks(account: ProviderAccount, alice: User, alice_client: Client) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    made = started(account).verification
    one = reverse("admin:messaging_verification_change", args=[made.pk])
    for url in (reverse("admin:messaging_verification_changelist"), one):
        page = alice_client.get(url).content.decode()
        assert MAYA in page
        for secret in (code_of(made), made.salt, made.code_hash, made.sealed_code):
            assert secret not in page
    assert alice_client.post(one, {}).status_code == 403
    assert alice_client.get(reverse("admin:messaging_verification_add")).status_code == 403
