"""What numbers without plus are: told by a file's values, chosen by a person, and never mixed up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.exports import people_cells, people_lines, people_rows
from contacts.files.columns import describe_columns
from contacts.models import Import, ImportPurpose, Recipient, RememberedMapping
from contacts.problems import describe
from contacts.services import imports
from contacts.services.check_rows import check_rows_of, numbers_by_country
from contacts.services.lists import Person
from tests.contacts.books import xlsx
from tests.contacts.support import checked, list_named, number, ran, upload
from tests.people import ApiClient

Api = Callable[[str], ApiClient]
IMPORTS = "/api/v1/imports/"
# Valid with +, and as they stand also landlines of Germany, as dialled there.
GERMAN = [f"49151234567{n:02}" for n in range(50)]
PEOPLE = ["+4915123456789", "+33612345678", "+447400123456", "+12015550123", "+4520123456", "+393123456789"]


def german(acme: Workspace) -> Workspace:
    acme.default_country = "DE"
    acme.save()
    return acme


def form_of(values: list[str], country: str) -> str:
    return describe_columns(["phone"], [[value] for value in values], country)[0].number_form


@pytest.mark.parametrize(
    ("values", "country", "form"),
    [
        (GERMAN, "DE", "international"),
        ([*GERMAN, "0151 23456789"], "DE", "international"),
        ([one.removeprefix("+") for one in PEOPLE], "DE", "international"),
        ([one.removeprefix("+") for one in PEOPLE], "US", "international"),
        (["4915123456789"], "DE", "international"),
        (["4915123456789", "33612345678", "2026-05-06", "447400123456", "n/a"], "DE", "international"),
        # Most are no numbers at all: that two of them could be some tells nothing.
        (["447400123456", "447400123457", "7400123456", "7400123457", "7400123458"], "US", ""),
        (["33612345678", "33612345679"], "", ""),
        (["15212345678", "15212345679"], "DE", "national"),
        # As they stand these are mobiles of Texas as well: nothing shows, and the chosen country counts.
        ([one.removeprefix("49") for one in GERMAN], "DE", ""),
        (["0151 23456789", "+49 151 23456789"], "DE", ""),
        ([number(n)[1:] for n in range(100)], "US", "national"),
        # With the country's own calling code both readings are one.
        ([number(n) for n in range(100)], "US", ""),
        ([*(number(n) for n in range(50)), *(number(n)[1:] for n in range(50, 100))], "US", "national"),
        (["20123456", "20123457", "31234567"], "DK", "national"),
        (["3123456789", "3201234567"], "IT", "national"),
        (["393123456789", "393201234567"], "IT", ""),
        (["11961234567", "21961234567"], "BR", "national"),
        (["5511961234567", "5521961234567"], "BR", ""),
    ],
)
def test_values_tell_their_form(values: list[str], country: str, form: str) -> None:
    assert form_of(values, country) == form


def test_a_foreign_file_of_international_numbers_keeps_its_numbers(acme: Workspace) -> None:
    imported = upload(german(acme), "Phone;Name\n" + "".join(f"{one};Ann\n" for one in GERMAN))
    assert (imported.number_form, imported.columns[0]["numbers"]) == ("international", 1.0)
    done = ran(checked(imported, country="DE"))
    assert done.counts["new"] == len(GERMAN)
    assert set(Recipient.objects.values_list("msisdn", flat=True)) == set(GERMAN)


def exported(acme: Workspace, form: str) -> tuple[str | bytes, str]:
    source = list_named(
        acme, "Source", [Person(one, {"first_name": "Ann"}, {"town": "Leeds"}) for one in PEOPLE]
    )
    columns = ["town"]
    rows = people_rows(source.recipients.all(), columns)
    if form == "xlsx":
        return xlsx({"People": list(people_cells(columns, rows))}), "people.xlsx"
    return "".join(people_lines(form, columns, rows)), "people.csv"


@pytest.mark.parametrize("form", ["csv", "csv_semicolon", "xlsx"])
@pytest.mark.parametrize("country", ["", "DE", "US", "DK"])
def test_what_we_export_comes_back_the_same(acme: Workspace, form: str, country: str) -> None:
    acme.default_country = country
    acme.save()
    content, name = exported(acme, form)
    imported = upload(acme, content, name)
    done = ran(checked(imported, country=country))
    assert (done.counts["new"], done.counts["refused"]) == (len(PEOPLE), 0)
    assert done.list is not None
    again = done.list.recipients.order_by("msisdn")
    assert [f"+{one.msisdn}" for one in again] == sorted(PEOPLE)
    # Neither when somebody was added nor anything else of ours becomes a column of theirs.
    assert done.list.columns == ["town"]
    assert {(one.first_name, str(one.extra)) for one in again} == {("Ann", "{'town': 'Leeds'}")}


def test_a_reject_file_of_an_export_knows_our_columns_too(acme: Workspace) -> None:
    content, _name = exported(acme, "csv")
    assert isinstance(content, str)
    imported = checked(upload(acme, content.replace("+4520123456", "bad")))
    text = Path(imported.reject_file.path).read_text(encoding="utf-8-sig").replace("bad", "+4520123456")
    again = upload(acme, text, "rejected.csv")
    assert again.mapping == ["", "", *imported.mapping]
    assert imported.mapping[-2:] == ["extra:town", ""]


def test_an_export_is_international_whatever_was_remembered(acme: Workspace) -> None:
    content, name = exported(german(acme), "csv_semicolon")
    imported = upload(acme, content, name)
    imports.choose(
        imported=imported,
        choices=imports.Choices(
            mapping=imported.mapping, default_country="DE", number_form="national", new_list_name="Wrong"
        ),
    )
    ran(imports.start_check(imported=imported))
    assert upload(acme, content, name).number_form == "international"


@pytest.mark.parametrize("form", ["csv", "csv_semicolon", "xlsx"])
def test_columns_of_our_export_are_what_they_were(acme: Workspace, form: str) -> None:
    """Whatever they are called, and whatever stands in them; neither is another mapping recalled for them."""
    own = {"mobile": f"+{number(9)}", "name": "Acme Ltd", "phone_2": number(8)}
    source = list_named(
        acme, "Source", [Person(f"+{number(n)}", {"first_name": "Ann"}, own) for n in range(5)]
    )
    wanted = [(number(n), "Ann", own) for n in range(5)]
    for columns in (list(own), ["mobile", "phone_2"]):
        rows = people_rows(source.recipients.all(), columns)
        if form == "xlsx":
            content: str | bytes = xlsx({"People": list(people_cells(columns, rows))})
        else:
            content = "".join(people_lines(form, columns, rows))
        imported = upload(acme, content, "people.csv")
        assert [one for one in imported.mapping if one.startswith(("msisdn", "extra:"))] == [
            "msisdn",
            *(f"extra:{name}" for name in columns),
        ]
        done = ran(checked(imported))
        assert done.list is not None
        people = done.list.recipients.order_by("msisdn").values_list("msisdn", "first_name", "extra")
        kept = [(digits, name, {one: extra[one] for one in columns}) for digits, name, extra in wanted]
        assert list(people) == kept
    # As it was guessed once, and remembered.
    mapping = ["msisdn:2" if one == "msisdn" else one for one in imported.mapping]
    RememberedMapping.objects.update(mapping=mapping)
    assert upload(acme, content, "people.csv").mapping == imported.mapping


@pytest.mark.parametrize("form", ["csv", "csv_semicolon"])
def test_people_that_we_export_can_be_opted_out(acme: Workspace, form: str) -> None:
    source = list_named(acme, "Source", [Person(f"+{number(0)}", {}, {"mobile": f"+{number(9)}"})])
    lines = people_lines(form, ["mobile"], people_rows(source.recipients.all(), ["mobile"]))
    imported = upload(acme, "".join(lines), purpose=ImportPurpose.OPT_OUTS)
    assert (imported.mapping[0], any(imported.mapping[1:])) == ("msisdn", False)


def test_opt_outs_that_we_export_hold_no_columns_of_people(acme: Workspace) -> None:
    header = "number,at,how,source,message_id,undone_at,undone_reason,undone_by"
    row = f"+{number(0)},2026-05-03T09:30:00+00:00,stop,STOP,17,2026-05-04,asked,Ann"
    assert upload(acme, f"{header}\n{row}\n").mapping == ["msisdn", *[""] * 7]


# --- what is none of the default country ---


def refusals(imported: Import) -> dict[str, list[int]]:
    return {one.code: one.rows for one in describe(imported.check_problems) if one.effect == "refused"}


def test_a_number_of_another_country_wants_its_plus(acme: Workspace) -> None:
    rows = [f"{number(n)[1:]},Ann" for n in range(20)]
    text = "Phone,Name\n" + "\n".join([*rows, "447400123456,Bob", "+447400123456,Bob"]) + "\n"
    imported = checked(upload(acme, text))
    assert refusals(imported) == {"other_country": [22]}
    assert "write + in front if it is a number in GB" in Path(imported.reject_file.path).read_text()
    assert numbers_by_country(imported) == {"US": 20, "GB": 1}
    assert check_rows_of(imported).countries == {"GB": [23]}


def test_where_the_form_says_so_it_is_taken(acme: Workspace) -> None:
    text = "Phone\n447400123456\n4520123456\n2125550123\n07400123456\n"
    imported = upload(acme, text)
    choices = imports.Choices(
        mapping=["msisdn"], default_country="US", number_form="international", new_list_name="Abroad"
    )
    imports.choose(imported=imported, choices=choices)
    imports.start_check(imported=imported)
    imported.refresh_from_db()
    assert refusals(imported) == {"no_calling_code": [4], "too_long": [5]}
    assert numbers_by_country(imported) == {"GB": 1, "DK": 1}


def test_dates_and_decimals_are_refused_by_what_they_are(acme: Workspace) -> None:
    rows = [
        "2026-05-06",
        "2026/05/06",
        "06.05.2026",
        "20123456",
        "20123457",
        "31234567.5",
        "$20123458",
        "20123459\x00",
    ]
    imported = checked(upload(acme, "Phone,Name\n" + "".join(f"{one},Ann\n" for one in rows)), country="DK")
    assert refusals(imported) == {"date": [2, 3, 4], "decimal": [7], "strange": [8], "nul": [9]}
    assert imported.check_counts["new"] == 2


def test_a_column_of_dates_is_not_taken_for_numbers(acme: Workspace) -> None:
    acme.default_country = "DK"
    acme.save()
    imported = upload(acme, "born,ring\n20260506,31234567\n20260507,31234568\n20260508,31234569\n")
    assert imported.mapping[1] == "msisdn"
    forced = checked(imported, mapping=["msisdn", ""], country="DK")
    told = {one.code: one for one in describe(forced.check_problems)}
    assert (told["like_date"].effect, told["like_date"].rows) == ("noticed", [2, 3, 4])
    assert forced.check_counts["new"] == 3
    plain = checked(upload(acme, "phone\n20260506\n31234567\n31234568\n"), country="DK")
    assert plain.check_problems == []


# --- another country, pages and API ---


def test_another_country_is_looked_at_anew(acme: Workspace) -> None:
    imported = upload(acme, "Phone\n4915123456789\n01512 3456780\n")
    imports.choose(
        imported=imported,
        choices=imports.Choices(mapping=["msisdn"], default_country="DE", new_list_name="Germans"),
    )
    assert (imported.number_form, imported.columns[0]["numbers"]) == ("international", 1.0)
    imports.use_country(imported=imported, country="US")
    imports.use_country(imported=imported, country="DE")
    assert imported.number_form == "international"


def test_the_pages_point_the_guess_out_and_name_countries(bob_client: Client, acme: Workspace) -> None:
    imported = upload(german(acme), "Phone,Name\n" + "".join(f"{one[1:]},Ann\n" for one in PEOPLE))
    page = reverse("import-columns", args=[imported.pk])
    shown = bob_client.get(page).content.decode()
    assert "Guessed: they look international, such as 4915123456789." in shown
    assert '<option value="international" selected>' in shown
    sent = {"column-0": "msisdn", "column-1": "first_name", "default_country": "DE", "existing": "update"}
    sent |= {"list": "new", "new_list_name": "All", "number_form": "international"}
    check = bob_client.post(page, sent).url
    shown = " ".join(bob_client.get(check).content.decode().split())
    assert "Numbers without + are read as international ones" in shown
    assert "Other countries than DE (+49)." in shown
    assert "FR (+33)" in shown
    bob_client.post(page, sent | {"number_form": "national"})
    imported.refresh_from_db()
    assert imported.number_form == "national"
    assert numbers_by_country(imported).keys() == {"DE"}
    assert "Other countries than" not in bob_client.get(check).content.decode()


def test_the_api_tells_and_takes_it(api: Api, acme: Workspace) -> None:
    client, imported = api("marketer"), upload(german(acme), "Phone\n4915123456789\n33612345678\n")
    url = f"{IMPORTS}{imported.pk}/"
    made = client.get(url).json()
    assert (made["number_form"], made["columns"][0]["number_form"]) == ("international", "international")
    counts = client.post(f"{url}check/").json()
    assert counts["check_counts"]["countries"] == {"DE": 1, "FR": 1}
    assert counts["check_rows"]["countries"] == {"FR": [3]}
    assert client.patch(url, {"number_form": "national"}, format="json").json()["number_form"] == "national"
    refused = client.patch(url, {"number_form": "either"}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "number_form")
