"""The menu “Insert a token”: groups of what can stand in a text. Who has more to offer hands a group in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts.models import RecipientList
from messaging.content import AVAILABLE
from messaging.links.tokens import link_list_token, link_token
from messaging.models import Link, LinkList, WordSpinner
from messaging.texts.spinners import token_of
from messaging.tokens import (
    CALLBACK_LINK,
    FIELD,
    FIELD_NAMES,
    FIELD_TOKENS,
    LINK,
    LINK_LIST,
    SPECIAL,
    SPECIAL_TOKENS,
    WORD_SPINNER,
)
from messaging.webhooks.endpoints import wants
from messaging.webhooks.events import LINK_CLICKED

Row = TypeVar("Row", Link, LinkList)
# Of a group; the others stand on their own page.
MOST_ITEMS = 50
# Companies have hundreds, and the composer carries the menu: the newest are what one writes about.
MOST_LINKS = 15


@dataclass(frozen=True, slots=True)
class MenuItem:
    """`insert` goes into the text; an item with `href` leads there instead."""

    label: str | Promise
    insert: str = ""
    sample: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """`kinds`: tokens by id that the group offers by name, so that the menu need not offer them as {{kind:ID}}."""

    label: str | Promise
    items: Sequence[MenuItem]
    kinds: frozenset[str] = frozenset()


def token_menu(columns: Iterable[str], groups: Sequence[MenuGroup] = ()) -> list[MenuGroup]:
    """`columns`: names of further columns. Groups without items are left out."""
    by_name = frozenset[str]().union(*(group.kinds for group in groups))
    fields = [MenuItem(info.label, info.written, info.sample) for info in FIELD_TOKENS]
    further = [MenuItem(name, f"{{{{{name}}}}}") for name in sorted(set(columns) - FIELD_NAMES)]
    special = [
        MenuItem(info.label, info.written, info.sample)
        for info in SPECIAL_TOKENS
        if info.name in AVAILABLE and info.name not in by_name
    ]
    menu = [
        MenuGroup(_("Recipient"), fields if FIELD in AVAILABLE else []),
        MenuGroup(_("Columns of your lists"), further),
        MenuGroup(_("Other"), special),
        *groups,
    ]
    return [group for group in menu if group.items]


def spinner_group(workspace: Workspace) -> MenuGroup:
    """The enabled spinners by name; a link to make one where there is none, or to all where there are too many."""
    rows = WordSpinner.objects.filter(workspace=workspace, enabled=True).order_by("name")[: MOST_ITEMS + 1]
    spinners = list(rows)
    items = [MenuItem(row.name, token_of(row)) for row in spinners[:MOST_ITEMS]]
    if not spinners:
        items.append(MenuItem(_("Make a word spinner"), href=reverse("spinner-new")))
    elif len(spinners) > MOST_ITEMS:
        items.append(MenuItem(_("All word spinners"), href=reverse("spinner-list")))
    return MenuGroup(_("Word spinners"), items, frozenset({WORD_SPINNER}))


def named_groups(workspace: Workspace) -> list[MenuGroup]:
    """All that is offered by name rather than by id."""
    return [*link_groups(workspace), callback_group(workspace), spinner_group(workspace)]


def callback_group(workspace: Workspace) -> MenuGroup:
    """The link whose clicks a program is told of; where none is, the page on which one is named."""
    info = SPECIAL[CALLBACK_LINK]
    item = (
        MenuItem(info.label, info.written, info.sample)
        if wants(workspace.pk, LINK_CLICKED)
        else MenuItem(_("Set up a webhook"), href=reverse("settings-webhooks"))
    )
    return MenuGroup(_("Links with callback"), [item], frozenset({CALLBACK_LINK}))


def link_groups(workspace: Workspace) -> list[MenuGroup]:
    """The links and link lists changed last, by name; a link to make one where there is none."""
    links = _newest(_leading(Link.objects.filter(workspace=workspace)))
    lists = _newest(
        LinkList.objects.filter(workspace=workspace, enabled=True, links__isnull=False).distinct()
    )
    link_items = [MenuItem(row.name, link_token(row)) for row in _by_name(links)]
    list_items = [MenuItem(row.name, link_list_token(row)) for row in _by_name(lists)]
    if not links:
        link_items.append(MenuItem(_("Make a link"), href=reverse("link-new")))
    elif len(links) > MOST_LINKS:
        link_items.append(MenuItem(_("All links"), href=reverse("link-list")))
    if len(lists) > MOST_LINKS:
        list_items.append(MenuItem(_("All link lists"), href=reverse("link-list-list")))
    return [
        MenuGroup(_("Links"), link_items, frozenset({LINK})),
        MenuGroup(_("Link lists"), list_items, frozenset({LINK_LIST})),
    ]


def _leading(links: QuerySet[Link]) -> QuerySet[Link]:
    """Those that a text can go out with."""
    return links.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), enabled=True)


def _newest(rows: QuerySet[Row]) -> list[Row]:
    """One more than is offered, so that one sees whether there are more."""
    return list(rows.order_by("-updated_at", "-pk")[: MOST_LINKS + 1])


def _by_name(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows[:MOST_LINKS], key=lambda row: row.name.casefold())


def columns_of(workspace: Workspace) -> set[str]:
    """Names of further columns of all lists of the workspace."""
    found: set[str] = set()
    for names in RecipientList.objects.filter(workspace=workspace).values_list("columns", flat=True):
        found.update(names)
    return found


def inserts(menu: Collection[MenuGroup]) -> list[str]:
    """Each token as it is written, for those who type it."""
    return [item.insert for group in menu for item in group.items if item.insert]
