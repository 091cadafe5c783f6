"""What still refers to a row, the floors above included, without knowing them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet

# (id of a workspace, rows with an `msisdn`, since when) -> whether any of the numbers was texted, or will be.
TextedCheck = Callable[[int, QuerySet[Any], datetime], bool]
_texted_checks: list[TextedCheck] = []
# (id of a list) -> whether people of it are about to be written into the ledger.
PlanningCheck = Callable[[int], bool]
_planning_checks: list[PlanningCheck] = []


def register_texted_check(check: TextedCheck) -> None:
    """By the app above that sends, when it starts."""
    _texted_checks.append(check)


def was_anybody_texted(workspace_id: int, rows: QuerySet[Any], since: datetime) -> bool:
    return any(check(workspace_id, rows, since) for check in _texted_checks)


def register_planning_check(check: PlanningCheck) -> None:
    """By the app above that launches, when it starts."""
    _planning_checks.append(check)


def is_being_planned(list_id: int) -> bool:
    return any(check(list_id) for check in _planning_checks)


# (id of a workspace, ids of messages) -> their texts by id, where they are known and not erased.
MessageWords = Callable[[int, Collection[int]], dict[int, str]]
_message_words: list[MessageWords] = []


def register_message_words(words: MessageWords) -> None:
    """By the app above that keeps messages, when it starts."""
    _message_words.append(words)


def words_of_messages(workspace_id: int, ids: Collection[int]) -> dict[int, str]:
    """What people answered when they opted out."""
    return (
        {pk: text for words in _message_words for pk, text in words(workspace_id, ids).items()} if ids else {}
    )


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
