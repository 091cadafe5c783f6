"""`/api/v1/recipient-lists/<id>/filters/` and `…/jobs/`: saved filters, and what is done to all who match."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from contacts.api.common import PROBLEM, is_schema, problems, workspace_of
from contacts.exports import EXPORT_FORMS, job_file
from contacts.filter_forms import WORDS_LIMIT
from contacts.models import ListJob, ListJobKind, RecipientList, SavedFilter
from contacts.people import MAX_TICKED, Sought
from contacts.rules import OPERATORS, OWN_FIELDS, Rule, rule_of
from contacts.services import list_jobs, lists
from web.api_input import GenericViewSet, ModelSerializer, Serializer

# Of a job's options: how it is done, not what was asked for.
_INNER = frozenset({"seed", "counted", "half", "bytes", "columns"})
_OF_FIELDS = f"One of {', '.join(OWN_FIELDS)}, or `extra:` and the name of a further column."


class ConditionSerializer(Serializer[Any]):
    field = serializers.CharField(max_length=100, help_text=_OF_FIELDS)
    operator = serializers.ChoiceField(choices=list(OPERATORS), help_text="How it is compared.")
    value = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="A day is written 2026-11-21; nothing for empty, not_empty.",
    )


class RuleSerializer(Serializer[Any]):
    """Whom: those who meet all or any of the conditions. Without conditions everybody."""

    match = serializers.ChoiceField(choices=["all", "any"], required=False, help_text="`all` unless given.")
    conditions = ConditionSerializer(many=True, required=False)

    def to_representation(self, instance: Any) -> Any:
        return instance


def rule_from(given: Any) -> Rule:
    return rule_of(dict(given or {}))


class SavedFilterSerializer(ModelSerializer[SavedFilter]):
    name = serializers.CharField(
        max_length=100, help_text="Of a filter that the list has already: that one is replaced."
    )
    rule = RuleSerializer()

    class Meta:
        model = SavedFilter
        fields = ("id", "name", "rule", "created_at")
        read_only_fields = ("created_at",)


class ListJobSerializer(ModelSerializer[ListJob]):
    counts = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="What became of the people so far."
    )
    options = serializers.SerializerMethodField(help_text="What the kind needed besides.")
    file = serializers.SerializerMethodField(help_text="Whether an export's file is there; kept 7 days.")

    class Meta:
        model = ListJob
        fields = (
            "id",
            "list",
            "kind",
            "target",
            "rule",
            "words",
            "options",
            "state",
            "state_reason",
            "total",
            "done",
            "counts",
            "file",
            "created_at",
            "finished_at",
        )

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_options(self, job: ListJob) -> dict[str, Any]:
        return {name: value for name, value in job.options.items() if name not in _INNER}

    def get_file(self, job: ListJob) -> bool:
        return bool(job.file)


class NewJobSerializer(Serializer[Any]):
    """Which fields a kind needs stands at them; the others are left out."""

    kind = serializers.ChoiceField(choices=ListJobKind.choices)
    rule = RuleSerializer(required=False)
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        required=False,
        allow_empty=False,
        max_length=MAX_TICKED,
        help_text=f"Ids of recipients of the list, at most {MAX_TICKED}, instead of `rule` and `words`.",
    )
    words = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=WORDS_LIMIT,
        help_text="As in the search field of the page.",
    )
    target = serializers.IntegerField(required=False, help_text="copy, move: the id of a list.")
    new_list = serializers.CharField(
        required=False, max_length=100, help_text="copy, move: the name of a new list instead of `target`."
    )
    field = serializers.CharField(
        required=False,
        max_length=100,
        help_text="set_field: one of a person, or `extra:` and a column's name.",
    )
    value = serializers.CharField(
        required=False, allow_blank=True, help_text="set_field: the value; empty empties the field."
    )
    parts = serializers.IntegerField(required=False, min_value=2, help_text="split: into how many lists.")
    size = serializers.IntegerField(required=False, min_value=1, help_text="split: people in a part instead.")
    others = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="deduplicate: ids of the other lists."
    )
    form = serializers.ChoiceField(
        choices=list(EXPORT_FORMS),
        required=False,
        help_text="export: the form of the file, csv unless given.",
    )
    agreed = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="remove, opt_out: how many people it may befall at most; where more match, the job fails. "
        f"{list_jobs.AGREED_ABOVE:,} unless given; required where it is everybody.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "ids" in attrs and attrs.keys() & {"rule", "words"}:
            raise serializers.ValidationError(
                {"ids": [_("These people stand beside “rule” or “words”. Send one of them.")]}
            )
        return attrs


class MergeSerializer(Serializer[Any]):
    lists = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Ids of two lists at least. Where a number is on several, the fields of the first one win.",
    )
    target = serializers.IntegerField(
        required=False, help_text="The id of a list, one of them or another; people on it stay as they are."
    )
    new_list = serializers.CharField(
        required=False, max_length=100, help_text="The name of a new list instead of `target`."
    )
    disable = serializers.BooleanField(
        required=False, help_text="Whether the lists are disabled at the end, but for the target."
    )


def lists_named(view: Any, field: str, pks: list[int]) -> list[RecipientList]:
    """Those of the workspace, each once, in the order of `pks`; a ValidationError for what is none."""
    rows = RecipientList.objects.filter(workspace=workspace_of(view)).select_related("source", "workspace")
    found = rows.in_bulk(pks)
    for pk in pks:
        if pk not in found:
            raise serializers.ValidationError(
                {field: [_("There is no recipient list %(id)d. Use the id of one.") % {"id": pk}]}
            )
    return [found[pk] for pk in dict.fromkeys(pks)]


class _OfOneList(GenericViewSet[Any]):
    def _list(self) -> RecipientList:
        rows = RecipientList.objects.filter(workspace=workspace_of(self)).select_related(
            "workspace", "source"
        )
        return get_object_or_404(rows, pk=self.kwargs["list_pk"])


@extend_schema_view(
    list=extend_schema(summary="Saved filters of a list"),
    retrieve=extend_schema(summary="One saved filter"),
    destroy=extend_schema(summary="Delete a saved filter"),
)
class SavedFilterViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, _OfOneList
):
    """Filters of the people of one list, kept under names."""

    serializer_class = SavedFilterSerializer
    queryset = SavedFilter.objects.none()

    def get_queryset(self) -> QuerySet[SavedFilter]:
        if is_schema(self):
            return SavedFilter.objects.none()
        return SavedFilter.objects.filter(list=self._list()).select_related("list__workspace")

    @extend_schema(summary="Save a filter", responses={201: SavedFilterSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        recipient_list = self._list()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        with problems():
            saved = lists.save_filter(
                recipient_list=recipient_list,
                actor=actor_of(request),
                name=given["name"],
                rule=rule_from(given["rule"]),
            )
        return Response(self.get_serializer(saved).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: SavedFilter) -> None:
        lists.delete_filter(saved=instance, actor=actor_of(self.request))


@extend_schema_view(
    list=extend_schema(summary="Jobs of a list"), retrieve=extend_schema(summary="One job, with its progress")
)
class ListJobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, _OfOneList):
    """Things done to everybody on a list who matches; small lists at once, others by a worker."""

    serializer_class = ListJobSerializer
    queryset = ListJob.objects.none()

    def get_queryset(self) -> QuerySet[ListJob]:
        if is_schema(self):
            return ListJob.objects.none()
        return ListJob.objects.filter(list=self._list()).select_related("list", "workspace")

    @extend_schema(
        summary="Do something to all who match",
        request=NewJobSerializer,
        responses={201: ListJobSerializer, 409: PROBLEM},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        recipient_list = self._list()
        serializer = NewJobSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        rule, words = given.pop("rule", {}), given.pop("words", "").strip()
        ids = tuple(dict.fromkeys(given.pop("ids", ())))
        if "target" in given:
            given["target"] = lists_named(self, "target", [given["target"]])[0]
        if "others" in given:
            given["others"] = lists_named(self, "others", given["others"])
        with problems():
            job = list_jobs.start_job(
                sought=Sought(recipient_list, words, rule_from(rule), ids),
                wish=list_jobs.Wish(**given),
                actor=actor_of(request),
            )
        return Response(self.get_serializer(job).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Cancel a job",
        description="What is done stays done.",
        request=None,
        responses={200: ListJobSerializer, 409: PROBLEM},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with problems():
            job = list_jobs.cancel_job(job=self.get_object(), actor=actor_of(request))
        return Response(self.get_serializer(job).data)

    @extend_schema(
        summary="Go on with a job that failed or was cancelled",
        request=None,
        responses={200: ListJobSerializer, 409: PROBLEM},
    )
    @action(detail=True, methods=["post"])
    def again(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with problems():
            job = list_jobs.run_job_again(job=self.get_object(), actor=actor_of(request))
        return Response(self.get_serializer(job).data)

    @extend_schema(summary="The file of an export", responses={200: OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def file(self, request: Request, *args: Any, **kwargs: Any) -> FileResponse:
        response = job_file(self.get_object())
        if response is None:
            raise exceptions.NotFound(
                _("This job has no file: it is no export, has not ended, or ended more than 7 days ago.")
            )
        return response
