"""Which broadcasts a picture goes out with. They stand a floor above: who keeps them registers when it starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Protocol

from messaging.models import Media
from messaging.texts.users import SHOWN, TextUser


class PictureSource(Protocol):
    def using(self, media_id: int, *, most: int) -> list[TextUser]:
        """Newest first."""

    def counts(self, media_ids: Collection[int]) -> Mapping[int, int]: ...


_sources: list[PictureSource] = []


def register_picture_source(source: PictureSource) -> None:
    """By the app above that keeps broadcasts, when it starts."""
    _sources.append(source)


def users_of(media: Media) -> list[TextUser]:
    """At most SHOWN of each source."""
    return [user for source in _sources for user in source.using(media.pk, most=SHOWN)]


def counts_of(media_ids: Collection[int]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for source in _sources:
        counts.update(source.counts(media_ids))
    return counts
