"""What is encrypted at rest, encrypted anew with the newest of CRIER_ENCRYPTION_KEYS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

from providers.crypto import sealed_anew
from providers.models import ProviderAccount


@dataclass(slots=True)
class Rotated:
    """How many rows were encrypted anew, how many had the newest key already, and the ids of those that no key opens."""

    anew: int = 0
    already: int = 0
    unopened: list[int] = field(default_factory=list)


def rotate_column(model: type[Model], column: str) -> Rotated:
    """Row by row, and only over what was read: a row that is saved meanwhile is looked at again. May be run at any time
    and any number of times."""
    rotated = Rotated()
    rows: Any = model._default_manager.exclude(**{column: ""})
    for pk in rows.order_by("pk").values_list("pk", flat=True):
        try:
            if _rotate_row(rows.filter(pk=pk), column):
                rotated.anew += 1
            else:
                rotated.already += 1
        except ImproperlyConfigured:
            rotated.unopened.append(pk)
    return rotated


def _rotate_row(row: Any, column: str) -> bool:
    """Whether it had another key. One that is emptied or gone meanwhile has none to change."""
    while sealed := row.values_list(column, flat=True).first():
        anew = sealed_anew(sealed)
        if anew == sealed:
            return False
        if row.filter(**{column: sealed}).update(**{column: anew}):
            return True
    return False


def opening_problem(account: ProviderAccount) -> str:
    """Why the account's settings cannot be opened, and the remedy; "" where they can."""
    try:
        _opened = account.credentials
    except ImproperlyConfigured as error:
        return str(error)
    return ""
