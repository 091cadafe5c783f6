"""The other side: what a vendor's connector gives for each kind of entity that it has."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from providers.sync.payloads import Payload

if TYPE_CHECKING:
    from providers.connectors.operations import VendorClient

Client = TypeVar("Client", bound="VendorClient")
P = TypeVar("P", bound=Payload)
Note = Callable[[dict[str, Any]], None]


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
    # Why nothing can be pushed, or pulled, at all, in a sentence; "" where it can.
    push_refusal: ClassVar[str] = ""
    pull_refusal: ClassVar[str] = ""
    # What gets lost on the way there, in a sentence; "" where nothing does.
    loses: ClassVar[str] = ""

    def __init__(self, client: Client, ids: Ids) -> None:
        self.client = client
        self.ids = ids

    def rows(self) -> list[RemoteRow[P]]:
        """All, disabled ones too. Not asked for without `can_list`."""
        raise NotImplementedError

    def remembered(self, remote_id: str, there: Mapping[str, Any], local: P | None) -> RemoteRow[P]:
        """Without `can_list`: what `fill` noted of it. `local`: ours that is linked to it."""
        raise NotImplementedError

    def look_again(self, remote_id: str) -> RemoteRow[P] | None:
        """Behind a push, where that may leave something as it was: how it stands there now. None: as ours."""
        return None

    def create(self, payload: P) -> str:
        """Returns its id there. Not asked for where there is a `push_refusal`, nor are the next two."""
        raise NotImplementedError

    def change(self, remote_id: str, payload: P) -> None:
        """Makes it what the payload says, whatever it was."""
        raise NotImplementedError

    def fill(self, remote_id: str, payload: P, there: dict[str, Any], note: Note) -> None:
        """Behind a creation or change: what takes many requests. `note` keeps how far it got, in `there`, at once."""
