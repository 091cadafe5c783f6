"""MessageWhiz's side of what is kept in step: campaigns, senders, lists, links, spinners, templates.

- Lists of the vendor tell either what is enabled or what is not: both are read.
- A link's addresses for PCs and previews are taken, but told by no list: they are not compared. They go together, and no
  call empties them.
- Links and templates can be disabled, and not enabled again: the document has no call for it.
- A link list is changed link by link: its file import would make the links anew.
- A campaign's day can be moved, not taken away; a recipient list can be disabled, not enabled again; an unsubscribe list
  is never renamed: no call does it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any, Generic, TypeVar

from providers.connectors.messagewhiz.client import MessageWhizClient
from providers.connectors.operations import Upload
from providers.errors import CapabilityError
from providers.sync.payloads import (
    UNTOLD,
    CampaignPayload,
    LinkListPayload,
    LinkPayload,
    Payload,
    PeoplePayload,
    SenderListPayload,
    SenderPayload,
    SpinnerPayload,
    TemplatePayload,
)
from providers.sync.remotes import RemoteRow, RemoteSide

# Numbers of one request.
NUMBERS_AT_ONCE = 10_000
# Tokens that name something by its id: kind of token, kind of entity.
_BY_ID = {"link": "link", "link_list": "link_list", "word_spinner": "word_spinner"}
_TOKEN = re.compile(r"\{\{\s*(link|link_list|word_spinner)\s*:\s*([0-9]+)\s*\}\}")

P = TypeVar("P", bound=Payload)


class _Side(RemoteSide[MessageWhizClient, P], Generic[P]):
    def _both(
        self, read: Callable[[bool], Iterable[Any]], payload: Callable[[Any, bool], P]
    ) -> list[RemoteRow[P]]:
        """`read`: those that are enabled, or the others."""
        rows: dict[str, RemoteRow[P]] = {}
        for enabled in (True, False):
            for row in read(enabled):
                rows.setdefault(row.id, RemoteRow(row.id, payload(row, enabled)))
        return list(rows.values())

    def _row(self, remote_id: str) -> RemoteRow[P] | None:
        return next((row for row in self.rows() if row.id == remote_id), None)


class CampaignSide(_Side[CampaignPayload]):
    entity = "campaign"
    loses = (
        "Its days are sent, and compared, as days of UTC. A first or last day that it has there cannot be taken away"
        " again, only moved."
    )

    def rows(self) -> list[RemoteRow[CampaignPayload]]:
        return self._both(
            lambda enabled: self.client.all_campaigns(enabled=enabled),
            lambda row, enabled: CampaignPayload(
                name=row.name, enabled=enabled, starts_on=_day(row.start_date), ends_on=_day(row.end_date)
            ),
        )

    def create(self, payload: CampaignPayload) -> str:
        made = self.client.create_campaign(name=payload.name, **_dates(payload))
        if not payload.enabled:
            self.client.patch_campaign(campaign_id=made.id, enabled=False)
        return made.id

    def change(self, remote_id: str, payload: CampaignPayload) -> None:
        now = self.client.update_campaign(campaign_id=remote_id, name=payload.name, **_dates(payload))
        self.client.patch_campaign(campaign_id=remote_id, enabled=payload.enabled)
        left = {"first": now.start_date, "last": now.end_date}
        wanted = {"first": payload.starts_on, "last": payload.ends_on}
        for which, at in left.items():
            if at is not None and wanted[which] is None:
                raise CapabilityError(
                    f"MessageWhiz has no call that takes a campaign's {which} day away: it is {_day(at)} there. Take it"
                    " away there, or choose a day here. All else is up to date."
                )


class SenderSide(_Side[SenderPayload]):
    entity = "sender"

    def rows(self) -> list[RemoteRow[SenderPayload]]:
        return self._both(
            lambda enabled: self.client.all_senders(enabled=enabled),
            lambda row, enabled: SenderPayload(name=row.name, enabled=enabled),
        )

    def create(self, payload: SenderPayload) -> str:
        made = self.client.create_sender(name=payload.name)
        if not payload.enabled:
            self.client.patch_sender(sender_id=made.id, enabled=False)
        return made.id

    def change(self, remote_id: str, payload: SenderPayload) -> None:
        self.client.update_sender(sender_id=remote_id, name=payload.name, enabled=payload.enabled)


class SenderListSide(_Side[SenderListPayload]):
    entity = "sender_list"
    loses = "It takes a sender at random for each message: “the same for each person” stays here."

    def rows(self) -> list[RemoteRow[SenderListPayload]]:
        return self._both(
            lambda enabled: self.client.all_sender_lists(enabled=enabled),
            lambda row, enabled: SenderListPayload(
                name=row.name, enabled=enabled, senders=self._senders(row.id)
            ),
        )

    def _senders(self, list_id: str) -> frozenset[str]:
        return frozenset(sender.name for sender in self.client.list_senders_in_list(list_id=list_id))

    def _ids_of(self, payload: SenderListPayload) -> list[str]:
        """Senders that are not there yet are made."""
        known = {sender.name: sender.id for sender in self.client.all_senders()}
        return [
            known.get(name) or self.client.create_sender(name=name).id for name in sorted(payload.senders)
        ]

    def create(self, payload: SenderListPayload) -> str:
        made = self.client.create_sender_list(name=payload.name, sender_ids=self._ids_of(payload))
        if not payload.enabled:
            self.client.patch_sender_list(list_id=made.id, enabled=False)
        return made.id

    def change(self, remote_id: str, payload: SenderListPayload) -> None:
        """A change takes at least one sender: those of a list that shall be empty are taken off one by one."""
        self.client.update_sender_list(
            list_id=remote_id,
            name=payload.name,
            sender_ids=self._ids_of(payload) or None,
            enabled=payload.enabled,
        )
        if not payload.senders:
            for sender in self.client.list_senders_in_list(list_id=remote_id):
                self.client.remove_sender_from_list(list_id=remote_id, sender_id=sender.sender_id)


class LinkSide(_Side[LinkPayload]):
    entity = "link"
    loses = (
        "UTM parameters, expiry and our own short code stay here. Addresses for PCs and previews are sent, but not told"
        " back: they are not compared, and cannot be emptied there."
    )

    def rows(self) -> list[RemoteRow[LinkPayload]]:
        return self._both(
            lambda enabled: self.client.all_links(enabled=enabled),
            lambda row, enabled: LinkPayload(
                name=row.name,
                enabled=enabled,
                url=row.url,
                bot_redirect=row.bot_redirect or UNTOLD,
                preview_url=row.preview_url or UNTOLD,
            ),
        )

    def create(self, payload: LinkPayload) -> str:
        made = self.client.create_link(
            name=payload.name,
            url=payload.url,
            **_platform(payload),
        )
        if not payload.enabled:
            self.client.disable_link(link_id=made.id)
        return made.id

    def change(self, remote_id: str, payload: LinkPayload) -> None:
        now = next((row.payload for row in self.rows() if row.id == remote_id), None)
        if now is not None and payload.enabled and not now.enabled:
            raise CapabilityError(
                "MessageWhiz has no call that enables a link again: unlink it, and push it anew."
            )
        self.client.update_link(link_id=remote_id, name=payload.name, url=payload.url, **_platform(payload))
        if not payload.enabled:
            self.client.disable_link(link_id=remote_id)


class LinkListSide(_Side[LinkListPayload]):
    entity = "link_list"

    def rows(self) -> list[RemoteRow[LinkListPayload]]:
        return self._both(
            lambda enabled: self.client.all_link_lists(enabled=enabled),
            lambda row, enabled: LinkListPayload(
                name=row.name, enabled=enabled, urls=frozenset(self._urls(row.id))
            ),
        )

    def _urls(self, list_id: str) -> dict[str, str]:
        """The id of each link by its address."""
        return {link.url: link.link_id for link in self.client.list_links_in_list(list_id=list_id)}

    def _ids_of(self, urls: Iterable[str]) -> list[str]:
        known = {link.url: link.id for link in self.client.all_links()}
        missing = sorted(url for url in urls if url not in known)
        if missing:
            raise CapabilityError(f"{missing[0]} is no link at MessageWhiz yet: push the list's links first.")
        return [known[url] for url in sorted(urls)]

    def create(self, payload: LinkListPayload) -> str:
        made = self.client.create_link_list(name=payload.name, link_ids=self._ids_of(payload.urls))
        if not payload.enabled:
            self.client.patch_link_list(list_id=made.id, enabled=False)
        return made.id

    def change(self, remote_id: str, payload: LinkListPayload) -> None:
        now = self._urls(remote_id)
        if new := self._ids_of(payload.urls - now.keys()):
            self.client.add_links_to_list(list_id=remote_id, link_ids=new)
        for url in sorted(now.keys() - payload.urls):
            self.client.remove_link_from_list(list_id=remote_id, link_id=now[url])
        self.client.patch_link_list(list_id=remote_id, enabled=payload.enabled)
        names = {row.id: row.payload.name for row in self.rows()}
        if names.get(remote_id, payload.name) != payload.name:
            raise CapabilityError(
                "MessageWhiz renames a link list by a file alone, which makes its links anew: rename it there."
            )


class SpinnerSide(_Side[SpinnerPayload]):
    entity = "word_spinner"
    loses = "All words come equally often there: weights stay here."

    def rows(self) -> list[RemoteRow[SpinnerPayload]]:
        return self._both(
            lambda enabled: self.client.all_word_spinners(enabled=enabled),
            lambda row, enabled: SpinnerPayload(name=row.name, enabled=enabled, words=frozenset(row.words)),
        )

    def create(self, payload: SpinnerPayload) -> str:
        made = self.client.create_word_spinner(name=payload.name, words=sorted(payload.words))
        if not payload.enabled:
            self.client.patch_word_spinner(spinner_id=made.id, enabled=False)
        return made.id

    def change(self, remote_id: str, payload: SpinnerPayload) -> None:
        self.client.update_word_spinner(spinner_id=remote_id, name=payload.name, words=sorted(payload.words))
        self.client.patch_word_spinner(spinner_id=remote_id, enabled=payload.enabled)


class TemplateSide(_Side[TemplatePayload]):
    entity = "template"
    loses = "Defaults of tokens are not known there."

    def rows(self) -> list[RemoteRow[TemplatePayload]]:
        return self._both(
            lambda enabled: self.client.all_templates(enabled=enabled),
            lambda row, enabled: TemplatePayload(name=row.name, enabled=enabled, body=self._ours(row.body)),
        )

    def create(self, payload: TemplatePayload) -> str:
        made = self.client.create_template(name=payload.name, body=self._theirs(payload.body))
        if not payload.enabled:
            self.client.disable_template(template_id=made.id)
        return made.id

    def change(self, remote_id: str, payload: TemplatePayload) -> None:
        now = next((row.payload for row in self.rows() if row.id == remote_id), None)
        if now is not None and payload.enabled and not now.enabled:
            raise CapabilityError(
                "MessageWhiz has no call that enables a template again: unlink it, and push it anew."
            )
        self.client.update_template(template_id=remote_id, name=payload.name, body=self._theirs(payload.body))
        if not payload.enabled:
            self.client.disable_template(template_id=remote_id)

    def _theirs(self, body: str) -> str:
        """With the ids that the vendor has for what our tokens name."""

        def replaced(token: re.Match[str]) -> str:
            remote = self.ids.remote(_BY_ID[token[1]], int(token[2]))
            if remote is None:
                raise CapabilityError(
                    f"{token[0]} is not at MessageWhiz yet: push it, or link it to one there, before the template."
                )
            return f"{{{{{token[1]}:{remote}}}}}"

        return _TOKEN.sub(replaced, body)

    def _ours(self, body: str) -> str:
        """A token of something that is not linked keeps the vendor's id, and so differs."""

        def replaced(token: re.Match[str]) -> str:
            local = self.ids.local(_BY_ID[token[1]], token[2])
            return (
                f"{{{{{token[1]}:{local}}}}}" if local is not None else f"{{{{{token[1]}:there {token[2]}}}}}"
            )

        return _TOKEN.sub(replaced, body)


class RecipientListSide(_Side[PeoplePayload]):
    """Numbers alone: names and columns of people stay here."""

    entity = "recipient_list"
    loses = (
        "Numbers alone are sent: names and further columns stay here. A list that is disabled is disabled there and else"
        " left as it is; it cannot be enabled there again."
    )

    def rows(self) -> list[RemoteRow[PeoplePayload]]:
        return self._both(
            lambda enabled: self.client.all_recipient_lists(enabled=enabled),
            lambda row, enabled: PeoplePayload(
                name=row.name, enabled=enabled, count=row.count or 0, numbers=self._numbers(row.id)
            ),
        )

    def _numbers(self, list_id: str) -> Callable[[], Iterator[str]]:
        return lambda: iter(self.client.list_recipient_numbers(list_id=list_id))

    def create(self, payload: PeoplePayload) -> str:
        made = self.client.import_recipient_list(
            name=payload.name, mapping={0: "phone_number"}, doc=_file(payload)
        )
        if not payload.enabled:
            self.client.disable_recipient_list(list_id=made.recipient_list_id)
        return made.recipient_list_id

    def change(self, remote_id: str, payload: PeoplePayload) -> None:
        now = self._row(remote_id)
        if now is not None and payload.enabled and not now.payload.enabled:
            raise CapabilityError(
                "MessageWhiz has no call that enables a recipient list again: unlink it, and push it anew."
            )
        if not payload.enabled:
            self.client.disable_recipient_list(list_id=remote_id)
            return
        self.client.replace_recipient_list(
            list_id=remote_id, name=payload.name, mapping={0: "phone_number"}, doc=_file(payload)
        )

    def look_again(self, remote_id: str) -> RemoteRow[PeoplePayload] | None:
        return self._row(remote_id)


class UnsubscribeListSide(_Side[PeoplePayload]):
    """Only ever added to, there as here: nobody is taken off such a list by keeping it in step."""

    entity = "unsubscribe_list"
    loses = "Numbers are added there, never taken off; a list is not renamed there."

    def rows(self) -> list[RemoteRow[PeoplePayload]]:
        return self._both(
            lambda enabled: self.client.all_unsubscribe_lists(enabled=enabled),
            lambda row, enabled: PeoplePayload(
                name=row.name,
                enabled=enabled,
                count=row.unsubscribers_amount or 0,
                numbers=self._numbers(row.id),
            ),
        )

    def _numbers(self, list_id: str) -> Callable[[], Iterator[str]]:
        return lambda: iter(self.client.list_unsubscribed_numbers(list_id=list_id))

    def create(self, payload: PeoplePayload) -> str:
        numbers = _numbers_of(payload)
        first = list(islice(numbers, NUMBERS_AT_ONCE))
        if not first:
            raise CapabilityError("MessageWhiz takes no unsubscribe list without a number: add one first.")
        made = self.client.create_unsubscribe_list(name=payload.name, numbers=first)
        self._add(made.id, numbers)
        if not payload.enabled:
            self.client.patch_unsubscribe_list(list_id=made.id, enabled=False)
        return made.id

    def change(self, remote_id: str, payload: PeoplePayload) -> None:
        self._add(remote_id, _numbers_of(payload))
        self.client.patch_unsubscribe_list(list_id=remote_id, enabled=payload.enabled)

    def look_again(self, remote_id: str) -> RemoteRow[PeoplePayload] | None:
        return self._row(remote_id)

    def _add(self, remote_id: str, numbers: Iterator[str]) -> None:
        while some := list(islice(numbers, NUMBERS_AT_ONCE)):
            self.client.add_unsubscribed_numbers(list_id=remote_id, numbers=some)


SIDES: tuple[type[RemoteSide[Any, Any]], ...] = (
    CampaignSide,
    SenderSide,
    SenderListSide,
    LinkSide,
    LinkListSide,
    SpinnerSide,
    TemplateSide,
    RecipientListSide,
    UnsubscribeListSide,
)


def _platform(payload: LinkPayload) -> dict[str, str]:
    given = {"bot_redirect": payload.bot_redirect, "preview_url": payload.preview_url}
    return {name: url for name, url in given.items() if isinstance(url, str)}


def _day(at: datetime | None) -> date | None:
    return at.astimezone(UTC).date() if at is not None else None


def _dates(payload: CampaignPayload) -> dict[str, datetime]:
    """From the beginning of the first day to the end of the last one. Days that are not set are left as they are."""
    found = {}
    if payload.starts_on:
        found["start_date"] = datetime.combine(payload.starts_on, time.min, UTC)
    if payload.ends_on:
        found["end_date"] = datetime.combine(payload.ends_on, time(23, 59, 59), UTC)
    return found


def _numbers_of(payload: PeoplePayload) -> Iterator[str]:
    return payload.numbers() if payload.numbers else iter(())


def _file(payload: PeoplePayload) -> Upload:
    """One column, with its name above."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["phone_number"])
    writer.writerows([number] for number in _numbers_of(payload))
    return Upload("recipients.csv", text.getvalue().encode(), "text/csv")
