"""Senders and sender lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from import_export import resources
from import_export.admin import ImportExportModelAdmin

from accounts.access import Actor
from accounts.models import User
from messaging.errors import MessagingError
from messaging.models import Sender, SenderList
from messaging.sender_lists import set_sender_list_enabled, update_sender_list
from messaging.senders import clean_countries, clean_sender, update_sender


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


class SenderAdminForm(forms.ModelForm):
    """Countries as codes with blanks or commas between."""

    countries = forms.CharField(required=False, help_text="ISO 3166 codes, such as US, CA. Empty: all.")

    class Meta:
        model = Sender
        fields = ("enabled", "countries", "is_default")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["countries"] = ", ".join(self.instance.countries)

    def clean_countries(self) -> list[str]:
        try:
            return clean_countries(self.cleaned_data["countries"].replace(",", " ").split())
        except MessagingError as error:
            raise forms.ValidationError(str(error.sentence)) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("is_default") and not cleaned.get("enabled"):
            self.add_error("is_default", "A disabled sender cannot be the default. Enable it first.")
        return cleaned

    def validate_constraints(self) -> None:
        """That a workspace has one default is the service's care: it takes it from the other."""


@admin.register(Sender)
class SenderAdmin(ImportExportModelAdmin):
    """Which accounts may use a sender is said on its page, which knows the accounts of its workspace."""

    resource_classes = [SenderResource]
    form = SenderAdminForm
    list_display = ("value", "workspace", "enabled", "is_default", "countries", "created_at")
    list_filter = ("enabled", "is_default", "workspace")
    search_fields = ("value",)
    list_select_related = ("workspace",)
    fields = ("workspace", "value", "enabled", "countries", "is_default", "created_at")
    readonly_fields = ("workspace", "value", "created_at")

    def save_model(self, request: HttpRequest, obj: Sender, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        # As it was: the form has set what it read already.
        sender = Sender.objects.select_related("workspace").get(pk=obj.pk)
        update_sender(sender=sender, actor=_actor(request), **changes)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(SenderList)
class SenderListAdmin(admin.ModelAdmin):
    """Its senders are chosen on its page, which knows those of its workspace."""

    list_display = ("name", "workspace", "choice", "enabled", "updated_at")
    list_filter = ("enabled", "choice", "workspace")
    search_fields = ("name",)
    list_select_related = ("workspace",)
    fields = ("workspace", "name", "choice", "enabled", "members", "created_at", "updated_at")
    readonly_fields = ("workspace", "members", "created_at", "updated_at")

    @admin.display(description="senders")
    def members(self, obj: SenderList) -> str:
        return ", ".join(obj.senders.order_by("value").values_list("value", flat=True)) or "—"

    def save_model(self, request: HttpRequest, obj: SenderList, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        enabled = changes.pop("enabled", None)
        one = SenderList.objects.select_related("workspace").get(pk=obj.pk)
        try:
            update_sender_list(sender_list=one, actor=_actor(request), **changes)
        except MessagingError as error:
            self.message_user(request, str(error.sentence), messages.ERROR)
        if enabled is not None:
            set_sender_list_enabled(sender_list=one, actor=_actor(request), enabled=enabled)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _actor(request: HttpRequest) -> Actor:
    return Actor(user=request.user if isinstance(request.user, User) else None)
