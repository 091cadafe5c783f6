"""Verifications, which are only looked at. Neither code nor hash is shown."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from messaging.admin.base import LedgerAdmin
from messaging.models import Verification


@admin.register(Verification)
class VerificationAdmin(LedgerAdmin):
    list_display = (
        "msisdn",
        "workspace",
        "state",
        "tries",
        "max_tries",
        "created_at",
        "expires_at",
        "verified_at",
        "reference",
    )
    list_filter = ("state", "workspace")
    search_fields = ("=msisdn", "=reference")
    search_help_text = _("A whole number (digits only), or a reference")
    list_select_related = ("workspace",)
    ordering = ("-id",)
