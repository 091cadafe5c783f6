"""The other side: what a vendor's connector gives for each kind of entity that it has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from providers.sync.payloads import Payload

if TYPE_CHECKING:
    from providers.connectors.operations import VendorClient

Client = TypeVar("Client", bound="VendorClient")
P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class RemoteRow(Generic[P]):
    id: str
    payload: P


@dataclass(frozen=True, slots=True)
class Ids:
    """What is linked, by kind of entity: our id to theirs. For references that only ids can name."""

    remote_of: Mapping[str, Mapping[int, str]]

    def remote(self, entity: str, local_id: int) -> str | None:
        return self.remote_of.get(entity, {}).get(local_id)

    def local(self, entity: str, remote_id: str) -> int | None:
        return next(
            (ours for ours, theirs in self.remote_of.get(entity, {}).items() if theirs == remote_id), None
        )


class RemoteSide(ABC, Generic[Client, P]):
    """One kind of entity at one vendor. Every method raises ConnectorError; nothing is tried twice here."""

    entity: ClassVar[str]
    # What the vendor's document has no call for.
    can_list: ClassVar[bool] = True
    can_change: ClassVar[bool] = True
    # What gets lost on the way there, in a sentence; "" where nothing does.
    loses: ClassVar[str] = ""

    def __init__(self, client: Client, ids: Ids) -> None:
        self.client = client
        self.ids = ids

    @abstractmethod
    def rows(self) -> list[RemoteRow[P]]:
        """All, disabled ones too."""

    @abstractmethod
    def create(self, payload: P) -> str:
        """Returns its id there."""

    @abstractmethod
    def change(self, remote_id: str, payload: P) -> None:
        """Makes it what the payload says, whatever it was."""
