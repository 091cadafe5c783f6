"""Which entities can be kept in step: each app above registers its own, in its sync.py."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from django.utils.functional import Promise

from accounts.access import Actor
from accounts.models import Workspace
from providers.models import ProviderAccount
from providers.sync.payloads import Payload


class SyncRefusedError(Exception):
    """Our side does not take what the other has, or cannot give what it wants. str(error) says why, and the remedy."""


@dataclass(frozen=True, slots=True)
class LocalRow:
    id: int
    payload: Payload


class Entity(ABC):
    """One kind of entity on our side. All methods stay within the workspace."""

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    # In the audit trail: after each change written there what is linked is pushed by itself. "": pushed by hand.
    subject: ClassVar[str] = ""
    # Kinds that it refers to: they are pushed and pulled first.
    after: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def rows(self, workspace: Workspace) -> list[LocalRow]:
        """All of the workspace, disabled ones too, by id."""

    @abstractmethod
    def row(self, workspace: Workspace, local_id: int) -> LocalRow | None:
        """None where it is gone."""

    @abstractmethod
    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        """Returns its id. Raises SyncRefusedError."""

    @abstractmethod
    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        """Makes it what the payload says. Raises SyncRefusedError."""

    # Most kinds are of the workspace, wherever they came from.
    def bind(self, workspace: Workspace, local_id: int, account: ProviderAccount, actor: Actor) -> None:  # noqa: B027
        """It was just pulled from there."""


_ENTITIES: dict[str, Entity] = {}


def register(entity: Entity) -> None:
    if entity.name in _ENTITIES:
        raise ValueError(f"{entity.name} is registered already")
    _ENTITIES[entity.name] = entity


def entities() -> dict[str, Entity]:
    """By name, each behind those that it refers to."""
    ordered: dict[str, Entity] = {}

    def add(entity: Entity) -> None:
        for before in entity.after:
            if before in _ENTITIES:
                add(_ENTITIES[before])
        ordered.setdefault(entity.name, entity)

    for entity in _ENTITIES.values():
        add(entity)
    return ordered


def entity_of_subject(subject: str) -> str:
    """Its name; "" where changes of it are not followed."""
    return next((entity.name for entity in _ENTITIES.values() if subject and entity.subject == subject), "")


def entity_of(name: str) -> Entity:
    """Raises KeyError."""
    return _ENTITIES[name]
