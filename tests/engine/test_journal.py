"""What a killed engine leaves: its file tells what had left the house, what was answered and what was only claimed."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from messaging.dispatches import counts_of
from messaging.engine import Engine, recover
from messaging.engine import journal as journals
from messaging.engine.journal import Journal
from messaging.ledger import Change, claim_messages, expire_leases, take_agreed
from messaging.models import Dispatch, Message
from messaging.tasks import run_engine
from sms.states import MessageState
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

CLAIM = "a" * 32


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    return make_dispatch(acme, make_account(acme, "messagewhiz"), people=5)


@pytest.fixture
def folder(settings: Settings) -> Path:
    return Path(settings.ENGINE_JOURNAL_DIR)


@pytest.fixture
def claimed(dispatch: Dispatch) -> list[int]:
    lease = timezone.now() + timedelta(minutes=1)
    rows = claim_messages(dispatch=dispatch, claim=CLAIM, limit=10, lease_until=lease)
    return [row.message_id for row in rows]


def die(journal: Journal) -> None:
    """As the kernel leaves it: the lock is gone, the file stays."""
    assert journal._file is not None
    os.close(journal._file)


def answer(message_id: int) -> Change:
    now = timezone.now()
    price = Decimal("0.00790")
    return Change(message_id, MessageState.SENT, now, "engine", "", "", "v1", 1, price, "Hëllo \U0001f600")


def states(dispatch: Dispatch) -> dict[str, int]:
    return {state: count for state, count in counts_of([dispatch.pk]).items() if count}


def test_each_is_settled_by_how_far_it_got(dispatch: Dispatch, claimed: list[int], folder: Path) -> None:
    journal = Journal(CLAIM)
    journal.claimed((message_id, 0) for message_id in claimed)
    for message_id in claimed[:3]:
        journal.handed(message_id)
    journal.answered(answer(claimed[0]))
    journal.flush()
    die(journal)

    assert recover() == 2
    assert states(dispatch) == {"sent": 1, "submitting": 2, "queued": 2}
    first = dispatch.messages.get(pk=claimed[0])
    assert (first.provider_message_id, first.parts, first.text) == ("v1", 1, "Hëllo \U0001f600")
    dispatch.refresh_from_db()
    assert dispatch.cost == Decimal("0.0079")
    back = dispatch.messages.get(pk=claimed[4])
    assert (back.state, back.reason, back.claim) == ("queued", "worker_stopped", "")
    assert list(folder.iterdir()) == []
    assert recover() == 0
    assert_counters_equal_ledger(dispatch)


def test_answers_count_though_the_lease_is_over(dispatch: Dispatch, claimed: list[int]) -> None:
    journal = Journal(CLAIM)
    journal.claimed((message_id, 0) for message_id in claimed)
    for message_id in claimed[:2]:
        journal.handed(message_id)
    journal.answered(answer(claimed[0]))
    journal.flush()
    Message.objects.filter(pk__in=claimed).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert expire_leases() == len(claimed)
    die(journal)

    assert recover() == 0
    assert states(dispatch) == {"sent": 1, "unknown": 4}
    assert_counters_equal_ledger(dispatch)


def test_what_was_put_back_and_claimed_again_was_not_handed_over_again(claimed: list[int]) -> None:
    journal = Journal(CLAIM)
    journal.claimed([(claimed[0], 0)])
    journal.handed(claimed[0])
    journal.claimed([(claimed[0], 0)])
    die(journal)
    assert recover() == len(claimed)


def test_parts_go_back_with_their_messages(dispatch: Dispatch, claimed: list[int]) -> None:
    Dispatch.objects.filter(pk=dispatch.pk).update(agreed_parts=10)
    assert take_agreed(dispatch.pk, 10, Decimal(0))
    journal = Journal(CLAIM)
    journal.claimed((message_id, 2) for message_id in claimed)
    journal.handed(claimed[0])
    die(journal)
    recover()
    dispatch.refresh_from_db()
    assert dispatch.claimed_parts == 2


def test_a_living_engine_is_left_alone(dispatch: Dispatch, claimed: list[int], folder: Path) -> None:
    journal = Journal(CLAIM)
    assert recover() == 0
    assert states(dispatch) == {"submitting": 5}
    assert len(list(folder.iterdir())) == 1
    journal.close()
    assert list(folder.iterdir()) == []


def test_after_a_start_of_the_machine_a_file_is_not_trusted(
    dispatch: Dispatch, claimed: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written last may be lost with it: all of them are perhaps sent."""
    die(Journal(CLAIM))
    monkeypatch.setattr(journals, "_boot", lambda: "another start")
    assert recover() == 0
    assert states(dispatch) == {"submitting": 5}
    assert list(folder.iterdir()) == []


def test_a_line_that_was_cut_counts_for_nothing(dispatch: Dispatch, claimed: list[int], folder: Path) -> None:
    journal = Journal(CLAIM)
    journal.handed(claimed[0])
    die(journal)
    (file,) = folder.iterdir()
    with file.open("ab") as more:
        more.write(b"h%d" % claimed[1])
    assert recover() == 4


def test_without_a_place_to_write_it_sends_all_the_same(
    acme: Workspace, sandbox: SandboxProcess, settings: Settings, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    settings.ENGINE_JOURNAL_DIR = blocked
    dispatch = make_dispatch(acme, make_account(acme, "messagewhiz", sandbox.messagewhiz_url), people=5)
    run_engine()
    assert states(dispatch) == {"sent": 5}


def test_a_full_disk_leaves_no_half_true_file(
    dispatch: Dispatch, claimed: list[int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(CLAIM)
    write = os.write

    def full(file: int, record: bytes) -> int:
        if record.startswith(b"h"):
            raise OSError(28, "No space left on device")
        return write(file, record)

    monkeypatch.setattr(os, "write", full)
    assert journal.handed(claimed[0])
    assert journal.handed(claimed[1])
    assert list(folder.iterdir()) == []
    assert recover() == 0
    assert states(dispatch) == {"submitting": 5}
    journal.close()


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes no beginning of a request any more, and its files can be neither emptied nor removed."""
    write = os.write

    def full(file: int, record: bytes) -> int:
        if record.startswith(b"h"):
            raise OSError(28, "No space left on device")
        return write(file, record)

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(os, "ftruncate", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)


def test_a_wrong_file_that_stays_lets_nothing_out_under_its_name(
    dispatch: Dispatch, claimed: list[int], folder: Path, stuck: None
) -> None:
    journal = Journal(CLAIM)
    journal.claimed((message_id, 0) for message_id in claimed)
    assert not journal.handed(claimed[0])
    assert not journal.handed(claimed[1])
    assert recover() == 0, "its engine lives and holds the lock"
    assert states(dispatch) == {"submitting": 5}
    journal.close()
    assert recover() == 5, "none of them left"


def test_a_wrong_file_that_stays_makes_nobody_get_two_texts(
    acme: Workspace, sandbox: SandboxProcess, folder: Path, stuck: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep that looks at the file all the time finds nothing to put back that may have left."""
    sandbox.dial(latency_ms=30, force_outcome="delivered")
    dispatch = make_dispatch(acme, make_account(acme, "messagewhiz", sandbox.messagewhiz_url), people=60)
    keep = Engine._write_surely

    async def sweep_too(self: Engine, batch: list[Any]) -> None:
        await keep(self, batch)
        await self.in_claim_thread(recover)

    monkeypatch.setattr(Engine, "_write_surely", sweep_too)
    run_engine()
    assert states(dispatch) == {"sent": 60}
    assert set(sandbox.control("GET", "accepted").values()) == {1}
    assert_counters_equal_ledger(dispatch)


def test_files_that_are_no_journals_are_passed_over(
    dispatch: Dispatch, claimed: list[int], folder: Path
) -> None:
    journal = Journal(CLAIM)
    journal.claimed((message_id, 0) for message_id in claimed)
    die(journal)
    (folder / "0.claims").mkdir()
    (folder / "1.claims").write_bytes(f"{CLAIM} {journals._boot()}\nhnothing\nc{{\n".encode())
    (folder / "2.claims").write_bytes(b"\xff\xfe\x00")
    (folder / "3.claims").write_bytes(f"a\0b {journals._boot()}\nc[]\n".encode())
    (folder / "4.claims").write_bytes(f"b {journals._boot()}\nc{'[' * 200_000}\n".encode())
    (folder / "5.claims").symlink_to("/dev/zero")
    os.mkfifo(folder / "6.claims")
    assert recover() == 5
    assert states(dispatch) == {"queued": 5}


def test_a_run_that_ends_leaves_no_file(acme: Workspace, sandbox: SandboxProcess, folder: Path) -> None:
    dispatch = make_dispatch(acme, make_account(acme, "bulkvs", sandbox.bulkvs_url), people=20)
    run_engine()
    assert states(dispatch) == {"sent": 20}
    assert list(folder.iterdir()) == []


def test_a_running_engine_writes_each_before_it_leaves(
    acme: Workspace, sandbox: SandboxProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept for a look by not deleting it."""
    monkeypatch.setattr(Path, "unlink", lambda *_args, **_kwargs: None)
    make_dispatch(acme, make_account(acme, "messagewhiz", sandbox.messagewhiz_url), people=3)
    run_engine()
    (file,) = folder.iterdir()
    kinds: list[Any] = [line[:1] for line in file.read_bytes().splitlines()[1:]]
    assert kinds.count(b"h") == kinds.count(b"a") == 3
    assert kinds[0] == b"c"
