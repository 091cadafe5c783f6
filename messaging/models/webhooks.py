"""News that Crier posts to programs of the workspace.

WebhookEndpoint ------ where to, which events, and the secret they are signed with
WebhookDelivery ------ one event for one endpoint: written in the transaction that makes the event, kept for a while
ReportRound ---------- the reports of one dispatch, which are told to one endpoint as MessageWhiz does, once or twice
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import Workspace
from providers.crypto import decrypt_mapping, encrypt_mapping

ADDRESS_LENGTH = 1_000
ANSWER_LENGTH = 300


class WebhookStop(models.TextChoices):
    """Why an endpoint is disabled."""

    PERSON = "person", _("disabled by a person")
    GONE = "gone", _("the endpoint answered 410: it is gone for good")
    FAILING = "failing", _("nothing got through for more than a day, with all tries used up")


class WebhookKind(models.TextChoices):
    """What an endpoint is told, and how it is written."""

    CRIER = "crier", _("Events of Crier")
    MESSAGEWHIZ = "messagewhiz", _("Delivery reports as MessageWhiz sends them")


class WebhookEndpoint(models.Model):
    """Disabled, not deleted: what was posted names it."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="webhook_endpoints", db_index=False)
    url = models.CharField(_("address"), max_length=ADDRESS_LENGTH)
    kind = models.CharField(_("kind"), max_length=12, choices=WebhookKind.choices, default=WebhookKind.CRIER)
    # Names of messaging.webhooks.events.EVENT_TYPES; [] with another kind.
    events = models.JSONField(_("events"), default=list)
    # T1 and T2 of MessageWhiz: so many minutes after the last text went out; None: no second time.
    first_after = models.PositiveSmallIntegerField(_("first time after minutes (T1)"), null=True, blank=True)
    second_after = models.PositiveSmallIntegerField(
        _("second time after minutes (T2)"), null=True, blank=True
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    disabled_because = models.CharField(
        _("disabled because"), max_length=10, choices=WebhookStop.choices, blank=True, default=""
    )
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True)
    # Since when nothing got through; None once something has.
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    encrypted_secrets = models.TextField(editable=False, default="")
    # Until then everything is signed with the secret before this one as well.
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "url"], name="messaging_webhookendpoint_unique")
        ]

    def __str__(self) -> str:
        return self.shown_url

    @property
    def shown_url(self) -> str:
        """Without what stands after the question mark: programs like to keep keys there."""
        url, mark, _query = self.url.partition("?")
        return f"{url}?…" if mark else url

    @property
    def told_words(self) -> str:
        """What one in the style of MessageWhiz is told, and when; "" for events."""
        if self.kind == WebhookKind.CRIER:
            return ""
        if self.second_after is None:
            words = ngettext(
                "Delivery reports as MessageWhiz sends them, %(first)d minute after the end of each run.",
                "Delivery reports as MessageWhiz sends them, %(first)d minutes after the end of each run.",
                self.first_after or 0,
            )
            return words % {"first": self.first_after}
        return _now(
            "Delivery reports as MessageWhiz sends them, %(first)d and again %(second)d minutes after the end of each run."
        ) % {"first": self.first_after, "second": self.second_after}

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def secrets_at(self, now: datetime) -> list[str]:
        """The newest first: what an event is signed with."""
        kept = decrypt_mapping(self.encrypted_secrets)
        names = ["current"]
        if self.previous_until is not None and now < self.previous_until:
            names.append("previous")
        return [kept[name] for name in names if kept.get(name)]

    def keep_secrets(
        self, *, current: str, previous: str = "", previous_until: datetime | None = None
    ) -> None:
        """On the row, not yet in the database."""
        values: dict[str, Any] = {"current": current, "previous": previous}
        self.encrypted_secrets = encrypt_mapping(values)
        self.previous_until = previous_until


class WebhookState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("failed")


class WebhookDelivery(models.Model):
    """
    waiting -> delivered    answered 2xx
       '-----> failed       every try used up, or nobody wants it any more

    A try begins by moving `try_at` past the time that it may take: so a worker that dies loses nothing, the next one
    posts it again, under the same event id. "Send again" makes it wait anew, whatever its state.
    """

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries", db_index=False)
    # The header webhook-id: the same in every try, and when it is sent again.
    event_id = models.CharField(_("event"), max_length=64)
    event_type = models.CharField(_("type"), max_length=50)
    # messaging.Message that the event is about, if it is about one.
    message_id = models.BigIntegerField(_("message"), null=True, blank=True)
    body = models.TextField(_("body"))
    state = models.CharField(
        _("state"), max_length=10, choices=WebhookState.choices, default=WebhookState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    try_at = models.DateTimeField(_("next try"), default=timezone.now)
    tried_at = models.DateTimeField(_("last try"), null=True, blank=True)
    # Of the last try: the HTTP status (None: no answer), and what was said in short.
    answer_status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    answer_words = models.CharField(_("answer"), max_length=ANSWER_LENGTH, blank=True, default="")
    took_ms = models.PositiveIntegerField(_("milliseconds"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="messaging_webhookdelivery_unique")
        ]
        indexes = [
            models.Index(
                fields=["try_at", "id"], name="messaging_hook_due", condition=models.Q(state="waiting")
            ),
            models.Index(
                fields=["endpoint", "try_at", "id"],
                name="messaging_hook_waiting",
                condition=models.Q(state="waiting"),
            ),
            models.Index(
                fields=["endpoint", "try_at"],
                name="messaging_hook_tests",
                condition=models.Q(state="waiting", event_type="webhook.test"),
            ),
            models.Index(fields=["endpoint", "-id"], name="messaging_hook_recent"),
            models.Index(fields=["created_at"], name="messaging_hook_old"),
            models.Index(
                fields=["message_id"],
                name="messaging_hook_message",
                condition=models.Q(message_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.event_id


class ReportRound(models.Model):
    """The delivery reports of a dispatch, told to an endpoint once it is due, some messages a delivery.

    `told_to`: the last message told; written with the delivery that tells it, so that whoever dies tells none twice.
    """

    endpoint = models.ForeignKey(
        WebhookEndpoint, models.CASCADE, related_name="report_rounds", db_index=False
    )
    dispatch = models.ForeignKey(
        "messaging.Dispatch", models.CASCADE, related_name="report_rounds", db_index=False
    )
    # 1 after T1, 2 after T2.
    number = models.PositiveSmallIntegerField(_("time"))
    due_at = models.DateTimeField(_("due"))
    told_to = models.BigIntegerField(default=0)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta:
        verbose_name = _("round of delivery reports")
        verbose_name_plural = _("rounds of delivery reports")
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "dispatch", "number"], name="messaging_reportround_unique"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="messaging_reportround_due", condition=models.Q(done_at=None)
            ),
            # What a dispatch that goes takes along.
            models.Index(fields=["dispatch"], name="messaging_reportround_of"),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id} ({self.number})"
