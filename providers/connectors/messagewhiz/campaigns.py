"""Campaigns, document 004: names under which texts are grouped, each for a time or for good.

- PUT changes only what it names, whatever the text says of replacing: the example does.
- DELETE disables: the campaign moves to the list of those that are not enabled.
- `enabled` is written in four ways in the document. All are read; true or false goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from providers.connectors.answers import as_flag, as_rows, as_text
from providers.connectors.base import Connector
from providers.connectors.messagewhiz.envelope import PAGE_ROWS, Enveloped
from providers.connectors.messagewhiz.inputs import (
    given_changes,
    given_id,
    given_name,
    given_time,
    list_query,
)
from providers.connectors.messagewhiz.outputs import (
    Switched,
    all_pages,
    read_id,
    read_switched,
    read_time,
)
from providers.connectors.operations import Ask, operation, wrong_shape
from providers.errors import RequestRefused


@dataclass(frozen=True, slots=True)
class CampaignUser:
    """Who may use a campaign. `company_id` is "" where the answer has null."""

    campaign_id: str
    user_id: str
    company_id: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """Dates are UTC, None where there is no limit. A flag is None where it is not told; `users` come with lists only."""

    id: str
    name: str
    start_date: datetime | None
    end_date: datetime | None
    enabled: bool | None
    is_default: bool | None
    users: tuple[CampaignUser, ...] = ()


class Campaigns(Enveloped):
    """Dates go in with their time zone."""

    @operation("POST", "/api/3/campaign", section="Create a Campaign")
    def create_campaign(
        self, ask: Ask, *, name: str, start_date: datetime | None = None, end_date: datetime | None = None
    ) -> Campaign:
        body = given_changes(
            "The campaign", name=given_name("The campaign", name), **_dates(start_date, end_date)
        )
        return _campaign(self.connector, self.one(ask(json=body)))

    @operation("GET", "/api/3/campaign", section="Get Campaigns")
    def list_campaigns(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
    ) -> tuple[Campaign, ...]:
        """One page: left out, the first 10 that are enabled."""
        answer = ask(query=list_query(limit=limit, start=start, enabled=enabled, name=name))
        return tuple(_campaign(self.connector, row) for row in self.rows(answer))

    def all_campaigns(self, *, enabled: bool = True) -> tuple[Campaign, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector,
            lambda start: self.list_campaigns(limit=PAGE_ROWS, start=start, enabled=enabled),
        )

    @operation("PUT", "/api/3/campaign/{id}", section="Modify a Campaign")
    def update_campaign(
        self,
        ask: Ask,
        *,
        campaign_id: str | int,
        name: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> Campaign:
        """What is left out stays. Raises NotFound."""
        body = given_changes(
            "The campaign",
            name=None if name is None else given_name("The campaign", name),
            **_dates(start_date, end_date),
        )
        return _campaign(self.connector, self.one(ask(path=_path(campaign_id), json=body)))

    @operation("PATCH", "/api/3/campaign/{id}", section="Modify a Campaign")
    def patch_campaign(self, ask: Ask, *, campaign_id: str | int, enabled: bool) -> Switched:
        """Raises NotFound."""
        row = self.one(ask(path=_path(campaign_id), json={"enabled": enabled}))
        return read_switched(self.connector, row)

    @operation("DELETE", "/api/3/campaign/{id}", section="Disable a Campaign")
    def disable_campaign(self, ask: Ask, *, campaign_id: str | int) -> None:
        """Raises NotFound."""
        self.done(ask(path=_path(campaign_id)))


def _path(campaign_id: str | int) -> dict[str, str | int]:
    return {"id": given_id("campaign_id", campaign_id)}


def _dates(start_date: datetime | None, end_date: datetime | None) -> dict[str, str | None]:
    """An early draft of the vendor's document forbids an end before the start."""
    start, end = given_time("start_date", start_date), given_time("end_date", end_date)
    if start_date and end_date and end_date < start_date:
        raise RequestRefused(f"end_date {end} lies before start_date {start}: choose a later one.")
    return {"start_date": start, "end_date": end}


def _campaign(connector: Connector, row: dict[str, Any]) -> Campaign:
    users = as_rows(row.get("userList") or [])
    if users is None:
        raise wrong_shape(connector, "a list of users in userList")
    return Campaign(
        read_id(connector, row),
        as_text(row.get("name")),
        read_time(connector, row, "start_date"),
        read_time(connector, row, "end_date"),
        as_flag(row.get("enabled")),
        as_flag(row.get("is_default")),
        tuple(
            CampaignUser(
                as_text(user.get("campaign_id")),
                as_text(user.get("user_id")),
                as_text(user.get("company_id")),
            )
            for user in users
        ),
    )
