"""What the engine is told to send, and the ledger with one Message row per recipient."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from providers.models import ProviderAccount, RouteStrategy
from sms.states import LABEL, MessageState


class DispatchState(models.TextChoices):
    PLANNING = "planning", _("planning")
    RESERVE = "reserve", _("in reserve")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    STOPPED = "stopped", _("stopped")
    FINISHED = "finished", _("finished")


class Dispatch(models.Model):
    """What the engine is told to send: one text, sender and account for the messages planned under it.

        planning -> running <-> paused
                       |  '------> stopped   (a person's word; what waits is cancelled)
                       '---------> finished  (nothing waits, nothing is being submitted)

        planning -> reserve -> finished | stopped

    A segment of a broadcast has one; so have single texts of the API. Through a route it has one for each account: the
    first leads, `lead` of the others names it, and all of them have one state (messaging/dispatches.py). What was agreed
    to is agreed to for all together, and kept and counted with the one that leads.

    In `reserve` its messages wait until they are moved to another dispatch of the broadcast (messaging/reserve.py): the
    engine takes none of them.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="dispatches")
    # campaigns.Broadcast, a floor up: a plain number. With it, (broadcast, msisdn) is unique over all segments.
    broadcast_id = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=DispatchState.choices, default=DispatchState.PLANNING
    )
    state_reason = models.CharField(_("reason"), max_length=500, blank=True)
    # Its messages are moved to other dispatches, and none is sent from here; also when it holds none any more.
    is_reserve = models.BooleanField(default=False)
    # Why what waited was cancelled when it was stopped, as a code of messaging/reasons.py; "": "stopped".
    cancel_reason = models.CharField(max_length=40, blank=True, default="")
    # From then on nothing of it is claimed or handed over, whoever is to cancel what is left; None: no such time.
    not_after = models.DateTimeField(_("not after"), null=True, blank=True)
    text = models.TextField(_("text"))
    # "": one of `senders` for each message.
    sender = models.CharField(_("sender"), max_length=20, blank=True)
    # Of a sender list, as it was at the launch: [[sender, [countries]], ...]; no countries: all.
    senders = models.JSONField(default=list)
    # The same one for each person, not another one for each message.
    sticky_senders = models.BooleanField(default=False)
    account = models.ForeignKey(ProviderAccount, models.PROTECT, related_name="dispatches")
    # Of a route: the dispatch that leads; None for that one, and without a route.
    lead = models.ForeignKey("self", models.CASCADE, related_name="branches", null=True, blank=True)
    # The route's accounts as they were at the launch: how one is chosen ("": it has no route), and this one's place,
    # weight and numbers (providers.RouteStep).
    strategy = models.CharField(
        _("strategy"), max_length=10, choices=RouteStrategy.choices, blank=True, default=""
    )
    route_place = models.PositiveSmallIntegerField(null=True, blank=True)
    route_weight = models.PositiveIntegerField(default=1)
    route_only = models.JSONField(default=list)
    # Its account was in trouble then, and why in words: nothing goes out from here, and whoever waits is moved to the
    # others of the route (messaging/failover.py). None: it sends.
    diverted_at = models.DateTimeField(null=True, blank=True)
    diverted_why = models.CharField(max_length=500, blank=True, default="")
    # Of the one that leads: the last of its messages for which an account was chosen (messaging/spreading.py).
    spread_to = models.BigIntegerField(default=0)
    # What the text's tokens stand for, as it was at the launch: words of spinners by id, [[word, weight], ...].
    spinners = models.JSONField(default=dict)
    # What stands before a code: "https://example.com/"; "" where the text has no links.
    link_base = models.CharField(max_length=200, blank=True, default="")
    # Of its messages, where the text has links: which dispatch a code belongs to is mostly known without the ledger.
    first_message_id = models.BigIntegerField(null=True, blank=True)
    last_message_id = models.BigIntegerField(null=True, blank=True)
    # Characters that would make a text UCS-2 are swapped where another one says the same (sms.parts.swap_smart).
    swaps_characters = models.BooleanField(default=False)
    # Addresses of pictures that go with the text.
    media_urls = models.JSONField(default=list)
    # What the customer's own program calls it: told with its delivery reports.
    custom_parameter = models.CharField(_("custom parameter"), max_length=160, blank=True, default="")
    # As they were at the launch: {"begins": "21:00", "ends": "08:00", "zone": where somebody is of whom nothing is known};
    # None: it goes at any time. See messaging/quiet.py.
    quiet_hours = models.JSONField(_("quiet hours"), null=True, blank=True, default=None)
    # The earliest moment for which any of its messages is held; perhaps it has passed meanwhile. None: none is.
    next_due_at = models.DateTimeField(_("next due"), null=True, blank=True)
    # Further unsubscribe lists (contacts.UnsubscribeList ids) whose members are not texted.
    unsubscribe_list_ids = models.JSONField(default=list)
    # The price of all its messages that were handed over: kept by the ledger.
    cost = models.DecimalField(_("cost"), max_digits=14, decimal_places=5, default=0)
    # How many parts a person agreed to (None: any number), and how many were claimed and not put back: people's values
    # may be edited while it runs.
    agreed_parts = models.PositiveBigIntegerField(_("agreed parts"), null=True, blank=True)
    claimed_parts = models.PositiveBigIntegerField(default=0)
    # What it was to cost at most, in the account's currency; None where no price was known. Until it has ended, what
    # is left of it is kept free in the workspace's budget. And the cost of what was claimed and not put back.
    agreed_cost = models.DecimalField(
        _("agreed cost"), max_digits=14, decimal_places=5, null=True, blank=True
    )
    claimed_cost = models.DecimalField(max_digits=14, decimal_places=5, default=0)
    # Paused because it would be more than that: so many parts and so much (None: unknown). To resume is to agree to it.
    over_agreed = models.BooleanField(default=False)
    asked_parts = models.PositiveBigIntegerField(null=True, blank=True)
    asked_cost = models.DecimalField(max_digits=14, decimal_places=5, null=True, blank=True)
    # Other broadcasts to the same people, of which each person gets one: messaging/barred.py.
    sibling_ids = models.JSONField(default=list)
    # Of broadcasts a person gets at most so many within so many days, those of others included; None: any number.
    frequency_cap = models.PositiveSmallIntegerField(null=True, blank=True)
    frequency_days = models.PositiveSmallIntegerField(default=0)
    # messaging/failures.py: of a hundred, beyond which it is paused (None: never), of at least `failure_sample`. Where it
    # was paused for that, the limit to which a person agrees who resumes it; and from where the last ones are counted.
    failure_limit = models.PositiveSmallIntegerField(null=True, blank=True)
    failure_sample = models.PositiveIntegerField(default=0)
    failure_asked = models.PositiveSmallIntegerField(null=True, blank=True)
    failure_marks = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    # When a person last said that it goes on: moments from before then are asked about no more.
    resumed_at = models.DateTimeField(_("resumed"), null=True, blank=True)
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
            # messaging/links/ranges.py
            models.Index(
                fields=["first_message_id"],
                name="messaging_dispatch_ranges",
                condition=models.Q(first_message_id__isnull=False),
            ),
            # What the budget has to be kept free for; a workspace has any number of dispatches that have ended.
            models.Index(
                fields=["workspace"],
                name="messaging_dispatch_open",
                condition=models.Q(state__in=["planning", "running", "paused"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def lead_pk(self) -> int:
        """Of the one with which what was agreed to is kept."""
        return self.lead_id or self.pk


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
    sender = models.CharField(_("sender"), max_length=20, blank=True)
    # Which one it is among those planned, from 0: what is spread evenly goes by it. None where nothing is.
    place = models.PositiveIntegerField(null=True, blank=True)
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


class Attempt(models.Model):
    """A message was tried through an account, certainly was not sent, and was moved to another account of its route: what
    came of the try. The last one, through the account that it has now, is the message itself."""

    message_id = models.BigIntegerField()
    account = models.ForeignKey(ProviderAccount, models.CASCADE, related_name="attempts", db_index=False)
    # When what came of it was known.
    at = models.DateTimeField(_("when"))
    # As Message.reason and Message.words.
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    words = models.CharField(_("provider's words"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        indexes = [models.Index(fields=["message_id", "id"], name="messaging_attempt_message")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.account_id}"


class ReceiptQuestion(models.Model):
    """A message whose provider is asked what became of it: written with the result of its sending, gone when it is settled
    or given up. `tries`: how often it was asked."""

    message_id = models.BigIntegerField(primary_key=True)
    account = models.ForeignKey(
        ProviderAccount, models.CASCADE, related_name="receipt_questions", db_index=False
    )
    # Perhaps sent: asked before all that surely are.
    is_unknown = models.BooleanField(default=False)
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("question for a delivery report")
        verbose_name_plural = _("questions for delivery reports")
        indexes = [
            models.Index(fields=["account", "is_unknown", "due_at"], name="messaging_question_due"),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


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


class Spend(models.Model):
    """What a workspace was charged within a quarter of an hour, in one currency: kept by the ledger, never counted.

    Quarters of an hour, not months: where a month begins depends on the workspace's time zone, which may be changed, and
    every zone is some quarters away from UTC. A correction by a later report counts when it comes.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="spends", db_index=False)
    currency = models.CharField(max_length=3)
    quarter = models.DateTimeField()
    cost = models.DecimalField(max_digits=14, decimal_places=5, default=0)

    class Meta:
        verbose_name = _("spending")
        verbose_name_plural = _("spending")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "quarter", "currency"], name="messaging_spend_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quarter:%Y-%m-%d %H:%M} {self.cost} {self.currency}"
