"""What is sent, and its life: senders, dispatches, and the ledger with one Message row per recipient."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from providers.models import ProviderAccount
from sms.states import LABEL, MessageState


class Sender(models.Model):
    """What people see a message come from. Without accounts named, every account may use it."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="senders")
    value = models.CharField(_("sender"), max_length=20)
    enabled = models.BooleanField(_("enabled"), default=True)
    accounts = models.ManyToManyField(
        ProviderAccount, verbose_name=_("accounts that may use it"), related_name="senders", blank=True
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("sender")
        verbose_name_plural = _("senders")
        constraints = [models.UniqueConstraint(fields=["workspace", "value"], name="messaging_sender_unique")]

    def __str__(self) -> str:
        return self.value


class DispatchState(models.TextChoices):
    PLANNING = "planning", _("planning")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    STOPPED = "stopped", _("stopped")
    FINISHED = "finished", _("finished")


class Dispatch(models.Model):
    """What the engine is told to send: one text, sender and account for the messages planned under it.

        planning -> running <-> paused
                       |  '------> stopped   (a person's word; what waits is cancelled)
                       '---------> finished  (nothing waits, nothing is being submitted)

    A segment of a broadcast has one; so will single texts of the API.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="dispatches")
    # campaigns.Broadcast, a floor up: a plain number. With it, (broadcast, msisdn) is unique over all segments.
    broadcast_id = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=DispatchState.choices, default=DispatchState.PLANNING
    )
    state_reason = models.CharField(_("reason"), max_length=500, blank=True)
    text = models.TextField(_("text"))
    sender = models.CharField(_("sender"), max_length=20)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="dispatches")
    # Further unsubscribe lists (contacts.UnsubscribeList ids) whose members are not texted.
    unsubscribe_list_ids = models.JSONField(default=list)
    # The price of all its messages that were handed over: kept by the ledger.
    cost = models.DecimalField(_("cost"), max_digits=14, decimal_places=5, default=0)
    # How many parts a person agreed to (None: any number), and how many were claimed and not put back. Kept only where
    # people's values, which may be edited while it runs, are in the text.
    agreed_parts = models.PositiveBigIntegerField(_("agreed parts"), null=True, blank=True)
    claimed_parts = models.PositiveBigIntegerField(default=0)
    # Paused because it would have had more parts than that; to resume is to agree.
    over_agreed = models.BooleanField(default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # The last change of any of its messages: polling of the report ends some time after it.
    changed_at = models.DateTimeField(_("last change"), default=timezone.now)

    class Meta:
        verbose_name = _("dispatch")
        verbose_name_plural = _("dispatches")
        indexes = [
            models.Index(
                fields=["id"], name="messaging_dispatch_active", condition=models.Q(state="running")
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Message(models.Model):
    """One recipient's row in the ledger: written before anything is sent; its state only moves forward.

    States and their ranks: sms/states.py. The sole writer is messaging/ledger.py.
    Foreign keys carry no constraint and mostly no index: measured 1.8 x faster planning of a million rows.
    """

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="messages", db_constraint=False, db_index=False
    )
    dispatch = models.ForeignKey(
        Dispatch, models.CASCADE, related_name="messages", db_constraint=False, db_index=False
    )
    broadcast_id = models.BigIntegerField(null=True, blank=True)
    # contacts.Recipient, from which the text's values are taken; None for a number without a list.
    recipient_id = models.BigIntegerField(null=True, blank=True)
    account = models.ForeignKey(
        ProviderAccount, models.PROTECT, related_name="messages", db_constraint=False, db_index=False
    )
    msisdn = models.CharField(_("number"), max_length=15)
    sender = models.CharField(_("sender"), max_length=20)
    text = models.TextField(_("text"), blank=True, default="")
    parts = models.PositiveSmallIntegerField(_("parts"), null=True, blank=True)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=5, null=True, blank=True)
    state = models.CharField(
        _("state"),
        max_length=12,
        choices=[(state.value, LABEL[state]) for state in MessageState],
        default=MessageState.QUEUED.value,
    )
    # A short code for why it is in this state (messaging/reasons.py has the sentences); "" where none is needed.
    reason = models.CharField(_("reason"), max_length=40, blank=True, default="")
    # The vendor's own words, redacted.
    words = models.CharField(_("provider's words"), max_length=500, blank=True, default="")
    provider_message_id = models.CharField(_("provider's id"), max_length=100, blank=True, default="")
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    # Not before then (None: at once).
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    # Whose hands it is in while `submitting`, and until when; then the sweep calls it `unknown`.
    claim = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("planned"), default=timezone.now)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    changed_at = models.DateTimeField(_("last change"), default=timezone.now)
    # [[state, ISO time, source, reason, words], ...], oldest first: each change after planning.
    history = models.JSONField(default=list)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            # Nobody is texted twice by one broadcast: the database says so.
            models.UniqueConstraint(fields=["broadcast_id", "msisdn"], name="messaging_message_once"),
        ]
        indexes = [
            # The engine's queue, and the report's tabs.
            models.Index(fields=["dispatch", "state", "id"], name="messaging_message_queue"),
            models.Index(
                fields=["lease_until"],
                name="messaging_message_leases",
                condition=models.Q(state="submitting"),
            ),
            models.Index(
                fields=["account", "provider_message_id"],
                name="messaging_message_provider_id",
                condition=~models.Q(provider_message_id=""),
            ),
            models.Index(fields=["workspace", "msisdn", "-id"], name="messaging_message_number"),
        ]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class MessageCount(models.Model):
    """How many messages of a dispatch are in a state for a reason: kept by the ledger, never counted."""

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="counts", db_index=False)
    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=40, blank=True, default="")
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("message count")
        verbose_name_plural = _("message counts")
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "state", "reason"], name="messaging_count_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.count}"


class MessageMinute(models.Model):
    """How many messages of a dispatch entered a state within a minute: the report's chart."""

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="minutes", db_index=False)
    minute = models.DateTimeField()
    state = models.CharField(max_length=12)
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("messages by minute")
        verbose_name_plural = _("messages by minute")
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "minute", "state"], name="messaging_minute_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.minute:%H:%M} {self.state} {self.count}"


class InboundText(models.Model):
    """A text that somebody sent to one of our numbers."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="inbound_texts")
    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="inbound_texts")
    msisdn = models.CharField(_("from"), max_length=15)
    sender_number = models.CharField(_("to"), max_length=20)
    text = models.TextField(_("text"))
    # What the words mean: sms.opt_out.Keyword.
    keyword = models.CharField(_("read as"), max_length=12)
    # The latest message of ours to that number, which this one probably answers.
    message_id = models.BigIntegerField(null=True, blank=True)
    # One vendor delivery is one row, however often it is posted.
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField(_("received"), default=timezone.now)

    class Meta:
        verbose_name = _("inbound text")
        verbose_name_plural = _("inbound texts")
        ordering = ["-received_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["account", "digest"], name="messaging_inbound_unique")]
        indexes = [models.Index(fields=["workspace", "msisdn"], name="messaging_inbound_number")]

    def __str__(self) -> str:
        return f"+{self.msisdn}"
