"""What still refers to a row, the floors above included, without knowing them."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Model


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
