"""What still refers to a row, the floors above included, without knowing them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from django.db.models import Model, QuerySet

from contacts.models import Recipient

# (people of one workspace, since when) -> whether any of them was texted, or will be.
TextedCheck = Callable[[QuerySet[Recipient], datetime], bool]
_texted_checks: list[TextedCheck] = []


def register_texted_check(check: TextedCheck) -> None:
    """By the app above that sends, when it starts."""
    _texted_checks.append(check)


def was_anybody_texted(people: QuerySet[Recipient], since: datetime) -> bool:
    return any(check(people, since) for check in _texted_checks)


def users_of(row: Model, besides: Collection[str] = ()) -> str:
    """ "broadcasts, imports": what refers to the row, in people's words; "" for nothing.

    `besides`: names of relations that do not count.
    """
    words = []
    for relation in row._meta.related_objects:
        name = relation.get_accessor_name()
        if name is None or name in besides:
            continue
        if relation.related_model._base_manager.filter(**{relation.field.name: row}).exists():
            words.append(str(relation.related_model._meta.verbose_name_plural))
    return ", ".join(sorted(set(words)))
