"""The pages of the main menu. A page whose address does not exist in this installation is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class NavItem:
    label: Text
    url_name: str
    icon: str
    group: Text
    # Paths that belong to the page; empty: only its own address.
    prefix: str = ""
    # `g` and then this letter goes there.
    key: str = ""
    # Where it is named: the workspace's number of things that wait there. The page is in the menu while some do.
    count: str = ""


@dataclass(frozen=True, slots=True)
class NavLink:
    """A NavItem as one request sees it."""

    label: Text
    url: str
    icon: str
    key: str
    current: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class NavGroup:
    label: Text
    links: list[NavLink]


START, AUDIENCE, CONTENT, DELIVERY = _("Start"), _("Audience"), _("Content"), _("Delivery")

NAVIGATION: tuple[NavItem, ...] = (
    NavItem(_("Dashboard"), "home", "layout-dashboard", START, key="d"),
    NavItem(_("Broadcasts"), "broadcast-list", "send", START, "/broadcasts/", "b"),
    NavItem(_("Campaigns"), "campaign-list", "megaphone", START, "/campaigns/", "c"),
    NavItem(_("Lists"), "recipient-list-list", "users", AUDIENCE, "/lists/", "l"),
    NavItem(_("Imports"), "import-list", "upload", AUDIENCE, "/imports/", "i"),
    NavItem(_("Opt-outs"), "opt-out-list", "ban", AUDIENCE, "/opt-outs/", "o"),
    NavItem(
        _("To review"),
        "opt-out-review-list",
        "message-circle-question-mark",
        AUDIENCE,
        "/opt-out-reviews/",
        count="waiting_reviews",
    ),
    NavItem(_("Templates"), "template-list", "file-text", CONTENT, "/templates/", "t"),
    NavItem(_("Links"), "link-list", "link", CONTENT, "/links/", "k"),
    NavItem(_("Word spinners"), "spinner-list", "shuffle", CONTENT, "/spinners/", "w"),
    NavItem(_("Pictures"), "media-list", "image", CONTENT, "/media/", "m"),
    NavItem(_("Senders"), "sender-list", "phone", DELIVERY, "/senders/", "s"),
    NavItem(_("Verifications"), "verification-list", "shield-check", DELIVERY, "/verifications/", "v"),
    NavItem(_("Providers"), "provider-account-list", "server", DELIVERY, "/providers/", "p"),
    NavItem(_("Handset"), "handset", "smartphone", DELIVERY, "/handset/", "h"),
    NavItem(_("Settings"), "settings-general", "settings", DELIVERY, "/settings/", "e"),
)


def navigation(path: str, workspace: Any = None) -> list[NavGroup]:
    """The menu for somebody on the page `path`; groups in the order of their first item."""
    groups: dict[str, NavGroup] = {}
    for item in NAVIGATION:
        count = getattr(workspace, item.count, 0) if item.count else None
        if count == 0:
            continue
        try:
            url = reverse(item.url_name)
        except NoReverseMatch:
            continue
        link = NavLink(item.label, url, item.icon, item.key, _is_current(item, url, path), count)
        groups.setdefault(str(item.group), NavGroup(item.group, [])).links.append(link)
    return list(groups.values())


def _is_current(item: NavItem, url: str, path: str) -> bool:
    return path.startswith(item.prefix) if item.prefix else path == url
