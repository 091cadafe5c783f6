"""`/api/v1/imports`: upload a file, correct its mapping, check, run, fetch what was refused."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from contacts.api.common import PROBLEM, is_schema, problems, workspace_of
from contacts.errors import ContactsError
from contacts.exports import refused_rows_csv
from contacts.models import (
    DateOrder,
    EncodingCertainty,
    ExistingNumbers,
    Import,
    ImportPurpose,
    ImportState,
    NumberForm,
    RecipientList,
    UnsubscribeList,
)
from contacts.preview import PreviewCell, PreviewRow, preview_of
from contacts.problems import Described, describe
from contacts.services import import_undo, imports
from contacts.services.check_rows import CheckRows, Duplicate, check_rows_of, numbers_by_country
from contacts.services.remembered import is_recalled
from contacts.uploads import require_whole_body, watch_body
from web.api_input import FilterSet, GenericViewSet, IdFilter, ModelSerializer, Serializer
from web.api_parsers import JSONParser, MultiPartParser
from web.uploads import takes_upload


@extend_schema_field(OpenApiTypes.INT)
class ListField(serializers.PrimaryKeyRelatedField[RecipientList]):
    """Of the key's workspace alone: a foreign id does not exist."""

    def get_queryset(self) -> QuerySet[RecipientList]:
        request = self.context.get("request")
        if request is None or getattr(request, "workspace", None) is None:
            return RecipientList.objects.none()
        return RecipientList.objects.filter(workspace=request.workspace)


@extend_schema_field(OpenApiTypes.INT)
class UnsubscribeListField(serializers.PrimaryKeyRelatedField[UnsubscribeList]):
    """As ListField."""

    def get_queryset(self) -> QuerySet[UnsubscribeList]:
        request = self.context.get("request")
        if request is None or getattr(request, "workspace", None) is None:
            return UnsubscribeList.objects.none()
        return UnsubscribeList.objects.filter(workspace=request.workspace)


class ColumnSerializer(Serializer[Any]):
    name = serializers.CharField(help_text="From the header row, or a number where there is none.")
    samples = serializers.ListField(child=serializers.CharField(), help_text="The first values.")
    filled = serializers.FloatField(help_text="Share of the first 1,000 rows that hold a value, 0 to 1.")
    numbers = serializers.FloatField(help_text="Share of those values that are phone numbers, 0 to 1.")
    dates = serializers.FloatField(default=0.0, help_text="Share of those values that are dates, 0 to 1.")
    countries = serializers.ListField(child=serializers.CharField(), help_text="Of those numbers.")
    guess = serializers.CharField(allow_blank=True, help_text="The target that was guessed.")
    number_form = serializers.ChoiceField(
        choices=["", *NumberForm.values],
        default="",
        help_text="What its numbers without plus seem to be; empty where that does not show.",
    )


class CountsSerializer(Serializer[Any]):
    """new + updated + unchanged + duplicate + skipped + refused = rows read."""

    new = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField(
        help_text="On the list already as the file has them; of opt-outs: opted out already, the first proof stays."
    )
    duplicate = serializers.IntegerField(help_text="Twice in the file; the first row counts.")
    skipped = serializers.IntegerField(
        help_text="On the list already and left as they are; of opt-outs: undone, so left out."
    )
    refused = serializers.IntegerField(help_text="Rows left out; see problems and rejects.")
    opted_out = serializers.IntegerField(help_text="Of these numbers, how many will not be texted.")
    cut = serializers.IntegerField(help_text="Rows with a value that was cut to its limit.")
    other_number = serializers.IntegerField(help_text="Rows whose number came from a later number column.")
    removed = serializers.IntegerField(help_text="Removed from the list, which the file replaces.")


class CheckCountsSerializer(CountsSerializer):
    countries = serializers.DictField(
        child=serializers.IntegerField(),
        default=dict,
        help_text="How many of the numbers that can be imported are of each country: by its two letters, `001` for those "
        "of none. Look at countries other than `default_country`.",
    )


class DuplicateSerializer(Serializer[Duplicate]):
    row = serializers.IntegerField(help_text="The header is row 1.")
    msisdn = serializers.CharField(help_text="E.164 digits.")
    first_row = serializers.IntegerField(
        allow_null=True,
        help_text="Where the number stands first; null where that is some ten thousand rows above.",
    )


def _rows_field(words: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.IntegerField(), help_text=words)


class CheckRowsSerializer(Serializer[CheckRows]):
    """Of each count of the check the first 20 rows; the header is row 1."""

    new = _rows_field("Of people who are not on the list.")
    updated = _rows_field("That change somebody on the list.")
    unchanged = _rows_field("That change nothing.")
    skipped = _rows_field("Of numbers that are on the list already and left as they are.")
    duplicate = DuplicateSerializer(many=True, help_text="Of numbers that stand further above in the file.")
    refused = _rows_field("That are left out, whatever the reason; see problems.")
    opted_out = _rows_field("Of numbers that have opted out: they are imported and not texted.")
    cut = _rows_field("With a value that was cut to its limit.")
    other_number = _rows_field("Whose number came from a later number column.")
    countries = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="Of numbers of other countries than `default_country`, by country.",
    )


class PreviewCellSerializer(Serializer[PreviewCell]):
    name = serializers.CharField(help_text="A field of a recipient, or extra:<name>.")
    value = serializers.CharField(allow_blank=True, help_text="As it will be.")
    before = serializers.CharField(
        allow_blank=True,
        allow_null=True,
        help_text="What is replaced; null where nothing changes or nobody is there.",
    )


class PreviewRowSerializer(Serializer[PreviewRow]):
    row = serializers.IntegerField(help_text="The header is row 1.")
    msisdn = serializers.CharField(help_text="E.164 digits.")
    country = serializers.CharField(allow_blank=True)
    kind = serializers.CharField(allow_blank=True, help_text="Kind of number.")
    effect = serializers.ChoiceField(
        choices=["new", "updated", "unchanged", "skipped"],
        help_text="What will happen, as in `check_counts`.",
    )
    is_opted_out = serializers.BooleanField(help_text="Whether the number is imported and not texted.")
    cells = PreviewCellSerializer(many=True)


class UndoCountsSerializer(Serializer[Any]):
    removed = serializers.IntegerField(help_text="People who came by the import.")
    restored = serializers.IntegerField(help_text="People whose fields are as before.")
    put_back = serializers.IntegerField(help_text="People whom the import had removed.")
    kept = serializers.IntegerField(help_text="People who stay on the list, as they were edited since.")
    elsewhere = serializers.IntegerField(
        help_text="People of the import who are on other lists, moved or copied there since: they stay there."
    )
    passed_on = serializers.IntegerField(
        help_text="People whom another import into the list wrote after this one: they are left to that one, and go or are "
        "put back when it is undone."
    )


class ProblemSerializer(Serializer[Described]):
    code = serializers.CharField(help_text="Short and stable.")
    effect = serializers.ChoiceField(
        choices=["refused", "cut", "noticed", "skipped"],
        help_text="Of the rows: left out, imported with a value cut, imported as they are, or of opt-outs that were "
        "undone (skipped).",
    )
    sentence = serializers.CharField(help_text="What is wrong.")
    remedy = serializers.CharField(help_text="How to mend it.")
    count = serializers.IntegerField(help_text="Rows.")
    rows = serializers.ListField(
        child=serializers.IntegerField(), help_text="The first of them; the header is row 1."
    )
    samples = serializers.ListField(child=serializers.CharField(), help_text="Values from them.")


class ProgressSerializer(Serializer[imports.Progress]):
    """In rows of the file; while the import is being undone in people."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()
    percent = serializers.IntegerField()
    rows_per_second = serializers.IntegerField()
    seconds_left = serializers.IntegerField(allow_null=True, help_text="Null while it is not known.")


_MAPPING_HELP = (
    "One target for each column, in order: msisdn (the next choices: msisdn:2, msisdn:3), whole_name to be split, a "
    "field of a recipient, extra:<name> for a column of your own, or empty for none. Of opt-outs and unsubscribe lists: "
    "numbers, `at` (when the person opted out; without it the time of the run), `source` (the proof; without it the "
    "name of the file), `how`, `undone_at` (rows that have it are left out), or empty."
)


_PURPOSE_HELP = (
    "`recipients`: people for a list; `opt_outs`: numbers that no broadcast of the workspace texts any more; "
    "`unsubscribe`: numbers for the list `unsubscribe_list`."
)


class ImportSerializer(ModelSerializer[Import]):
    purpose = serializers.ChoiceField(choices=ImportPurpose.choices, read_only=True, help_text=_PURPOSE_HELP)
    state = serializers.ChoiceField(choices=ImportState.values, read_only=True)
    list = ListField(
        required=False,
        allow_null=True,
        help_text="The list to add to; null for a new one, see `new_list_name`.",
    )
    new_list_name = serializers.CharField(
        required=False, allow_blank=True, max_length=100, help_text="Where there is no list yet."
    )
    unsubscribe_list = UnsubscribeListField(
        required=False,
        allow_null=True,
        help_text="Of the purpose `unsubscribe`: the list that the numbers go to; else null.",
    )
    mapping = serializers.ListField(
        child=serializers.CharField(allow_blank=True, max_length=60), required=False, help_text=_MAPPING_HELP
    )
    default_country = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=2,
        help_text="Two letters; of numbers without a country code.",
    )
    number_form = serializers.ChoiceField(
        choices=NumberForm.choices,
        required=False,
        help_text="What numbers without plus are, where `default_country` is set. `national`: numbers of that country; "
        "one that is good only with the calling code of another country is refused. `international`: the calling code "
        "stands in front; only what begins with 0 is national. Guessed from the values (`number_form` of the column): "
        "until it is sent, each number column is read as its own values show, and this is how the preferred one is. "
        "Guessed again when `default_country` changes and this is not sent.",
    )
    suggested_country = serializers.SerializerMethodField(
        help_text="Where most numbers without a country code seem to be from, if they cannot be read as they are and show "
        "it clearly; else empty. Nothing is done with it: send it as `default_country` if it is right."
    )
    existing = serializers.ChoiceField(
        choices=ExistingNumbers.choices,
        required=False,
        help_text="What happens to numbers that are on the list already. An empty cell never erases.",
    )
    truncate = serializers.BooleanField(
        required=False, help_text="Of people: cut values that are too long; else refuse the row."
    )
    date_order = serializers.ChoiceField(
        choices=DateOrder.choices,
        required=False,
        allow_blank=True,
        help_text="Of opt-outs: how 03/05/2026 is meant. Empty: a date that may be two days stays in the proof as it is "
        "written, and the time of the run counts.",
    )
    consent = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="Of people: how they agreed to be texted, in words, such as “Web form, double opt-in”. Kept as proof and "
        "shown on the page of each number; of each person it may stand in extra:consent_at and extra:consent_source.",
    )
    is_file_kept = serializers.BooleanField(
        read_only=True,
        help_text="False once the upload and its refused rows are deleted, some weeks after the import has ended: it "
        "can be neither read anew nor run again then.",
    )
    packed = serializers.ChoiceField(
        choices=["", "gzip", "zip"], read_only=True, help_text="How the file was packed; empty if it was not."
    )
    sheets = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Of a workbook, those that can be chosen."
    )
    sheet = serializers.CharField(
        required=False,
        max_length=100,
        trim_whitespace=False,
        help_text="The sheet that is read, one of `sheets`. Sending another one reads the workbook anew.",
    )
    encoding = serializers.CharField(
        required=False,
        max_length=40,
        help_text="How letters are stored, such as utf-8, cp1252 or shift_jis. Sending it reads the file anew.",
    )
    encoding_certainty = serializers.ChoiceField(
        choices=EncodingCertainty.choices,
        read_only=True,
        help_text="`guessed`: nothing in the file proves its encoding. Look at `letters`; send `encoding` if wrong.",
    )
    letters = serializers.CharField(
        read_only=True,
        help_text="The first line with letters beyond ASCII as it reads; empty where the encoding is certain.",
    )
    delimiter = serializers.CharField(
        required=False, max_length=1, trim_whitespace=False, help_text="Comma, semicolon, tab or bar."
    )
    quote = serializers.CharField(required=False, max_length=1, help_text="Quotation mark.")
    has_header = serializers.BooleanField(required=False, help_text="Whether a row holds names.")
    header_row = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=1000,
        help_text="Which one, as rows are counted in the file; rows above it, such as a title, are left out. Null without "
        "names. Sending it reads the file anew.",
    )
    columns = ColumnSerializer(many=True, read_only=True)
    is_recalled = serializers.SerializerMethodField(
        help_text="Whether the mapping is the one chosen for the last file with these column names, and no guess."
    )
    check_counts = serializers.SerializerMethodField(help_text="What a run would do; null before the check.")
    check_rows = serializers.SerializerMethodField(
        help_text="The first rows of each of those counts; null before the check."
    )
    counts = serializers.SerializerMethodField(help_text="What the run did so far; null before it.")
    problems = serializers.SerializerMethodField(help_text="Reasons, the commonest first.")
    undo_counts = serializers.SerializerMethodField(help_text="What undoing did so far; null before it.")
    progress = serializers.SerializerMethodField()
    by = serializers.CharField(
        read_only=True,
        help_text="Who uploaded it: a person, or the API key by its name; empty where unknown.",
    )

    class Meta:
        model = Import
        fields = (
            "id",
            "purpose",
            "state",
            "state_reason",
            "file_name",
            "file_size",
            "file_kind",
            "is_file_kept",
            "packed",
            "sheets",
            "sheet",
            "encoding",
            "encoding_certainty",
            "letters",
            "delimiter",
            "quote",
            "has_header",
            "header_row",
            "columns",
            "mapping",
            "is_recalled",
            "default_country",
            "number_form",
            "suggested_country",
            "existing",
            "truncate",
            "date_order",
            "consent",
            "list",
            "new_list_name",
            "unsubscribe_list",
            "total_rows",
            "check_counts",
            "check_rows",
            "counts",
            "problems",
            "progress",
            "by",
            "created_at",
            "started_at",
            "finished_at",
            "undo_counts",
            "undone_at",
        )
        read_only_fields = (
            "state_reason",
            "file_name",
            "file_size",
            "file_kind",
            "total_rows",
            "created_at",
            "started_at",
            "finished_at",
            "undone_at",
        )

    def get_is_recalled(self, imported: Import) -> bool:
        return is_recalled(imported)

    def get_suggested_country(self, imported: Import) -> str:
        return imports.suggested_country(imported)

    @extend_schema_field(CheckCountsSerializer(allow_null=True))
    def get_check_counts(self, imported: Import) -> dict[str, Any] | None:
        if not imported.check_counts:
            return None
        return imported.check_counts | {"countries": numbers_by_country(imported)}

    @extend_schema_field(CheckRowsSerializer(allow_null=True))
    def get_check_rows(self, imported: Import) -> dict[str, Any] | None:
        return asdict(check_rows_of(imported)) if imported.check_counts else None

    @extend_schema_field(CountsSerializer(allow_null=True))
    def get_counts(self, imported: Import) -> dict[str, int] | None:
        return imported.counts or None

    @extend_schema_field(UndoCountsSerializer(allow_null=True))
    def get_undo_counts(self, imported: Import) -> dict[str, int] | None:
        fresh = dict.fromkeys((*import_undo.COUNTS, import_undo.PASSED_ON), 0)
        return fresh | imported.undo_counts if imported.undo_counts else None

    @extend_schema_field(ProblemSerializer(many=True))
    def get_problems(self, imported: Import) -> Any:
        told = describe(imported.problems if imported.counts else imported.check_problems)
        return [asdict(one) | {"effect": one.effect} for one in told]

    @extend_schema_field(ProgressSerializer())
    def get_progress(self, imported: Import) -> Any:
        return asdict(imports.progress_of(imported))


class UploadSerializer(Serializer[Any]):
    file = serializers.FileField(
        allow_empty_file=True,
        help_text="CSV, XLSX, XLS or ODS, also packed by zip or gzip; encoding, delimiter and columns are found out.",
    )
    list = ListField(
        required=False, help_text="The list to add to; without it a new one, named after the file."
    )
    purpose = serializers.ChoiceField(
        choices=ImportPurpose.choices, default=ImportPurpose.RECIPIENTS, help_text=_PURPOSE_HELP
    )
    unsubscribe_list = UnsubscribeListField(
        required=False,
        help_text="The list that the numbers go to; needed by the purpose `unsubscribe` alone.",
    )


FORMAT_FIELDS = ("sheet", "encoding", "delimiter", "quote", "has_header", "header_row")
# Of people alone, and of opt-outs.
PEOPLE_FIELDS = ("existing", "truncate", "consent", "list", "new_list_name")
PROOF_FIELDS = ("date_order", "unsubscribe_list")
CHOICE_FIELDS = ("mapping", "default_country", "number_form", *PEOPLE_FIELDS, *PROOF_FIELDS)


class ImportFilter(FilterSet):
    state = django_filters.ChoiceFilter(choices=ImportState.choices)
    purpose = django_filters.ChoiceFilter(choices=ImportPurpose.choices)
    list = IdFilter(field_name="list_id", help_text="Into one list.")
    unsubscribe_list = IdFilter(field_name="unsubscribe_list_id", help_text="Into one unsubscribe list.")

    class Meta:
        model = Import
        fields = ("state", "purpose", "list", "unsubscribe_list")


@extend_schema_view(
    list=extend_schema(summary="Imports of the workspace"),
    retrieve=extend_schema(summary="One import with its progress, counts and problems"),
    partial_update=extend_schema(
        summary="Correct mapping and options, or how the file is read",
        description="Allowed until the run. A check done before is void; reading anew guesses the mapping anew.",
        responses={200: ImportSerializer, 409: PROBLEM},
    ),
)
class ImportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Import]):
    """A file on its way into a list, or among the opt-outs: upload, correct, check, run."""

    serializer_class = ImportSerializer
    filterset_class = ImportFilter
    lookup_value_regex = "[0-9]+"
    queryset = Import.objects.none()

    def get_queryset(self) -> QuerySet[Import]:
        if is_schema(self):
            return Import.objects.none()
        return Import.objects.filter(workspace=workspace_of(self)).select_related(
            "workspace", "list", "unsubscribe_list", "created_by", "api_key"
        )

    def get_parsers(self) -> list[Any]:
        # Before routing there is no action; a POST to the collection is the one upload.
        if getattr(self, "action", None) == "create" or "pk" not in getattr(self, "kwargs", {"pk": ""}):
            return [MultiPartParser()]
        return [JSONParser()]

    @takes_upload(lambda: settings.IMPORT_MAX_BYTES)
    @extend_schema(
        summary="Upload a file",
        request={"multipart/form-data": UploadSerializer},
        responses={201: ImportSerializer, 400: PROBLEM, 413: PROBLEM},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with problems():
            watch_body(request._request)
            data = request.data
            require_whole_body(request._request)
        serializer = UploadSerializer(data=data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        upload = serializer.validated_data["file"]
        with problems():
            imported = imports.upload_import(
                workspace=workspace_of(self),
                actor=actor_of(request),
                upload=upload,
                name=upload.name,
                recipient_list=serializer.validated_data.get("list"),
                purpose=serializer.validated_data["purpose"],
                unsubscribe_list=serializer.validated_data.get("unsubscribe_list"),
            )
        return Response(self.get_serializer(imported).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        imported = self.get_object()
        serializer = self.get_serializer(imported, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        with problems(), transaction.atomic():
            _require_fitting(imported, given)
            _require_one_list(given)
            if any(name in given for name in FORMAT_FIELDS):
                imports.reread_import(
                    imported=imported, **{name: given[name] for name in FORMAT_FIELDS if name in given}
                )
            if any(name in given for name in CHOICE_FIELDS):
                imports.choose(imported=imported, choices=_choices(imported, given))
        return Response(self.get_serializer(imported).data)

    @extend_schema(summary="Check every row", request=None, responses={200: ImportSerializer, 409: PROBLEM})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """Small files are checked at once; of larger ones read `state` until it is checked."""
        with problems():
            imported = imports.start_check(imported=self.get_object())
        return Response(self.get_serializer(imported).data)

    @extend_schema(
        summary="The first people as they will be",
        responses={200: PreviewRowSerializer(many=True), 409: PROBLEM},
    )
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def preview(self, request: Request, pk: str) -> Response:
        """Of a checked import: of people who are on the list already the merged values, with what changes."""
        imported = self.get_object()
        with problems():
            imports.require_checked(imported)
        return Response([asdict(row) for row in preview_of(imported).rows])

    @extend_schema(summary="Write the rows", request=None, responses={202: ImportSerializer, 409: PROBLEM})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        """A worker does it; read `progress`. One that failed or was cancelled goes on where it stopped."""
        with problems():
            imported = imports.start_run(imported=self.get_object(), actor=actor_of(request))
        return Response(self.get_serializer(imported).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Cancel", request=None, responses={200: ImportSerializer, 409: PROBLEM})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Rows that are on the list already stay there."""
        with problems():
            imported = imports.cancel_import(imported=self.get_object(), actor=actor_of(request))
        return Response(self.get_serializer(imported).data)

    @extend_schema(
        summary="Forget the remembered mapping", request=None, responses={200: ImportSerializer, 400: PROBLEM}
    )
    @action(detail=True, methods=["post"])
    def forget(self, request: Request, pk: str) -> Response:
        """The next file with these column names is guessed again, and so is this one while it can be changed."""
        with problems():
            imported = imports.forget_mapping(imported=self.get_object())
        return Response(self.get_serializer(imported).data)

    @extend_schema(summary="Undo", request=None, responses={202: ImportSerializer, 409: PROBLEM})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """A worker removes who came by it and puts back who was changed or removed; read `state` and `undo_counts`.

        Refused once somebody of it has been texted, after 30 days, while a later import stands, and of opt-outs always.
        """
        with problems():
            imported = imports.undo_import(imported=self.get_object(), actor=actor_of(request))
        return Response(self.get_serializer(imported).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="The refused rows as CSV", responses={(200, "text/csv"): OpenApiTypes.STR, 404: PROBLEM}
    )
    @action(detail=True, methods=["get"])
    def rejects(self, request: Request, pk: str) -> StreamingHttpResponse:
        """With row number and reason in front; mended, it can be uploaded as it is."""
        imported = self.get_object()
        response = refused_rows_csv(imported)
        if response is None and not imported.is_file_kept:
            raise exceptions.NotFound(imports.file_gone_words(imported))
        if response is None:
            raise exceptions.NotFound(
                _(
                    "There are no refused rows: none was refused, or the file is not checked yet. POST to check/ first."
                )
            )
        return response


def _require_fitting(imported: Import, given: dict[str, Any]) -> None:
    """What nobody would read is refused by its name."""
    foreign = PROOF_FIELDS if imported.purpose == ImportPurpose.RECIPIENTS else PEOPLE_FIELDS
    for name in foreign:
        if name in given:
            raise ContactsError(
                _("%(field)s says nothing about an import of %(purpose)s. Leave it out.")
                % {"field": name, "purpose": ImportPurpose(imported.purpose).label},
                field=name,
                code="other_purpose",
            )


def _require_one_list(given: dict[str, Any]) -> None:
    if given.get("list") and given.get("new_list_name"):
        raise ContactsError(
            _("list is %(list)s and new_list_name is %(name)s: people go to one list. Leave one of both out.")
            % {"list": given["list"].pk, "name": given["new_list_name"]},
            field="list",
            code="two_lists",
        )


def _choices(imported: Import, given: dict[str, Any]) -> imports.Choices:
    """What is given, over what is there; naming one target drops the other."""
    target = given.get("list", None if given.get("new_list_name") else imported.list)
    return imports.Choices(
        mapping=given.get("mapping", imported.mapping),
        default_country=given.get("default_country", imported.default_country).upper(),
        existing=given.get("existing", imported.existing),
        truncate=given.get("truncate", imported.truncate),
        recipient_list=target,
        new_list_name=given.get("new_list_name", imported.new_list_name),
        unsubscribe_list=given.get("unsubscribe_list", imported.unsubscribe_list),
        date_order=given.get("date_order", imported.date_order),
        number_form=given.get("number_form", ""),
        consent=given.get("consent", imported.consent),
    )
