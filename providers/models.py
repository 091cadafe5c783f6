"""Through whom: provider accounts, their prices and pace, and what the vendors tell us."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, User, Workspace
from providers.crypto import decrypt_mapping, encrypt_mapping


def new_webhook_token() -> str:
    return secrets.token_urlsafe(32)


class Health(models.TextChoices):
    UNTESTED = "untested", _("not tried yet")
    OK = "ok", _("works")
    FAILING = "failing", _("fails")


class ProviderAccount(models.Model):
    """One set of credentials at one vendor. Credentials are encrypted at rest and never shown again."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="provider_accounts")
    vendor = models.CharField(_("vendor"), max_length=20)  # a slug of providers.connectors.REGISTRY
    name = models.CharField(_("name"), max_length=100)
    enabled = models.BooleanField(_("enabled"), default=True)
    base_url = models.URLField(_("base URL"), max_length=300)
    encrypted_credentials = models.TextField(editable=False, default="")
    # Unguessable part of the address to which this vendor posts receipts and inbound texts.
    webhook_token = models.CharField(max_length=64, unique=True, editable=False, default=new_webhook_token)
    parts_per_second = models.DecimalField(_("parts per second"), max_digits=8, decimal_places=2, default=10)
    # Of a calendar day in the workspace's time zone; None: no limit. See providers/daily.py.
    parts_per_day = models.PositiveIntegerField(_("parts per day"), null=True, blank=True)
    max_in_flight = models.PositiveIntegerField(_("requests at once"), default=64)
    # Used where no row of the rate card matches; None: the price is not known.
    default_price = models.DecimalField(
        _("price per part"), max_digits=10, decimal_places=5, null=True, blank=True
    )
    # Of a message with pictures, whatever its text and wherever it goes; None: not known.
    media_price = models.DecimalField(
        _("price per message with pictures"), max_digits=10, decimal_places=5, null=True, blank=True
    )
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    health = models.CharField(_("health"), max_length=10, choices=Health.choices, default=Health.UNTESTED)
    health_words = models.CharField(_("what it said"), max_length=500, blank=True)
    health_at = models.DateTimeField(_("last heard of"), null=True, blank=True)
    # Since when no connection comes about, in any worker; None once one has, or a person was asked.
    unreachable_since = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("provider account")
        verbose_name_plural = _("provider accounts")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="providers_account_name_unique")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def credentials(self) -> dict[str, Any]:
        return decrypt_mapping(self.encrypted_credentials)

    @credentials.setter
    def credentials(self, values: dict[str, Any]) -> None:
        self.encrypted_credentials = encrypt_mapping(values)


class Rate(models.Model):
    """A price for numbers that begin with `prefix`; the longest matching prefix wins."""

    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="rates", db_index=False)
    prefix = models.CharField(_("prefix"), max_length=15)
    price = models.DecimalField(_("price per part"), max_digits=10, decimal_places=5)

    class Meta:
        verbose_name = _("rate")
        verbose_name_plural = _("rate card")
        constraints = [models.UniqueConstraint(fields=["account", "prefix"], name="providers_rate_unique")]

    def __str__(self) -> str:
        return f"+{self.prefix}"


class RouteStrategy(models.TextChoices):
    ORDER = "order", _("the first account that takes the number")
    WEIGHT = "weight", _("spread over the accounts by their weights")
    CHEAPEST = "cheapest", _("the cheapest account for the number")


class Route(models.Model):
    """Several accounts in place of one: which of them a message goes through is told by providers/routing.py."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="routes")
    name = models.CharField(_("name"), max_length=100)
    strategy = models.CharField(
        _("which account a message takes"),
        max_length=10,
        choices=RouteStrategy.choices,
        default=RouteStrategy.ORDER,
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("route")
        verbose_name_plural = _("routes")
        constraints = [
            models.UniqueConstraint("workspace", Lower("name"), name="providers_route_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class RouteStep(models.Model):
    """One account of a route. `only`: ISO codes of countries and beginnings of numbers ("US", "4477") that it is for; none:
    all that the account takes."""

    route = models.ForeignKey(Route, models.CASCADE, related_name="steps", db_index=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="route_steps")
    position = models.PositiveSmallIntegerField(_("place"))
    weight = models.PositiveIntegerField(_("weight"), default=1)
    only = models.JSONField(_("only numbers of"), default=list, blank=True)

    class Meta:
        verbose_name = _("account of a route")
        verbose_name_plural = _("accounts of routes")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["route", "account"], name="providers_route_step_unique")
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.account}"


class Pace(models.Model):
    """One shared clock per account: whoever sends n parts moves `next_free_at` on by n / parts_per_second.

    The row is the rate limit of all workers on all machines together; see providers/pace.py.
    """

    account = models.OneToOneField(ProviderAccount, models.CASCADE, primary_key=True, related_name="pace")
    next_free_at = models.DateTimeField()

    class Meta:
        verbose_name = _("pace")
        verbose_name_plural = _("pace")

    def __str__(self) -> str:
        return str(self.next_free_at)


class ReceiptRound(models.Model):
    """Where an account's provider is asked for delivery reports: one worker at a time, no sooner than `next_at`.

    free --begin (claim, until)--> asking --end--> free, next_at later the more often it failed
                                      '-- its worker died: free again at `claimed_until`
    """

    account = models.OneToOneField(
        ProviderAccount, models.CASCADE, primary_key=True, related_name="receipt_round"
    )
    claim = models.CharField(max_length=32, blank=True, default="", editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    next_at = models.DateTimeField(_("asked again"), default=timezone.now)
    # When it last answered, and whether since then it did not: how often in a row, and what the trouble was.
    answered_at = models.DateTimeField(_("last answer"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(_("failures in a row"), default=0)
    words = models.CharField(_("trouble"), max_length=1000, blank=True, default="")
    # How many questions got an answer, and for how many messages no report came in time.
    answered = models.PositiveBigIntegerField(_("answers"), default=0)
    given_up = models.PositiveBigIntegerField(_("given up"), default=0)

    class Meta:
        verbose_name = _("round for delivery reports")
        verbose_name_plural = _("rounds for delivery reports")

    def __str__(self) -> str:
        return str(self.account_id)


class AccountDay(models.Model):
    """How many parts an account that has a limit was to send in one day, see providers/daily.py. `wanted`: the parts of the
    largest message that found no room since the last ones were let go."""

    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="days", db_index=False)
    day = models.DateField(_("day"))
    parts = models.PositiveBigIntegerField(_("parts"), default=0)
    wanted = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("day of an account")
        verbose_name_plural = _("days of accounts")
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="providers_account_day_unique")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}"


class WebhookCallState(models.TextChoices):
    NEW = "new", _("new")
    APPLIED = "applied", _("applied")
    UNMATCHED = "unmatched", _("belongs to no message")
    REJECTED = "rejected", _("not understood")


class StoredWebhookCall(models.Model):
    """What a vendor posted, word for word, stored before it is answered and applied in bulk by a worker."""

    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="webhook_calls", db_index=False)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    method = models.CharField(_("method"), max_length=8)
    query = models.TextField(_("query"), blank=True)
    headers = models.JSONField(_("headers"), default=dict)
    body = models.BinaryField(_("body"))
    remote_address = models.GenericIPAddressField(_("from"), null=True)
    state = models.CharField(
        _("state"), max_length=10, choices=WebhookCallState.choices, default=WebhookCallState.NEW
    )
    words = models.CharField(_("note"), max_length=500, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    # A report that matches no message yet (our own send is not stored) is tried again then.
    try_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(_("applied"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook call")
        verbose_name_plural = _("webhook calls")
        indexes = [
            models.Index(fields=["try_at", "id"], name="providers_call_due", condition=models.Q(state="new")),
            models.Index(fields=["account", "-id"], name="providers_call_latest"),
            # Few of very many, for the people who look after them.
            models.Index(
                fields=["account", "state", "-id"],
                name="providers_call_troubled",
                condition=models.Q(state__in=["unmatched", "rejected"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.received_at:%Y-%m-%d %H:%M:%S}"


class TrafficEntry(models.Model):
    """One request to a vendor and what came of it, without secrets. Of what goes well while broadcasts are sent, one a
    second at most is kept; of trouble, some a second."""

    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="traffic", db_index=False)
    at = models.DateTimeField(_("at"), default=timezone.now)
    # Of providers.connectors; "send" for what the engine sends.
    operation = models.CharField(_("operation"), max_length=60)
    method = models.CharField(_("method"), max_length=8)
    url = models.CharField(_("address"), max_length=1000)
    request = models.TextField(_("request"), blank=True)
    # None: no answer came.
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    answer = models.TextField(_("answer"), blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"))
    trouble = models.CharField(_("trouble"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("request to a provider")
        verbose_name_plural = _("requests to providers")
        indexes = [
            models.Index(fields=["account", "-id"], name="providers_traffic_recent"),
            models.Index(
                fields=["account", "-id"],
                name="providers_traffic_trouble",
                condition=models.Q(trouble__gt=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.at:%Y-%m-%d %H:%M:%S}"


class AccountHour(models.Model):
    """What one account did in one hour, kept while it is done: whoever shows it counts nothing.

    `answered` have a time in `milliseconds`; `reported` have one in `report_seconds`, from handing over to the report
    that settled the message.
    """

    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="hours", db_index=False)
    hour = models.DateTimeField(_("hour"))
    taken = models.PositiveIntegerField(_("taken"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    unclear = models.PositiveIntegerField(_("unclear"), default=0)
    throttled = models.PositiveIntegerField(_("throttled"), default=0)
    unreachable = models.PositiveIntegerField(_("unreachable"), default=0)
    answered = models.PositiveIntegerField(_("answered"), default=0)
    milliseconds = models.PositiveBigIntegerField(_("milliseconds"), default=0)
    slowest_milliseconds = models.PositiveIntegerField(_("slowest"), default=0)
    delivered = models.PositiveIntegerField(_("delivered"), default=0)
    not_delivered = models.PositiveIntegerField(_("not delivered"), default=0)
    reported = models.PositiveIntegerField(_("reported"), default=0)
    report_seconds = models.PositiveBigIntegerField(_("seconds until the report"), default=0)

    class Meta:
        verbose_name = _("hour of an account")
        verbose_name_plural = _("hours of accounts")
        constraints = [
            models.UniqueConstraint(fields=["account", "hour"], name="providers_account_hour_unique")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.hour:%Y-%m-%d %H}:00"


class SyncState(models.TextChoices):
    LOCAL_ONLY = "local_only", _("only here")
    REMOTE_ONLY = "remote_only", _("only there")
    SAME = "same", _("the same")
    DIFFERS = "differs", _("differs")
    FAILED = "failed", _("failed")


class RemoteRecord(models.Model):
    """One entity of ours, one of an account's vendor, or both, linked; as they were when they were last looked at.

    `local_id` None: it is not here; `remote_id` "": it is not there. `pushed` is the fingerprint of our side when it was
    last brought there. `due_at`: a change of ours waits to be pushed; whoever pushes moves it on first, so that a worker
    that dies leaves it to the next one.
    """

    account = models.ForeignKey(
        ProviderAccount, models.CASCADE, related_name="remote_records", db_index=False
    )
    entity = models.CharField(_("kind"), max_length=30)
    local_id = models.BigIntegerField(_("id here"), null=True, blank=True)
    remote_id = models.CharField(_("id there"), max_length=64, blank=True)
    name = models.CharField(_("name"), max_length=255)
    state = models.CharField(_("state"), max_length=12, choices=SyncState.choices)
    # For each field that differs: its name, ours, theirs.
    differences = models.JSONField(_("differences"), default=list, blank=True)
    words = models.CharField(_("note"), max_length=500, blank=True)
    # What we know of the other side where the vendor cannot be asked for it, and how far a push of many requests got.
    there = models.JSONField(default=dict, blank=True, editable=False)
    pushed = models.CharField(max_length=32, blank=True, editable=False)
    pushed_at = models.DateTimeField(_("pushed"), null=True, blank=True)
    seen_at = models.DateTimeField(_("compared"), null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("entity at a provider")
        verbose_name_plural = _("entities at providers")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "entity", "local_id"],
                condition=models.Q(local_id__isnull=False),
                name="providers_remote_local_unique",
            ),
            models.UniqueConstraint(
                fields=["account", "entity", "remote_id"],
                condition=~models.Q(remote_id=""),
                name="providers_remote_remote_unique",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="providers_remote_due", condition=models.Q(due_at__isnull=False)
            ),
            models.Index(fields=["account", "entity", "name", "id"], name="providers_remote_listed"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_linked(self) -> bool:
        return self.local_id is not None and bool(self.remote_id)


class SyncWhat(models.TextChoices):
    COMPARE = "compare", _("compare")
    PUSH = "push", _("push")
    PULL = "pull", _("pull")


class SyncRunState(models.TextChoices):
    PLANNED = "planned", _("planned")
    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class SyncRun(models.Model):
    """Both sides compared, or entities pushed or pulled, by a worker, one step after the other.

    planned -> waiting -> running -> finished (each step says what became of it)
       |          |          |-----> failed (says why; run again, it goes on from there)
       '----------+----------'-----> cancelled

    A dry run is one that stays planned: its steps say what would happen, and are what a confirmation does.
    """

    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="sync_runs", db_index=False)
    what = models.CharField(_("what"), max_length=8, choices=SyncWhat.choices)
    # Names of kinds, in the order of the steps.
    entities = models.JSONField(_("kinds"), default=list)
    state = models.CharField(_("state"), max_length=10, choices=SyncRunState.choices)
    words = models.CharField(_("note"), max_length=500, blank=True)
    total = models.PositiveIntegerField(_("steps"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("asked for"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # Whoever holds the lease works; the others go on from where a worker died once it is over.
    lease_holder = models.CharField(max_length=32, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("sync run")
        verbose_name_plural = _("sync runs")
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="providers_sync_run_one_at_once",
            )
        ]
        indexes = [models.Index(fields=["account", "-id"], name="providers_sync_run_recent")]

    def __str__(self) -> str:
        return f"{self.get_what_display()} {self.account}"

    @property
    def is_busy(self) -> bool:
        return self.state in (SyncRunState.WAITING, SyncRunState.RUNNING)

    @property
    def actor_name(self) -> str:
        return str(self.created_by or self.api_key or "")


class SyncStepState(models.TextChoices):
    PLANNED = "planned", _("planned")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class SyncRunStep(models.Model):
    """One entity of a run, or one kind that is compared; what would be done, and then what was."""

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveIntegerField(_("place"))
    entity = models.CharField(_("kind"), max_length=30)
    record = models.ForeignKey(RemoteRecord, models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(_("name"), max_length=255)
    action = models.CharField(_("action"), max_length=10)  # compare, create, change, nothing
    # What it was linked to when it was planned.
    remote_id = models.CharField(max_length=64, blank=True, default="", editable=False)
    # As they were when it was planned: for each field its name, ours, theirs.
    differences = models.JSONField(_("differences"), default=list, blank=True)
    state = models.CharField(
        _("state"), max_length=8, choices=SyncStepState.choices, default=SyncStepState.PLANNED
    )
    # What stands against it, or why it failed, with the vendor's words.
    words = models.CharField(_("note"), max_length=500, blank=True)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("step of a sync run")
        verbose_name_plural = _("steps of sync runs")
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="providers_sync_step_unique")]

    def __str__(self) -> str:
        return self.name
