"""The ledger, which is only looked at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from import_export.admin import ExportMixin

from messaging.admin.base import LedgerAdmin
from messaging.models import Attempt, Dispatch, InboundText, Message, MessageCount, MessageMinute, Spend


@admin.register(Dispatch)
class DispatchAdmin(LedgerAdmin):
    list_display = (
        "id",
        "workspace",
        "broadcast_id",
        "state",
        "sender",
        "account",
        "started_at",
        "finished_at",
    )
    list_filter = ("state", "workspace")
    list_select_related = ("workspace", "account")


@admin.register(Message)
class MessageAdmin(ExportMixin, LedgerAdmin):
    list_display = ("msisdn", "state", "reason", "words", "sender", "account", "parts", "price", "changed_at")
    list_filter = ("state",)
    search_fields = ("=msisdn", "=provider_message_id")
    search_help_text = _("A whole number (digits only), or the provider's id")
    list_select_related = ("account",)
    ordering = ("-id",)
    # Whose hands it is in says nothing to people.
    exclude = ("claim",)


@admin.register(Attempt)
class AttemptAdmin(LedgerAdmin):
    list_display = ("id", "message_id", "account", "at", "reason", "words")
    list_filter = ("account",)
    list_select_related = ("account",)


@admin.register(MessageCount)
class MessageCountAdmin(LedgerAdmin):
    list_display = ("dispatch", "state", "reason", "count")
    list_filter = ("state",)


@admin.register(MessageMinute)
class MessageMinuteAdmin(LedgerAdmin):
    list_display = ("dispatch", "minute", "state", "count")
    list_filter = ("state",)


@admin.register(Spend)
class SpendAdmin(ExportMixin, LedgerAdmin):
    list_display = ("workspace", "quarter", "cost", "currency")
    list_filter = ("currency", "workspace")
    list_select_related = ("workspace",)


@admin.register(InboundText)
class InboundTextAdmin(ExportMixin, LedgerAdmin):
    list_display = ("received_at", "msisdn", "sender_number", "text", "keyword", "account")
    list_filter = ("keyword", "workspace")
    search_fields = ("=msisdn",)
    list_select_related = ("account",)
