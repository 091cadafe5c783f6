"""Generated files, from upload to the end of the run: refused in words, or every row accounted for."""

import gzip
import zipfile
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Workspace
from contacts.errors import FileRefused
from contacts.models import Import, ImportState, RecipientList
from contacts.services import import_runner
from tests.contacts.books import ods, xls, xlsx
from tests.contacts.support import checked, number, ran, records_of, rows_of, upload
from tests.people import ApiClient

IMPORTS = "/api/v1/imports/"
MARK = "\ufeff"
NUMBERS = [f"+{number(n)}" for n in range(4)]
DATES = ["2026-05-03", "03/05/2026", "3.5.26", "2026-05-03 09:30:00", "May 3, 2026"]
ODD = [
    *NUMBERS,
    *DATES,
    "",
    "  ",
    "4.91512E+11",
    "4,91512E+11",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    '"',
    '"open',
    'close"',
    'a"b',
    '"a""b"',
    '"two\nlines"',
    "'",
    "\x00",
    "a\x00b",
    "\x1a",
    "\ufeff",
    "\ufffd",
    "Zoë",
    "Жанна",
    "山田",
    ",",
    ";",
    "\t",
    "x" * 60,
    "y" * 6000,
]
ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "cp1252",
    "cp1251",
    "latin-1",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "koi8-r",
]
rows_of_cells = st.lists(st.lists(st.sampled_from(ODD), max_size=5), min_size=1, max_size=15)
any_settings = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Lines of one delimiter or of several, in one encoding or in several, with ends of any kind, perhaps packed."""
    delimiters = st.sampled_from(draw(st.sampled_from([",", ";", "\t", "|", ",;"])))
    encodings = st.sampled_from(draw(st.sampled_from([[one] for one in ENCODINGS] + [ENCODINGS])))
    ends = st.sampled_from(draw(st.sampled_from([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r", ""]])))
    header = draw(st.sampled_from([[], [["number", "name"]]]))
    content = b"".join(
        (draw(delimiters).join(row) + draw(ends)).encode(draw(encodings), "replace")
        for row in header + draw(rows_of_cells)
    )
    return draw(st.sampled_from([bytes, gzip.compress, zipped]))(content)


def zipped(content: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("people.csv", content)
    return out.getvalue()


def require_all_accounted_for(workspace: Workspace, content: bytes) -> Import | None:
    """None where the file is refused."""
    RecipientList.objects.all().delete()
    Import.objects.all().delete()
    try:
        imported = upload(workspace, content)
    except FileRefused as refused:
        assert str(refused.sentence).endswith(".")
        assert not Import.objects.exists()
        return None
    mapping = imported.mapping if "msisdn" in imported.mapping else ["msisdn", *imported.mapping[1:]]
    counted, foretold = imported.total_rows, checked(imported, mapping=mapping)
    assert foretold.state == ImportState.CHECKED, foretold.state_reason
    assert counted == foretold.total_rows == rows_of(foretold.check_counts) == records_of(imported)
    done = ran(foretold)
    assert (done.state, done.counts) == (ImportState.FINISHED, foretold.check_counts)
    assert done.list is not None
    assert done.list.recipients.count() == done.counts["new"]
    return done


@any_settings
@given(files())
@example(b'number,name\n"+12015550100,Ann\n+12015550101,"Bob\n')
@example(b"number,name\n\x00\n+12015550100,\x00\n")
def test_any_text(acme: Workspace, content: bytes) -> None:
    require_all_accounted_for(acme, content)


@any_settings
@given(st.binary(max_size=400))
def test_any_bytes(acme: Workspace, content: bytes) -> None:
    require_all_accounted_for(acme, content)
    require_all_accounted_for(acme, b"number,name\n" + content)


@settings(parent=any_settings, max_examples=15)
@given(
    st.sampled_from([xls, ods]),
    st.lists(st.lists(st.sampled_from([*NUMBERS, 1.5, 2e300, "Zoë", "=1", *DATES]))),
)
def test_any_workbook(acme: Workspace, make: object, rows: list[list[object]]) -> None:
    assert callable(make)
    require_all_accounted_for(acme, make({"People": [["number", "name"], *rows]}))


@cache
def whole_files() -> list[bytes]:
    """Made once: archives hold the time, and with it another size now and then."""
    table = f"number,name\n{NUMBERS[0]},Ann\n".encode()
    sheets = {"People": [["number"], [NUMBERS[0]]]}
    return [gzip.compress(table), zipped(table), xls(sheets), ods(sheets), xlsx(sheets)]


@settings(parent=any_settings, max_examples=30)
@given(st.data())
def test_any_damage_to_a_packed_file_or_a_workbook(acme: Workspace, data: st.DataObject) -> None:
    content = bytearray(whole_files()[data.draw(st.integers(0, 4))])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    require_all_accounted_for(acme, bytes(content))


@pytest.mark.parametrize("value", [*DATES, "4.91512E+11"])
def test_what_is_no_number_is_refused_with_its_reason(acme: Workspace, value: str) -> None:
    done = require_all_accounted_for(acme, f'number,name\n"{value}",Ann\n{NUMBERS[0]},Bob\n'.encode())
    assert done is not None
    assert (done.counts["new"], done.counts["refused"]) == (1, 1)
    (problem,) = done.problems
    assert problem["rows"] == [2]
    assert problem["samples"] == [value]


def sent(client: ApiClient, content: bytes) -> dict[str, Any] | None:
    """From upload to the end of the run by the API; None where the file is refused."""
    answer = client.post(IMPORTS, {"file": SimpleUploadedFile("a.csv", content)}, format="multipart")
    told = answer.json()
    if answer.status_code != 201:
        (error,) = told["errors"]
        assert (answer.status_code, error["field"]) == (400, "file")
        assert error["detail"].endswith(".")
        return None
    url = f"{IMPORTS}{told['id']}/"
    mapping = told["mapping"] if "msisdn" in told["mapping"] else ["msisdn", *told["mapping"][1:]]
    body = {"mapping": mapping, "default_country": "US", "truncate": True, "new_list_name": "Generated"}
    assert client.patch(url, body).status_code == 200
    assert client.post(f"{url}check/").json()["state"] == "checked"
    assert client.post(f"{url}run/").status_code == 202
    import_runner.run_import(told["id"])
    return dict(client.get(url).json())


@settings(parent=any_settings, max_examples=20)
@given(files())
@example(f'{MARK}"number","name"\r\n"{NUMBERS[0]}","=1+1"\r\n{NUMBERS[0]},\x00\r\n\r\n4.9E+11,"open'.encode())
def test_any_text_by_the_api(api: Callable[..., ApiClient], acme: Workspace, content: bytes) -> None:
    RecipientList.objects.all().delete()
    done = sent(api("marketer"), content)
    if done is None:
        return
    done["check_counts"].pop("countries")
    assert (done["state"], done["counts"]) == ("finished", done["check_counts"]), done["state_reason"]
    imported = Import.objects.get(pk=done["id"])
    assert rows_of(done["counts"]) == done["total_rows"] == records_of(imported)
    assert done["counts"]["refused"] == sum(
        problem["count"] for problem in done["problems"] if problem["effect"] == "refused"
    )
    assert imported.list is not None
    assert imported.list.recipients.count() == done["counts"]["new"]
