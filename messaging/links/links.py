"""Links and link lists: what people manage. The sole writer of both."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.copies import make_copy
from messaging.edited import require_unchanged
from messaging.errors import MessagingError, SeveralErrors
from messaging.links.codes import ALPHABET, ENTRIES
from messaging.links.targets import clean_target, own_hosts, target_host
from messaging.models import UTM_FIELDS, Link, LinkList, LinkListEntry
from web.names import name_problem, stripped_name

# Shorter than a recipient's code, so that neither is taken for the other.
OWN_CODE_LENGTH = 6
NAME_LENGTH = 100
UTM_LENGTH = 100
ADDRESSES = ("url", "bot_redirect", "preview_url", "expired_url")
# One code of a text stands for each link of a list, and other links want theirs.
MAX_LINKS = ENTRIES - 4


def create_link(*, workspace: Workspace, actor: Actor, name: str, url: str, **further: Any) -> Link:
    """`further`: bot_redirect, preview_url, expired_url, expires_at, and the UTM fields. Raises MessagingError."""
    values = clean_link(workspace, {"name": name, "url": url, **further})
    with transaction.atomic():
        link = _saved(Link(workspace=workspace, code=_new_code(), **values))
        record(workspace, actor, "created", link, url=link.url)
    return link


def change_link(*, link: Link, actor: Actor, seen: str = "", **changes: Any) -> Link:
    """Of the same fields. Whoever was sent it already is led by the new ones too. Raises MessagingError.

    `seen`: see messaging.edited.
    """
    values = clean_link(link.workspace, changes)
    changed = {name: value for name, value in values.items() if getattr(link, name) != value}
    if not changed:
        return link
    was = {name: str(getattr(link, name) or "") for name in changed}
    with transaction.atomic():
        require_unchanged(link, seen)
        for name, value in changed.items():
            setattr(link, name, value)
        _saved(link, [*changed, "updated_at"])
        record(
            link.workspace,
            actor,
            "changed",
            link,
            was=was,
            now={name: str(value or "") for name, value in changed.items()},
        )
    return link


def duplicate_link(*, link: Link, actor: Actor) -> Link:
    fields = (*ADDRESSES, *UTM_FIELDS, "expires_at")
    values = {name: getattr(link, name) for name in fields}
    if link.expires_at is not None and link.expires_at <= timezone.now():
        values["expires_at"] = None
    workspace = link.workspace

    def make() -> Link:
        taken = Link.objects.filter(workspace=workspace).values_list("name", flat=True)
        return create_link(workspace=workspace, actor=actor, name=free_name(link.name, taken), **values)

    return make_copy(workspace, make)


def set_link_enabled(*, link: Link, enabled: bool, actor: Actor) -> Link:
    """A disabled one is hidden where one chooses. What was sent goes on leading where it led; its own address does not."""
    with transaction.atomic():
        if Link.objects.filter(pk=link.pk, enabled=not enabled).update(enabled=enabled):
            record(link.workspace, actor, "enabled" if enabled else "disabled", link)
    link.enabled = enabled
    return link


def create_link_list(*, workspace: Workspace, actor: Actor, name: str, links: Sequence[Link]) -> LinkList:
    """In this order. Raises MessagingError."""
    with transaction.atomic():
        link_list = _saved_list(LinkList(workspace=workspace, name=_name(name)))
        _put(link_list, links)
        record(workspace, actor, "created", link_list, links=[link.name for link in links])
    return link_list


def change_link_list(
    *,
    link_list: LinkList,
    actor: Actor,
    name: str | None = None,
    links: Sequence[Link] | None = None,
    seen: str = "",
) -> LinkList:
    """What runs already keeps the links that it began with. `seen`: see messaging.edited. Raises MessagingError."""
    with transaction.atomic():
        require_unchanged(link_list, seen)
        if name is not None and _name(name) != link_list.name:
            link_list.name = _name(name)
        _saved_list(link_list)
        if links is not None:
            link_list.entries.all().delete()
            _put(link_list, links)
        names = [entry.link.name for entry in link_list.entries.select_related("link")]
        record(link_list.workspace, actor, "changed", link_list, links=names)
    return link_list


def duplicate_link_list(*, link_list: LinkList, actor: Actor) -> LinkList:
    workspace = link_list.workspace
    links = [entry.link for entry in link_list.entries.select_related("link")]

    def make() -> LinkList:
        taken = LinkList.objects.filter(workspace=workspace).values_list("name", flat=True)
        name = free_name(link_list.name, taken)
        return create_link_list(workspace=workspace, actor=actor, name=name, links=links)

    return make_copy(workspace, make)


def set_link_list_enabled(*, link_list: LinkList, enabled: bool, actor: Actor) -> LinkList:
    with transaction.atomic():
        if LinkList.objects.filter(pk=link_list.pk, enabled=not enabled).update(enabled=enabled):
            record(link_list.workspace, actor, "enabled" if enabled else "disabled", link_list)
    link_list.enabled = enabled
    return link_list


def free_name(name: str, taken: Any) -> str:
    """`Sale`, if it is taken `Sale 2`, `Sale 3` …"""
    known = {each.casefold() for each in taken}
    number = 2
    while (candidate := f"{name[: NAME_LENGTH - 5]} {number}").casefold() in known:
        number += 1
    return candidate


def clean_link(workspace: Workspace, values: Mapping[str, Any]) -> dict[str, Any]:
    """Any of a link's values, as they are kept. Raises SeveralErrors."""
    clean: dict[str, Any] = {}
    errors: list[MessagingError] = []
    hosts = own_hosts() if any(name in ADDRESSES for name in values) else frozenset()
    for name, value in values.items():
        try:
            clean[name] = _clean_value(name, value, hosts)
        except MessagingError as error:
            errors.append(error)
    if errors:
        raise SeveralErrors(errors)
    return clean


def _clean_value(name: str, value: Any, hosts: frozenset[str]) -> Any:
    if name == "name":
        return _name(value)
    if name in ADDRESSES:
        return clean_target(value, own_hosts=hosts, field=name) if value or name == "url" else ""
    if name in UTM_FIELDS:
        return _utm(name, value)
    if name == "expires_at":
        return cast(datetime | None, value)
    raise TypeError(f"A link has no {name}.")


@dataclass(frozen=True, slots=True)
class Circle:
    """A link of the workspace that would lead to links of Crier's own."""

    link: Link
    url: str


def circle_of(workspace_id: int, host: str) -> Circle | None:
    """The first link of the workspace that leads to this host."""
    contains = Q()
    for name in ADDRESSES:
        contains |= Q(**{f"{name}__icontains": host})
    for link in Link.objects.filter(contains, workspace_id=workspace_id).order_by("id"):
        for name in ADDRESSES:
            url = getattr(link, name)
            if url and target_host(url) == host:
                return Circle(link, url)
    return None


def _name(value: str) -> str:
    name = " ".join(stripped_name(value).split())
    if problem := name_problem(name):
        raise MessagingError(problem, field="name")
    if not name:
        raise MessagingError(_("The name is empty. Give one, such as Summer sale."), field="name")
    if len(name) > NAME_LENGTH:
        raise MessagingError(
            _("The name has %(count)d characters; at most %(most)d fit. Shorten it.")
            % {"count": len(name), "most": NAME_LENGTH},
            field="name",
        )
    return name


def _utm(field: str, value: str) -> str:
    text = str(value or "").strip()
    if len(text) > UTM_LENGTH:
        raise MessagingError(
            _("%(field)s has %(count)d characters; at most %(most)d fit. Shorten it.")
            % {"field": field, "count": len(text), "most": UTM_LENGTH},
            field=field,
        )
    return text


def _saved(link: Link, fields: Sequence[str] | None = None) -> Link:
    try:
        with transaction.atomic():
            link.save(update_fields=fields)
    except IntegrityError:
        raise _taken(_("There is a link “%(name)s” already. Choose another name."), link.name) from None
    return link


def _saved_list(link_list: LinkList) -> LinkList:
    try:
        with transaction.atomic():
            link_list.save()
    except IntegrityError:
        raise _taken(
            _("There is a link list “%(name)s” already. Choose another name."), link_list.name
        ) from None
    return link_list


def _taken(sentence: str, name: str) -> MessagingError:
    return MessagingError(sentence % {"name": name}, field="name", code="name_taken")


def _put(link_list: LinkList, links: Sequence[Link]) -> None:
    chosen = list(links)
    twice = next((link for link in chosen if chosen.count(link) > 1), None)
    if twice is not None:
        sentence = _("The link “%(name)s” stands twice in the list. Name each once: all get equal shares.")
        raise MessagingError(sentence % {"name": twice.name}, field="links", code="link_twice")
    if any(link.workspace_id != link_list.workspace_id for link in chosen):
        raise MessagingError(_("One of the links does not exist in this workspace."), field="links")
    if len(chosen) > MAX_LINKS:
        raise MessagingError(
            _("%(count)d links are too many for a list; at most %(most)d fit. Take some out.")
            % {"count": len(chosen), "most": MAX_LINKS},
            field="links",
        )
    LinkListEntry.objects.bulk_create(
        LinkListEntry(link_list=link_list, link=link, place=place) for place, link in enumerate(chosen)
    )


def _new_code() -> str:
    """That no page has: a link must never hide one."""
    while True:
        code = "".join(secrets.choice(ALPHABET) for _place in range(OWN_CODE_LENGTH))
        if not Link.objects.filter(code=code).exists() and not _is_page(code):
            return code


def _is_page(code: str) -> bool:
    try:
        resolve(f"/{code}/")
    except Resolver404:
        return False
    return True
