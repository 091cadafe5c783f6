"""Lists of people at Mobiz, its data lists: made and added to. Document 003 has no call that reads, renames, disables or
empties one, so what is there is what was pushed.

A call appends up to 10,000 rows. How far a push got is kept behind each, so that one that is cut short goes on from
there; of a call whose answer was lost it is not known, and its rows are sent again: Mobiz may have them twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.connectors.mobiz.client import LIST_ROWS_MOST, ColumnType, MobizClient
from providers.errors import CapabilityError
from providers.sync.payloads import PeoplePayload, PersonRow
from providers.sync.remotes import Note, RemoteRow, RemoteSide

COLUMNS: dict[str, ColumnType] = {
    "Number": "msisdn",
    "first_name": "text",
    "last_name": "text",
    "email": "text",
}


class RecipientListSide(RemoteSide[MobizClient, PeoplePayload]):
    entity = "recipient_list"
    can_list = False
    pull_refusal = "Mobiz has no call that reads a list: lists are pushed alone."
    loses = (
        "Number, first name, last name and e-mail are sent; further columns stay here. People are added there, never changed"
        " or taken off; a list is neither renamed nor disabled there."
    )

    def remembered(
        self, remote_id: str, there: Mapping[str, Any], local: PeoplePayload | None
    ) -> RemoteRow[PeoplePayload]:
        name = there.get("name") or (local.name if local else remote_id)
        return RemoteRow(remote_id, PeoplePayload(name=str(name), count=int(there.get("count", 0))))

    def create(self, payload: PeoplePayload) -> str:
        self._check(payload)
        return self.client.create_list(name=payload.name, columns=COLUMNS).list_id

    def change(self, remote_id: str, payload: PeoplePayload) -> None:
        """All that can be done to it is to add people: see `fill`."""
        self._check(payload)

    def fill(self, remote_id: str, payload: PeoplePayload, there: dict[str, Any], note: Note) -> None:
        known: dict[str, Any] = {"name": payload.name, "count": 0, "mark": 0} | there
        note(known)
        while rows := _next_rows(payload, known):
            self.client.append_to_list(list_id=remote_id, rows=[_row(person) for person in rows])
            known = known | {"count": known["count"] + len(rows), "mark": rows[-1].mark}
            note(known)
        if known["name"] != payload.name:
            raise CapabilityError(
                f"Mobiz has no call that renames a list: it is “{known['name']}” there. Its people are up to date."
            )

    def _check(self, payload: PeoplePayload) -> None:
        if not payload.enabled:
            raise CapabilityError("Mobiz has no call that disables a list: enable it here, or unlink it.")


def _next_rows(payload: PeoplePayload, known: Mapping[str, Any]) -> list[PersonRow]:
    return payload.people(known["mark"], LIST_ROWS_MOST) if payload.people else []


def _row(person: PersonRow) -> dict[str, str]:
    """Empty ones are left out."""
    cells = {
        "Number": person.msisdn,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
    }
    return {name: value for name, value in cells.items() if value}


SIDES: tuple[type[RemoteSide[Any, Any]], ...] = (RecipientListSide,)
