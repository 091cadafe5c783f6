"""“Links” of document 004: addresses that a text names by {{link:ID}} and that are shortened and counted.

- A PUT changes what it names and keeps the rest, as its example does.
- The header of “Monitor link conversion” is printed `apiley`: a slip, `apikey` goes out.
- `conversion` is a number here; a text is read, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from providers.connectors.answers import as_flag, as_number, as_text
from providers.connectors.messagewhiz.envelope import PAGE_ROWS, Enveloped
from providers.connectors.messagewhiz.inputs import given_changes, given_id, given_name, list_query
from providers.connectors.messagewhiz.outputs import all_pages, read_id
from providers.connectors.messagewhiz.read import amount_of, number_of, object_of
from providers.connectors.messagewhiz.written import Id, filled, given, one_of, shown
from providers.connectors.operations import Ask, operation
from providers.errors import RequestRefused

MAX_URL = 2000  # characters that are kept of an answer's
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


@dataclass(frozen=True, slots=True)
class Link:
    """`bot_redirect`: where people on a PC are sent; `preview_url`: what previews show. Both are "" and `type` is None
    where the answer does not tell, as in the list."""

    id: str
    name: str
    url: str
    enabled: bool | None
    type: int | None = None
    bot_redirect: str = ""
    preview_url: str = ""


@dataclass(frozen=True, slots=True)
class LinkConversion:
    """Of an address over all texts: unique clicks, and their share of the recipients in per cent."""

    conversion: Decimal
    total_recipients: int
    clicks: int


class Links(Enveloped):
    """Five operations."""

    @operation("POST", "/api/3/link", section="Create a Link")
    def create_link(
        self, ask: Ask, *, name: str, url: str, bot_redirect: str = "", preview_url: str = ""
    ) -> Link:
        body: dict[str, Any] = {"name": given_name("The link", name), "url": uri("url", url)}
        if platform := _platform(bot_redirect, preview_url):
            body["platform_based_links"] = platform
        return self._link(self.one(ask(json=body)))

    @operation("GET", "/api/3/link", section="Get Links")
    def list_links(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
        url: str = "",
    ) -> tuple[Link, ...]:
        """One page: left out, the first 10 that are enabled. By name or by address, not both."""
        by = given({"name": name, "url": url})
        query = list_query(limit=limit, start=start, enabled=enabled, name="")
        if by:
            query["filter"] = f"{one_of(**by)}={name or url}"
        return tuple(self._link(row) for row in self.rows(ask(query=query)))

    def all_links(self, *, enabled: bool = True) -> tuple[Link, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector, lambda start: self.list_links(limit=PAGE_ROWS, start=start, enabled=enabled)
        )

    @operation("PUT", "/api/3/link/{id}", section="Modify a Link")
    def update_link(
        self,
        ask: Ask,
        *,
        link_id: Id,
        name: str | None = None,
        url: str | None = None,
        bot_redirect: str = "",
        preview_url: str = "",
    ) -> Link:
        """Changes what is given. The addresses for PCs and previews go together: give both to keep both."""
        body = given_changes(
            "The link",
            name=None if name is None else given_name("The link", name),
            url=None if url is None else uri("url", url),
            platform_based_links=_platform(bot_redirect, preview_url) or None,
        )
        return self._link(self.one(ask(path={"id": given_id("link_id", link_id)}, json=body)))

    @operation("DELETE", "/api/3/link/{id}", section="Disable a Link")
    def disable_link(self, ask: Ask, *, link_id: Id) -> None:
        self.done(ask(path={"id": given_id("link_id", link_id)}))

    @operation("POST", "/api/3/details/linkConversion", section="Monitor link conversion")
    def get_link_conversion(self, ask: Ask, *, url: str) -> LinkConversion:
        """The document's example asks without http:// in front."""
        row = object_of(self.connector, self.result(ask(json={"url": filled("url", url)})))
        return LinkConversion(
            amount_of(self.connector, row, "conversion"),
            number_of(self.connector, row, "totalRecipients"),
            number_of(self.connector, row, "clicks"),
        )

    # --- answers ----------------------------------------------------------------------------------

    def _link(self, row: dict[str, Any]) -> Link:
        platform = row.get("platform_based_links")
        platform = platform if isinstance(platform, dict) else {}
        return Link(
            read_id(self.connector, row),
            as_text(row.get("name")),
            as_text(row.get("url"), MAX_URL),
            as_flag(row.get("enabled")),
            as_number(row.get("type")),
            as_text(platform.get("bot_redirect"), MAX_URL),
            as_text(platform.get("preview_url"), MAX_URL),
        )


def uri(name: str, value: str) -> str:
    """ "The URI format". Raises RequestRefused."""
    if not URI.fullmatch(value):
        raise RequestRefused(f"{name} is {shown(value)}: write the whole address, https:// in front.")
    return value


def _platform(bot_redirect: str, preview_url: str) -> dict[str, str]:
    addresses = given({"bot_redirect": bot_redirect, "preview_url": preview_url})
    return {name: uri(name, address) for name, address in addresses.items()}
