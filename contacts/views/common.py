"""What the pages of contacts share."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.views.decorators.http import require_http_methods

from accounts.models import Role, role_allows
from contacts.errors import ContactsError
from contacts.filter_forms import FilterForm
from contacts.models import Import, RecipientList, UnsubscribeList
from contacts.people import Counted
from web import posted
from web.posted import ids_in
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
        "workspace", "list", "unsubscribe_list", "created_by", "api_key"
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
    return ids_in(request.POST, name)


def count_in(data: QueryDict, name: str) -> int:
    """0 where it is no count."""
    return posted.number_in(data, name, 11) or 0


def number_in(data: QueryDict, name: str) -> str:
    raw = data.get(name, "")
    return raw if raw.isascii() and raw.isdigit() and len(raw) <= 15 else ""


def counted_in(data: QueryDict) -> Counted:
    """How far counting is, as the address says."""
    return Counted(count_in(data, "found"), count_in(data, "looked"), number_in(data, "after"))


def address_of(asked: FilterForm, **more: Any) -> str:
    return "?" + "&".join(filter(None, (asked.query, urlencode(more))))


def address_of_counted(asked: FilterForm, counted: Counted, **more: Any) -> str:
    """Where to count on; "" when all are counted."""
    stand = {"found": counted.found, "looked": counted.looked, "after": counted.edge}
    return address_of(asked, **more, **stand) if counted.edge and not asked.error else ""
