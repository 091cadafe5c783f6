"""The main job as a script: import a generated file, launch a broadcast through the sandbox, wait, and count everybody.

What it does is what the pages do: the same services, the same tasks, the same workers.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Membership, Role, Workspace
from accounts.services import create_workspace
from campaigns.models import Broadcast
from campaigns.services.drafts import create_draft, save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch
from campaigns.services.reports import Report, report_of
from contacts.models import Import, RecipientList
from contacts.services.imports import Choices, choose, start_check, start_run, upload_import
from messaging.models import Message, Sender
from messaging.senders import create_sender
from providers.models import ProviderAccount
from providers.sandbox_client import SandboxClient
from providers.services import create_sandbox_accounts, register_sandbox_webhooks
from sms.examples import CAPACITY, example_msisdns
from sms.states import MessageState

WORKSPACE = "Demo runs"
SENDER = "12025550100"
COLUMNS = ("phone", "first_name", "town")
POLL_SECONDS = 0.3
# Numbers that the sandbox answers with "wait a second", twice each: the whole account waits, as at a real provider. One in
# a hundred would make the demo a lesson in waiting.
THROTTLED_ENDING = "94"
THROTTLED_MOST = 3
# Receipts come within seconds; those of the magic numbers that never get one are not waited for.
QUIET_SECONDS = 6.0

Progress = Callable[[str, int, int], None]


class DemoError(Exception):
    """A sentence: what went wrong and where to look."""


@dataclass(slots=True)
class DemoResult:
    recipients: int
    imported: int
    report: Report
    seconds: float
    accepted: int
    twice: list[str] = field(default_factory=list)
    unaccounted: int = 0

    @property
    def per_second(self) -> float:
        return self.report.sent / self.seconds if self.seconds else 0.0

    @property
    def is_sound(self) -> bool:
        return not self.twice and not self.unaccounted


def run_demo(*, recipients: int, vendor: str, progress: Progress, timeout_seconds: float) -> DemoResult:
    """`progress(what, done, of)` is called while it goes on. Raises DemoError."""
    deadline = time.monotonic() + timeout_seconds
    workspace, actor = _workspace()
    account = _account(workspace, vendor, actor)
    mark = f"demo-{timezone.now():%Y%m%d%H%M%S%f}"
    people = _import_people(workspace, actor, recipients, mark, progress, deadline)
    broadcast = _launch(workspace, actor, account, people, mark)
    began = time.monotonic()
    report, seconds = _wait_until_quiet(broadcast, recipients, progress, began, deadline)
    return _result(broadcast, recipients, people, report, seconds, mark)


def _workspace() -> tuple[Workspace, Actor]:
    owner = Membership.objects.filter(role=Role.OWNER).select_related("user").order_by("id").first()
    if owner is None:
        raise DemoError(
            "There is no owner yet. Run `manage.py demo_data` first, or set Crier up in the browser."
        )
    actor = Actor(user=owner.user)
    workspace = Workspace.objects.filter(name=WORKSPACE).first()
    if workspace is None:
        # It is sent at any time of the day.
        workspace = create_workspace(
            name=WORKSPACE, owner=owner.user, wants_sandbox=False, has_quiet_hours=False
        )
    return workspace, actor


def _account(workspace: Workspace, vendor: str, actor: Actor) -> ProviderAccount:
    if not workspace.provider_accounts.exists():
        create_sandbox_accounts(workspace, actor=actor)
    account = workspace.provider_accounts.filter(vendor=vendor).order_by("id").first()
    if account is None:
        known = ", ".join(sorted(set(workspace.provider_accounts.values_list("vendor", flat=True))))
        raise DemoError(f"There is no sandbox account of {vendor!r}. Use one of: {known}.")
    register_sandbox_webhooks(workspace=workspace)
    return account


def _sender(workspace: Workspace, actor: Actor) -> Sender:
    found = workspace.senders.filter(value=SENDER).first()
    return found or create_sender(workspace=workspace, actor=actor, value=SENDER)


def _import_people(
    workspace: Workspace, actor: Actor, recipients: int, mark: str, progress: Progress, deadline: float
) -> RecipientList:
    content = ContentFile(_csv(recipients), name=f"{mark}.csv")
    job = upload_import(workspace=workspace, actor=actor, upload=content, name=f"{mark}.csv")
    choices = Choices(mapping=job.mapping, default_country=workspace.default_country, new_list_name=mark)
    job = choose(imported=job, choices=choices)
    job = start_check(imported=job)
    _wait_for_import(job, "checked", "Checking the file", recipients, progress, deadline)
    job = start_run(imported=job, actor=actor)
    _wait_for_import(job, "finished", "Importing", recipients, progress, deadline)
    people = RecipientList.objects.get(workspace=workspace, name=mark)
    if people.recipient_count != recipients:
        raise DemoError(f"{people.recipient_count} of {recipients} were imported. See the import {job.pk}.")
    return people


def _csv(recipients: int) -> bytes:
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for number, msisdn in enumerate(islice(demo_msisdns(), recipients)):
        rows.writerow((f"+{msisdn}", f"Person {number}", "Oakland"))
    return out.getvalue().encode()


def demo_msisdns() -> Iterator[str]:
    """Example numbers, of all endings alike but for those that hold up all others."""
    throttled = 0
    for msisdn in example_msisdns(CAPACITY):
        throttled += msisdn.endswith(THROTTLED_ENDING)
        if not msisdn.endswith(THROTTLED_ENDING) or throttled <= THROTTLED_MOST:
            yield msisdn


def _wait_for_import(
    job: Import, state: str, label: str, recipients: int, progress: Progress, deadline: float
) -> None:
    for _moment in _until(deadline, f"{label}: no worker finished it. Is the files worker running?"):
        job.refresh_from_db()
        progress(label, recipients if job.state == state else job.done_rows, recipients)
        if job.state == state:
            return
        if job.state in ("failed", "cancelled"):
            raise DemoError(f"{label}: {job.state}: {job.state_reason}")


def _launch(
    workspace: Workspace, actor: Actor, account: ProviderAccount, people: RecipientList, mark: str
) -> Broadcast:
    sender = _sender(workspace, actor)
    draft = create_draft(workspace=workspace, actor=actor, name=mark)
    changes = {
        "list_ids": [people.pk],
        "sender_id": sender.pk,
        "account_id": account.pk,
        "text": f"{{{{first_name}}}}, hello from {{{{town}}}}. {mark} Reply STOP to opt out",
    }
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)
    estimate = estimate_of(draft)
    return launch(
        broadcast=draft,
        actor=actor,
        launch_token=draft.launch_token,
        digest=estimate.digest,
        typed_count=estimate.people,
    )


def _wait_until_quiet(
    broadcast: Broadcast, recipients: int, progress: Progress, began: float, deadline: float
) -> tuple[Report, float]:
    """Until the broadcast is finished and no receipt has come for a while; the seconds are those of sending."""
    sent_after: float | None = None
    for _moment in _until(deadline, "The broadcast did not finish. Are worker and sender running?"):
        broadcast.refresh_from_db()
        report = report_of(broadcast)
        progress("Sending", report.people - report.waiting, recipients)
        if broadcast.state == "paused":
            raise DemoError(f"The broadcast was paused: {broadcast.state_reason}")
        if broadcast.state == "finished":
            sent_after = sent_after or time.monotonic() - began
            progress("Receipts", report.people - report.on_the_way - report.waiting, recipients)
            if _quiet_for(broadcast) > QUIET_SECONDS:
                return report, sent_after
    raise AssertionError("unreachable")


def _quiet_for(broadcast: Broadcast) -> float:
    changed: datetime = broadcast.segments.get().dispatch.changed_at
    return (timezone.now() - changed).total_seconds()


def _until(deadline: float, sentence: str) -> Iterator[float]:
    while time.monotonic() < deadline:
        yield time.monotonic()
        time.sleep(POLL_SECONDS)
    raise DemoError(sentence)


def _result(
    broadcast: Broadcast, recipients: int, people: RecipientList, report: Report, seconds: float, mark: str
) -> DemoResult:
    """Counted in the ledger itself and at the sandbox, not taken from the counters that are being proved."""
    accepted = SandboxClient(settings.SANDBOX_URL).accepted(text_contains=mark)
    rows = Message.objects.filter(broadcast_id=broadcast.pk)
    known = rows.filter(state__in=[state.value for state in MessageState]).count()
    waiting = rows.filter(state__in=("queued", "held", "submitting")).count()
    never_sent = set(
        rows.filter(state__in=("failed", "suppressed", "cancelled")).values_list("msisdn", flat=True)
    )
    wrong = [msisdn for msisdn, count in accepted.items() if count > 1 or msisdn in never_sent]
    return DemoResult(
        recipients=recipients,
        imported=people.recipient_count,
        report=report,
        seconds=seconds,
        accepted=sum(accepted.values()),
        twice=wrong,
        unaccounted=abs(recipients - known) + waiting + abs(report.people - known),
    )
