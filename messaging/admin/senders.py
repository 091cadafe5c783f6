"""Senders and sender lists: the services' rules, also here. Accounts and members are those of the same workspace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from import_export import resources
from import_export.admin import ImportExportModelAdmin

from accounts.access import Actor
from accounts.models import Workspace
from messaging.admin.base import EditedAdmin, EditedModelForm, actor_named
from messaging.errors import MessagingError
from messaging.models import Sender, SenderList
from messaging.sender_lists import create_sender_list, update_sender_list
from messaging.senders import clean_countries, clean_sender, create_sender, update_sender
from providers.models import ProviderAccount
from web.forms import RowsField
from web.uploads import TakesImports


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


class ServiceForm(EditedModelForm):
    """What the service refuses is said at its field: it is asked in a transaction that is taken back, and then again."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                with transaction.atomic():
                    self.apply(Actor())
                    transaction.set_rollback(True)
            except MessagingError as error:
                self.add_error(error.field if error.field in self.fields else None, str(error.sentence))
        return cleaned

    def apply(self, actor: Actor) -> Any:
        """By the service; returns the row. Raises MessagingError."""
        raise NotImplementedError

    def validate_constraints(self) -> None:
        """The services' care: one default of a workspace is taken from the other, names are told at their field."""

    def _workspace(self) -> Workspace:
        found: Workspace = self.cleaned_data.get("workspace") or self.instance.workspace
        return found

    def _of_workspace(self, field: str, rows: Iterable[Any]) -> list[Any]:
        found = list(rows)
        if any(one.workspace_id != self._workspace().pk for one in found):
            raise MessagingError(_("One of these belongs to another workspace. Take it off."), field=field)
        return found


class SenderAdminForm(ServiceForm):
    """Countries as codes with blanks or commas between."""

    countries = forms.CharField(required=False, help_text="ISO 3166 codes, such as US, CA. Empty: all.")
    accounts = RowsField(
        ProviderAccount.objects.none(), required=False, help_text="The only ones that may use it. None: all."
    )

    class Meta:
        model = Sender
        fields = ("workspace", "value", "enabled", "accounts", "countries", "is_default")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["countries"] = ", ".join(self.instance.countries)
        rows = ProviderAccount.objects.select_related("workspace").order_by("workspace__name", "name")
        if self.instance.pk:
            rows = rows.filter(workspace=self.instance.workspace_id)
        self.fields["accounts"].queryset = rows  # type: ignore[attr-defined]  # of that field

    def clean_countries(self) -> list[str]:
        try:
            return clean_countries(self.cleaned_data["countries"].replace(",", " ").split())
        except MessagingError as error:
            raise forms.ValidationError(str(error.sentence)) from None

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("is_default") and not given.get("enabled"):
            self.add_error("is_default", "A disabled sender cannot be the default. Enable it first.")
        return super().clean()

    def apply(self, actor: Actor) -> Sender:
        given = self.cleaned_data
        accounts = self._of_workspace("accounts", given["accounts"])
        if self.instance.pk:
            # As it was: the form has set what it read already.
            sender = Sender.objects.select_related("workspace").get(pk=self.instance.pk)
        else:
            sender = create_sender(workspace=given["workspace"], actor=actor, value=given["value"])
        wanted = {name: given[name] for name in ("enabled", "countries", "is_default")}
        changes = {name: value for name, value in wanted.items() if getattr(sender, name) != value}
        return update_sender(sender=sender, actor=actor, accounts=accounts, **changes)


class ServiceAdmin(EditedAdmin):
    """Added and changed through its form's service; disabled, not deleted. The workspace stays as it was."""

    fixed: tuple[str, ...] = ("workspace",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, *self.fixed) if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor = actor_named(request.user)
        obj.pk = form.apply(actor).pk
        obj._state.adding = False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service has done it."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Sender)
class SenderAdmin(ServiceAdmin, TakesImports, ImportExportModelAdmin):
    resource_classes = [SenderResource]
    form = SenderAdminForm
    fixed = ("workspace", "value")
    list_display = ("value", "workspace", "enabled", "is_default", "countries", "last_used_at")
    list_filter = ("enabled", "is_default", "workspace")
    search_fields = ("value",)
    list_select_related = ("workspace",)
    fields = (
        *("workspace", "value", "enabled", "accounts", "countries", "is_default"),
        *("created_at", "last_used_at"),
    )
    readonly_fields = ("created_at", "last_used_at")


class SenderListAdminForm(ServiceForm):
    senders = RowsField(Sender.objects.none(), required=False)

    class Meta:
        model = SenderList
        fields = ("workspace", "name", "choice", "enabled", "senders")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Sender.objects.select_related("workspace").order_by("workspace__name", "value")
        if self.instance.pk:
            rows = rows.filter(workspace=self.instance.workspace_id)
        self.fields["senders"].queryset = rows  # type: ignore[attr-defined]  # of that field

    def apply(self, actor: Actor) -> SenderList:
        given = self.cleaned_data
        senders = self._of_workspace("senders", given["senders"])
        if self.instance.pk:
            found = SenderList.objects.select_related("workspace").get(pk=self.instance.pk)
        else:
            found = create_sender_list(
                workspace=given["workspace"], actor=actor, name=given["name"], choice=given["choice"]
            )
        return update_sender_list(
            sender_list=found,
            actor=actor,
            name=given["name"],
            choice=given["choice"],
            senders=senders,
            enabled=given["enabled"],
        )


@admin.register(SenderList)
class SenderListAdmin(ServiceAdmin):
    form = SenderListAdminForm
    list_display = ("name", "workspace", "choice", "enabled", "updated_at")
    list_filter = ("enabled", "choice", "workspace")
    search_fields = ("name",)
    list_select_related = ("workspace",)
    fields = ("workspace", "name", "choice", "enabled", "senders", "created_at", "updated_at")
    readonly_fields = ("created_at", "updated_at")
