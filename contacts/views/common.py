"""What the pages of contacts share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from accounts.models import Role, role_allows
from contacts.errors import ContactsError
from contacts.models import Import, RecipientList, UnsubscribeList
from web.toasts import toast

# A poll that is answered with it is the last one.
STOP_POLLING = 286
form_page = require_http_methods(["GET", "HEAD", "POST"])


def lists_of(request: Any) -> QuerySet[RecipientList]:
    return RecipientList.objects.filter(workspace=request.workspace).select_related("workspace", "source")


def unsubscribe_lists_of(request: Any) -> QuerySet[UnsubscribeList]:
    return UnsubscribeList.objects.filter(workspace=request.workspace).select_related("workspace")


def imports_of(request: Any) -> QuerySet[Import]:
    return Import.objects.filter(workspace=request.workspace).select_related(
        "workspace", "list", "unsubscribe_list", "created_by"
    )


def may_change(request: Any) -> bool:
    return role_allows(request.membership.role, Role.MARKETER)


def add_refusal(form: forms.Form, error: ContactsError) -> None:
    """The service's sentence at the field it names, else above the form."""
    form.add_error(error.field if error.field in form.fields else None, str(error.sentence))


def refuse(request: HttpRequest, error: ContactsError, url: str) -> HttpResponseRedirect:
    """Back to a page, which says in words why nothing happened."""
    toast(request, error.sentence, level="error")
    return HttpResponseRedirect(url)


def ids_of(request: HttpRequest, name: str = "selected") -> list[int]:
    """Ids sent by checkboxes; what is no id is left out."""
    return [
        int(raw) for raw in request.POST.getlist(name) if raw.isascii() and raw.isdigit() and len(raw) < 19
    ]
