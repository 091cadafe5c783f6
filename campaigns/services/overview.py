"""What is happening and what needs a person: the dashboard, and lists of broadcasts, from kept counters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Workspace
from campaigns.models import RESERVE, Broadcast, BroadcastKind, BroadcastState, Segment
from campaigns.services.estimate import numbers_at_launch
from campaigns.services.reports import HANDED_OVER, NOT_DELIVERED, states_of
from campaigns.services.segment_state import UNDER_WAY
from contacts.models import Import, ImportState, OptOut
from messaging.budget import budget_of
from messaging.models import (
    Dispatch,
    DispatchState,
    MessageCount,
    MessageMinute,
    WebhookEndpoint,
    WebhookStop,
)
from providers.models import Health, ProviderAccount, SyncState
from sms.states import MessageState

B = BroadcastState
# Tabs of the list: name, label, the states they show (None: all).
LIST_TABS: dict[str, tuple[Promise, tuple[BroadcastState, ...] | None]] = {
    "all": (gettext_lazy("All"), None),
    "draft": (gettext_lazy("Drafts"), (B.DRAFT,)),
    "scheduled": (gettext_lazy("Scheduled"), (B.SCHEDULED,)),
    "running": (gettext_lazy("Running"), (B.RUNNING, B.PAUSED)),
    "finished": (gettext_lazy("Finished"), (B.FINISHED,)),
    "stopped": (gettext_lazy("Stopped"), (B.STOPPED,)),
}
LIVE = (B.RUNNING, B.PAUSED)
RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Row:
    """A broadcast with its counts by state."""

    broadcast: Broadcast
    by_state: dict[str, int]

    @property
    def people(self) -> int:
        return sum(self.by_state.values()) or int(numbers_at_launch(self.broadcast).get("people") or 0)

    @property
    def sent(self) -> int:
        """As the report says it: handed over to the provider, whatever became of it."""
        return sum(self.by_state[state.value] for state in HANDED_OVER)

    @property
    def live(self) -> bool:
        return self.broadcast.state in LIVE

    @property
    def launched(self) -> bool:
        return self.broadcast.state not in (B.DRAFT, B.SCHEDULED)


def rows_of(broadcasts: list[Broadcast]) -> list[Row]:
    """One query for the counts, however many there are."""
    counts = states_of(broadcasts) if broadcasts else {}
    return [Row(broadcast, counts[broadcast.pk]) for broadcast in broadcasts]


def tab_counts(broadcasts: QuerySet[Broadcast]) -> dict[str, int]:
    by_state = dict(broadcasts.order_by().values_list("state").annotate(n=Count("id")))
    return {
        name: sum(by_state.values()) if states is None else sum(by_state.get(state, 0) for state in states)
        for name, (_label, states) in LIST_TABS.items()
    }


def of_tab(broadcasts: QuerySet[Broadcast], tab: str) -> QuerySet[Broadcast]:
    states = LIST_TABS[tab][1]
    return broadcasts if states is None else broadcasts.filter(state__in=states)


def running_rows(workspace: Workspace) -> list[Row]:
    return rows_of(list(workspace.broadcasts.filter(state__in=LIVE).order_by("-launched_at", "-id")[:10]))


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person. `url_name` and `pk`: where to see to it."""

    level: str
    sentence: str
    action: str
    url_name: str
    pk: int | None


def needs_of(workspace: Workspace) -> list[Need]:
    found: list[Need] = []
    for broadcast in workspace.broadcasts.filter(state=B.PAUSED).exclude(state_reason="")[:10]:
        sentence = _("%(name)s is paused: %(reason)s") % {
            "name": broadcast.name,
            "reason": broadcast.state_reason,
        }
        found.append(Need("warn", sentence, _("Open the report"), "broadcast-detail", broadcast.pk))
    for broadcast in workspace.broadcasts.filter(state=B.DRAFT).exclude(state_reason="")[:10]:
        sentence = _("%(name)s was not sent: %(reason)s") % {
            "name": broadcast.name,
            "reason": broadcast.state_reason,
        }
        found.append(Need("warn", sentence, _("Open the draft"), "broadcast-edit", broadcast.pk))
    for account in workspace.provider_accounts.filter(enabled=True, health=Health.FAILING)[:10]:
        sentence = _("%(account)s fails: %(words)s") % {
            "account": account.name,
            "words": account.health_words,
        }
        found.append(Need("bad", sentence, _("Open the account"), "provider-account-detail", account.pk))
    return [
        *found,
        *_segment_needs(workspace),
        *_webhook_needs(workspace),
        *_sync_needs(workspace),
        *_budget_needs(workspace),
        *_unknown_needs(workspace),
        *_import_needs(workspace),
    ]


def _segment_needs(workspace: Workspace) -> list[Need]:
    """Smart broadcasts whose next segment a person sends, where none is going out."""
    under_way = Segment.objects.filter(
        broadcast=OuterRef("pk"), size__isnull=False, dispatch__state__in=UNDER_WAY
    )
    reserve = Segment.objects.filter(
        broadcast=OuterRef("pk"), number=RESERVE, dispatch__state=DispatchState.RESERVE
    )
    rows = workspace.broadcasts.filter(
        ~Exists(under_way), Exists(reserve), state=B.RUNNING, kind=BroadcastKind.SMART_MANUAL
    )
    sentence = _("%(name)s: its segments so far are through, and others wait in reserve.")
    return [
        Need("info", sentence % {"name": row.name}, _("Send the next segment"), "broadcast-continue", row.pk)
        for row in rows.order_by("pk")[:10]
    ]


def _webhook_needs(workspace: Workspace) -> list[Need]:
    """Those that nobody has disabled."""
    rows = WebhookEndpoint.objects.filter(
        workspace=workspace,
        disabled_because__in=[WebhookStop.GONE, WebhookStop.FAILING],
        disabled_at__gte=timezone.now() - RECENT,
    )
    sentence = _("The webhook to %(host)s is disabled: %(why)s.")
    return [
        Need(
            "bad",
            sentence % {"host": row.host, "why": row.get_disabled_because_display()},
            _("Open the webhook"),
            "settings-webhook",
            row.pk,
        )
        for row in rows[:5]
    ]


def _sync_needs(workspace: Workspace) -> list[Need]:
    """Accounts at whose vendor something is not as it is here, and is not tried again by itself."""
    failed = Q(remote_records__state=SyncState.FAILED, remote_records__due_at=None)
    rows = ProviderAccount.objects.filter(workspace=workspace, enabled=True)
    found = []
    for row in (
        rows.annotate(failed=Count("remote_records", filter=failed)).filter(failed__gt=0).order_by("pk")[:5]
    ):
        sentence = ngettext(
            "%(account)s: %(n)s thing could not be brought into step with the provider.",
            "%(account)s: %(n)s things could not be brought into step with the provider.",
            row.failed,
        ) % {"account": row.name, "n": f"{row.failed:,}"}
        found.append(Need("warn", sentence, _("See why"), "provider-account-sync", row.pk))
    return found


def _budget_needs(workspace: Workspace) -> list[Need]:
    if workspace.monthly_budget is None:
        return []
    budget = budget_of(workspace)
    level = "bad" if not budget.left else "warn"
    return (
        [Need(level, budget.warning, _("Open the budget"), "settings-budget", None)] if budget.is_near else []
    )


def _unknown_needs(workspace: Workspace) -> list[Need]:
    recent = workspace.broadcasts.filter(launched_at__gte=timezone.now() - RECENT).exclude(state__in=LIVE)
    found = []
    for row in rows_of(list(recent.order_by("-id")[:50])):
        unknown = row.by_state[MessageState.UNKNOWN.value]
        if unknown:
            sentence = ngettext(
                "%(name)s: %(n)s message may or may not have been sent.",
                "%(name)s: %(n)s messages may or may not have been sent.",
                unknown,
            ) % {"name": row.broadcast.name, "n": f"{unknown:,}"}
            found.append(Need("warn", sentence, _("See them"), "broadcast-missed", row.broadcast.pk))
    return found


def _import_needs(workspace: Workspace) -> list[Need]:
    found = []
    for one in Import.objects.filter(
        workspace=workspace, state__in=[ImportState.CHECKED, ImportState.FAILED]
    )[:5]:
        if one.state == ImportState.CHECKED:
            sentence = _("The import of %(file)s is checked and waits for your word.") % {
                "file": one.file_name
            }
            found.append(Need("info", sentence, _("Look at the check"), "import-check", one.pk))
        elif one.created_at > timezone.now() - RECENT:
            sentence = _("The import of %(file)s failed: %(reason)s")
            words = sentence % {"file": one.file_name, "reason": one.state_reason}
            found.append(Need("bad", words, _("Open the import"), "import-detail", one.pk))
    return found


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the last `days` days, today included; `labels` and `series` by day for the chart."""

    days: int
    messages: int
    sent: int
    delivered: int
    failed: int
    opted_out: int
    cost: Decimal
    labels: list[str] = field(default_factory=list)
    series: list[dict[str, Any]] = field(default_factory=list)


def totals_of(workspace: Workspace, days: int) -> Totals:
    first = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    dates = [first.date() + timedelta(days=n) for n in range(days)]
    counts = {name: dict.fromkeys(dates, 0) for name in ("sent", "delivered", "failed")}
    series_of_state = {MessageState.SENT.value: "sent", MessageState.DELIVERED.value: "delivered"}
    series_of_state |= {state.value: "failed" for state in NOT_DELIVERED}
    minutes = MessageMinute.objects.filter(dispatch__workspace=workspace, minute__gte=first)
    rows = (
        minutes.filter(state__in=series_of_state).values_list("minute", "state").annotate(total=Sum("count"))
    )
    for minute, state, total in rows.iterator():
        day = timezone.localtime(minute).date()
        if day in counts["sent"]:
            counts[series_of_state[state]][day] += total
    by_state = _states_since(workspace, first)
    labels = {"sent": _("Sent"), "delivered": _("Delivered"), "failed": _("Failed")}
    return Totals(
        days=days,
        messages=sum(by_state.values()),
        sent=sum(by_state[state.value] for state in HANDED_OVER),
        delivered=by_state[MessageState.DELIVERED.value],
        failed=sum(by_state[state.value] for state in NOT_DELIVERED),
        opted_out=OptOut.objects.filter(workspace=workspace, at__gte=first).count(),
        cost=_cost_since(workspace, first),
        labels=[f"{date:%d %b}" for date in dates],
        series=[
            {"name": name, "label": labels[name], "values": list(counts[name].values())} for name in counts
        ],
    )


def _states_since(workspace: Workspace, first: datetime) -> Counter[str]:
    """Messages by state of what began since then: counted as the reports count them, so that the sums agree."""
    rows = MessageCount.objects.filter(dispatch__workspace=workspace, dispatch__started_at__gte=first)
    return Counter(dict(rows.values_list("state").annotate(total=Sum("count"))))


def _cost_since(workspace: Workspace, first: datetime) -> Decimal:
    rows = Dispatch.objects.filter(workspace=workspace, created_at__gte=first)
    return Decimal(rows.aggregate(total=Sum("cost"))["total"] or 0).quantize(Decimal("0.00001"))


@dataclass(frozen=True, slots=True)
class Step:
    done: bool
    title: str
    sentence: str
    action: str
    url_name: str


def first_steps(workspace: Workspace) -> list[Step]:
    """The way of a new workspace to its first broadcast; empty once one was launched."""
    launched = Q(state__in=[B.DRAFT, B.SCHEDULED])
    if workspace.broadcasts.exclude(launched).exists():
        return []
    return [
        Step(
            workspace.provider_accounts.filter(enabled=True).exists(),
            _("Connect a provider"),
            _("The company that carries your texts to the phones."),
            _("Add an account"),
            "provider-account-list",
        ),
        Step(
            workspace.senders.filter(enabled=True).exists(),
            _("Add a sender"),
            _("The number or name that people see."),
            _("Add a sender"),
            "sender-list",
        ),
        Step(
            workspace.recipient_lists.filter(recipient_count__gt=0).exists(),
            _("Import your people"),
            _("From a CSV or Excel file; columns are recognised, nothing is lost."),
            _("Import a file"),
            "import-new",
        ),
        Step(
            False,
            _("Send your first broadcast"),
            _("Write a text, see exactly whom it reaches and what it costs, and send it."),
            _("Write a broadcast"),
            "broadcast-new",
        ),
    ]
