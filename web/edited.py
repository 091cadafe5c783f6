"""Two people who have the form of one thing open: the second is told what the first has changed, and keeps what they typed.

GET    the form is given what the thing holds now; the page carries its marks, one a field, as `seen`
POST   the view locks the thing and gives the form what it holds by then: fields whose marks differ are named, with
       what they hold; whoever saves again has seen it
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Manager, Model
from django.utils.translation import gettext as _

from web.forms import TellsNoText

SEEN = "seen"
LONGEST_SHOWN = 60


class TellsEdited(TellsNoText):
    """`now`: by field, what the thing holds; without it nobody is told. Its page draws `c-error_summary` in the form."""

    def __init__(self, *args: Any, now: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = dict(now or {})

    @property
    def seen_now(self) -> str:
        return marks_of(self.now)

    def full_clean(self) -> None:
        super().full_clean()
        seen = str(self.data.get(SEEN, "")) if self.is_bound else ""
        if changed := changed_since(seen, self.now):
            told = ", ".join(_told(self.fields, name, self.now[name]) for name in changed)
            self.add_error(
                None,
                _(
                    "Somebody else changed this since you opened it: %(changed)s. Save again to replace that by this, or"
                    " load the page anew to see it."
                )
                % {"changed": told},
            )


def values_of(row: Model, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def marks_of(values: Mapping[str, Any]) -> str:
    """`name:1f2e3d4c5b6a` of each, with blanks between."""
    return " ".join(f"{name}:{_digest(value, 6)}" for name, value in values.items())


def changed_since(seen: str, values: Mapping[str, Any]) -> list[str]:
    """The names whose marks differ from those in `seen`, which may be anything that somebody posted."""
    marks = dict(one.split(":", 1) for one in seen.split() if ":" in one)
    return [name for name, value in values.items() if name in marks and marks[name] != _digest(value, 6)]


def fingerprint(values: Mapping[str, Any]) -> str:
    """Of all of them together."""
    return _digest({name: _fact(value) for name, value in values.items()}, 12)


def _digest(value: Any, size: int) -> str:
    written = DjangoJSONEncoder(sort_keys=True).encode(_fact(value))
    return hashlib.blake2s(written.encode(), digest_size=size).hexdigest()


def _fact(value: Any) -> Any:
    """Rows by their ids, in whatever order they were read."""
    if isinstance(value, Manager):
        return sorted(value.values_list("pk", flat=True))
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, list) and value and isinstance(value[0], Model):
        return sorted(row.pk for row in value)
    return value


def _told(fields: Mapping[str, forms.Field], name: str, value: Any) -> str:
    label = fields[name].label if name in fields else name
    return _("%(field)s (now: %(value)s)") % {"field": label or name, "value": _shown(value)}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    text = ", ".join(map(str, value)) if isinstance(value, list) else str("" if value is None else value)
    return text[:LONGEST_SHOWN] + ("…" if len(text) > LONGEST_SHOWN else "") or str(_("empty"))
