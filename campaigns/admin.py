"""Admin of campaigns and broadcasts. Broadcasts are launched on their pages; here they are shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from import_export.admin import ExportMixin

from accounts.access import Actor
from accounts.models import User
from campaigns.models import Broadcast, BroadcastEvent, Campaign, Segment, SmartStep
from campaigns.services.campaigns import create_campaign, update_campaign
from web.forms import ModelForm


class ReadOnly(admin.ModelAdmin):
    """Written by services only: a row changed here would not be what was launched."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CampaignAdminForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        """Says on the form what the service would refuse."""
        cleaned = super().clean() or {}
        first, last = cleaned.get("starts_on"), cleaned.get("ends_on")
        if first and last and last < first:
            self.add_error("ends_on", _("The last day is before the first day."))
        if self.instance.is_default and not cleaned.get("enabled", True):
            self.add_error("enabled", _("The default campaign cannot be disabled."))
        return cleaned


@admin.register(Campaign)
class CampaignAdmin(ExportMixin, admin.ModelAdmin):
    form = CampaignAdminForm
    list_display = ("name", "workspace", "starts_on", "ends_on", "enabled", "is_default")
    list_filter = ("enabled", "is_default", "workspace")
    search_fields = ("name",)
    list_select_related = ("workspace",)
    ordering = ("workspace", "name")
    fields = ("workspace", "name", "starts_on", "ends_on", "enabled", "is_default")
    readonly_fields = ("is_default",)

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> tuple[str, ...]:
        return ("is_default", "workspace") if obj else ("is_default", "enabled")

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        actor = Actor(user=request.user if isinstance(request.user, User) else None)
        if change:
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            update_campaign(campaign=obj, actor=actor, **changed)
            return
        made = create_campaign(
            workspace=obj.workspace,
            actor=actor,
            name=obj.name,
            starts_on=obj.starts_on,
            ends_on=obj.ends_on,
        )
        obj.pk = made.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EventInline(admin.TabularInline):
    model = BroadcastEvent
    extra = 0
    can_delete = False
    readonly_fields = ("at", "kind", "sentence", "user")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Broadcast)
class BroadcastAdmin(ExportMixin, ReadOnly):
    list_display = ("name", "workspace", "kind", "state", "campaign", "launched_at", "finished_at")
    list_filter = ("state", "kind", "workspace")
    search_fields = ("name",)
    list_select_related = ("workspace", "campaign")
    # Whoever has it can launch the draft.
    exclude = ("launch_token",)
    inlines = (EventInline,)


@admin.register(Segment)
class SegmentAdmin(ReadOnly):
    list_display = ("broadcast", "number", "size", "dispatch", "planned_at", "started_by")
    list_select_related = ("broadcast", "dispatch", "started_by")


@admin.register(BroadcastEvent)
class BroadcastEventAdmin(ReadOnly):
    list_display = ("at", "broadcast", "kind", "sentence", "user")
    list_select_related = ("broadcast", "user")
    list_filter = ("kind",)


@admin.register(SmartStep)
class SmartStepAdmin(ReadOnly):
    list_display = ("at", "broadcast", "segment_number", "decision", "sent", "clicked", "sentence", "user")
    list_select_related = ("broadcast", "user")
    list_filter = ("decision",)
