"""When, and the run: campaigns, broadcasts and their segments."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from contacts.models import RecipientList, UnsubscribeList
from messaging.models import Dispatch, Media, Sender, SenderList, Template
from providers.models import ProviderAccount, Route


class Campaign(models.Model):
    """Groups broadcasts; sending outside its dates, or while it is disabled, is refused."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="campaigns")
    name = models.CharField(_("name"), max_length=100)
    starts_on = models.DateField(_("first day"), null=True, blank=True)
    ends_on = models.DateField(_("last day"), null=True, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.UniqueConstraint("workspace", Lower("name"), name="campaigns_campaign_name_unique"),
            models.UniqueConstraint(
                fields=["workspace"],
                condition=models.Q(is_default=True),
                name="campaigns_campaign_one_default",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BroadcastState(models.TextChoices):
    DRAFT = "draft", _("draft")
    SCHEDULED = "scheduled", _("scheduled")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    STOPPED = "stopped", _("stopped")
    FINISHED = "finished", _("finished")


class BroadcastKind(models.TextChoices):
    SINGLE = "single", _("Single")
    BASE = "base", _("Base")
    SMART_MANUAL = "smart_manual", _("Smart, by hand")
    SMART_CTR = "smart_ctr", _("Smart, by clicks")


# Sent in segments: see docs/broadcasts.md.
SMART_KINDS = (BroadcastKind.SMART_MANUAL, BroadcastKind.SMART_CTR)
DEFAULT_MINIMUM_SAMPLE = 100
DEFAULT_WAIT_MINUTES = 60


def new_launch_token() -> str:
    return secrets.token_urlsafe(16)


class Broadcast(models.Model):
    """One message to an audience.

    draft -> scheduled -> running <-> paused -> finished
                 |           '----------'-----> stopped
                 '-> draft (unscheduled)
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="broadcasts")
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="broadcasts")
    kind = models.CharField(
        _("kind"), max_length=20, choices=BroadcastKind.choices, default=BroadcastKind.BASE
    )
    name = models.CharField(_("name"), max_length=150)
    state = models.CharField(
        _("state"), max_length=10, choices=BroadcastState.choices, default=BroadcastState.DRAFT
    )
    state_reason = models.CharField(_("reason"), max_length=500, blank=True)
    lists = models.ManyToManyField(
        RecipientList, verbose_name=_("lists"), related_name="broadcasts", blank=True
    )
    unsubscribe_lists = models.ManyToManyField(
        UnsubscribeList, verbose_name=_("unsubscribe lists"), related_name="broadcasts", blank=True
    )
    # The one number of a single broadcast.
    msisdn = models.CharField(_("number"), max_length=15, blank=True)
    sender = models.ForeignKey(
        Sender, models.PROTECT, verbose_name=_("sender"), related_name="broadcasts", null=True, blank=True
    )
    # In place of a sender: one of the list for each message.
    sender_list = models.ForeignKey(
        SenderList,
        models.PROTECT,
        verbose_name=_("sender list"),
        related_name="broadcasts",
        null=True,
        blank=True,
    )
    account = models.ForeignKey(
        ProviderAccount,
        models.PROTECT,
        verbose_name=_("through"),
        related_name="broadcasts",
        null=True,
        blank=True,
    )
    # In place of an account.
    route = models.ForeignKey(
        Route, models.PROTECT, verbose_name=_("route"), related_name="broadcasts", null=True, blank=True
    )
    text = models.TextField(_("text"), blank=True)
    # What the customer's own program calls it: told with its delivery reports.
    custom_parameter = models.CharField(_("custom parameter"), max_length=160, blank=True, default="")
    # Of one to those who missed another one: that one, and the first of them all, whose people get one of the family.
    again_of = models.ForeignKey(
        "self",
        models.SET_NULL,
        verbose_name=_("again to those who missed"),
        related_name="again",
        null=True,
        blank=True,
    )
    again_root = models.ForeignKey("self", models.SET_NULL, related_name="family", null=True, blank=True)
    # Where the text came from, if from one; it may have been changed since.
    template = models.ForeignKey(
        Template,
        models.SET_NULL,
        verbose_name=_("template"),
        related_name="broadcasts",
        null=True,
        blank=True,
    )
    media = models.ManyToManyField(Media, verbose_name=_("pictures"), related_name="broadcasts", blank=True)
    # None: at once.
    send_at = models.DateTimeField(_("send at"), null=True, blank=True)
    # In place of `send_at`, which says then when it begins, once it is scheduled: at that time where each recipient is.
    local_date = models.DateField(_("day where each recipient is"), null=True, blank=True)
    local_time = models.TimeField(_("time where each recipient is"), null=True, blank=True)
    # Where that time has passed already when it is launched: they get it at once, or not at all.
    sends_passed = models.BooleanField(_("send at once where the time has passed"), default=True)
    # It goes out in the workspace's quiet hours, too.
    ignores_quiet_hours = models.BooleanField(_("send also in quiet hours"), default=False)
    # Of a smart one: how many people its first segment has.
    first_segment_size = models.PositiveIntegerField(_("people of the first segment"), null=True, blank=True)
    # Of a smart one: whoever was not handed over by then is not sent anything. None: no such time.
    exp_date = models.DateTimeField(_("expires"), null=True, blank=True)
    # Of one by clicks: a segment with so many of a hundred who clicked sends the next one, of `next_segment_size`, once
    # `wait_minutes` have passed since it was through and it has `minimum_sample` messages sent. At `recipient_cap` people
    # (None: no cap) a person decides.
    conversion_threshold = models.DecimalField(
        _("clicks of a hundred"), max_digits=6, decimal_places=3, null=True, blank=True
    )
    next_segment_size = models.PositiveIntegerField(_("people of each next segment"), null=True, blank=True)
    recipient_cap = models.PositiveIntegerField(_("most people"), null=True, blank=True)
    minimum_sample = models.PositiveIntegerField(
        _("least messages sent to decide on"), default=DEFAULT_MINIMUM_SAMPLE
    )
    wait_minutes = models.PositiveIntegerField(
        _("minutes before it is decided"), default=DEFAULT_WAIT_MINUTES
    )
    # Of a hundred: once more than so many failed it is paused; None: as in the workspace, 100: never.
    failure_limit = models.PositiveSmallIntegerField(
        _("pause when more than so many of a hundred fail"), null=True, blank=True
    )
    # Grows with each edit: an autosave that saw an older one is told so.
    version = models.PositiveIntegerField(default=1)
    # Spent by the launch, and by each further segment: a double click is one launch.
    launch_token = models.CharField(max_length=32, default=new_launch_token, editable=False)
    # What the person saw and agreed to: campaigns.services.estimate.Estimate as a dict. For one that was scheduled,
    # "at_its_time" holds what it was then, never more: services.estimate.numbers_at_launch.
    estimate = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    launched_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)
    launched_at = models.DateTimeField(_("launched"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("broadcast")
        verbose_name_plural = _("broadcasts")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["workspace", "state", "-id"], name="campaigns_broadcast_state"),
            models.Index(
                fields=["send_at"], name="campaigns_broadcast_due", condition=models.Q(state="scheduled")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_smart(self) -> bool:
        return self.kind in SMART_KINDS


# The number of the segment of a smart broadcast that holds whoever is in none yet.
RESERVE = 0


class Segment(models.Model):
    """The slice of a broadcast's audience that goes out in one run; a base broadcast has one.

    A smart one has its reserve beside them, into which the whole audience is planned; the others take theirs from it.
    """

    broadcast = models.ForeignKey(Broadcast, models.CASCADE, related_name="segments", db_index=False)
    number = models.PositiveIntegerField(_("number"), default=1)
    dispatch = models.OneToOneField(Dispatch, models.PROTECT, related_name="segment")
    # Of a smart broadcast: how many people it takes from the reserve; None for the reserve, and of other kinds.
    size = models.PositiveIntegerField(_("people"), null=True, blank=True)
    # Who sent it; None: Crier did, by the clicks of the one before.
    started_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    # The last contacts.Recipient id of its lists when it was launched: who was added later is not texted. None for
    # those that were launched before this was kept.
    plan_up_to = models.BigIntegerField(null=True, blank=True)
    # How far planning got: the last contacts.Recipient id written into the ledger.
    planned_to = models.BigIntegerField(default=0)
    planned_at = models.DateTimeField(_("planned"), null=True, blank=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            models.UniqueConstraint(fields=["broadcast", "number"], name="campaigns_segment_unique")
        ]

    def __str__(self) -> str:
        return f"{self.broadcast} {self.number}"

    @property
    def is_reserve(self) -> bool:
        return self.number == RESERVE


class BroadcastEvent(models.Model):
    """What happened to a broadcast, and why, in words: the report's log."""

    broadcast = models.ForeignKey(Broadcast, models.CASCADE, related_name="events", db_index=False)
    at = models.DateTimeField(_("when"), default=timezone.now)
    kind = models.CharField(_("kind"), max_length=30)
    sentence = models.CharField(_("what"), max_length=500)
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["broadcast", "at"], name="campaigns_event_log")]

    def __str__(self) -> str:
        return self.sentence


class Decision(models.TextChoices):
    STARTED = "started", _("sent by a person")
    WAITING = "waiting", _("waits")
    SAMPLE = "sample", _("too few sent")
    BELOW = "below", _("below the threshold")
    REACHED = "reached", _("threshold reached")
    CAP = "cap", _("cap reached")
    REFUSED = "refused", _("refused")
    EXPIRED = "expired", _("expired")


class SmartStep(models.Model):
    """What was decided about a smart broadcast after a segment, why, and on what figures.

    One row for each decision about a segment: while it stays the same, its figures follow the clicks.
    """

    broadcast = models.ForeignKey(Broadcast, models.CASCADE, related_name="steps", db_index=False)
    # The segment that it was decided on; of `started` the new one.
    segment_number = models.PositiveIntegerField(_("segment"))
    decision = models.CharField(_("decision"), max_length=10, choices=Decision.choices)
    sentence = models.CharField(_("why"), max_length=500)
    # Of that segment: handed over, and people who followed a link.
    sent = models.PositiveIntegerField(_("sent"), default=0)
    clicked = models.PositiveIntegerField(_("clicked"), default=0)
    threshold = models.DecimalField(
        _("clicks of a hundred"), max_digits=6, decimal_places=3, null=True, blank=True
    )
    at = models.DateTimeField(_("when"), default=timezone.now)
    # When the figures were last looked at.
    looked_at = models.DateTimeField(_("as of"), default=timezone.now)
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("step of a smart broadcast")
        verbose_name_plural = _("steps of smart broadcasts")
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["broadcast", "segment_number", "decision"], name="campaigns_smart_step_unique"
            )
        ]

    def __str__(self) -> str:
        return self.sentence
