"""Numbers and times are taken for what was meant, or told: on pages and in the API alike."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import Workspace
from campaigns.forms import SizeField
from providers.forms import AccountForm, RateForm
from tests.engine.makers import make_account
from tests.people import api_client
from web.plain import is_number

pytestmark = pytest.mark.django_db

ODD = ["1_0", "\uff11\uff12", "\u0663", "1.000", "1,000", "\u00b2", "1 0", "0x1"]


@pytest.mark.parametrize("written", ODD)
def test_odd_whole_numbers_are_none(written: str) -> None:
    assert not is_number(written, whole=True)


@pytest.mark.parametrize("written", ["0.01", ".5", "12", "-1", "+1", "1e-5", " 3 ", "1."])
def test_numbers_are_some(written: str) -> None:
    assert is_number(written, whole=False)


@pytest.mark.parametrize("written", [*ODD])
def test_a_form_tells_odd_numbers_at_their_field(acme: Workspace, written: str) -> None:
    values = {"name": "A", "parts_per_second": "10", "max_in_flight": "8", "currency": "USD"}
    form = AccountForm({**values, "parts_per_day": written})
    assert set(form.errors) == {"parts_per_day"}
    assert not AccountForm({**values, "parts_per_day": "1000"}).errors


@pytest.mark.parametrize("written", ["1_0", "\uff11.5", "\u0660.\u0660\u0661", "0,01"])
def test_a_form_tells_odd_amounts_at_their_field(written: str) -> None:
    assert set(RateForm({"prefix": "44", "price": written}).errors) == {"price"}


@pytest.mark.parametrize("written", ["1_0", "\uff11\uff12", "\u0663", "1.000"])
def test_the_api_refuses_odd_numbers(acme: Workspace, alice: object, written: str) -> None:
    account = make_account(acme)
    api = api_client("admin")
    answer = api.patch(f"/api/v1/provider-accounts/{account.pk}/", {"parts_per_day": written})
    assert answer.status_code == 400
    assert "parts_per_day" in str(answer.json())
    assert api.patch(f"/api/v1/provider-accounts/{account.pk}/", {"parts_per_day": "10"}).status_code == 200


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("1000", 1000),
        ("1,000", 1000),
        ("1.000", 1000),
        ("1 000 000", 1_000_000),
        ("1\u202f000", 1000),
        ("1,000,000,000", 1_000_000_000),
        ("0.500", None),
        ("0,001", None),
        ("1,000.000", None),
        ("1.000,500", None),
        ("1_000", None),
        ("\uff11", None),
        ("10,00", None),
    ],
)
def test_sizes_are_read_as_people_write_them(written: str, size: int | None) -> None:
    if size is not None:
        assert SizeField().clean(written) == size
        return
    with pytest.raises(ValidationError, match="is no whole number"):
        SizeField().clean(written)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1999-12-31T23:59:59+00:00"])
def test_the_api_refuses_times_that_no_page_can_show(acme: Workspace, at: str) -> None:
    answer = api_client("admin").post(
        "/api/v1/links/", {"name": "Sale", "url": "https://example.com/sale", "expires_at": at}
    )
    assert answer.status_code == 400
    assert "between the years 2000 and 2999" in str(answer.json())


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("at", ["9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_page_tells_times_that_nobody_means(
    acme: Workspace, alice_client: Client, zone: str, at: str
) -> None:
    acme.time_zone = zone
    acme.save()
    values = {"name": "Sale", "url": "https://example.com/sale", "expires_at": at}
    answer = alice_client.post("/links/new/", values)
    assert answer.status_code == 422
    assert "between the years 2000 and 2999" in answer.content.decode()
