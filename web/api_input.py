"""Base classes of the endpoints: what nobody reads is refused by name, never dropped in silence.

An integrator's slip (`recipeints`, `?pagesize=`) would otherwise be answered 200 and found out by its harm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import django_filters  # type: ignore[import-untyped]  # it ships none
from django import forms
from django.db import models
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]  # it ships none
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers, viewsets
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from web import api_words
from web.api_words import MOST_NAMES, WHOLE, shown
from web.plain import is_number, is_within_reach, out_of_reach

T = TypeVar("T")
Row = TypeVar("Row", bound=Model)


# --- bodies


class NamesWhatIsWrong:
    # No docstring: OpenAPI would show it as that of every object. For serializers: errors name the field, the value
    # and the remedy; unknown fields are errors.

    def run_validation(self: Any, data: Any = empty) -> Any:
        may_be = data is empty or isinstance(data, Mapping) or (data is None and self.allow_null)
        if not may_be and self.parent is None:
            sentence = _("The body is %(value)s: send a JSON object, such as {%(example)s}.") % {
                "value": _("empty") if data is None else shown(data),
                "example": ", ".join(f'"{name}": …' for name in _writable(self)[:3]),
            }
            raise exceptions.ValidationError({WHOLE: [ErrorDetail(sentence, "invalid")]})
        return super().run_validation(data)  # type: ignore[misc]  # a mixin

    def to_internal_value(self: Any, data: Any) -> Any:
        if not isinstance(data, Mapping):
            sentence = _("%(value)s stands where an object has to be: send {…}.") % {"value": shown(data)}
            raise exceptions.ValidationError({WHOLE: [ErrorDetail(sentence, "invalid")]})
        errors = _unknown_fields(self, data)
        values: Any = None
        try:
            values = super().to_internal_value(data)  # type: ignore[misc]  # a mixin
        except exceptions.ValidationError as refused:
            details: Any = refused.detail
            for name, detail in details.items():
                field = self.fields.get(name)
                value = field.get_value(data) if field is not None else None
                errors[name] = detail if field is None else api_words.detail_of(name, field, value, detail)
        errors |= _not_strings(self, data, errors) | _not_lists(self, data) | _odd_numbers(self, data)
        if errors:
            raise exceptions.ValidationError(errors)
        return values


class MomentField(serializers.DateTimeField):
    """A time with its offset: without one it would be read in a zone that nobody named."""

    def enforce_timezone(self, value: Any) -> Any:
        if timezone.is_naive(value):
            self.fail("invalid", format="ISO 8601")
        if not is_within_reach(value):
            raise exceptions.ValidationError(out_of_reach(), "out_of_reach")
        return super().enforce_timezone(value)


class WholeNumberField(forms.IntegerField):
    def to_python(self, value: Any) -> int | None:
        """Digits alone: Python reads 1_0 and ² as numbers too."""
        if isinstance(value, str) and value.strip() and not re.fullmatch(r"-?[0-9]+", value.strip()):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


@extend_schema_field(OpenApiTypes.INT)
class IdFilter(django_filters.NumberFilter):
    field_class = WholeNumberField


class Serializer(NamesWhatIsWrong, serializers.Serializer[T]):
    pass


class ModelSerializer(NamesWhatIsWrong, serializers.ModelSerializer[Row]):
    pass


def _writable(serializer: Any) -> list[str]:
    return [name for name, field in serializer.fields.items() if not field.read_only]


def _unknown_fields(serializer: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    allowed = _writable(serializer)
    # A password that slipped out of its place is still a password.
    hide = any(field.write_only for field in serializer.fields.values())
    errors: dict[str, Any] = {}
    for name in [name for name in data if name not in allowed][:MOST_NAMES]:
        known = name in serializer.fields
        say = api_words.read_only if known else api_words.unknown
        code = "read_only" if known else "unknown_field"
        errors[name] = [ErrorDetail(say(name, data[name], allowed, hide=hide), code)]
    return errors


def _not_strings(serializer: Any, data: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Errors, beside those known, of numbers where texts stand: DRF would write them out, 1.10 as 1.1."""
    errors: dict[str, Any] = {}
    for name, field in serializer.fields.items():
        value = data.get(name) if not field.read_only else None
        if found := _number_for_text(field, value):
            told = api_words.detail_of(name, field, value, found)
            before = known.get(name)
            errors[name] = before | told if isinstance(before, dict) and isinstance(told, dict) else told
    return errors


def _not_lists(serializer: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """Objects where lists of ids stand: DRF takes their names for the ids."""
    errors: dict[str, Any] = {}
    for name, field in serializer.fields.items():
        if field.read_only or not isinstance(field, serializers.ManyRelatedField):
            continue
        if isinstance(value := field.get_value(data), Mapping):
            error = ErrorDetail(str(field.error_messages["not_a_list"]), "not_a_list")
            errors[name] = api_words.detail_of(name, field, value, [error])
    return errors


def _odd_numbers(serializer: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers as strings, in a writing that Python reads and nobody meant."""
    errors: dict[str, Any] = {}
    for name, field in serializer.fields.items():
        value = data.get(name) if not field.read_only else None
        if not isinstance(value, str) or not isinstance(field, NUMBERS):
            continue
        if not is_number(value, whole=isinstance(field, serializers.IntegerField)):
            error = ErrorDetail(str(field.error_messages["invalid"]), "invalid")
            errors[name] = api_words.detail_of(name, field, value, [error])
    return errors


NUMBERS = (serializers.IntegerField, serializers.DecimalField, serializers.FloatField)


def _number_for_text(field: Any, value: Any) -> Any:
    """As DRF has it: a list of errors, for lists and objects by place; empty where there is none."""
    if isinstance(field, serializers.CharField):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return [ErrorDetail(str(field.error_messages["invalid"]), "invalid")] if is_number else []
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        inner = enumerate(value)
    elif isinstance(field, serializers.DictField) and isinstance(value, Mapping):
        inner = value.items()  # type: ignore[assignment]  # pairs, as above
    else:
        return []
    return {key: found for key, one in inner if (found := _number_for_text(field.child, one))}


class ClosedObjects(OpenApiSerializerExtension):
    """The schema says it too: request bodies have no additional properties."""

    target_class = NamesWhatIsWrong
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        if direction == "request" and schema.get("type") == "object":
            schema["additionalProperties"] = False
        return schema


# --- filters


class TrueOrFalseField(forms.Field):
    WORDS: ClassVar[dict[str, bool]] = {"true": True, "1": True, "false": False, "0": False}

    def to_python(self, value: Any) -> bool | None:
        if value in ("", None):
            return None
        if (found := self.WORDS.get(str(value).lower())) is None:
            raise forms.ValidationError("", code="invalid")
        return found


class TrueOrFalseFilter(django_filters.BooleanFilter):
    field_class = TrueOrFalseField


class FilterSet(django_filters.rest_framework.FilterSet):
    FILTER_DEFAULTS = django_filters.rest_framework.FilterSet.FILTER_DEFAULTS | {
        models.BooleanField: {"filter_class": TrueOrFalseFilter}
    }


class Filters(DjangoFilterBackend):
    filterset_base = FilterSet

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        return queryset if filterset is None else filtered(filterset)


def filtered(filterset: Any) -> Any:
    """The rows of a filter set; ValidationError in words for values that it cannot read."""
    if filterset.is_valid():
        return filterset.qs
    errors = {}
    for name, refused in filterset.errors.as_data().items():
        words = {
            "field": name,
            "value": shown(" ".join(filterset.data.getlist(name))),
            "wanted": _wanted(filterset.form.fields[name]),
        }
        sentence = _("%(field)s is %(value)s: send %(wanted)s instead.") % words
        errors[name] = [ErrorDetail(sentence, refused[0].code or "invalid")]
    raise exceptions.ValidationError(errors)


def _wanted(field: forms.Field) -> str:
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        names = ", ".join(str(key) for key, _label in choices if key)
        return _("one of %(choices)s") % {"choices": names}
    if isinstance(field, TrueOrFalseField):
        return _("true or false")
    if isinstance(field, forms.IntegerField) and not isinstance(field, forms.DecimalField | forms.FloatField):
        return _("a whole number")
    return _("a number") if isinstance(field, forms.DecimalField) else _("a text")


# --- views


class Negotiation(DefaultContentNegotiation):
    def filter_renderers(self, renderers: Any, format: str) -> Any:
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = [renderer.format for renderer in renderers]
            sentence = _("format is %(value)s: send %(known)s, or leave it out.") % {
                "value": shown(format),
                "known": ", ".join(known),
            }
            raise exceptions.ValidationError({"format": [ErrorDetail(sentence, "invalid_choice")]})
        return found


class GenericViewSet(viewsets.GenericViewSet[Row]):
    """Knows the query parameters of each action, and which actions read a body; all else is refused.

    `parameters`: by action, those beyond pages and filters. `paged_actions`: answer pages, and filter.
    `body_actions`: read a body. A test walks over the OpenAPI document and holds each action to it.
    """

    filter_backends = [Filters]
    content_negotiation_class = Negotiation
    parameters: ClassVar[dict[str, tuple[str, ...]]] = {}
    paged_actions: ClassVar[frozenset[str]] = frozenset({"list"})
    body_actions: ClassVar[frozenset[str]] = frozenset({"create", "partial_update"})

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # None: the method is not allowed, and is answered so.
        if self.action is not None and request.method != "OPTIONS":
            self._refuse_parameters(request)
            if self.action not in self.body_actions:
                self._refuse_body(request)

    def query_parameters(self) -> set[str]:
        """All that the present action reads."""
        names = {"format", *self.parameters.get(self.action, ())}
        if self.action in self.paged_actions:
            names |= self._page_parameters() | self._filter_parameters()
        return names

    def _page_parameters(self) -> set[str]:
        paginator: Any = self.paginator
        return {paginator.cursor_query_param, paginator.page_size_query_param} if paginator else set()

    def _filter_parameters(self) -> set[str]:
        found = Filters().get_filterset_class(self, getattr(self, "queryset", None))
        return set(found.base_filters) if found else set()

    def _refuse_parameters(self, request: Request) -> None:
        allowed = self.query_parameters()
        errors = {
            name: [ErrorDetail(api_words.unknown(name, value, allowed), "unknown_parameter")]
            for name, value in list(request.query_params.items())
            if name not in allowed
        }
        if errors:
            raise exceptions.ValidationError(errors)

    @staticmethod
    def _refuse_body(request: Request) -> None:
        data = request.data
        if not data:
            return
        if isinstance(data, Mapping):
            names = list(data)[:MOST_NAMES]
            raise exceptions.ValidationError(
                {
                    name: [ErrorDetail(api_words.unknown(name, data[name], ()), "unknown_field")]
                    for name in names
                }
            )
        sentence = _("This takes no body, but %(value)s was sent: leave it out.") % {"value": shown(data)}
        raise exceptions.ValidationError({WHOLE: [ErrorDetail(sentence, "unknown_field")]})
