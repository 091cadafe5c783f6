"""Instance fencing: a copy of the database, restored elsewhere or from a backup, sends nothing until a person claims it.

What was queued when the copy was made may have been sent since, by the original. So the database remembers where it
was (`Instance.place`), and each check compares that with where it is. A copy cannot carry along:

- PostgreSQL's system identifier and timeline, the database's number, and the number of our own table: they tell
  another server, a recovery to a point in time, another database of the same server, and a dump that was read back;
- the SQLite file's number in its file system;
- `CRIER_PUBLIC_URL`, where it is set: a machine's image that is started a second time under another name;
- how far the database was: `Instance.turn` grows with each sweep and each second of sending, and a file in the data
  folder remembers the highest one that was seen here. A lower one means that an older state was put in the place of a newer.

What no check can see is a whole machine put back together with its data folder, or started twice under one name, and a
copy of the very files of a PostgreSQL server that is started beside a new data folder.
"""

from __future__ import annotations

import array
import fcntl
import os
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import Actor
from accounts.audit import record
from accounts.errors import AccountsError
from accounts.models import Instance, Workspace
from accounts.signals import InstanceClaimed, instance_claimed

log = structlog.get_logger("crier.instance")

# What pages show may be so old.
PAGE_SECONDS = 5.0
# Linux: which of the files that had this number one after the other it is (ioctl FS_IOC_GETVERSION).
_GET_VERSION = 0x80087601

REASONS: dict[str, Promise] = {
    "database": _("It is not where it was: it was copied, moved, or read back from a backup."),
    "address": _("Crier's public address has changed."),
    "older": _("It went back in time: an older state was put in its place."),
}


REFUSED = _(
    "This is a copy of Crier's database, and nothing is sent from it until somebody who may open the admin has claimed it."
)


@dataclass(frozen=True, slots=True)
class Fence:
    """Why nothing is sent. `why`: a key of REASONS; `last_sent_from`: until then, at least, it was in use."""

    why: str
    last_sent_from: datetime

    @property
    def sentence(self) -> str:
        return str(REASONS[self.why])


class NotClaimable(AccountsError):
    """Nothing is fenced, or somebody else has just claimed it."""


def fence() -> Fence | None:
    """None: this is the installation itself, and it may send. The first one who asks claims a new database."""
    instance = _instance()
    here = place()
    if instance.place["database"] != here["database"]:
        return Fence("database", instance.turned_at)
    if here["address"] and _address_of(instance, here["address"]) != here["address"]:
        return Fence("address", instance.turned_at)
    if instance.turn < _highest_seen(instance.name):
        return Fence("older", instance.turned_at)
    _remember(instance)
    return None


def fence_for_pages() -> Fence | None:
    """As `fence`, PAGE_SECONDS old at most. None as well where the database is away: pages say that themselves."""
    now = time.monotonic()
    if _shown.until <= now:
        try:
            _shown.fence = fence()
        except DatabaseError:
            return None
        _shown.until = now + PAGE_SECONDS
    return _shown.fence


def place() -> dict[str, str]:
    """Where this database is, in words that no copy shares."""
    where = _postgresql_place() if connection.vendor == "postgresql" else _sqlite_place()
    return {"database": where, "address": settings.PUBLIC_URL if settings.PUBLIC_URL_IS_SET else ""}


def advance() -> None:
    """Where nothing is fenced: from here on an older state is told apart. The sweep's, and each second of a sender's, so
    that a backup from just before is one, too."""
    Instance.objects.update(turn=F("turn") + 1, turned_at=timezone.now())


def claim_instance(*, actor: Actor, seen: Fence | None = None) -> Instance:
    """From now on this database is the installation. What ran when the copy was made is paused by the floors above.

    `seen`: the fence that the person saw. Raises NotClaimable where nothing is fenced (any more).
    """
    with transaction.atomic():
        _instance()
        instance = Instance.objects.select_for_update().get()
        found = fence()
        if found is None or (seen is not None and found.why != seen.why):
            raise NotClaimable(_("Nothing is fenced here: this database sends already."), code="not_fenced")
        instance.place = place()
        instance.turn = max(instance.turn, _highest_seen(instance.name)) + 1
        instance.claimed_at = instance.turned_at = timezone.now()
        instance.claimed_by = actor.user
        instance.save()
        instance_claimed.send(sender=Instance, payload=InstanceClaimed(found.last_sent_from))
        for workspace in Workspace.objects.order_by("pk"):
            record(workspace, actor, "claimed", instance, why=found.why)
    _shown.until = 0.0
    log.warning("this database was claimed", instance=str(instance.name), why=found.why)
    return instance


# --- the row --------------------------------------------------------------------------------------------


def _instance() -> Instance:
    """The only row: kept under the number 1, so that two who start at once make one."""
    instance = Instance.objects.first()
    if instance is None:
        instance, made = Instance.objects.get_or_create(pk=1, defaults={"place": place()})
        if made:
            log.info("a new database is this installation's", instance=str(instance.name))
    return instance


def _address_of(instance: Instance, here: str) -> str:
    """The public address that it had; one that had none gets the first that is set."""
    if not instance.place.get("address"):
        instance.place["address"] = here
        Instance.objects.filter(pk=instance.pk).update(place=instance.place)
    return str(instance.place["address"])


# --- the place ------------------------------------------------------------------------------------------


def _postgresql_place() -> str:
    table = Instance._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.oid, to_regclass(%s)::oid FROM pg_database d WHERE d.datname = current_database()",
            [table],
        )
        words = [str(one) for one in cursor.fetchone()]
    return ":".join([_cluster(), *words])


def _cluster() -> str:
    """ "identifier-timeline"; "" where the role may not ask (anybody may, unless it was taken away)."""
    query = "SELECT system_identifier, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(query)
            identifier, timeline = cursor.fetchone()
    except DatabaseError as error:
        log.debug("the server's identity cannot be asked for", error=str(error).strip())
        return ""
    return f"{identifier}-{timeline}"


def _sqlite_place() -> str:
    """ "inode-generation" of the file; "" of a database in memory."""
    path = Path(str(connection.settings_dict["NAME"]))
    try:
        with path.open("rb") as file:
            return f"{os.fstat(file.fileno()).st_ino}-{_generation(file.fileno())}"
    except OSError:
        return ""


def _generation(descriptor: int) -> str:
    """ "" where the file system has none."""
    number = array.array("l", [0])
    try:
        fcntl.ioctl(descriptor, _GET_VERSION, number, True)
    except OSError:
        return ""
    return str(number[0] & 0xFFFFFFFF)


# --- how far it was -------------------------------------------------------------------------------------


def _file(name: uuid.UUID) -> Path:
    return Path(settings.INSTANCES_DIR) / str(name)


def _highest_seen(name: uuid.UUID) -> int:
    """0: never seen from this data folder."""
    try:
        return int(_file(name).read_text("ascii"))
    except (OSError, ValueError):
        return 0


def _remember(instance: Instance) -> None:
    """A folder that cannot be written costs this one sign, nothing else."""
    if instance.turn <= _highest_seen(instance.name):
        return
    path = _file(instance.name)
    scratch = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(str(instance.turn), "ascii")
        scratch.replace(path)


class _Shown:
    """What pages show, and until when."""

    fence: Fence | None = None
    until = 0.0


_shown = _Shown()
