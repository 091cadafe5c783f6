"""A filter of people as data: conditions that are kept, shown, sent through the API and asked of the database.

As dict: {"match": "all" | "any", "conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}, ...]}.
Letters' case is left out of account throughout (SQLite knows only that of a to z).
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, get_args

import phonenumbers
from django.db.models import Exists, F, Func, OuterRef, Q, TextField, Value
from django.db.models.functions import Upper
from django.db.models.lookups import Exact, IContains, IExact, In, IStartsWith
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts.comparisons import (
    at_least,
    at_most,
    day_of,
    days_back,
    first_moment,
    is_doubtful,
    number_of,
    within_days,
)
from contacts.errors import ContactsError
from contacts.fields import EXTRA_LIMIT, LABELS, PERSON_FIELDS, is_column_name
from contacts.models import NumberKind, OptOut, Recipient
from contacts.search import number_begins, number_contains, number_is, number_is_one_of
from sms.msisdn import Kind

EXTRA = "extra:"
MAX_CONDITIONS = 20
# Of one condition that asks for one of several.
MAX_VALUES = 200
_NOT_DIGITS = re.compile(r"\D+")

MATCH: dict[str, str | Promise] = {"all": gettext_lazy("all of these"), "any": gettext_lazy("any of these")}
OPERATORS: dict[str, str | Promise] = {
    "is": gettext_lazy("is"),
    "is_not": gettext_lazy("is not"),
    "one_of": gettext_lazy("is one of"),
    "contains": gettext_lazy("contains"),
    "does_not_contain": gettext_lazy("does not contain"),
    "begins_with": gettext_lazy("begins with"),
    "empty": gettext_lazy("is empty"),
    "not_empty": gettext_lazy("is not empty"),
    "before": gettext_lazy("is before"),
    "after": gettext_lazy("is after"),
    "at_least": gettext_lazy("is at least"),
    "at_most": gettext_lazy("is at most"),
    "last_days": gettext_lazy("is in the last … days"),
}
WITHOUT_VALUE = frozenset({"empty", "not_empty"})
_TEXT = ("is", "is_not", "one_of", "contains", "does_not_contain", "begins_with", "empty", "not_empty")
# Companies keep amounts and days in columns of their own.
_OWN_TEXT = (*_TEXT, "at_least", "at_most", "last_days")
_CODE = ("is", "is_not", "one_of", "empty", "not_empty")
_TIMES = ("created_at", "updated_at")
_ALLOWED: dict[str, Sequence[str]] = {
    "msisdn": ("is", "is_not", "one_of", "contains", "begins_with"),
    **dict.fromkeys(("custom", "custom1", "custom2", "custom3", "custom4"), _OWN_TEXT),
    "country": _CODE,
    "kind": _CODE,
    "created_at": ("is", "before", "after", "last_days"),
    "updated_at": ("is", "before", "after", "last_days"),
    "opted_out": ("is",),
}
OWN_FIELDS = ("msisdn", *PERSON_FIELDS, "country", "kind", *_TIMES, "opted_out")
KINDS: tuple[str, ...] = get_args(Kind)
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Condition:
    """`field`: one of OWN_FIELDS, or "extra:<name of a further column>"."""

    field: str
    operator: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Without conditions: everybody."""

    match: str = "all"
    conditions: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def as_dict(self) -> dict[str, Any]:
        if not self:
            return {}
        return {
            "match": self.match,
            "conditions": [
                {"field": one.field, "operator": one.operator, "value": one.value} for one in self.conditions
            ],
        }


def rule_of(given: Any) -> Rule:
    """From a dict as handed in or kept; {} is everybody. Raises ContactsError, which names the condition."""
    if not isinstance(given, Mapping) or set(given) - {"match", "conditions"}:
        raise _refused(
            _("The filter is no object with “match” and “conditions”. Send both, and nothing else.")
        )
    match, conditions = given.get("match", "all"), given.get("conditions", [])
    if not isinstance(match, str) or match not in MATCH:
        raise _refused(_("“match” is %(value)s. Use all or any.") % {"value": str(match)[:40]})
    if not isinstance(conditions, list) or len(conditions) > MAX_CONDITIONS:
        raise _refused(
            _("“conditions” is no list of at most %(limit)d conditions. Leave some out.")
            % {"limit": MAX_CONDITIONS}
        )
    return Rule(match, tuple(_condition(at, one) for at, one in enumerate(conditions, start=1)))


def require_known_columns(rule: Rule, columns: Iterable[str]) -> None:
    """Of the list that is asked. Of a column that nobody has, "is not" would be everybody. Raises ContactsError."""
    known = set(columns)
    for at, one in enumerate(rule.conditions, start=1):
        name = one.field.removeprefix(EXTRA)
        if one.field.startswith(EXTRA) and name not in known:
            raise _refused(
                _("Condition %(at)d: the list has no column %(name)s. It has %(known)s.")
                % {
                    "at": at,
                    "name": f"“{name}”",
                    "known": ", ".join(sorted(known)) or _("no columns of its own"),
                }
            )


def require_some_condition(rule: Rule) -> None:
    """Raises ContactsError for any of no conditions, which is nobody, while no filter is everybody."""
    if rule.match == "any" and not rule:
        raise _refused(
            _("“match” is any, but there is no condition. Add one, or leave “match” out to mean everybody.")
        )


def field_label(field: str) -> str:
    if field.startswith(EXTRA):
        return field.removeprefix(EXTRA)
    if field == "opted_out":
        return _("Opted out")
    label = LABELS.get(field) or Recipient._meta.get_field(field).verbose_name  # type: ignore[union-attr]  # no relation
    return str(capfirst(str(label)))


def in_words(rule: Rule) -> str:
    """ "First name is Ann, and city contains Leeds"."""
    return _joined([_words_of(one) for one in rule.conditions], rule.match)


def _words_of(one: Condition) -> str:
    if one.operator == "last_days":
        return _("%(field)s is in the last %(days)s days") % {
            "field": field_label(one.field),
            "days": one.value,
        }
    return " ".join(filter(None, (field_label(one.field), str(OPERATORS[one.operator]), _shown(one))))


def to_q(rule: Rule, workspace: Workspace) -> Q:
    """Of Recipient. Days are those of the workspace's time zone."""
    found = Q()
    for one in rule.conditions:
        asked = _question(one, workspace)
        found = found | asked if rule.match == "any" else found & asked
    return found


class ExtraText(Func):
    """The text of a further column, "" where it has none. Its name is always a key, also where it is all digits."""

    output_field = TextField()

    def __init__(self, name: str) -> None:
        super().__init__(F("extra"), Value(name))

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="COALESCE(%(expressions)s, '')", arg_joiner=" ->> ", **more
        )

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        # No path: SQLite compares one with the key as it is written, where "ö" stands as \u00f6.
        return self.as_sql(
            compiler,
            connection,
            template="COALESCE((SELECT value FROM json_each(%(expressions)s), '')",
            arg_joiner=") WHERE key = ",
            **more,
        )


# --- checking ---


def _condition(at: int, given: Any) -> Condition:
    if not isinstance(given, Mapping) or set(given) - {"field", "operator", "value"}:
        raise _refused(
            _("Condition %(at)d is no object with “field”, “operator” and “value”. Send just these.")
            % {"at": at}
        )
    texts = [given.get(name, "") for name in ("field", "operator", "value")]
    if not all(isinstance(text, str) for text in texts):
        raise _refused(
            _("Condition %(at)d holds something that is no text. Put it in quotation marks.") % {"at": at}
        )
    one = Condition(texts[0], texts[1], texts[2].strip())
    _require_field(at, one.field)
    _require_operator(at, one)
    _require_value(at, one)
    return one


def _require_field(at: int, field: str) -> None:
    name = field.removeprefix(EXTRA)
    further = field.startswith(EXTRA) and is_column_name(name)
    if field not in OWN_FIELDS and not further:
        raise _refused(
            _(
                "Condition %(at)d: there is no field %(field)s. Use one of %(known)s, or extra: and a column's name."
            )
            % {"at": at, "field": f"“{field[:60]}”", "known": ", ".join(OWN_FIELDS)}
        )


def operators_of(field: str) -> Sequence[str]:
    return _ALLOWED.get(field, _OWN_TEXT if field.startswith(EXTRA) else _TEXT)


def values_in(raw: str) -> list[str]:
    """Those of which it is one: by commas, semicolons or lines."""
    return [value for part in re.split(r"[,;\n]", raw) if (value := part.strip())]


def _require_operator(at: int, one: Condition) -> None:
    if one.operator not in operators_of(one.field):
        raise _refused(
            _("Condition %(at)d: “%(operator)s” cannot be asked of %(field)s. Use one of %(known)s.")
            % {
                "at": at,
                "operator": one.operator[:40],
                "field": one.field,
                "known": ", ".join(operators_of(one.field)),
            }
        )


def _require_value(at: int, one: Condition) -> None:
    if one.operator in WITHOUT_VALUE:
        if one.value:
            raise _value_refused(
                at, one, _("Condition %(at)d: %(field)s takes no value here (“%(value)s”). Leave it empty.")
            )
    elif not one.value:
        raise _value_refused(
            at, one, _("Condition %(at)d: %(field)s has no value to be compared with. Enter one.")
        )
    elif len(one.value) > EXTRA_LIMIT or "\x00" in one.value:
        raise _value_refused(
            at,
            one,
            _(
                "Condition %(at)d: %(field)s cannot hold “%(value)s”. Shorten it, and leave out control characters."
            ),
        )
    elif one.operator == "one_of":
        values = values_in(one.value)
        if not 0 < len(values) <= MAX_VALUES:
            raise _value_refused(
                at,
                one,
                _(
                    "Condition %(at)d: %(field)s has %(count)d values. Enter 1 to %(most)d, with commas between them."
                ),
                count=len(values),
            )
        for value in values:
            _require_value(at, Condition(one.field, "is", value))
    elif one.operator == "last_days":
        if days_back(one.value) is None:
            raise _value_refused(
                at, one, _("Condition %(at)d: “%(value)s” is no number of days. Enter 1 to 9999.")
            )
    elif one.operator in ("at_least", "at_most"):
        if is_doubtful(one.value):
            raise _value_refused(
                at,
                one,
                _(
                    "Condition %(at)d: “%(value)s” may be a thousand times what it may be as well. Write it without a"
                    " separator, as 1000, or with other decimals, as 1.0."
                ),
            )
        if number_of(one.value) is None and day_of(one.value) is None:
            raise _value_refused(
                at,
                one,
                _(
                    "Condition %(at)d: %(field)s is compared with “%(value)s”. Enter a number such as 100, or a day"
                    " as in 2026-11-21."
                ),
            )
    elif one.field == "msisdn" and not _NOT_DIGITS.sub("", one.value):
        raise _value_refused(
            at,
            one,
            _("Condition %(at)d: %(field)s is compared with “%(value)s”, which has no digits. Enter some."),
        )
    elif one.field == "country" and one.value.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise _value_refused(
            at,
            one,
            _("Condition %(at)d: there is no country “%(value)s”. Use two letters, such as US or GB."),
        )
    elif one.field == "kind" and one.value not in KINDS:
        raise _value_refused(
            at, one, _("Condition %(at)d: there is no kind of number “%(value)s”. Use one of %(known)s.")
        )
    elif one.field == "opted_out" and one.value not in (YES, NO):
        raise _value_refused(
            at, one, _("Condition %(at)d: %(field)s is yes or no, not “%(value)s”. Use one of the two.")
        )
    elif one.field in _TIMES and day_of(one.value) is None:
        raise _value_refused(
            at, one, _("Condition %(at)d: “%(value)s” is no day. Write it as in 2026-11-21.")
        )


def _value_refused(at: int, one: Condition, sentence: str, count: int = 0) -> ContactsError:
    shown = {
        "at": at,
        "field": one.field,
        "value": one.value[:40],
        "known": ", ".join(KINDS),
        "count": count,
        "most": MAX_VALUES,
    }
    return _refused(sentence % shown)


def _refused(sentence: str) -> ContactsError:
    return ContactsError(sentence, field="rule")


def _shown(one: Condition) -> str:
    if one.field == "opted_out":
        return _("yes") if one.value == YES else _("no")
    if one.operator == "one_of":
        return ", ".join(_shown(Condition(one.field, "is", value)) for value in values_in(one.value))
    return str(NumberKind(one.value).label) if one.field == "kind" and one.value else one.value


def _joined(parts: Sequence[str], match: str) -> str:
    if not parts:
        return _("everybody")
    pattern = _("%(first)s, or %(second)s") if match == "any" else _("%(first)s, and %(second)s")
    words = parts[0]
    for part in parts[1:]:
        words = pattern % {"first": words, "second": part}
    return words


# --- asking ---


def _question(one: Condition, workspace: Workspace) -> Q:
    if one.field == "opted_out":
        gone = Exists(OptOut.objects.filter(workspace_id=workspace.pk, msisdn=OuterRef("msisdn")))
        return Q(gone) if one.value == YES else ~Q(gone)
    if one.field in _TIMES:
        return _time_question(one, zoneinfo.ZoneInfo(workspace.time_zone))
    if one.field == "msisdn":
        return _number_question(one, workspace.default_country)
    text = ExtraText(one.field.removeprefix(EXTRA)) if one.field.startswith(EXTRA) else F(one.field)
    if one.operator == "last_days":
        return within_days(text, one.value, zoneinfo.ZoneInfo(workspace.time_zone))
    if one.operator in ("at_least", "at_most"):
        return (at_least if one.operator == "at_least" else at_most)(text, one.value)
    if one.field == "country":
        one = Condition(one.field, one.operator, one.value.upper())
    return _text_question(text, one)


def _number_question(one: Condition, country: str) -> Q:
    if one.operator == "one_of":
        return number_is_one_of(values_in(one.value), country)
    if one.operator == "begins_with":
        return number_begins(one.value, country)
    if one.operator == "contains":
        return number_contains(one.value, country)
    asked = number_is(one.value, country)
    return ~asked if one.operator == "is_not" else asked


def _text_question(text: Any, one: Condition) -> Q:
    if one.operator == "one_of":
        # As `is` compares them; one question after the other would be too many for SQLite.
        return Q(In(Upper(text), [Upper(Value(value)) for value in values_in(one.value)]))
    if one.operator in WITHOUT_VALUE:
        empty = Q(Exact(text, Value("")))
        return empty if one.operator == "empty" else ~empty
    lookup = {"contains": IContains, "does_not_contain": IContains, "begins_with": IStartsWith}
    asked = Q(lookup.get(one.operator, IExact)(text, one.value))
    return ~asked if one.operator in ("is_not", "does_not_contain") else asked


def _time_question(one: Condition, zone: zoneinfo.ZoneInfo) -> Q:
    if one.operator == "last_days":
        return Q(**{f"{one.field}__gte": first_moment(one.value, zone)})
    day = day_of(one.value) or date.min
    begins = datetime.combine(day, time.min, zone)
    ends = datetime.combine(day + timedelta(days=1), time.min, zone)
    if one.operator == "before":
        return Q(**{f"{one.field}__lt": begins})
    if one.operator == "after":
        return Q(**{f"{one.field}__gte": ends})
    return Q(**{f"{one.field}__gte": begins, f"{one.field}__lt": ends})
