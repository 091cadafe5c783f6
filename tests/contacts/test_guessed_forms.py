"""A few foreign numbers make nobody else a foreigner; each number column has its own form; what may be two is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import phonenumbers
import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from accounts.models import AuditEntry, Workspace
from contacts.files.columns import describe_columns
from contacts.models import Import, ImportPurpose, OptOut, Recipient, RememberedMapping, UnsubscribeList
from contacts.problems import describe
from contacts.services import imports, opt_outs
from contacts.services.check_rows import numbers_by_country
from sms.msisdn import parse_msisdn
from tests.contacts.support import NOBODY, checked, checked_opt_outs, number, ran, upload
from tests.people import ApiClient

Api = Callable[[str], ApiClient]
BRITISH = [f"4474001234{n:02}" for n in range(100)]
# +47 95550100 would be Norwegian, +20 15550100 Egyptian.
ARKANSAS = [f"47955501{n:02}" for n in range(100)]
NEW_JERSEY = [number(n)[1:] for n in range(100)]


def form_of(values: list[str], country: str = "US") -> str:
    return describe_columns(["phone"], [[value] for value in values], country)[0].number_form


def file_of(values: list[str]) -> str:
    return "phone,first name\n" + "".join(f"{value},Ann\n" for value in values)


def told(imported: Import) -> dict[str, tuple[str, int, list[int]]]:
    """Reasons of the check: effect, count and rows."""
    return {one.code: (one.effect, one.count, one.rows) for one in describe(imported.check_problems)}


# --- the form of a column ---


@pytest.mark.parametrize(
    ("values", "is_international"),
    [
        ([*ARKANSAS[:99], BRITISH[0]], False),
        ([*NEW_JERSEY[:99], BRITISH[0]], False),
        ([*ARKANSAS[:80], *BRITISH[:20]], False),
        ([*BRITISH[:2], *NEW_JERSEY[:2]], False),
        ([*BRITISH[:60], *(f"303555{n:04}" for n in range(100, 140))], False),
        (ARKANSAS, False),
        ([*BRITISH[:90], *NEW_JERSEY[:10]], True),
        # With their calling code they are the same in both forms.
        ([*BRITISH[:10], *(number(n) for n in range(90))], True),
        (BRITISH, True),
    ],
)
def test_only_what_is_clearly_international_is(values: list[str], is_international: bool) -> None:
    assert (form_of(values) == "international") is is_international


COUNTRIES = (
    "US",
    "CA",
    "GB",
    "DE",
    "FR",
    "ES",
    "IT",
    "NO",
    "DK",
    "PL",
    "IN",
    "BR",
    "MX",
    "AU",
    "CN",
    "SG",
    "ZA",
    "FK",
)
FOREIGN = (
    "447400123456",
    "4915123456789",
    "33612345678",
    "393123456789",
    "919812345678",
    "48512345678",
    "4520123456",
)


@cache
def nationals(country: str, kind: int) -> list[str]:
    """Valid ones near the example of libphonenumber, as dialled without trunk prefix."""
    example = phonenumbers.example_number_for_type(country, kind)
    begin = phonenumbers.national_significant_number(example)[:-3]
    tried = (f"{begin}{end:03}" for end in range(0, 1_000, 7))
    found = [one for one in tried if phonenumbers.is_valid_number(phonenumbers.parse(one, country))]
    return [one for one in found if parse_msisdn(one, country, "national").country == country]


@pytest.mark.parametrize("country", COUNTRIES)
@hypothesis_settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE]),
    size=st.integers(10, 60),
    foreign=st.lists(st.sampled_from(FOREIGN), max_size=3),
    data=st.data(),
)
def test_a_national_file_stays_national(
    country: str, kind: int, size: int, foreign: list[str], data: st.DataObject
) -> None:
    """Whatever the country, and whatever few foreign numbers stand in it with their calling codes."""
    values = nationals(country, kind)[:size]
    others = foreign[: max(1, len(values) // 10)]
    form = form_of(data.draw(st.permutations([*values, *others])), country) or "national"
    # By a form that leaves them as they are, be it the other one.
    assert {parse_msisdn(one, country, form).country for one in values} == {country}  # type: ignore[arg-type]  # one of the two forms


def test_one_foreigner_makes_no_foreigners(acme: Workspace) -> None:
    imported = checked(upload(acme, file_of([*ARKANSAS[:99], BRITISH[0]])))
    assert imported.number_form == "national"
    assert told(imported) == {"other_country": ("refused", 1, [101])}
    ran(imported)
    assert set(Recipient.objects.values_list("msisdn", flat=True)) == {f"1{one}" for one in ARKANSAS[:99]}


def test_nor_among_opt_outs(acme: Workspace) -> None:
    """As what may be Norwegian as well, each is both: nobody is texted who asked not to be."""
    text = file_of([*ARKANSAS[:99], BRITISH[0]])
    imported = ran(checked_opt_outs(upload(acme, text, purpose=ImportPurpose.OPT_OUTS)))
    assert (imported.counts["new"], imported.counts["refused"]) == (100, 0)
    found = set(OptOut.objects.values_list("msisdn", flat=True))
    assert found == {BRITISH[0], *(one for raw in ARKANSAS[:99] for one in (raw, f"1{raw}"))}


# --- what may be two numbers ---

MIXED = [*BRITISH[:18], *NEW_JERSEY[:2]]
AS_EGYPTIAN = [f"20{one.removeprefix('20')}" for one in NEW_JERSEY[:2]]


def test_what_may_be_two_numbers_is_told(acme: Workspace, bob_client: Client) -> None:
    imported = checked(upload(acme, file_of(MIXED)))
    assert imported.number_form == "international"
    assert numbers_by_country(imported) == {"GB": 18, "EG": 2}
    noticed = next(one for one in describe(imported.check_problems) if one.code == "two_numbers")
    assert (noticed.effect, noticed.count, noticed.rows) == ("noticed", 2, [20, 21])
    assert noticed.samples == [f"+{one} / +1{one}" for one in NEW_JERSEY[:2]]
    page = bob_client.get(reverse("import-check", args=[imported.pk])).content.decode()
    assert "The number may be two: it is read as an international one" in page
    assert noticed.samples[0] in page


def test_a_form_that_is_chosen_leaves_no_doubt(acme: Workspace) -> None:
    imported = upload(acme, file_of(MIXED))
    for form in ("international", "national"):
        choices = imports.Choices(imported.mapping, "US", number_form=form, new_list_name="Chosen")
        imports.start_check(imported=imports.choose(imported=imported, choices=choices))
        imported.refresh_from_db()
        assert "two_numbers" not in told(imported)
    assert told(imported)["other_country"][:2] == ("refused", 18)


@pytest.mark.parametrize("purpose", [ImportPurpose.OPT_OUTS, ImportPurpose.UNSUBSCRIBE_LIST])
def test_who_opted_out_is_texted_as_neither(acme: Workspace, purpose: str) -> None:
    to = None
    if purpose == ImportPurpose.UNSUBSCRIBE_LIST:
        to = opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Rivals")
    imported = upload(acme, file_of(MIXED), purpose=purpose, unsubscribe_list=to)
    imported = checked_opt_outs(imported)
    assert told(imported) == {"noticed:two_numbers": ("noticed", 2, [20, 21])}
    ran(imported)
    # Rows are counted, not numbers: they are told as many as the check said.
    assert (imported.counts["new"], imported.problems[0]["count"]) == (20, 2)
    rows = OptOut.objects if to is None else to.members
    found = {one.msisdn: one.source for one in rows.all()}
    assert set(found) == {*MIXED, *(f"1{one}" for one in NEW_JERSEY[:2])}
    assert set(found.values()) == {"people.csv"}
    assert {one.member_count for one in UnsubscribeList.objects.all()} <= {22}
    assert AuditEntry.objects.get(subject_id=imported.pk, details__both_numbers=2)


def test_where_no_form_shows_both_are_opted_out(acme: Workspace) -> None:
    """Five British numbers, and five that are of Arkansas or Norwegian: nobody knows which."""
    imported = checked_opt_outs(
        upload(acme, file_of([*BRITISH[:5], *ARKANSAS[:5]]), purpose=ImportPurpose.OPT_OUTS)
    )
    assert {code: one[:2] for code, one in told(imported).items()} == {
        "noticed:other_country": ("noticed", 5),
        "noticed:two_numbers": ("noticed", 5),
    }
    ran(imported)
    assert imported.counts["new"] == 10
    found = set(OptOut.objects.values_list("msisdn", flat=True))
    assert found == {*BRITISH[:5], *(one for raw in ARKANSAS[:5] for one in (raw, f"1{raw}"))}


def test_a_number_that_can_be_but_one_opts_out_that_one(acme: Workspace) -> None:
    """Of people it is refused, with its country: there the file is to be mended."""
    national = file_of([*(f"303555{n:04}" for n in range(100, 120)), BRITISH[0]])
    imported = ran(checked_opt_outs(upload(acme, national, purpose=ImportPurpose.OPT_OUTS)))
    assert (imported.counts["new"], imported.counts["refused"]) == (21, 0)
    international = file_of([*BRITISH[1:30], "3035550100"])
    imported = ran(checked_opt_outs(upload(acme, international, purpose=ImportPurpose.OPT_OUTS)))
    assert (imported.number_form, imported.counts["refused"]) == ("international", 0)
    assert {BRITISH[0], "13035550100", "13035550119"} <= set(OptOut.objects.values_list("msisdn", flat=True))
    assert told(checked(upload(acme, national)))["other_country"][:2] == ("refused", 1)


def test_a_chosen_form_leaves_it_refused(acme: Workspace) -> None:
    imported = upload(
        acme,
        file_of([f"303555{n:04}" for n in range(100, 109)] + [BRITISH[0]]),
        purpose=ImportPurpose.OPT_OUTS,
    )
    choices = imports.Choices(imported.mapping, "US", number_form="national")
    imports.start_check(imported=imports.choose(imported=imported, choices=choices))
    imported.refresh_from_db()
    assert told(imported)["other_country"][:2] == ("refused", 1)


def test_a_landline_that_may_be_a_mobile_abroad_opts_out_both(acme: Workspace) -> None:
    """In a file of German numbers; of people the landline is noticed for what it is."""
    acme.default_country = "DE"
    acme.save()
    german = [f"1521234567{n}" for n in range(8)]
    text = file_of([*german, "48512345678"])
    imported = ran(checked_opt_outs(upload(acme, text, purpose=ImportPurpose.OPT_OUTS), country="DE"))
    assert imported.number_form == "national"
    assert OptOut.objects.filter(msisdn__in=["48512345678", "4948512345678"]).count() == 2
    assert OptOut.objects.count() == 10


# --- of each column its own ---


def two_columns(first: str = "Mobile", holes: bool = False) -> str:
    rows = "".join(f"{'' if holes and n % 3 == 0 else BRITISH[n]},{NEW_JERSEY[n]},P{n}\n" for n in range(10))
    return f"{first},Phone,First name\n{rows}"


def taken(imported: Import) -> set[str]:
    assert imported.list is not None
    return set(imported.list.recipients.values_list("msisdn", flat=True))


AMERICAN = {number(n) for n in range(10)}


def test_the_form_is_that_of_the_column_that_is_chosen(acme: Workspace) -> None:
    imported = upload(acme, two_columns())
    assert imported.number_form == "international"
    imported = ran(checked(imported, mapping=["", "msisdn", "first_name"]))
    assert (imported.number_form, taken(imported)) == ("national", AMERICAN)


def test_also_on_the_page_and_by_the_api(acme: Workspace, bob_client: Client, api: Api) -> None:
    imported = upload(acme, two_columns())
    page = reverse("import-columns", args=[imported.pk])
    shown = bob_client.get(page).content.decode()
    assert "Guessed for each column: international in Mobile; national in Phone." in shown
    assert '<option value="guessed" selected>Each column as its values show</option>' in shown
    sent = {"column-0": "", "column-1": "msisdn", "column-2": "first_name", "default_country": "US"}
    sent |= {"existing": "update", "list": "new", "new_list_name": "All", "number_form": "guessed"}
    bob_client.post(page, sent)
    imported.refresh_from_db()
    assert (imported.number_form, numbers_by_country(imported)) == ("national", {"US": 10})
    client, url = api("marketer"), f"/api/v1/imports/{imported.pk}/"
    both = ["msisdn", "msisdn:2", "first_name"]
    assert client.patch(url, {"mapping": both}, format="json").json()["number_form"] == "international"
    only = ["", "msisdn", "first_name"]
    assert client.patch(url, {"mapping": only}, format="json").json()["number_form"] == "national"


def test_each_of_several_columns_is_read_as_it_shows(acme: Workspace, bob_client: Client) -> None:
    mapping = ["msisdn", "msisdn:2", "first_name"]
    imported = checked(upload(acme, two_columns(holes=True)), mapping=mapping)
    page = " ".join(bob_client.get(reverse("import-check", args=[imported.pk])).content.decode().split())
    assert "international ones, calling code first, in Mobile, and as national ones in Phone." in page
    ran(imported)
    holes = {n for n in range(10) if n % 3 == 0}
    wanted = {BRITISH[n] for n in set(range(10)) - holes} | {number(n) for n in holes}
    assert (imported.counts["other_number"], taken(imported)) == (len(holes), wanted)


def test_the_other_way_round_nobody_is_refused(acme: Workspace) -> None:
    rows = "".join(f"{'' if n % 3 == 0 else NEW_JERSEY[n]},{BRITISH[n]},P{n}\n" for n in range(10))
    imported = ran(checked(upload(acme, f"Mobile,Phone work,First name\n{rows}")))
    assert (imported.counts["new"], imported.counts["refused"]) == (10, 0)
    assert {one[:2] for one in taken(imported)} == {"12", "44"}


def test_a_choice_is_of_all_columns_and_can_be_taken_back(acme: Workspace, bob_client: Client) -> None:
    imported = upload(acme, two_columns())
    page = reverse("import-columns", args=[imported.pk])
    sent = {"column-0": "msisdn", "column-1": "msisdn:2", "column-2": "first_name", "default_country": "US"}
    sent |= {"existing": "update", "list": "new", "new_list_name": "All"}
    found = []
    for form in ("national", "guessed"):
        bob_client.post(page, sent | {"number_form": form})
        imported.refresh_from_db()
        found.append((imported.is_form_chosen, imported.number_form, numbers_by_country(imported)))
    assert found == [(True, "national", {"US": 10}), (False, "international", {"GB": 10})]


def test_a_recalled_column_has_its_own_form(acme: Workspace) -> None:
    mapping = ["", "msisdn", "first_name"]
    first = upload(acme, two_columns("Handy"))
    choices = imports.Choices(mapping, "US", number_form="national", new_list_name="First")
    imports.start_check(imported=imports.choose(imported=first, choices=choices))
    ran(first)
    again = upload(acme, two_columns("Handy"))
    assert (again.mapping, again.number_form) == (mapping, "national")
    assert taken(ran(checked(again))) == AMERICAN


def test_a_form_chosen_against_the_guess_stays_remembered(acme: Workspace) -> None:
    """Also over a file whose values show it by themselves."""
    first = upload(acme, file_of(MIXED))
    choices = imports.Choices(first.mapping, "US", number_form="national", new_list_name="First")
    imports.start_check(imported=imports.choose(imported=first, choices=choices))
    ran(first)
    ran(checked(upload(acme, file_of(NEW_JERSEY[10:20]))))
    assert RememberedMapping.objects.get().number_form == "national"
    assert upload(acme, file_of(MIXED)).number_form == "national"
