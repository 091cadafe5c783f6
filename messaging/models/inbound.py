"""What people write to us."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from providers.models import ProviderAccount


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
    # By our clock. Of a STOP or START without an id of the vendor's that comes again: the last time.
    received_at = models.DateTimeField(_("received"), default=timezone.now)

    class Meta:
        verbose_name = _("inbound text")
        verbose_name_plural = _("inbound texts")
        ordering = ["-received_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["account", "digest"], name="messaging_inbound_unique")]
        indexes = [models.Index(fields=["workspace", "msisdn"], name="messaging_inbound_number")]

    def __str__(self) -> str:
        return f"+{self.msisdn}"
