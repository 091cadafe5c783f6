"""What is wrong with a field of the API, in words: its name, the value that came, and what to send instead."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty
from rest_framework.settings import api_settings

from web.texts import no_text_in, without_halves

LONGEST_VALUE = 60
LONGEST_NAME = 100
MOST_NAMES = 20
WHOLE = api_settings.NON_FIELD_ERRORS_KEY

_SECRET = re.compile(r"passw|pwd|secret|token|key|credential|auth|user|login|pin\b|^code$", re.IGNORECASE)
# A password in an address, as in https://name:password@host.
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def is_secret(name: str) -> bool:
    """Whether a value of this name could let somebody in, wherever it was put by mistake."""
    return _SECRET.search(name) is not None


def shown(value: Any) -> str:
    """As JSON, cut; an uploaded file by its name."""
    if hasattr(value, "read"):
        value = getattr(value, "name", "")
    if isinstance(value, str):
        value = value[: LONGEST_VALUE * 4]
    text = _USER_INFO.sub("…", without_halves(json.dumps(value, ensure_ascii=False, default=str)))
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def detail_of(name: str, field: serializers.Field[Any, Any, Any, Any], value: Any, detail: Any) -> Any:
    """DRF's errors of one field, in the same shape but in our words; what nested serializers said is kept."""
    if isinstance(detail, list):
        if any(isinstance(one, dict) for one in detail):
            return detail
        return [_told(name, field, value, error) for error in detail]
    if isinstance(field, serializers.ListSerializer) and set(detail) == {WHOLE}:
        return [_told(name, field, value, error) for error in detail[WHOLE]]
    child = getattr(field, "child", None)
    if isinstance(field, serializers.BaseSerializer) or child is None:
        return detail
    if field.write_only:
        child.write_only = True
    return {key: detail_of(f"{name}[{key}]", child, _at(value, key), inner) for key, inner in detail.items()}


def _at(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except (KeyError, IndexError, TypeError):
        return empty


def _told(
    name: str, field: serializers.Field[Any, Any, Any, Any], value: Any, error: ErrorDetail
) -> ErrorDetail:
    return ErrorDetail(_sentence(name, field, value, error), error.code)


def _sentence(name: str, field: serializers.Field[Any, Any, Any, Any], value: Any, error: ErrorDetail) -> str:
    words: dict[str, Any] = {"field": name, "wanted": wanted(field)}
    if value is empty or error.code == "required":
        return _("%(field)s is missing: send %(wanted)s.") % words
    if is_secret(name) or (field.write_only and not isinstance(field, serializers.FileField)):
        return _("%(field)s does not fit: send %(wanted)s. (What was sent is not repeated here.)") % words
    words["value"] = shown(value)
    if error.code == "max_length" and hasattr(value, "__len__"):
        words |= {"length": len(value), "most": getattr(field, "max_length", None) or 0}
        if isinstance(value, str):
            return (
                _("%(field)s is %(length)d characters long (%(value)s); at most %(most)d fit. Shorten it.")
                % words
            )
        return (
            _("%(field)s holds %(length)d items; at most %(most)d go into one request. Send fewer.") % words
        )
    if error.code == "does_not_exist":
        return _("%(field)s is %(value)s, and this workspace has nothing with that id. Send another.") % words
    if _is_stock(field, error):
        return _("%(field)s is %(value)s: send %(wanted)s instead.") % words
    return _("%(field)s is %(value)s. %(reason)s") % (words | {"reason": str(error)})


_STOCK = frozenset(
    {
        *("invalid", "null", "blank", "empty", "required", "not_a_list", "not_a_dict", "invalid_choice"),
        *("max_length", "min_length", "max_value", "min_value", "max_digits", "max_decimal_places"),
        *("max_whole_digits", "max_string_length", "overflow", "make_aware", "date", "datetime"),
        *("incorrect_type", "no_name", "surrogate_characters_not_allowed"),
    }
)


def _is_stock(field: serializers.Field[Any, Any, Any, Any], error: ErrorDetail) -> bool:
    return error.code in _STOCK


def wanted(field: serializers.Field[Any, Any, Any, Any]) -> str:
    """What the field takes, as it follows "send"."""
    phrase = _kind(field)
    return _("%(wanted)s, or null") % {"wanted": phrase} if field.allow_null else phrase


def _kind(field: serializers.Field[Any, Any, Any, Any]) -> str:
    if isinstance(field, serializers.ChoiceField):
        return _("one of %(choices)s") % {"choices": ", ".join(str(key) for key in field.choices)}
    if isinstance(field, serializers.CharField):
        return _text(field)
    if isinstance(field, serializers.IntegerField | serializers.FloatField | serializers.DecimalField):
        return _number(field)
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        return _list(field)
    return str(next((words for kind, words in _kinds() if isinstance(field, kind)), _("another value")))


def _kinds() -> list[tuple[type[Any], str | Promise]]:
    return [
        (serializers.BooleanField, _("true or false")),
        (
            serializers.DateTimeField,
            _("a date and time with its offset, such as 2026-11-21T09:00:00+01:00"),
        ),
        (serializers.DateField, _("a date such as 2026-11-21")),
        (serializers.PrimaryKeyRelatedField, _("an id, which is a whole number")),
        (serializers.ManyRelatedField, _("a list of ids, such as [1, 2]")),
        (serializers.DictField, _("an object of names with their values")),
        (serializers.BaseSerializer, _("an object of names with their values")),
        (serializers.FileField, _("a file, as multipart/form-data")),
    ]


def _text(field: serializers.CharField) -> str:
    if field.max_length is not None:
        most = {"most": field.max_length}
        if field.allow_blank:
            return _("a text of at most %(most)d characters") % most
        return _("a text of 1 to %(most)d characters") % most
    return _("a text") if field.allow_blank else _("a text that is not empty")


def _number(field: serializers.IntegerField | serializers.FloatField | serializers.DecimalField) -> str:
    limits = {"least": field.min_value, "most": field.max_value}
    if isinstance(field, serializers.DecimalField):
        limits |= {"digits": field.max_digits, "places": field.decimal_places}
        if field.min_value is not None:
            return (
                _("a number of at least %(least)s with up to %(digits)s digits, %(places)s of them decimals")
                % limits
            )
        return _("a number with up to %(digits)s digits, %(places)s of them decimals") % limits
    if not isinstance(field, serializers.IntegerField):
        return _("a number")
    if field.min_value is not None and field.max_value is not None:
        return _("a whole number from %(least)s to %(most)s") % limits
    if field.min_value is not None:
        return _("a whole number of at least %(least)s") % limits
    return _("a whole number")


def _list(field: Any) -> str:
    child = field.child
    if isinstance(child, serializers.BaseSerializer):
        return _("a list of objects")
    return _("a list of which each is %(wanted)s") % {"wanted": wanted(child)}


def no_text(name: str, text: str) -> str:
    """Of a text for which `no_text_in` finds something; `name` may be its own."""
    found = no_text_in(text)
    words = {
        "field": name[:LONGEST_NAME],
        "value": _("not repeated here") if is_secret(name) else shown(text),
        "found": found,
    }
    if found == "\\u0000":
        return _("%(field)s holds a NUL character (%(value)s), which is no text. Remove it.") % words
    return (
        _(
            "%(field)s holds %(found)s (%(value)s), which is half of a character. Send both halves, or the"
            " character itself in UTF-8."
        )
        % words
    )


def unknown(name: str, value: Any, allowed: Collection[str], *, hide: bool = False) -> str:
    """A name that nobody reads: most often a slip of the pen, so the nearest one is offered."""
    near = get_close_matches(name, allowed, n=1)
    words = {
        "field": name[:LONGEST_NAME],
        "value": _("not repeated here") if hide or is_secret(name) else shown(value),
        "near": near[0] if near else "",
        "allowed": ", ".join(sorted(allowed)) or _("none"),
    }
    if near:
        return (
            _("%(field)s (%(value)s) is not known here: did you mean %(near)s? Allowed: %(allowed)s.") % words
        )
    return _("%(field)s (%(value)s) is not known here: leave it out. Allowed: %(allowed)s.") % words


def read_only(name: str, value: Any, allowed: Collection[str], *, hide: bool = False) -> str:
    words = {
        "field": name,
        "value": _("not repeated here") if hide or is_secret(name) else shown(value),
        "allowed": ", ".join(sorted(allowed)) or _("none"),
    }
    return _("%(field)s (%(value)s) can only be read: leave it out. Allowed: %(allowed)s.") % words


def sent_value(sent: Any, path: str) -> str | None:
    """What stands at `recipients[3].msisdn` of a body, as shown; None where nothing does, or a secret."""
    if is_secret(path):
        return None
    found = sent
    for step in re.findall(r"[^.\[\]]+", path):
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, Mapping) and step in found:
            found = found[step]
        else:
            return None
    return shown(found)
