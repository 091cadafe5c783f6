"""Whom people see a message come from."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from providers.models import ProviderAccount


class Sender(models.Model):
    """What people see a message come from. Without accounts named, every account may use it."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="senders")
    value = models.CharField(_("sender"), max_length=20)
    enabled = models.BooleanField(_("enabled"), default=True)
    accounts = models.ManyToManyField(
        ProviderAccount, verbose_name=_("accounts that may use it"), related_name="senders", blank=True
    )
    # ISO codes of the countries that it may send to; empty: all.
    countries = models.JSONField(_("countries"), default=list, blank=True)
    # Chosen on a new broadcast.
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    # To the minute; see messaging/sender_use.py.
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("sender")
        verbose_name_plural = _("senders")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "value"], name="messaging_sender_unique"),
            models.UniqueConstraint(
                fields=["workspace"],
                name="messaging_sender_one_default",
                condition=models.Q(is_default=True),
            ),
        ]

    def __str__(self) -> str:
        return self.value


class SenderChoice(models.TextChoices):
    RANDOM = "random", _("another one for each message, at random")
    STICKY = "sticky", _("the same one for each person")


class SenderList(models.Model):
    """One of its senders for each message."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="sender_lists")
    name = models.CharField(_("name"), max_length=100)
    senders = models.ManyToManyField(
        Sender, verbose_name=_("senders"), related_name="sender_lists", blank=True
    )
    choice = models.CharField(
        _("choice"), max_length=10, choices=SenderChoice.choices, default=SenderChoice.RANDOM
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("sender list")
        verbose_name_plural = _("sender lists")
        constraints = [
            models.UniqueConstraint("workspace", Lower("name"), name="messaging_senderlist_unique"),
        ]

    def __str__(self) -> str:
        return self.name
