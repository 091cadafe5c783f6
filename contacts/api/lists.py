"""`/api/v1/recipient-lists` and the recipients under one."""

from __future__ import annotations

from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
import phonenumbers
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from contacts.api.common import MAX_AT_ONCE, PROBLEM, RefusedSerializer, is_schema, problems, workspace_of
from contacts.api.list_jobs import ListJobSerializer, MergeSerializer, RuleSerializer, lists_named, rule_from
from contacts.fields import EXTRA_LIMIT, LIMITS, PERSON_FIELDS
from contacts.models import ExistingNumbers, NumberKind, Recipient, RecipientList
from contacts.people import people_of
from contacts.search import search_people
from contacts.services import list_jobs, lists
from web.api_input import FilterSet, GenericViewSet, ModelSerializer, Serializer


class RecipientListSerializer(ModelSerializer[RecipientList]):
    name = serializers.CharField(max_length=100, help_text="Unique in the workspace, whatever the case.")
    enabled = serializers.BooleanField(
        required=False, help_text="A disabled list is kept and reaches nobody."
    )
    recipient_count = serializers.IntegerField(read_only=True, help_text="People on the list.")
    columns = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Names of further columns; each is a token, as in {{city}}.",
    )

    source_list = serializers.IntegerField(
        source="source_id",
        required=False,
        allow_null=True,
        help_text="Of a live list: the id of the list whose people it takes. Given once, when it is made.",
    )
    rule = RuleSerializer(required=False, help_text="Of a live list: whom it takes from `source_list`.")

    class Meta:
        model = RecipientList
        fields = (
            "id",
            "name",
            "enabled",
            "recipient_count",
            "columns",
            "source_list",
            "rule",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("created_at", "updated_at")


@extend_schema_view(
    list=extend_schema(summary="Recipient lists of the workspace"),
    retrieve=extend_schema(summary="One recipient list"),
    create=extend_schema(summary="Make a recipient list"),
    partial_update=extend_schema(summary="Rename, enable or disable a recipient list"),
    destroy=extend_schema(
        summary="Delete a recipient list with its people",
        description="Refused (409) while a broadcast refers to the list: disable it instead.",
        responses={204: None, 409: PROBLEM},
    ),
)
class RecipientListViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[RecipientList],
):
    """Lists hold the people that broadcasts go to."""

    serializer_class = RecipientListSerializer
    lookup_value_regex = "[0-9]+"
    filterset_fields = ("name", "enabled")
    body_actions = frozenset({"create", "partial_update", "merge"})
    queryset = RecipientList.objects.none()

    def get_queryset(self) -> QuerySet[RecipientList]:
        if is_schema(self):
            return RecipientList.objects.none()
        return RecipientList.objects.filter(workspace=workspace_of(self)).select_related(
            "workspace", "source"
        )

    def perform_create(self, serializer: serializers.BaseSerializer[RecipientList]) -> None:
        given = serializer.validated_data
        actor = actor_of(self.request)
        with problems():
            made = self._made(given)
            if not given.get("enabled", True):
                lists.set_list_enabled(recipient_list=made, actor=actor, enabled=False)
        serializer.instance = made

    def _made(self, given: dict[str, Any]) -> RecipientList:
        actor, rule = actor_of(self.request), rule_from(given.get("rule"))
        source = None
        if given.get("source_id") is not None:
            source = lists_named(self, "source_list", [given["source_id"]])[0]
        return lists.make_list(
            workspace=workspace_of(self), actor=actor, name=given["name"], source=source, rule=rule
        )

    @extend_schema(
        summary="Merge lists into one",
        description="A job of the first list that is not the target; small lists at once, others by a worker.",
        request=MergeSerializer,
        responses={201: ListJobSerializer, 409: PROBLEM},
    )
    @action(detail=False, methods=["post"])
    def merge(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = MergeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        given["lists"] = lists_named(self, "lists", given["lists"])
        if "target" in given:
            given["target"] = lists_named(self, "target", [given["target"]])[0]
        with problems():
            job = list_jobs.merge_lists(merge=list_jobs.Merge(**given), actor=actor_of(request))
        return Response(ListJobSerializer(job).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_object()
        serializer = self.get_serializer(row, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        given, actor = serializer.validated_data, actor_of(request)
        if given.keys() & {"source_id", "rule"}:
            raise serializers.ValidationError(
                {"rule": [_("What a live list takes cannot be changed. Make another one.")]}
            )
        with problems():
            if "name" in given:
                lists.rename_list(recipient_list=row, actor=actor, name=given["name"])
            if given.get("enabled", row.enabled) != row.enabled:
                lists.set_list_enabled(recipient_list=row, actor=actor, enabled=given["enabled"])
        return Response(self.get_serializer(row).data)

    def perform_destroy(self, instance: RecipientList) -> None:
        with problems():
            lists.delete_list(recipient_list=instance, actor=actor_of(self.request))


# --- the people of one ---

_EXTRA_HELP = "Values of further columns by name; names are small letters, digits and underscores."


class RecipientSerializer(ModelSerializer[Recipient]):
    msisdn = serializers.CharField(read_only=True, help_text="E.164 digits without plus.")
    country = serializers.CharField(read_only=True, help_text="Of the number; empty where it has none.")
    kind = serializers.ChoiceField(
        choices=NumberKind.choices, read_only=True, help_text="Of the number, as libphonenumber says."
    )
    extra = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=EXTRA_LIMIT),
        required=False,
        help_text=_EXTRA_HELP,
    )

    class Meta:
        model = Recipient
        fields = ("id", "msisdn", "country", "kind", *PERSON_FIELDS, "extra", "created_at", "updated_at")
        read_only_fields = ("created_at", "updated_at")


class NewRecipientSerializer(Serializer[Any]):
    """A number in any usual writing, with what is known of its person."""

    msisdn = serializers.CharField(
        max_length=60,
        help_text="In any usual writing; without a country code it is one of `default_country`.",
    )
    extra = serializers.DictField(
        child=serializers.CharField(allow_blank=True), required=False, help_text=_EXTRA_HELP
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Too long values are refused row by row by the service, not all together here."""
        own = {
            name: serializers.CharField(
                required=False, allow_blank=True, help_text=f"At most {LIMITS[name]:,} characters."
            )
            for name in PERSON_FIELDS
        }
        fields = super().get_fields()
        return {"msisdn": fields.pop("msisdn"), **own, **fields}


class AddRecipientsSerializer(Serializer[Any]):
    recipients = NewRecipientSerializer(  # type: ignore[call-arg]  # max_length goes to the list
        many=True,
        max_length=MAX_AT_ONCE,
        help_text=f"At most {MAX_AT_ONCE:,}; more come as a file, see imports.",
    )
    existing = serializers.ChoiceField(
        choices=[one for one in ExistingNumbers.choices if one[0] != ExistingNumbers.REPLACE],
        default=ExistingNumbers.UPDATE,
        help_text="What happens to numbers that are on the list already. An empty value never erases.",
    )
    default_country = serializers.CharField(
        max_length=2,
        required=False,
        help_text="Two letters; of numbers without a country code. The workspace's own unless given.",
    )


class AddedSerializer(Serializer[lists.Added]):
    """new + updated + unchanged + skipped + duplicate + refused = recipients sent."""

    new = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="On the list already and left as they are.")
    duplicate = serializers.IntegerField(help_text="More than once in this request; the first one counts.")
    refused = RefusedSerializer(many=True, help_text="Left out, each with its reason.")


class RecipientFilter(FilterSet):
    msisdn = django_filters.CharFilter(method="by_number", help_text="E.164 digits, with or without plus.")
    q = django_filters.CharFilter(
        method="by_words", help_text="The beginning of a number, or part of a name or e-mail address."
    )

    def by_number(self, rows: QuerySet[Recipient], name: str, value: str) -> QuerySet[Recipient]:
        return rows.filter(msisdn=value.strip().removeprefix("+"))

    def by_words(self, rows: QuerySet[Recipient], name: str, value: str) -> QuerySet[Recipient]:
        return search_people(rows, value, workspace_of(self).default_country)

    class Meta:
        model = Recipient
        fields = ("msisdn", "q")


@extend_schema_view(
    list=extend_schema(summary="People of a list"),
    retrieve=extend_schema(summary="One person of a list"),
    create=extend_schema(
        summary="Add or update people", request=AddRecipientsSerializer, responses={200: AddedSerializer}
    ),
    partial_update=extend_schema(
        summary="Change a person", description="The number cannot be changed. An empty value erases."
    ),
    destroy=extend_schema(summary="Remove a person from the list"),
)
class RecipientViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Recipient],
):
    """People on one list, newest first."""

    serializer_class = RecipientSerializer
    filterset_class = RecipientFilter
    queryset = Recipient.objects.none()

    def get_queryset(self) -> QuerySet[Recipient]:
        if is_schema(self):
            return Recipient.objects.none()
        return people_of(self._list()).select_related("list__workspace")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        recipient_list = self._list()
        serializer = AddRecipientsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        with problems():
            added = lists.add_recipients(
                recipient_list=recipient_list,
                people=[_person(one) for one in given["recipients"]],
                actor=actor_of(request),
                existing=given["existing"],
                default_country=_country(given.get("default_country")),
            )
        return Response(AddedSerializer(added).data, status=status.HTTP_200_OK)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._require_own_people()
        recipient = self.get_object()
        serializer = self.get_serializer(recipient, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        fields = dict(serializer.validated_data)
        extra = fields.pop("extra", {})
        with problems():
            lists.update_recipient(recipient=recipient, actor=actor_of(request), fields=fields, extra=extra)
        return Response(self.get_serializer(recipient).data)

    def perform_destroy(self, instance: Recipient) -> None:
        self._require_own_people()
        lists.remove_recipients(recipient_list=instance.list, ids=[instance.pk], actor=actor_of(self.request))

    def _require_own_people(self) -> None:
        with problems():
            lists.require_own_people(self._list())

    def _list(self) -> RecipientList:
        rows = RecipientList.objects.filter(workspace=workspace_of(self)).select_related(
            "workspace", "source"
        )
        return get_object_or_404(rows, pk=self.kwargs["list_pk"])


def _person(given: dict[str, Any]) -> lists.Person:
    fields = {name: given[name] for name in PERSON_FIELDS if name in given}
    return lists.Person(msisdn=given["msisdn"], fields=fields, extra=given.get("extra", {}))


def _country(raw: str | None) -> str | None:

    if raw is None:
        return None
    country = raw.upper()
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise serializers.ValidationError(
            {
                "default_country": [
                    _("The default country %(country)s does not exist. Use two letters, such as US or GB.")
                    % {"country": raw}
                ]
            }
        )
    return country
