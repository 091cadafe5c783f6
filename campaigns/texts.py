"""The texts of broadcasts, for those below who ask which of them name a word spinner or came from a template."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.db.models import Count, QuerySet

from campaigns.models import Broadcast, BroadcastState
from messaging.texts.users import TextUser

# They go out with what their tokens name at their launch; the others keep what it was.
OPEN = (BroadcastState.DRAFT, BroadcastState.SCHEDULED)


class BroadcastTexts:
    """A messaging.texts.users.TextSource."""

    def naming(self, workspace_id: int, pattern: str, *, is_open: bool, most: int) -> list[TextUser]:
        rows = Broadcast.objects.filter(workspace_id=workspace_id, text__regex=pattern)
        return users_among(rows.filter(state__in=OPEN) if is_open else rows.exclude(state__in=OPEN), most)

    def open_texts(self, workspace_id: int, holding: str) -> Iterable[str]:
        rows = Broadcast.objects.filter(workspace_id=workspace_id, state__in=OPEN, text__contains=holding)
        return rows.order_by().values_list("text", flat=True)

    def begun_from(self, template_id: int, *, most: int) -> list[TextUser]:
        return users_among(Broadcast.objects.filter(template_id=template_id), most)

    def counts_by_template(self, template_ids: Collection[int]) -> Mapping[int, int]:
        rows = Broadcast.objects.filter(template_id__in=template_ids).order_by()
        return dict(rows.values_list("template_id").annotate(Count("pk")))

    def names(self, workspace_id: int, broadcast_ids: Collection[int]) -> Mapping[int, str]:
        rows = Broadcast.objects.filter(workspace_id=workspace_id, pk__in=broadcast_ids)
        return dict(rows.values_list("pk", "name"))


def users_among(rows: QuerySet[Broadcast], most: int) -> list[TextUser]:
    return [
        TextUser(
            kind="broadcast",
            pk=row.pk,
            name=row.name,
            state=row.state,
            url_name="broadcast-edit" if row.state == BroadcastState.DRAFT else "broadcast-detail",
            text=row.text,
            is_open=row.state in OPEN,
        )
        for row in rows.order_by("-id")[:most]
    ]
