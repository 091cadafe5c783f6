"""What the admin pages share: who acts, and rows that are only looked at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.access import Actor
from accounts.models import User
from messaging.edited import EditedElsewhere
from messaging.edited_forms import keep_seen
from web.edited import fingerprint
from web.forms import ModelForm


def actor_named(user: Any) -> Actor:
    return Actor(user=user if isinstance(user, User) else None)


class EditedModelForm(ModelForm):
    """Tells who saves what somebody else changed meanwhile; to save again replaces that."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Asked for when the forms of below have said what they begin with.
        self.initial["seen"] = self._now

    def _now(self) -> str:
        shown = {name: self.initial.get(name) for name in self.fields if name != "seen"}
        return fingerprint(shown) if self.instance.pk else ""

    def clean_seen(self) -> str:
        seen, now = str(self.cleaned_data["seen"]), self._now()
        if seen and seen != now:
            error = EditedElsewhere(now)
            keep_seen(self, error)
            self.add_error(None, str(error.sentence))
        return seen


class EditedAdmin(admin.ModelAdmin):
    """Of an EditedModelForm."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        return (*fields, "seen") if obj else fields

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """To be changed, it is locked: Django does all of it in one transaction."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "POST":
            list(self.model._default_manager.select_for_update().filter(pk=found.pk).values_list("pk"))
            found.refresh_from_db()
        return found


class LedgerAdmin(admin.ModelAdmin):
    """messaging/ledger.py is its sole writer; and it is too large to be counted for a page."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
