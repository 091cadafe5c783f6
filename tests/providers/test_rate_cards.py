"""A rate card as a whole: dry run, merge and replace, its pages, endpoints and the admin; quick with thousands."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from tablib import Dataset

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from providers.admin import RateResource
from providers.models import ProviderAccount, Rate
from providers.services import (
    PriceTable,
    ProviderAccountError,
    import_rates,
    plan_rates,
    price_for,
    read_rates,
)
from tests.access import assert_access
from tests.people import api_client
from tests.providers.makers import make_account

NEW = {"44": Decimal("0.05"), "49": Decimal("0.07")}


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, rates=[{"prefix": "44", "price": "0.04"}, {"prefix": "1", "price": "0.01"}])


def card(account: ProviderAccount) -> dict[str, Decimal]:
    return dict(account.rates.values_list("prefix", "price"))


def thousands(count: int) -> dict[str, Decimal]:
    return {str(100_000 + number): Decimal(number % 1000) / 10_000 for number in range(count)}


def page(account: ProviderAccount, what: str = "card") -> str:
    return reverse(f"provider-account-rate-{what}", args=[account.pk])


def test_it_works(account: ProviderAccount, alice: User) -> None:
    before = account.updated_at
    plan = import_rates(account=account, rates=NEW, replace=False, actor=Actor(user=alice))
    assert (len(plan.added), len(plan.changed), len(plan.removed), plan.same) == (1, 1, 0, 0)
    assert card(account) == NEW | {"1": Decimal("0.01")}
    # The engine reads prices again when the account's row is newer.
    assert ProviderAccount.objects.get(pk=account.pk).updated_at > before
    entry = AuditEntry.objects.get(action="imported prices", user=alice)
    assert entry.details["prices"] == ["+44: 0.04 → 0.05", "+49: – → 0.07"]


def test_replacing_removes_the_others(account: ProviderAccount) -> None:
    plan = import_rates(account=account, rates=NEW, replace=True, actor=Actor())
    assert [str(change) for change in plan.removed] == ["+1: 0.01 → –"]
    assert card(account) == NEW


def test_a_dry_run_changes_nothing(account: ProviderAccount) -> None:
    before = card(account)
    plan = plan_rates(account, NEW, replace=True)
    assert card(account) == before
    assert plan.digest == plan_rates(account, NEW, replace=True).digest
    assert plan.digest != plan_rates(account, NEW, replace=False).digest


def test_the_same_again_changes_nothing(account: ProviderAccount) -> None:
    import_rates(account=account, rates=NEW, replace=False, actor=Actor())
    plan = import_rates(account=account, rates=NEW, replace=False, actor=Actor())
    assert (plan.changes, plan.same) == ([], 2)
    assert AuditEntry.objects.filter(action="imported prices").count() == 1


def test_rejects_what_nobody_has_seen(account: ProviderAccount) -> None:
    digest = plan_rates(account, NEW, replace=False).digest
    Rate.objects.filter(account=account, prefix="44").update(price="0.06")
    with pytest.raises(ProviderAccountError) as caught:
        import_rates(account=account, rates=NEW, replace=False, actor=Actor(), digest=digest)
    assert caught.value.code == "card_changed"
    assert "49" not in card(account)


def test_other_accounts_keep_theirs(acme: Workspace, account: ProviderAccount) -> None:
    other = make_account(acme, name="Other", rates=[{"prefix": "7", "price": "0.2"}])
    import_rates(account=account, rates=NEW, replace=True, actor=Actor())
    assert card(other) == {"7": Decimal("0.2")}


def test_five_thousand_are_imported_quickly(
    account: ProviderAccount, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    text = "prefix;price\n" + "\n".join(f"{prefix};{price}" for prefix, price in thousands(5000).items())
    began = time.process_time()
    found = read_rates(text.encode(), currency="USD")
    with django_assert_max_num_queries(30):
        import_rates(account=account, rates=found.rates, replace=True, actor=Actor())
    # Measured at 0.4 s; a slow machine may take several times that.
    assert time.process_time() - began < 4
    assert account.rates.count() == 5000


def test_one_price_is_looked_up_without_the_card(
    account: ProviderAccount, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    import_rates(account=account, rates=thousands(3000), replace=False, actor=Actor())
    with django_assert_num_queries(1):
        assert price_for(account, "442079460123") == Decimal("0.04")


def test_one_price_is_that_of_the_table(acme: Workspace) -> None:
    prefixes = ["1", "12", "1201", "120155", "44", "447", "447700900", "4", "999"]
    rates: list[Any] = [{"prefix": prefix, "price": str(len(prefix))} for prefix in prefixes]
    account = make_account(acme, rates=rates)
    table = PriceTable(account)
    for number in ("12015550123", "12125550123", "447700900123", "442079460123", "41", "33", "999123"):
        assert price_for(account, number) == table.price(number)


# --- pages ---------------------------------------------------------------------------------------------


def test_who_may(account: ProviderAccount) -> None:
    assert_access(page(account))
    assert_access(page(account, "export"))
    assert_access(page(account, "import"), viewer=403, marketer=403, admin=200, owner=200)
    assert_access(f"/api/v1/provider-accounts/{account.pk}/rates/")


def test_the_card_is_searched_by_number_and_paged(
    account: ProviderAccount, victor_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    import_rates(account=account, rates=thousands(10_000), replace=False, actor=Actor())
    with django_assert_max_num_queries(12):
        text = victor_client.get(page(account)).content.decode()
    assert text.count('<td class="num">') == 50
    assert "1–50 of 10,002" in text
    text = victor_client.get(page(account), {"q": "+44 20 7946"}).content.decode()
    assert text.count('<td class="num">') == 1
    assert "begins with +44207946 costs 0.04 USD, by +44." in text
    text = victor_client.get(page(account), {"q": "33"}).content.decode()
    assert "No prefix fits +33. All other numbers cost 0.0079 USD a part." in text


def test_without_a_price_of_its_own_it_says_so(acme: Workspace, victor_client: Client) -> None:
    account = make_account(acme, default_price=None)
    text = victor_client.get(page(account)).content.decode()
    assert "All other numbers have no price" in text


def test_the_accounts_page_stays_short(account: ProviderAccount, victor_client: Client) -> None:
    import_rates(account=account, rates=thousands(3000), replace=False, actor=Actor())
    text = victor_client.get(reverse("provider-account-detail", args=[account.pk])).content.decode()
    assert '<td class="num">' not in text
    assert "0.0079 USD, 3002 prefixes" in text


def test_a_file_is_checked_then_imported(account: ProviderAccount, alice_client: Client) -> None:
    file = SimpleUploadedFile("rates.csv", b"prefix;price\n44;0,05\n49;0,07\nAtlantis;1\n")
    checked = alice_client.post(page(account, "import"), {"file": file, "way": "replace"})
    text = checked.content.decode()
    assert checked.status_code == 200
    assert "Make 3 changes" in text
    assert "“Atlantis” is no country" in text
    assert card(account).keys() == {"44", "1"}
    context = checked.context
    posted = {"rates": context["rates"], "way": context["way"], "digest": context["plan"].digest}
    done = alice_client.post(page(account, "import"), posted)
    assert done.status_code == 302
    assert card(account) == NEW


def test_a_card_that_changed_meanwhile_is_shown_again(account: ProviderAccount, alice_client: Client) -> None:
    posted = {"rates": "44 0.05;49 0.07", "way": "merge", "digest": "old"}
    again = alice_client.post(page(account, "import"), posted)
    assert again.status_code == 422
    assert "was changed meanwhile" in again.content.decode()
    assert card(account)["44"] == Decimal("0.04")


@pytest.mark.parametrize(
    "posted",
    [{}, {"way": "merge"}, {"way": "x"}, {"way": "merge", "rates": "x"}, {"way": "merge", "rates": "44 -1"}],
)
def test_rejects_what_cannot_be_read(
    account: ProviderAccount, alice_client: Client, posted: dict[str, str]
) -> None:
    before = card(account)
    assert alice_client.post(page(account, "import"), posted).status_code == 422
    assert card(account) == before


def test_the_export_is_read_back(account: ProviderAccount, victor_client: Client) -> None:
    content = b"".join(victor_client.get(page(account, "export")).streaming_content)  # type: ignore[attr-defined]  # streamed
    assert content.decode("utf-8-sig") == "prefix,price,currency\r\n1,0.01,USD\r\n44,0.04,USD\r\n"
    assert read_rates(content, currency="USD").rates == card(account)


# --- API and admin -------------------------------------------------------------------------------------


def test_the_endpoints(account: ProviderAccount) -> None:
    admin, url = api_client("admin"), f"/api/v1/provider-accounts/{account.pk}/rates/"
    made = admin.post(url, {"prefix": "+44 7", "price": "0.03"})
    assert made.status_code == 201, made.content
    assert made.json()["prefix"] == "447"
    found = admin.get(url, {"prefix": "44"}).json()["results"]
    assert {row["prefix"] for row in found} == {"44", "447"}
    assert admin.delete(f"{url}{made.json()['id']}/").status_code == 204
    assert "447" not in card(account)
    assert admin.post(url, {"prefix": "x", "price": "0.03"}).status_code == 400
    assert api_client("marketer").post(url, {"prefix": "49", "price": "1"}).status_code == 403


def test_the_endpoint_of_imports(account: ProviderAccount) -> None:
    admin, url = api_client("admin"), f"/api/v1/provider-accounts/{account.pk}/rates/import/"
    body = {"csv": "prefix;price\n44;0,05\n49;0,07\nx;1\n", "mode": "replace", "dry_run": True}
    told = admin.post(url, body)
    assert told.status_code == 200, told.content
    assert {name: told.json()[name] for name in ("added", "changed", "removed", "same", "refused")} == {
        "added": 1,
        "changed": 1,
        "removed": 1,
        "same": 0,
        "refused": 1,
    }
    assert told.json()["refused_rows"][0]["row"] == 4
    assert card(account).keys() == {"44", "1"}
    assert admin.post(url, body | {"dry_run": False}).status_code == 200
    assert card(account) == NEW
    refused = admin.post(url, {"csv": "nothing"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "csv")


def test_strangers_find_nothing(other: Workspace, account: ProviderAccount) -> None:
    stranger = api_client("admin", other)
    url = f"/api/v1/provider-accounts/{account.pk}/rates/"
    row = account.rates.get(prefix="44")
    assert stranger.get(url).status_code == 404
    assert stranger.post(f"{url}import/", {"csv": "prefix;price\n1;1\n"}).status_code == 404
    assert stranger.delete(f"{url}{row.pk}/").status_code == 404
    assert len(card(account)) == 2


def test_the_admins_import_is_quick_and_in_the_audit_trail(
    account: ProviderAccount, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [(account.pk, prefix, price) for prefix, price in (thousands(2000) | NEW).items()]
    before = account.updated_at
    with django_assert_max_num_queries(40):
        result = RateResource().import_data(
            Dataset(*rows, headers=["account", "prefix", "price"]), user=alice, raise_errors=True
        )
    assert result.totals["new"] == 2001
    assert result.totals["update"] == 1
    assert card(account)["44"] == Decimal("0.05")
    assert ProviderAccount.objects.get(pk=account.pk).updated_at > before
    assert AuditEntry.objects.get(action="imported prices", user=alice).details["rows"] == 2002


def test_the_admins_import_names_bad_rows(account: ProviderAccount) -> None:
    rows = [(account.pk, "33", "0.05"), (account.pk, "x", "1"), (account.pk, "33", "2"), (0, "34", "1")]
    result = RateResource().import_data(Dataset(*rows, headers=["account", "prefix", "price"]), dry_run=True)
    assert [number for number, _errors in result.row_errors()] == [2, 3, 4]
    assert card(account).keys() == {"44", "1"}
