"""What the admin pages share: who acts, and rows that are only looked at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.access import Actor
from accounts.models import User


def actor_named(user: Any) -> Actor:
    return Actor(user=user if isinstance(user, User) else None)


class LedgerAdmin(admin.ModelAdmin):
    """messaging/ledger.py is its sole writer; and it is too large to be counted for a page."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
