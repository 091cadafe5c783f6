"""Django admin of people, workspaces and keys. Changes go through the services; secrets are never shown."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.access import Actor
from accounts.errors import AccountsError
from accounts.forms import GeneralForm, PersonForm, SendingForm, TextsForm
from accounts.models import ApiKey, AuditEntry, Instance, Invitation, Membership, ProcessBeat, User, Workspace
from web.forms import ModelForm

admin.site.site_header = "Crier"
admin.site.site_title = "Crier"
admin.site.index_title = _("All tables")
# The admin's own sign-in knows no second factor and no rate limit: everybody comes in through /login/.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.unregister(Group)


def actor_of_admin(request: HttpRequest) -> Actor:
    assert isinstance(request.user, User)
    return Actor(user=request.user)


class ReadOnlyAdmin(admin.ModelAdmin):
    """To look at: no adding, changing or deleting."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    can_delete = False
    fields = readonly_fields = ("workspace", "user", "role", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Passwords are set by their owner (“Forgot your password?”): nobody types them for others."""

    form = PersonForm
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("is_superuser", "date_joined", "last_login")
    inlines = (MembershipInline,)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The audit trail names them: a person who left is made inactive."""
        return False


class WorkspaceAdminForm(TextsForm, SendingForm, GeneralForm):
    """All settings of a workspace on one page."""

    class Meta(GeneralForm.Meta):
        fields = [*services.WORKSPACE_FIELDS, *services.SENDING_FIELDS]
        labels = GeneralForm.Meta.labels | SendingForm.Meta.labels
        help_texts = GeneralForm.Meta.help_texts | SendingForm.Meta.help_texts


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):
    form = WorkspaceAdminForm
    list_display = ("name", "time_zone", "default_country", "currency", "created_at")
    search_fields = ("name",)
    fields = (*services.WORKSPACE_FIELDS, *services.SENDING_FIELDS, "monthly_budget", "created_at")
    readonly_fields = ("monthly_budget", "created_at")
    inlines = (MembershipInline,)

    def save_model(self, request: HttpRequest, obj: Workspace, form: Any, change: bool) -> None:
        names = (*services.WORKSPACE_FIELDS, *services.SENDING_FIELDS)
        values = {name: form.cleaned_data[name] for name in names}
        services.update_workspace(workspace=obj, actor=actor_of_admin(request), **values)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A workspace needs an owner: make it in Crier itself."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Its ledger says who was texted; that is not deleted by a click."""
        return False


class MembershipForm(ModelForm):
    """Asks the service while the form is checked, so that its refusal stands beside the field."""

    actor: Actor

    class Meta:
        model = Membership
        fields = ("role",)

    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        try:
            services.change_role(membership=self.instance, role=role, actor=self.actor)
        except AccountsError as error:
            raise forms.ValidationError(str(error)) from None
        return role


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    """Joining goes by invitation."""

    form = MembershipForm
    list_display = ("user", "workspace", "role", "created_at")
    list_filter = ("role", "workspace")
    list_select_related = ("user", "workspace")
    search_fields = ("user__email", "workspace__name")
    readonly_fields = ("user", "workspace", "created_at")
    actions = None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("BoundMembershipForm", (form,), {"actor": actor_of_admin(request)})

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Saved by the form's check."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Removing is in the settings of the workspace, where the last owner is protected."""
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Made in the settings or by `create_api_key`, where they are shown once; here they can be revoked."""

    list_display = (
        "name",
        "workspace",
        "role",
        "prefix",
        "created_by",
        "created_at",
        "last_used_at",
        "revoked_at",
    )
    list_filter = ("role", "workspace")
    list_select_related = ("workspace", "created_by")
    search_fields = ("name", "prefix")
    fields = ("workspace", "name", "role", "prefix", "created_by", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description=_("Revoke the selected keys"), permissions=["view"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        actor = actor_of_admin(request)
        refused = 0
        for key in keys.select_related("workspace"):
            try:
                services.revoke_api_key(key=key, actor=actor)
            except AccountsError as error:
                refused += 1
                self.message_user(request, f"{key}: {error}", messages.ERROR)
        if not refused:
            self.message_user(request, _("The keys are refused from now on."), messages.SUCCESS)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("email", "workspace", "role", "invited_by", "created_at", "expires_at", "accepted_at")
    list_filter = ("workspace", "role")
    list_select_related = ("workspace", "invited_by")
    search_fields = ("email",)
    fields = ("workspace", "email", "role", "invited_by", "created_at", "expires_at", "accepted_at")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "workspace", "user", "api_key", "action", "subject", "label")
    list_filter = ("workspace", "subject")
    list_select_related = ("workspace", "user", "api_key")
    search_fields = ("label", "action")
    show_full_result_count = False


@admin.register(Instance)
class InstanceAdmin(ReadOnlyAdmin):
    """A copy is claimed on the page “This copy” or by `claim_instance`."""

    list_display = ("name", "turn", "turned_at", "claimed_at", "claimed_by")
    list_select_related = ("claimed_by",)
    fields = ("name", "place", "turn", "turned_at", "claimed_at", "claimed_by")


@admin.register(ProcessBeat)
class ProcessBeatAdmin(ReadOnlyAdmin):
    list_display = ("kind", "name", "seen_at")
