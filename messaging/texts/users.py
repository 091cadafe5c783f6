"""Which texts name a spinner, or any other row by its id, and which came from a template.

Templates are known here. Broadcasts stand a floor above: who keeps such texts registers when it starts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from messaging.models import Template
from messaging.tokens import referenced

# Of each source: what waits, and what went out.
SHOWN = 25


@dataclass(frozen=True, slots=True)
class TextUser:
    """`kind`: template or broadcast. `is_open`: it can still go out, with what its tokens name then."""

    kind: str
    pk: int
    name: str
    state: str
    url_name: str
    text: str
    is_open: bool


class TextSource(Protocol):
    def naming(self, workspace_id: int, pattern: str, *, is_open: bool, most: int) -> list[TextUser]:
        """Newest first. `pattern`: a regular expression that the text has to match, as the database reads it."""

    def open_texts(self, workspace_id: int, holding: str) -> Iterable[str]:
        """Texts that can still go out and hold these characters."""

    def begun_from(self, template_id: int, *, most: int) -> list[TextUser]:
        """Newest first."""

    def counts_by_template(self, template_ids: Collection[int]) -> Mapping[int, int]: ...

    def names(self, workspace_id: int, broadcast_ids: Collection[int]) -> Mapping[int, str]: ...


_sources: list[TextSource] = []


def register_text_source(source: TextSource) -> None:
    """By the app above that keeps texts, when it starts."""
    _sources.append(source)


def pattern_of(kind: str, id_: int) -> str:
    """Of the token {{kind:ID}}, for PostgreSQL and Python alike."""
    return rf"\{{\{{\s*{kind}\s*:\s*{id_}\s*(\||\}}\}})"


def users_of_token(workspace_id: int, kind: str, id_: int, *, is_open: bool) -> list[TextUser]:
    """At most SHOWN of each source. Templates first: they are always open."""
    pattern = pattern_of(kind, id_)
    found = _templates_naming(workspace_id, pattern) if is_open else []
    for source in _sources:
        found += source.naming(workspace_id, pattern, is_open=is_open, most=SHOWN)
    return found


def _templates_naming(workspace_id: int, pattern: str) -> list[TextUser]:
    rows = Template.objects.filter(workspace_id=workspace_id, text__regex=pattern).order_by("-id")[:SHOWN]
    return [
        TextUser(
            "template",
            row.pk,
            row.name,
            "enabled" if row.enabled else "disabled",
            "template-detail",
            row.text,
            True,
        )
        for row in rows
    ]


def open_counts(workspace_id: int, kind: str) -> Counter[int]:
    """By id: how many texts that can still go out name it."""
    counts: Counter[int] = Counter()
    for text in _open_texts(workspace_id, kind):
        counts.update(referenced(text).get(kind, ()))
    return counts


def _open_texts(workspace_id: int, holding: str) -> Iterable[str]:
    rows = Template.objects.filter(workspace_id=workspace_id, text__contains=holding)
    yield from rows.values_list("text", flat=True)
    for source in _sources:
        yield from source.open_texts(workspace_id, holding)


def begun_from(template: Template) -> list[TextUser]:
    return [user for source in _sources for user in source.begun_from(template.pk, most=SHOWN)]


def counts_by_template(template_ids: Collection[int]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for source in _sources:
        counts.update(source.counts_by_template(template_ids))
    return counts


def broadcast_names(workspace_id: int, broadcast_ids: Collection[int]) -> dict[int, str]:
    names: dict[int, str] = {}
    for source in _sources:
        names.update(source.names(workspace_id, broadcast_ids))
    return names
