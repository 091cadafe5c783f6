"""Broadcasts with pictures: which a draft goes out with, and for those below who asks where a picture is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db.models import Count

from campaigns.models import Broadcast
from campaigns.texts import users_among
from messaging.models import Media
from messaging.texts.users import TextUser


def pictures_of(broadcast: Broadcast) -> list[Media]:
    """In the order in which they go out."""
    return list(broadcast.media.order_by("id"))


class BroadcastPictures:
    """A messaging.media.users.PictureSource."""

    def using(self, media_id: int, *, most: int) -> list[TextUser]:
        return users_among(Broadcast.objects.filter(media=media_id), most)

    def counts(self, media_ids: Collection[int]) -> Mapping[int, int]:
        links = Broadcast.media.through.objects.filter(media_id__in=media_ids).order_by()
        return dict(links.values_list("media_id").annotate(Count("pk")))
