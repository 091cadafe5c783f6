"""Messaging in the admin: senders are edited, the ledger is only looked at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from import_export import resources
from import_export.admin import ExportMixin, ImportExportModelAdmin

from accounts.access import Actor
from accounts.models import User
from messaging.errors import MessagingError
from messaging.models import Dispatch, InboundText, Message, MessageCount, MessageMinute, Sender
from messaging.senders import clean_sender, set_sender_enabled


class SenderResource(resources.ModelResource):
    """Columns: workspace (its id), value, enabled. A sender that is there already is left as it is."""

    class Meta:
        model = Sender
        fields = ("workspace", "value", "enabled")
        import_id_fields = ("workspace", "value")
        skip_unchanged = True

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        try:
            row["value"] = clean_sender(row["value"])
        except MessagingError as error:
            raise ValueError(str(error.sentence)) from None


@admin.register(Sender)
class SenderAdmin(ImportExportModelAdmin):
    """Which accounts may use a sender is said on its page, which knows the accounts of its workspace."""

    resource_classes = [SenderResource]
    list_display = ("value", "workspace", "enabled", "created_at")
    list_filter = ("enabled", "workspace")
    search_fields = ("value",)
    list_select_related = ("workspace",)
    fields = ("workspace", "value", "enabled", "created_at")
    readonly_fields = ("workspace", "value", "created_at")

    def save_model(self, request: HttpRequest, obj: Sender, form: Any, change: bool) -> None:
        actor = Actor(user=request.user if isinstance(request.user, User) else None)
        if "enabled" in form.changed_data:
            set_sender_enabled(sender=obj, enabled=form.cleaned_data["enabled"], actor=actor)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LedgerAdmin(admin.ModelAdmin):
    """messaging/ledger.py is its sole writer; and it is too large to be counted for a page."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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


@admin.register(MessageCount)
class MessageCountAdmin(LedgerAdmin):
    list_display = ("dispatch", "state", "reason", "count")
    list_filter = ("state",)


@admin.register(MessageMinute)
class MessageMinuteAdmin(LedgerAdmin):
    list_display = ("dispatch", "minute", "state", "count")
    list_filter = ("state",)


@admin.register(InboundText)
class InboundTextAdmin(ExportMixin, LedgerAdmin):
    list_display = ("received_at", "msisdn", "sender_number", "text", "keyword", "account")
    list_filter = ("keyword", "workspace")
    search_fields = ("=msisdn",)
    list_select_related = ("account",)
