"""Files of opt-outs, and columns of consent, with what all files have: forms of numbers, titles, long lines, own columns."""

from __future__ import annotations

from accounts.models import Workspace
from contacts.exports import opt_outs_csv
from contacts.fields import MAX_EXTRA_COLUMNS
from contacts.files.columns import describe_columns
from contacts.files.reading import MAX_LINE
from contacts.models import Import, ImportPurpose, OptOut, OptOutHow, RememberedMapping
from contacts.services import opt_outs
from contacts.services.remembered import remember
from tests.contacts.support import checked_opt_outs, number, ran, upload

OPT_OUTS = ImportPurpose.OPT_OUTS


def uploaded(acme: Workspace, content: str | bytes) -> Import:
    return upload(acme, content, "stops.csv", purpose=OPT_OUTS)


def exported(acme: Workspace) -> str:
    return b"".join(opt_outs_csv(acme).streaming_content).decode()  # type: ignore[arg-type]  # streamed


def test_a_row_that_is_too_long_opts_out_with_the_words_that_are_its_own(acme: Workspace) -> None:
    note = "n" * (MAX_LINE + 100)
    imported = uploaded(acme, f"note;phone;reason\n{note};+{number(0)};Stop\nshort;+{number(1)};Stop too\n")
    ran(checked_opt_outs(imported, mapping=["", "msisdn", "source"]))
    assert (imported.counts["new"], imported.counts["refused"]) == (2, 0)
    assert [(one["code"], one["rows"]) for one in imported.problems] == [("noticed:too_long_line", [2])]
    assert list(OptOut.objects.order_by("msisdn").values_list("source", flat=True)) == ["Stop", "Stop too"]


def test_no_column_of_exported_opt_outs_is_a_field_of_people(acme: Workspace) -> None:
    opt_outs.opt_out(workspace=acme, msisdn=number(0), how=OptOutHow.PERSON, source="Stop")
    imported = upload(acme, exported(acme), "people.csv")
    assert imported.mapping[0] == "msisdn" and not any(imported.mapping[1:])


def test_titles_above_our_own_export_are_left_out(acme: Workspace) -> None:
    opt_outs.opt_out(workspace=acme, msisdn=number(0), how=OptOutHow.STOP, source="Stop")
    text = exported(acme).lstrip("\ufeff")
    OptOut.objects.all().delete()
    imported = uploaded(acme, f"Opt-outs of Acme\n{text}")
    assert (imported.header_row, imported.mapping[:4]) == (2, ["msisdn", "at", "how", "source"])
    ran(checked_opt_outs(imported, mapping=imported.mapping))
    assert list(OptOut.objects.values_list("msisdn", "how", "source")) == [(number(0), "stop", "Stop")]


def test_no_mapping_of_similar_names_opts_out_who_came_back(acme: Workspace) -> None:
    names = ["phone", "when", "reason", "undone_at"]
    first = uploaded(acme, f"{';'.join(names)}\n+{number(0)};2026-05-03;Stop;2026-05-04\n")
    first.mapping = ["msisdn", "at", "source", ""]
    remember(first)
    assert RememberedMapping.objects.count() == 1
    names = ["undone_at", "phone", "reason", "when", "clerk"]
    again = uploaded(acme, f"{';'.join(names)}\n2026-05-04;+{number(0)};Stop;2026-05-03;Ann\n")
    assert again.mapping[0] == "undone_at"
    ran(checked_opt_outs(again, mapping=again.mapping))
    assert (again.counts["skipped"], again.counts["new"], OptOut.objects.count()) == (1, 0, 0)


def test_opt_outs_are_of_the_form_that_their_file_shows(acme: Workspace) -> None:
    acme.default_country = "DE"
    acme.save()
    rows = [[f"49151234567{n:02}", "2026-05-03"] for n in range(20)]
    path = "\n".join(";".join(row) for row in [["phone", "opted out on"], *rows])
    imported = uploaded(acme, path)
    assert (imported.number_form, imported.mapping) == ("international", ["msisdn", "at"])
    ran(checked_opt_outs(imported, mapping=imported.mapping, country="DE"))
    assert set(OptOut.objects.values_list("msisdn", flat=True)) == {one for one, _day in rows}


def test_columns_of_consent_take_room_of_the_list_too() -> None:
    known = [f"own_{n}" for n in range(MAX_EXTRA_COLUMNS - 1)]
    names, row = ["phone", "Opt-in date", "Consent source", "shoe"], ["+12015550123", "2026", "Web", "42"]
    found = describe_columns(names, [row], "", known_columns=known)
    assert [one.guess for one in found] == ["msisdn", "extra:consent_at", "", ""]
    assert [one.no_room for one in found] == [False, False, True, True]
    full = describe_columns(names, [row], "", known_columns=[*known, "consent_source"])
    assert [one.guess for one in full] == ["msisdn", "", "extra:consent_source", ""]
