"""Rows of a file of opt-outs: whoever can be told by the number is opted out, whatever else the row holds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Import, ImportPurpose, OptOut, OptOutHow
from contacts.preview import preview_of
from contacts.services import opt_outs
from contacts.services.check_rows import check_rows_of
from contacts.services.imports import reread_import
from tests.contacts.support import checked_opt_outs, number, ran, rows_of, upload

OPT_OUTS = ImportPurpose.OPT_OUTS


@pytest.fixture(autouse=True)
def in_utc(acme: Workspace) -> None:
    Workspace.objects.filter(pk=acme.pk).update(time_zone="UTC")
    acme.refresh_from_db()


def uploaded(acme: Workspace, content: str | bytes) -> Import:
    return upload(acme, content, "stops.csv", purpose=OPT_OUTS)


def proofs() -> dict[str, tuple[str, str, datetime]]:
    return {row.msisdn: (row.how, row.source, row.at) for row in OptOut.objects.order_by("msisdn")}


def rows_by_code(imported: Import) -> dict[str, list[int]]:
    return {one["code"]: one["rows"] for one in imported.problems}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("03/05/2026", "date_ambiguous"),
        ("31.04.2026", "date_unreadable"),
        ("2030-01-01", "date_future"),
        ("1989-01-01", "date_early"),
        ("soon", "date_unreadable"),
    ],
)
def test_a_date_that_cannot_be_read_leaves_nobody_textable(acme: Workspace, raw: str, code: str) -> None:
    text = f"phone;opted out on;reason\n+{number(0)};{raw};Stop it\n+{number(1)};{raw};\n"
    imported = ran(checked_opt_outs(uploaded(acme, text)))
    assert (imported.counts["new"], imported.counts["refused"], rows_of(imported.counts)) == (2, 0, 2)
    assert imported.counts == imported.check_counts
    assert rows_by_code(imported) == {f"noticed:{code}": [2, 3]}
    assert proofs() == {
        number(0): ("file", f"Stop it (date in the file: {raw})", imported.started_at),
        number(1): ("file", f"stops.csv (date in the file: {raw})", imported.started_at),
    }


def test_a_day_as_excel_counts_it_is_read(acme: Workspace) -> None:
    text = f"phone;opted out on;reason\n+{number(0)};45000;Stop\n+{number(1)};45000,5;Stop\n"
    imported = uploaded(acme, text)
    assert imported.mapping == ["msisdn", "at", "source"]
    ran(checked_opt_outs(imported))
    assert proofs() == {
        number(0): ("file", "Stop", datetime(2023, 3, 15, tzinfo=UTC)),
        number(1): ("file", "Stop", datetime(2023, 3, 15, 12, tzinfo=UTC)),
    }


def test_long_words_are_cut_and_opt_out(acme: Workspace) -> None:
    text = f"phone;opted out on;reason\n+{number(0)};2026-05-03;{'x' * 600}\n+{number(1)};03/05/2026;{'y' * 600}\n"
    imported = ran(checked_opt_outs(uploaded(acme, text)))
    assert (imported.counts["new"], imported.counts["cut"], imported.counts["refused"]) == (2, 2, 0)
    assert rows_by_code(imported) == {"cut:source": [2, 3], "noticed:date_ambiguous": [3]}
    found = {msisdn: source for msisdn, (_how, source, _at) in proofs().items()}
    assert found[number(0)] == "x" * 500
    assert found[number(1)].endswith("yyy (date in the file: 03/05/2026)")
    assert len(found[number(1)]) == 500


def test_a_long_text_where_the_date_should_be_is_no_reason_either(acme: Workspace) -> None:
    text = f"phone,date\n+{number(0)},{'z' * 900}\n"
    imported = ran(checked_opt_outs(uploaded(acme, text), mapping=["msisdn", "at"]))
    assert imported.counts["new"] == 1
    assert proofs()[number(0)][1] == f"stops.csv (date in the file: {'z' * 59}…)"


def test_broken_rows_whose_number_can_be_read_opt_out(acme: Workspace) -> None:
    """A delimiter too many, a quotation mark that is not closed, a NUL, a letter of another encoding."""
    text = (
        f"phone;opted out on;reason\n+{number(0)};2026-05-03;Stop; please\n".encode()
        + f"+{number(1)};2026-05-03;Sto\x00p\n".encode()
        + f"+{number(2)};2026-05-03;Sch".encode()
        + b"\xfc"
        + f"ss\n+{number(3)};2026-05-03\r;Stop\n".encode().replace(b"\r", b"")
        + f'+{number(4)};2026-05-03;"never closed\n'.encode()
        + b"n/a;2026-05-03;a;b\n"
    )
    imported = uploaded(acme, text)
    reread_import(imported=imported, encoding="utf-8", delimiter=";")
    imported = ran(checked_opt_outs(imported))
    assert (imported.counts["new"], imported.counts["refused"]) == (5, 1)
    assert rows_by_code(imported) == {
        "noticed:too_many_cells": [2],
        "noticed:nul": [3],
        "noticed:encoding": [4],
        "noticed:unclosed_quote": [6],
        "too_many_cells": [7],
    }
    sources = {msisdn: source for msisdn, (_how, source, _at) in proofs().items()}
    assert sources == {
        number(0): "Stop please",
        number(1): "Sto\ufffdp",
        number(2): "Sch\ufffdss",
        number(3): "Stop",
        number(4): "never closed",
    }


def test_a_number_that_cannot_be_read_is_refused(acme: Workspace) -> None:
    text = f"phone;date\nn/a;soon\n;soon\n+{number(0)};2026-05-03\n"
    imported = ran(checked_opt_outs(uploaded(acme, text)))
    assert rows_by_code(imported) == {"letters": [2], "empty": [3]}
    assert (imported.counts["new"], imported.counts["refused"]) == (1, 2)


def test_the_check_shows_what_will_be_kept(acme: Workspace, alice_client: Client) -> None:
    text = f"phone;opted out on\n+{number(0)};03/05/2026\n"
    imported = checked_opt_outs(uploaded(acme, text))
    cells = [cell.value for cell in preview_of(imported).rows[0].cells]
    assert cells == ["when the import runs", "stops.csv (date in the file: 03/05/2026)"]
    page = alice_client.get(reverse("import-check", args=[imported.pk])).content.decode()
    assert "The date may be two different days" in page
    assert "The number is taken all the same" in page
    assert "Opt out 1 number" in page


# --- our own export ---


def exported(client: Client) -> bytes:
    response = client.get(reverse("opt-out-export"))
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]  # streamed


def opted_out_and_in_again(acme: Workspace) -> None:
    opt_outs.opt_out(workspace=acme, msisdn=number(0), how=OptOutHow.STOP, source="=Stop\nit.")
    opt_outs.opt_out(workspace=acme, msisdn=number(1), how=OptOutHow.STOP, source="STOP")
    opt_outs.opt_out(workspace=acme, msisdn=number(2), how=OptOutHow.PAGE)
    OptOut.objects.update(at=datetime(2026, 5, 3, 9, 30, tzinfo=UTC))
    opt_outs.opt_in(workspace=acme, msisdn=number(1), reason="START")


def test_our_export_opts_nobody_out_who_came_back(acme: Workspace, alice_client: Client) -> None:
    opted_out_and_in_again(acme)
    export = exported(alice_client)
    OptOut.objects.all().delete()
    imported = uploaded(acme, export)
    assert imported.mapping == ["msisdn", "at", "how", "source", "", "undone_at", "", "", ""]
    imported = ran(checked_opt_outs(imported))
    assert (imported.counts["new"], imported.counts["skipped"], rows_of(imported.counts)) == (2, 1, 3)
    assert imported.counts == imported.check_counts
    assert rows_by_code(imported) == {"undone": [4]}
    assert check_rows_of(imported).skipped == [4]
    at = datetime(2026, 5, 3, 9, 30, tzinfo=UTC)
    assert proofs() == {number(0): ("stop", "=Stop\nit.", at), number(2): ("page", "", at)}


def test_the_page_says_why_they_are_left_out(acme: Workspace, alice_client: Client) -> None:
    opted_out_and_in_again(acme)
    imported = checked_opt_outs(uploaded(acme, exported(alice_client)))
    page = alice_client.get(reverse("import-check", args=[imported.pk])).content.decode()
    assert "an opt-out that was undone" in page
    told: Any = alice_client.get(reverse("import-check", args=[imported.pk])).context
    assert [(one.code, one.effect) for one in told["left_out"]] == [("undone", "skipped")]


def test_a_mapping_remembered_for_our_export_cannot_bring_them_back(
    acme: Workspace, alice_client: Client
) -> None:
    opted_out_and_in_again(acme)
    export = exported(alice_client)
    without = ["msisdn", "at", "how", "source", "", "", "", "", ""]
    ran(checked_opt_outs(uploaded(acme, export), mapping=without))
    assert uploaded(acme, export).mapping[5] == "undone_at"


def test_a_way_that_we_do_not_know_is_kept_in_the_proof(acme: Workspace) -> None:
    text = (
        f"number,at,how,source,message_id\n+{number(0)},2026-05-03,sms,Stop,\n+{number(1)},2026-05-03,API,,\n"
    )
    imported = ran(checked_opt_outs(uploaded(acme, text)))
    assert rows_by_code(imported) == {"noticed:how_unknown": [2]}
    found = {msisdn: (how, source) for msisdn, (how, source, _at) in proofs().items()}
    assert found == {number(0): ("file", "Stop (how in the file: sms)"), number(1): ("api", "")}


def test_dates_after_the_upload_count_from_the_upload(acme: Workspace) -> None:
    tomorrow = (timezone.now() + timedelta(days=2)).date().isoformat()
    imported = ran(checked_opt_outs(uploaded(acme, f"phone,date\n+{number(0)},{tomorrow}\n")))
    assert proofs()[number(0)][2] == imported.started_at
