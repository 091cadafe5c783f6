"""What one engine claimed, handed over and was answered, in a file that outlives it: so that a sudden death (`kill -9`)
leaves only those `unknown` whose answers were still awaited. See docs/adr/0003.

    open ──claimed(ids)──handed(id)──answered(change)──…──close (the file goes)
              |  killed: the kernel frees the lock and keeps what was written
              '──> recover(): what was answered is written into the ledger, what was claimed and not handed over
                   goes back into the queue, the rest becomes `unknown` when its lease is over

A file is trusted only while the machine has not started anew since: then what was written may be lost, and every
claim becomes `unknown` when its lease is over, as without a file.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from messaging.ledger import Change, Return, apply_changes, return_to_queue, submitting_of, unknown_of
from sms.states import MessageState

log = structlog.get_logger("crier.engine")

SUFFIX = ".claims"
# A line each: CLAIMED [[id, parts], ...] (with a limit a day [id, parts, its parts, day]), HANDED id,
# ANSWERED [fields of the change].
CLAIMED, HANDED, ANSWERED = b"c", b"h", b"a"
# Made once: `json.dumps` makes one for each call that names what to do with a time.
_encode = json.JSONEncoder(default=str, check_circular=False, separators=(",", ":")).encode


class Journal:
    """Of one engine. Where it cannot be written there is none, which costs nothing but knowledge.

    `is_trusted`: what it says is true. A file that lacks a record and can be neither emptied nor removed would call a
    text that went out unsent: then `handed` refuses what was claimed under its name.
    """

    def __init__(self, claim: str) -> None:
        self.claim = claim
        self.is_trusted = True
        self._path = _folder() / f"{claim}{SUFFIX}"
        self._file: int | None = None
        # No longer written, but held: its lock keeps others from it as long as we live.
        self._given_up: int | None = None
        self._answers: list[bytes] = []
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write(f"{claim} {_boot()}\n".encode())
        except OSError as error:
            self._give_up(error)

    def claimed(self, messages: Iterable[tuple[int, int] | tuple[int, int, int, str]]) -> None:
        """(id, parts counted against what was agreed to) of each; where the account has a limit of parts a day, also
        (parts taken of it, the day)."""
        self._write(CLAIMED + json.dumps(list(messages)).encode() + b"\n")

    def handed(self, message_id: int) -> bool:
        """Before the first byte of its request is written. False: it must not be written, see above."""
        self._write(b"h%d\n" % message_id)
        return self.is_trusted

    def answered(self, change: Change) -> None:
        """Written with the next record, as whoever has an answer begins the next request at once; else by `flush`."""
        self._answers.append(ANSWERED + _encode(change).encode() + b"\n")

    def flush(self) -> None:
        if self._answers:
            self._write(b"")

    def close(self) -> None:
        """All it claimed is settled."""
        with suppress(OSError):
            self._path.unlink()
        for file in (self._file, self._given_up):
            if file is not None:
                os.close(file)
        self._file = self._given_up = None

    def _write(self, record: bytes) -> None:
        """One call of the system for all: it costs more than what is written."""
        if self._answers:
            record = b"".join((*self._answers, record))
            self._answers.clear()
        if self._file is None:
            return
        try:
            if os.write(self._file, record) != len(record):
                raise OSError("written in part")
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """A file that lacks a record is worse than none: it is emptied, which a full disk allows, and removed."""
        log.warning("claims are not kept in a file", path=self._path.name, error=str(error))
        self._answers.clear()
        file, self._file = self._file, None
        if file is None:
            return
        self._given_up = file
        emptied = removed = False
        with suppress(OSError):
            os.ftruncate(file, 0)
            emptied = True
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            removed = True
        self.is_trusted = emptied or removed
        if not self.is_trusted:
            log.error("a file of claims is wrong and cannot be removed", path=self._path.name)


def recover() -> int:
    """Settles what engines that died on this machine left behind; returns how many went back into the queue."""
    returned = 0
    for path in sorted(_folder().glob(f"*{SUFFIX}")):
        try:
            returned += _recover_from(path)
        except FileNotFoundError:
            continue  # another worker was faster, or its engine has just ended well
        except (OperationalError, InterfaceError):
            raise  # the database will be there again, and so will the file
        except Exception as error:
            # Of another user, a folder, no journal at all: the leases of its claims, if any, end by themselves.
            log.warning("a file of claims was passed over", path=path.name, error=str(error))
    return returned


def _recover_from(path: Path) -> int:
    if not path.is_file():
        raise FileNotFoundError if not path.exists() else ValueError("no regular file")
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        head, _, records = file.read().partition(b"\n")
        claim, _, boot = head.decode("ascii", "replace").partition(" ")
        # What the last line lacks was about to be written: it ends without its line end.
        whole = records[: records.rfind(b"\n") + 1].splitlines()
        returned = 0
        # An engine writes its first line after it has the lock: without it nothing was claimed yet.
        if claim and boot == _boot():
            returned = _settle(claim, whole)
        # One that stays is settled again by the next look, which finds nothing more to do.
        with suppress(OSError):
            path.unlink(missing_ok=True)
    return returned


def _settle(claim: str, records: Iterable[bytes]) -> int:
    """Returns how many went back into the queue."""
    parts: dict[int, tuple[int, int, str]] = {}
    handed: set[int] = set()
    answers: dict[int, Change] = {}
    for record in records:
        kind, words = record[:1], record[1:]
        if kind == CLAIMED:
            again = {row[0]: (row[1], *(row[2:] or (0, ""))) for row in json.loads(words)}
            parts |= again
            handed -= again.keys()
        elif kind == HANDED:
            handed.add(int(words))
        elif kind == ANSWERED:
            answer = _change(json.loads(words))
            answers[answer.message_id] = answer
    mine = submitting_of(claim)
    # Where nobody looked in time, their leases are over.
    late = unknown_of(claim, answers.keys() - set(mine))
    known = [
        answers[message_id] for message_id in (*mine, *late) if message_id in answers and message_id in handed
    ]
    apply_changes(known)
    unsent = [message_id for message_id in mine if message_id not in handed]
    back = [_return(message_id, claim, parts.get(message_id, (0, 0, ""))) for message_id in unsent]
    returned = return_to_queue(back)
    if mine or known:
        log.info("settled what a dead worker left", answered=len(known), returned=returned, claimed=len(mine))
    return returned


def _return(message_id: int, claim: str, taken: tuple[int, int, str]) -> Return:
    parts, day_parts, day = taken
    return Return(message_id, claim, "worker_stopped", parts=parts, day=day, day_parts=day_parts)


def _change(fields: list[Any]) -> Change:
    change = Change(*fields)
    return change._replace(
        state=MessageState(change.state),
        at=datetime.fromisoformat(str(change.at)),
        price=None if change.price is None else Decimal(change.price),
    )


def _folder() -> Path:
    return Path(settings.ENGINE_JOURNAL_DIR)


@cache
def _boot() -> str:
    """Of this start of the machine; a random word, which nothing equals, where that cannot be told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return os.urandom(16).hex()
