"""Lists of templates, word spinners, links, link lists and pictures: search, state, sort and page stand in the address."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast, Lower
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import WorkspaceRequest
from messaging.models import Link, LinkList, LinkListEntry, Media, Template, WordSpinner

Row = TypeVar("Row", Template, WordSpinner, Link, LinkList, Media)
PAGE_SIZE = 25
ENABLED, DISABLED, ALL = "enabled", "disabled", "all"
STATES: dict[str, str | Promise] = {ENABLED: _("Enabled"), DISABLED: _("Disabled"), ALL: _("All")}
SORTS: dict[str, tuple[Any, ...]] = {
    "name": (Lower("name"), "pk"),
    "-name": (Lower("name").desc(), "-pk"),
    "changed": ("updated_at", "pk"),
    "-changed": ("-updated_at", "-pk"),
}


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """`is_any`: whether the workspace has rows at all."""

    page: Page[Row]
    tabs: list[dict[str, Any]]
    q: str
    state: str
    sort: str
    previous: str
    next: str
    is_any: bool

    @property
    def rows(self) -> list[Row]:
        return list(self.page.object_list)


def listing_of(
    request: WorkspaceRequest,
    rows: QuerySet[Row],
    found: QuerySet[Row],
    sorts: Mapping[str, tuple[Any, ...]] = SORTS,
) -> Listing[Row]:
    """`rows`: all of the workspace; `found`: those that the search finds. `sorts`: the first one unless asked."""
    counts = found.aggregate(all=Count("pk"), enabled=Count("pk", filter=Q(enabled=True)))
    counts["disabled"] = counts["all"] - counts["enabled"]
    state = _known(request, "state", STATES, ENABLED)
    sort = _known(request, "sort", sorts, next(iter(sorts)))
    of_state = found if state == ALL else found.filter(enabled=state == ENABLED)
    page = Paginator(of_state.order_by(*sorts[sort]), PAGE_SIZE).get_page(request.GET.get("page"))
    return Listing(
        page=page,
        tabs=[
            {
                "label": label,
                "url": url_with(request, state=name),
                "count": counts[name],
                "current": name == state,
            }
            for name, label in STATES.items()
        ],
        q=searched(request),
        state=state,
        sort=sort,
        previous=url_with(request, page=page.previous_page_number()) if page.has_previous() else "",
        next=url_with(request, page=page.next_page_number()) if page.has_next() else "",
        is_any=bool(counts["all"]) or rows.exists(),
    )


def searched(request: WorkspaceRequest) -> str:
    return request.GET.get("q", "").strip()


def templates_found(rows: QuerySet[Template], words: str) -> QuerySet[Template]:
    return rows.filter(Q(name__icontains=words) | Q(text__icontains=words)) if words else rows


def spinners_found(rows: QuerySet[WordSpinner], words: str) -> QuerySet[WordSpinner]:
    """By name, or by any of its words. SQLite keeps letters beyond ASCII as JSON escapes, PostgreSQL as they are."""
    if not words:
        return rows
    escaped = json.dumps(words)[1:-1]
    raw = rows.annotate(words_text=Cast("words", TextField()))
    return raw.filter(
        Q(name__icontains=words) | Q(words_text__icontains=words) | Q(words_text__icontains=escaped)
    )


def links_found(rows: QuerySet[Link], words: str) -> QuerySet[Link]:
    """By name, by where they lead, or by their own code."""
    if not words:
        return rows
    return rows.filter(Q(name__icontains=words) | Q(url__icontains=words) | Q(code=words.rpartition("/")[2]))


def link_lists_found(rows: QuerySet[LinkList], words: str) -> QuerySet[LinkList]:
    """By name, or by that of a link in it."""
    if not words:
        return rows
    holding = LinkListEntry.objects.filter(link__name__icontains=words)
    return rows.filter(Q(name__icontains=words) | Q(pk__in=holding.values("link_list_id")))


def _known(request: WorkspaceRequest, name: str, known: Mapping[str, Any], default: str) -> str:
    value = request.GET.get(name, "")
    return value if value in known else default


def url_with(request: WorkspaceRequest, **changes: Any) -> str:
    """The page's own address with other parameters, from its first page on."""
    params = request.GET.copy()
    params.pop("page", None)
    for name, value in changes.items():
        params[name] = str(value)
    return f"{request.path}?{params.urlencode()}"
