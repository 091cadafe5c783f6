"""The hidden field by which a form knows what its person saw; see messaging/edited.py."""

from __future__ import annotations

from typing import Any

from django import forms

from messaging.edited import EditedElsewhere
from messaging.errors import MessagingError


def seen_field() -> forms.CharField:
    return forms.CharField(required=False, widget=forms.HiddenInput)


def keep_seen(form: forms.BaseForm, error: MessagingError) -> None:
    """Whoever was told that the row was changed elsewhere, and saves again, knows it."""
    if isinstance(error, EditedElsewhere):
        data: Any = form.data.copy()  # type: ignore[attr-defined]  # of a POST
        data["seen"] = error.seen
        form.data = data
