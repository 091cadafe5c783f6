"""Codes that prove a number (OTP)."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, Workspace


class VerificationState(models.TextChoices):
    PENDING = "pending", _("waiting for the code")
    VERIFIED = "verified", _("verified")
    EXHAUSTED = "exhausted", _("too many wrong codes")
    REPLACED = "replaced", _("replaced by a newer one")
    CANCELLED = "cancelled", _("cancelled")


class Verification(models.Model):
    """One code for one number.

        pending -> verified    the right code in time
           |-----> exhausted   `max_tries` wrong ones
           |-----> replaced    another one was asked for
           '-----> cancelled   by whoever asked

    Past `expires_at` a pending one is over, whatever its state says.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="verifications")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    msisdn = models.CharField(_("number"), max_length=15)
    # messaging.Message, the text that carries the code.
    message_id = models.BigIntegerField(null=True, blank=True)
    # The integrator's own word for it.
    reference = models.CharField(_("reference"), max_length=160, blank=True)
    code_length = models.PositiveSmallIntegerField(_("digits"), default=6)
    salt = models.CharField(max_length=32, editable=False)
    code_hash = models.CharField(max_length=64, editable=False)
    # The code under the installation's key, as long as the text waits to be sent; then "".
    sealed_code = models.TextField(blank=True, default="", editable=False)
    state = models.CharField(
        _("state"), max_length=10, choices=VerificationState.choices, default=VerificationState.PENDING
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    max_tries = models.PositiveSmallIntegerField(_("most tries"), default=5)
    expires_at = models.DateTimeField(_("expires"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        constraints = [
            # Only the newest code of a number counts.
            models.UniqueConstraint(
                fields=["workspace", "msisdn"],
                name="messaging_verification_one_pending",
                condition=models.Q(state="pending"),
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "msisdn", "-created_at"], name="messaging_verif_number"),
            # The page's counts, and how many a key has started lately.
            models.Index(fields=["workspace", "created_at"], name="messaging_verif_recent"),
            # Those whose code is still readable by us: the sweep asks every few seconds.
            models.Index(
                fields=["expires_at"],
                name="messaging_verif_sealed",
                condition=~models.Q(sealed_code=""),
            ),
            models.Index(
                fields=["message_id"],
                name="messaging_verif_message",
                condition=models.Q(message_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"+{self.msisdn}"
