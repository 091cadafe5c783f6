"""Pages of long tables by key, not by number: the thousandth page costs what the first one does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from web.posted import number_in

Row = TypeVar("Row", bound=Model)
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class KeyPage(Generic[Row]):
    """`previous` and `next` are addresses with all other parameters kept; "" at the ends."""

    rows: list[Row]
    previous: str
    next: str


def key_page(request: HttpRequest, rows: QuerySet[Row], size: int = 50) -> KeyPage[Row]:
    """`size` of `rows`, newest id first, from `?before=<id>` or `?after=<id>`; a senseless id is ignored."""
    before, after = number_in(request.GET, BEFORE), number_in(request.GET, AFTER)
    if after is not None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
        page = found[:size][::-1]
        return KeyPage(
            page, _link(request, AFTER, page[0]) if len(found) > size else "", _older(request, page)
        )
    older = rows.filter(pk__lt=before) if before is not None else rows
    found = list(older.order_by("-pk")[: size + 1])
    page = found[:size]
    return KeyPage(
        page,
        _link(request, AFTER, page[0]) if before is not None and page else "",
        _link(request, BEFORE, page[-1]) if len(found) > size else "",
    )


def _older(request: HttpRequest, page: list[Row]) -> str:
    """Whoever went to newer rows came from older ones."""
    return _link(request, BEFORE, page[-1]) if page else request.path


def _link(request: HttpRequest, name: str, row: Model) -> str:
    query = request.GET.copy()
    for other in (BEFORE, AFTER):
        query.pop(other, None)
    query[name] = str(row.pk)
    return f"{request.path}?{query.urlencode()}"
