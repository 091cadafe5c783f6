"""Files of opt-outs and for unsubscribe lists: every row accounted for, the first proof kept, whatever happens."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import AuditEntry, User, Workspace
from contacts.errors import ContactsError, FileRefused, WrongState
from contacts.models import (
    DateOrder,
    Import,
    ImportPurpose,
    ImportState,
    OptOut,
    OptOutHow,
    OptOutReview,
    RememberedMapping,
    ReviewDecision,
    UnsubscribeList,
)
from contacts.preview import preview_of
from contacts.services import import_runner, import_undo, imports, opt_outs
from contacts.services.opt_out_reviews import ask_for_review
from contacts.services.opt_out_writers import ProofWriter
from contacts.signals import OptedOut, opted_out
from messaging.ledger import claim_messages
from tests.contacts.books import xlsx
from tests.contacts.support import (
    NOBODY,
    as_written,
    checked_opt_outs,
    list_named,
    lose_lease,
    number,
    ran,
    rows_of,
    upload,
)
from tests.engine.makers import make_account, make_dispatch

OPT_OUTS, UNSUBSCRIBE = ImportPurpose.OPT_OUTS, ImportPurpose.UNSUBSCRIBE_LIST
both = pytest.mark.parametrize("purpose", [OPT_OUTS, UNSUBSCRIBE])


@pytest.fixture(autouse=True)
def in_leeds(acme: Workspace) -> None:
    Workspace.objects.filter(pk=acme.pk).update(time_zone="Europe/London")
    acme.refresh_from_db()


@pytest.fixture
def heard() -> Iterator[list[OptedOut]]:
    found: list[OptedOut] = []

    def hear(sender: object, news: OptedOut, **_: object) -> None:
        found.append(news)

    opted_out.connect(hear)
    yield found
    opted_out.disconnect(hear)


def competitors(workspace: Workspace) -> UnsubscribeList:
    found = workspace.unsubscribe_lists.first()
    return found or opt_outs.create_unsubscribe_list(workspace=workspace, actor=NOBODY, name="Competitors")


def uploaded(
    acme: Workspace, content: str | bytes, purpose: str = OPT_OUTS, name: str = "stops.csv"
) -> Import:
    to = competitors(acme) if purpose == UNSUBSCRIBE else None
    return upload(acme, content, name, purpose=purpose, unsubscribe_list=to)


def proofs(purpose: str = OPT_OUTS) -> dict[str, tuple[str, str, datetime]]:
    rows: Any = OptOut.objects if purpose == OPT_OUTS else UnsubscribeList.objects.get().members
    return {row.msisdn: (row.how, row.source, row.at) for row in rows.order_by("msisdn")}


def table(count: int, start: int = 0) -> str:
    rows = "".join(f"+{number(n)},2026-05-03 10:{n % 60:02d},Stop {n}\n" for n in range(start, start + count))
    return f"phone,opted out at,reason\n{rows}"


@both
def test_it_works(acme: Workspace, purpose: str) -> None:
    imported = uploaded(acme, table(3), purpose)
    assert (imported.mapping, imported.list, imported.new_list_name) == (["msisdn", "at", "source"], None, "")
    told = checked_opt_outs(imported)
    wanted = dict.fromkeys(import_runner.COUNTS, 0) | {"new": 3}
    assert (told.check_counts, proofs(purpose)) == (wanted, {})
    assert ran(told).counts == wanted
    assert proofs(purpose) == {
        number(n): ("file", f"Stop {n}", datetime(2026, 5, 3, 9, n, tzinfo=UTC)) for n in range(3)
    }
    if purpose == UNSUBSCRIBE:
        assert competitors(acme).member_count == 3
        assert not OptOut.objects.exists()


@both
def test_without_date_and_source_the_run_and_the_file_are_the_proof(acme: Workspace, purpose: str) -> None:
    text = f"phone,date,reason\n+{number(0)},,\n+{number(1)},2026-05-03,Stop\n"
    imported = ran(checked_opt_outs(uploaded(acme, text, purpose, "a\tb.csv")))
    found = proofs(purpose)
    assert found[number(0)] == ("file", "a\tb.csv", imported.started_at)
    assert found[number(1)] == ("file", "Stop", datetime(2026, 5, 2, 23, 0, tzinfo=UTC))
    assert imported.started_at is not None
    assert timezone.now() - imported.started_at < timedelta(minutes=1)


@both
def test_the_first_proof_stays(
    acme: Workspace, other: Workspace, heard: list[OptedOut], purpose: str
) -> None:
    first = {"how": OptOutHow.STOP, "source": "Stop."}
    opt_outs.opt_out(workspace=acme, msisdn=number(0), **first)
    opt_outs.opt_out(workspace=other, msisdn=number(1), **first)
    opt_outs.add_members(unsubscribe_list=competitors(acme), msisdns=[number(0)], **first)
    before, at = proofs(purpose)[number(0)], len(heard)
    text = table(2) + f"+{number(1)},2020-01-01,twice\n"
    imported = checked_opt_outs(uploaded(acme, text, purpose))
    counts = dict.fromkeys(import_runner.COUNTS, 0) | {"new": 1, "unchanged": 1, "duplicate": 1}
    assert imported.check_counts == counts == ran(imported).counts
    rows: Any = OptOut.objects.filter(workspace=acme) if purpose == OPT_OUTS else competitors(acme).members
    there = {row.msisdn: (row.how, row.source, row.at) for row in rows.all()}
    assert there[number(0)] == before
    assert there[number(1)] == ("file", "Stop 1", datetime(2026, 5, 3, 9, 1, tzinfo=UTC))
    assert heard[at:] == ([OptedOut(acme.pk, (number(1),))] if purpose == OPT_OUTS else [])
    assert competitors(acme).member_count == competitors(acme).members.count()


def test_each_refused_row_has_its_reason_and_can_be_mended(acme: Workspace) -> None:
    body = f"n/a;2026-05-03;Stop\n;2026-05-03;Stop\n+4.91512E+11;2026-05-03;{'x' * 501}\n"
    text = f"Handy;Datum;Grund\n{body}+{number(8)};;\n"
    imported = ran(checked_opt_outs(uploaded(acme, text)))
    assert (imported.counts["new"], imported.counts["refused"]) == (1, 3)
    expected = {"letters": [2], "empty": [3], "scientific": [4]}
    assert {one["code"]: one["rows"] for one in imported.problems} == expected
    rejects = Path(imported.reject_file.path).read_text(encoding="utf-8-sig")
    lines = list(csv.reader(rejects.splitlines(), delimiter=";"))
    assert lines[0] == ["Crier row", "Crier reason", "Handy", "Datum", "Grund"]
    assert "“n/a” holds letters: write the number in digits" in lines[1][1]
    mended = rejects.replace("n/a", f"+{number(9)}").replace("+4.91512E+11", f"+{number(10)}")
    again = ran(checked_opt_outs(uploaded(acme, mended)))
    assert (again.mapping, again.counts["new"]) == (["", "", "msisdn", "at", "source"], 2)
    assert proofs()[number(10)][1] == "x" * 500


def test_read_in_another_way_it_is_still_one_of_opt_outs(acme: Workspace) -> None:
    book = xlsx(
        {
            "Old": [["x", "y"], ["1", "2"]],
            "Stops": [["Phone", "Date"], *([f"+{number(n)}", "2026-05-03"] for n in range(4))],
        }
    )
    imported = uploaded(acme, book, name="stops.xlsx")
    imports.reread_import(imported=imported, sheet="Stops")
    assert imported.mapping == ["msisdn", "at"]
    imports.reread_import(imported=imported, has_header=False)
    assert imported.mapping == ["msisdn", "at"]
    assert imported.columns[1]["dates"] == 0.8


@pytest.mark.parametrize(("order", "month"), [(DateOrder.DAY_FIRST, 5), (DateOrder.MONTH_FIRST, 3)])
def test_a_person_says_how_days_and_months_stand(acme: Workspace, order: str, month: int) -> None:
    text = f"phone,date\n+{number(0)},03/05/2026\n"
    imported = ran(checked_opt_outs(uploaded(acme, text), date_order=order))
    assert (imported.counts["new"], timezone.localtime(proofs()[number(0)][2]).month) == (1, month)


def test_long_words_of_proof_are_cut_and_dates_are_read_whole(acme: Workspace) -> None:
    text = (
        f'phone,date,reason\n+{number(0)},2026-05-03,"{"x" * 300}\n{"y" * 300}"\n'
        f"+{number(1)},2026-05-03{' ' * 600}z,Stop\n"
    )
    imported = ran(checked_opt_outs(uploaded(acme, text)))
    assert (imported.counts["new"], imported.counts["cut"], imported.counts["refused"]) == (2, 1, 0)
    assert proofs()[number(0)][1] == "x" * 300 + "\n" + "y" * 199
    assert proofs()[number(1)] == ("file", "Stop (date in the file: 2026-05-03 z)", imported.started_at)
    assert {one["code"] for one in imported.problems} == {"cut:source", "noticed:date_unreadable"}


def test_several_number_columns_and_landlines(acme: Workspace) -> None:
    text = f"phone,mobile\nn/a,+{number(0)}\n+442079460000,\n"
    imported = ran(checked_opt_outs(uploaded(acme, text), mapping=["msisdn", "msisdn:2"]))
    assert (imported.counts["new"], imported.counts["other_number"], imported.problems) == (2, 1, [])


def test_odd_words_of_proof_are_kept_word_for_word(acme: Workspace) -> None:
    odd = 'a\\b "c"\td \\N ‘Zoë’ =1+1'
    text = f'phone\treason\n+{number(0)}\t"{odd.replace(chr(34), 2 * chr(34))}"\n'
    ran(checked_opt_outs(uploaded(acme, text)))
    assert proofs()[number(0)][1] == odd


def test_the_export_can_be_imported_as_it_is(acme: Workspace, other: Workspace, alice_client: Client) -> None:
    opt_outs.opt_out(workspace=acme, msisdn=number(0), how=OptOutHow.STOP, source="=Stop\nit.")
    OptOut.objects.update(at=datetime(2026, 5, 3, 9, 30, tzinfo=UTC))
    response = alice_client.get(reverse("opt-out-export"))
    exported = b"".join(response.streaming_content)  # type: ignore[attr-defined]  # streamed
    OptOut.objects.all().delete()
    imported = ran(checked_opt_outs(uploaded(acme, exported)))
    assert imported.mapping == ["msisdn", "at", "how", "source", "", "undone_at", "", "", ""]
    assert proofs() == {number(0): ("stop", "=Stop\nit.", datetime(2026, 5, 3, 9, 30, tzinfo=UTC))}


# --- what goes with an opt-out ---


def test_waiting_reviews_are_settled_for_known_numbers_too(
    acme: Workspace, other: Workspace, small_chunks: int
) -> None:
    for inbound, (workspace, n) in enumerate([(acme, 0), (acme, 12), (acme, 40), (other, 0)]):
        ask_for_review(workspace=workspace, msisdn=number(n), text="please stop", inbound_id=inbound)
    OptOut.objects.create(workspace=acme, msisdn=number(12))
    ran(checked_opt_outs(uploaded(acme, table(15))))
    decisions = {
        (review.workspace_id, review.msisdn): review.decision for review in OptOutReview.objects.all()
    }
    assert decisions == {
        (acme.pk, number(0)): ReviewDecision.OPTED_OUT,
        (acme.pk, number(12)): ReviewDecision.OPTED_OUT,
        (acme.pk, number(40)): ReviewDecision.WAITING,
        (other.pk, number(0)): ReviewDecision.WAITING,
    }
    acme.refresh_from_db()
    assert acme.waiting_reviews == 1


def test_what_the_unsubscribe_page_could_take_back_is_confirmed(
    acme: Workspace, other: Workspace, small_chunks: int
) -> None:
    soon = timezone.now() + timedelta(minutes=30)
    for workspace, n in ((acme, 0), (acme, 12), (acme, 40), (other, 0)):
        OptOut.objects.create(workspace=workspace, msisdn=number(n), how="page", undo_until=soon)
    ran(checked_opt_outs(uploaded(acme, table(15))))
    open_ = OptOut.objects.filter(undo_until__isnull=False).values_list("workspace_id", "msisdn")
    assert set(open_) == {(acme.pk, number(40)), (other.pk, number(0))}


def test_a_running_broadcast_leaves_them_out(acme: Workspace) -> None:
    dispatch = make_dispatch(acme, make_account(acme), people=10)
    gone = dispatch.messages.order_by("id")[4]
    ran(checked_opt_outs(uploaded(acme, f"phone\n+{gone.msisdn}\n")))
    lease = timezone.now() + timedelta(minutes=1)
    claimed = claim_messages(dispatch=dispatch, claim="w1", limit=10, lease_until=lease)
    assert len(claimed) == 9
    gone.refresh_from_db()
    assert (gone.state, gone.reason) == ("suppressed", "opted_out")


@both
def test_each_new_number_is_news_once_and_the_import_one_line_of_audit(
    acme: Workspace, bob: User, heard: list[OptedOut], small_chunks: int, purpose: str
) -> None:
    imported = uploaded(acme, table(25), purpose)
    imported.created_by = bob
    ran(checked_opt_outs(imported))
    told = [msisdn for news in heard for msisdn in news.msisdns]
    assert sorted(told) == ([number(n) for n in range(25)] if purpose == OPT_OUTS else [])
    words = "opted out" if purpose == OPT_OUTS else "added numbers"
    line = AuditEntry.objects.get(action=words)
    assert (line.user, line.label, line.details["count"], line.details["how"]) == (
        bob,
        "stops.csv",
        25,
        "file",
    )


# --- what may happen on the way ---


class Killed(BaseException):
    """Like kill -9: nothing that catches errors sees it."""


def kill_at_chunk(monkeypatch: pytest.MonkeyPatch, chunk: int, error: BaseException | None = None) -> None:
    """Dies in the middle of a chunk's transaction, after its rows are written."""
    writes = iter(range(1, 1000))
    real = ProofWriter.write

    def write(self: ProofWriter, *args: Any, **kwargs: Any) -> Any:
        outcome = real(self, *args, **kwargs)
        if next(writes) == chunk:
            raise error or Killed
        return outcome

    monkeypatch.setattr(ProofWriter, "write", write)


def bad_table(rows: int) -> str:
    """The number of every 7th row cannot be read, every 11th is a repeat; every 5th tells no date."""
    lines = [
        f"n/a,2026-05-03,Stop {n}"
        if n % 7 == 3
        else f"+{number(n - 5 if n % 11 == 10 else n)},{'' if n % 5 else '2026-05-03'},Stop {n}"
        for n in range(rows)
    ]
    return "phone,date,reason\n" + "\n".join(lines) + "\n"


@both
@pytest.mark.parametrize("dies_at", [1, 2, 5])
def test_a_killed_run_goes_on_where_it_stopped(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int, dies_at: int, purpose: str
) -> None:
    opt_outs.opt_out(workspace=acme, msisdn=number(30), how=OptOutHow.STOP)
    opt_outs.add_members(unsubscribe_list=competitors(acme), msisdns=[number(30)])
    imported = checked_opt_outs(uploaded(acme, bad_table(47), purpose))
    with monkeypatch.context() as patch:
        kill_at_chunk(patch, dies_at)
        with pytest.raises(Killed):
            ran(imported)
    imported.refresh_from_db()
    assert (imported.state, imported.done_rows) == (ImportState.RUNNING, (dies_at - 1) * small_chunks)
    assert len(proofs(purpose)) == 1 + imported.counts.get("new", 0)
    import_runner.run_import(imported.pk)  # somebody else's turn only after the lease
    imported.refresh_from_db()
    assert imported.state == ImportState.RUNNING
    lose_lease(imported)
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.done_rows) == (ImportState.FINISHED, 47)
    assert imported.counts == imported.check_counts
    assert imported.problems == imported.check_problems
    found = proofs(purpose)
    assert len(found) == 1 + imported.counts["new"]
    undated = {at for how, source, at in found.values() if how == "file" and int(source.split()[1]) % 5}
    assert undated == {imported.started_at}, "all of one run"
    assert competitors(acme).member_count == competitors(acme).members.count()


def test_a_failed_run_says_why_and_goes_on(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int
) -> None:
    imported = checked_opt_outs(uploaded(acme, table(30)))
    with monkeypatch.context() as patch:
        kill_at_chunk(patch, 2, RuntimeError("a bug"))
        ran(imported)
    assert (imported.state, imported.done_rows, OptOut.objects.count()) == (ImportState.FAILED, 10, 10)
    assert "it goes on where it stopped" in imported.state_reason
    assert ran(imported).counts["new"] == 30 == OptOut.objects.count()


@both
def test_a_cancelled_run_stops_at_the_next_chunk_and_can_go_on(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int, purpose: str
) -> None:
    imported = checked_opt_outs(uploaded(acme, table(30), purpose))
    real = import_runner._write_chunk

    def write_then_cancel(taken: Import, *args: Any) -> None:
        real(taken, *args)
        imports.cancel_import(imported=Import.objects.get(pk=taken.pk), actor=NOBODY)

    with monkeypatch.context() as patch:
        patch.setattr(import_runner, "_write_chunk", write_then_cancel)
        ran(imported)
    assert (imported.state, imported.done_rows, len(proofs(purpose))) == (ImportState.CANCELLED, 10, 10)
    assert ran(imported).counts["new"] == 30 == len(proofs(purpose))


def test_who_writes_stop_while_the_file_is_read_keeps_that_proof(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int
) -> None:
    imported = checked_opt_outs(uploaded(acme, table(30)))
    real = import_runner._write_chunk

    def write_then_stop(taken: Import, *args: Any) -> None:
        real(taken, *args)
        opt_outs.opt_out(workspace=acme, msisdn=number(25), how=OptOutHow.STOP, source="STOP")

    with monkeypatch.context() as patch:
        patch.setattr(import_runner, "_write_chunk", write_then_stop)
        ran(imported)
    assert (imported.counts["new"], imported.counts["unchanged"], rows_of(imported.counts)) == (29, 1, 30)
    assert proofs()[number(25)][:2] == ("stop", "STOP")


def test_a_list_that_was_deleted_is_told(acme: Workspace) -> None:
    imported = checked_opt_outs(uploaded(acme, table(3), UNSUBSCRIBE))
    imports.start_run(imported=imported, actor=NOBODY)
    opt_outs.delete_unsubscribe_list(unsubscribe_list=competitors(acme), actor=NOBODY)
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    assert imported.state == ImportState.FAILED
    assert imported.state_reason.startswith("The list was deleted meanwhile")
    with pytest.raises(ContactsError, match="No unsubscribe list is named"):
        imports.start_check(imported=imported)
    imported.unsubscribe_list = competitors(acme)
    assert ran(checked_opt_outs(imported)).counts["new"] == 3


def test_it_is_not_undone_as_a_whole(acme: Workspace) -> None:
    for purpose, words in ((OPT_OUTS, "needs a reason of its own"), (UNSUBSCRIBE, "Remove them on the page")):
        imported = ran(checked_opt_outs(uploaded(acme, table(2), purpose)))
        assert words in import_undo.why_not_undoable(imported)
        with pytest.raises(WrongState):
            imports.undo_import(imported=imported, actor=NOBODY)
        assert len(proofs(purpose)) == 2


# --- what cannot be asked for ---


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (["msisdn", "at", "first_name"], "first_name is not kept of an opt-out."),
        (["msisdn", "extra:town", ""], "extra:town is not kept of an opt-out."),
        (["msisdn", "at", "at"], "Several columns go to at"),
        (["", "at", "source"], "No column is the phone number"),
    ],
)
def test_mappings_that_do_not_fit_are_refused(acme: Workspace, mapping: list[str], words: str) -> None:
    with pytest.raises(ContactsError, match=words):
        checked_opt_outs(uploaded(acme, table(2)), mapping=mapping)


def test_lists_that_do_not_fit_the_purpose_are_refused(acme: Workspace) -> None:
    members, target = list_named(acme), competitors(acme)
    for more, field in (
        ({"purpose": OPT_OUTS, "recipient_list": members}, "list"),
        ({"purpose": OPT_OUTS, "unsubscribe_list": target}, "unsubscribe_list"),
        ({"unsubscribe_list": target}, "unsubscribe_list"),
        ({"purpose": UNSUBSCRIBE}, "unsubscribe_list"),
    ):
        with pytest.raises(ContactsError) as told:
            upload(acme, table(2), **more)
        assert told.value.field == field
    with pytest.raises(ContactsError, match="does not say how days and months stand"):
        checked_opt_outs(uploaded(acme, table(2)), date_order="backwards")
    assert Import.objects.count() == 1, "what is refused leaves nothing"


def test_mappings_are_remembered_for_their_purpose_alone(acme: Workspace) -> None:
    ran(checked_opt_outs(uploaded(acme, table(1)), mapping=["msisdn", "", "source"]))
    assert RememberedMapping.objects.get().purpose == OPT_OUTS
    assert uploaded(acme, table(1)).mapping == ["msisdn", "", "source"]
    assert uploaded(acme, table(1), UNSUBSCRIBE).mapping == ["msisdn", "at", "source"]
    assert upload(acme, table(1)).mapping == ["msisdn", "extra:opted_out_at", "extra:reason"]


def test_the_preview_shows_what_will_be_kept(acme: Workspace) -> None:
    text = f"phone,date,reason\n+{number(0)},2026-05-03 10:00,Stop\n+{number(1)},,\n"
    preview = preview_of(checked_opt_outs(uploaded(acme, text)))
    assert preview.header == ["Opted out at", "Source"]
    assert [[cell.value for cell in row.cells] for row in preview.rows] == [
        ["2026-05-03 10:00 BST", "Stop"],
        ["when the import runs", "stops.csv"],
    ]


# --- any file ---

cells = st.one_of(
    st.sampled_from([f"+{number(n)}" for n in range(6)]),
    st.sampled_from(
        ["2026-05-03", "03/05/2026", "3 May 2026", "2999-01-01", "1970-01-01", "45000", "13/05/2026"]
    ),
    st.sampled_from(["4.91512E+11", "n/a", "", "=cmd|' /C calc'!A0", "\x00", '"', "a\tb", "\\.", "x" * 501]),
    st.text(max_size=20),
)


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=30),
    st.sampled_from([OPT_OUTS, UNSUBSCRIBE]),
    st.sampled_from(DateOrder.values),
    st.booleans(),
)
def test_any_file_comes_out_even(
    acme: Workspace, small_chunks: int, rows: list[list[str]], purpose: str, order: str, truncate: bool
) -> None:
    """new + unchanged + duplicate + refused = rows read; the check foretells the run; nobody is lost."""
    OptOut.objects.all().delete()
    UnsubscribeList.objects.all().delete()
    Import.objects.all().delete()
    known = opt_outs.opt_out(workspace=acme, msisdn=number(0), how=OptOutHow.STOP, source="Stop.")
    opt_outs.add_members(unsubscribe_list=competitors(acme), msisdns=[number(0)], source="Stop.", at=known.at)
    body = "\n".join(",".join(row) for row in rows)
    raw = f"phone,date,reason\n+{number(3)},2026-05-03,x\n{body}\n".encode("utf-8", "surrogatepass")
    try:
        imported = as_written(uploaded(acme, raw, purpose))
    except FileRefused as error:
        assert error.code == "binary"  # mostly control characters
        return
    mapping = ["msisdn", "at", "source", *[""] * (len(imported.columns) - 3)]
    imported = checked_opt_outs(imported, mapping=mapping, date_order=order, truncate=truncate)
    assert imported.state == ImportState.CHECKED, imported.state_reason
    counts = imported.check_counts
    assert rows_of(counts) == imported.total_rows
    assert counts["updated"] == counts["skipped"] == counts["opted_out"] == 0
    ran(imported)
    assert (imported.state, imported.counts) == (ImportState.FINISHED, counts)
    found = proofs(purpose)
    assert len(found) == 1 + counts["new"]
    assert found[number(0)][1:] == ("Stop.", known.at)
    assert all(source and len(source) <= 500 for _how, source, _at in found.values())
    assert all(at <= timezone.now() for _how, _source, at in found.values())
    assert competitors(acme).member_count == competitors(acme).members.count()
