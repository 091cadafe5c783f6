"""Copies, whose names nobody chose: a name that is taken meanwhile is no reason to refuse one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from accounts.models import Workspace
from messaging.errors import MessagingError

Row = TypeVar("Row")
TRIES = 5


def make_copy(workspace: Workspace, make: Callable[[], Row]) -> Row:
    """`make` finds a free name and saves the row. Copies of a workspace are made one after the other; where a person takes
    the name in between, the next one is tried.
    """
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
                return make()
        except MessagingError as error:
            if error.code != "name_taken" or not left:
                raise
    raise AssertionError("The last try returns or raises.")
