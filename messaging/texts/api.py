"""`/api/v1/templates` and `/api/v1/word-spinners`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.models import Workspace
from messaging.content import ERRORS_SHOWN, compile_content
from messaging.errors import MessagingError
from messaging.models import Template, WordSpinner
from messaging.texts.effect import PartsRange, parts_range
from messaging.texts.spinners import (
    SpinnerUse,
    change_spinner,
    create_spinner,
    draws_of,
    duplicate_spinner,
    open_uses,
    set_spinner_enabled,
    token_of,
)
from messaging.texts.templates import (
    MOST_CHARACTERS,
    change_template,
    create_template,
    duplicate_template,
    set_template_enabled,
)
from messaging.texts.users import TextUser, begun_from
from messaging.texts.words import MOST_WEIGHT, MOST_WORDS
from web.api import Conflict
from web.api_input import GenericViewSet, ModelSerializer, Serializer

PROBLEM = OpenApiResponse(
    description="A problem (application/problem+json) whose detail says why, in a sentence."
)


@contextmanager
def problems() -> Iterator[None]:
    """Refusals of the services: 409 for a name that is taken, else 400 at the field."""
    try:
        yield
    except MessagingError as error:
        if error.code == "name_taken":
            raise Conflict(str(error.sentence), error.code) from None
        field = error.field or "non_field_errors"
        raise serializers.ValidationError({field: [str(error.sentence)]}, code=error.code) from None


def workspace_of(view: Any) -> Workspace:
    workspace: Workspace = view.request.workspace  # set by the key, see accounts.api_access
    return workspace


class PartsSerializer(Serializer[PartsRange]):
    fewest = serializers.IntegerField()
    most = serializers.IntegerField()


class TextUserSerializer(Serializer[TextUser]):
    kind = serializers.CharField(help_text="template or broadcast.")
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    state = serializers.CharField(help_text="Of a template enabled or disabled, of a broadcast its state.")


class SpinnerUseSerializer(Serializer[SpinnerUse]):
    kind = serializers.CharField(source="user.kind", help_text="template or broadcast.")
    id = serializers.IntegerField(source="user.pk")
    name = serializers.CharField(source="user.name")
    state = serializers.CharField(source="user.state")
    parts = PartsSerializer(
        source="range",
        allow_null=True,
        help_text="With the shortest and the longest words; null where the text cannot be read.",
    )
    problem = serializers.CharField(help_text="Why it cannot be read; empty where it can.")


class TokenErrorSerializer(Serializer[Any]):
    sentence = serializers.CharField()
    line = serializers.IntegerField(help_text="From 1.")
    column = serializers.IntegerField(help_text="From 1, in characters.")


class TemplateSerializer(ModelSerializer[Template]):
    name = serializers.CharField(max_length=100, help_text="Unique in the workspace, whatever the case.")
    text = serializers.CharField(
        trim_whitespace=False,
        max_length=MOST_CHARACTERS,
        help_text="With tokens. Wrong ones do not hinder saving; the detail lists them.",
    )
    enabled = serializers.BooleanField(
        required=False, help_text="A disabled template is kept and no longer offered."
    )

    class Meta:
        model = Template
        fields = ("id", "name", "text", "enabled", "created_at", "updated_at")
        read_only_fields = ("created_at", "updated_at")


class TemplateDetailSerializer(TemplateSerializer):
    """With what its text becomes: compiled once for all three."""

    parts = PartsSerializer(
        read_only=True,
        allow_null=True,
        help_text="Over all words of its spinners, with sample values; null where the text cannot be read.",
    )
    token_errors = TokenErrorSerializer(
        many=True, read_only=True, help_text=f"The first {ERRORS_SHOWN} wrong tokens, at their places."
    )
    used_by = TextUserSerializer(
        many=True, read_only=True, help_text="The newest broadcasts that began with it."
    )

    class Meta(TemplateSerializer.Meta):
        fields = (*TemplateSerializer.Meta.fields, "parts", "token_errors", "used_by")  # type: ignore[assignment]  # more fields

    def to_representation(self, instance: Template) -> dict[str, Any]:
        content = compile_content(instance.workspace_id, instance.text)
        found = parts_range(content)
        return TemplateSerializer(instance, context=self.context).data | {
            "parts": PartsSerializer(found).data if found else None,
            "token_errors": [TokenErrorSerializer(error).data for error in content.told_errors],
            "used_by": [TextUserSerializer(user).data for user in begun_from(instance)],
        }


@extend_schema_view(
    list=extend_schema(summary="Templates of the workspace"),
    retrieve=extend_schema(summary="One template", responses=TemplateDetailSerializer),
    create=extend_schema(summary="Make a template", responses={201: TemplateDetailSerializer, 409: PROBLEM}),
    partial_update=extend_schema(
        summary="Change, enable or disable a template",
        description="Broadcasts that began with it keep their text.",
        responses={200: TemplateDetailSerializer, 409: PROBLEM},
    ),
)
class TemplateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Template]):
    """Texts to begin from. They are disabled, not deleted."""

    serializer_class = TemplateSerializer
    lookup_value_regex = "[0-9]+"
    filterset_fields = ("name", "enabled")
    queryset = Template.objects.none()

    def get_queryset(self) -> QuerySet[Template]:
        if getattr(self, "swagger_fake_view", False):
            return Template.objects.none()
        return Template.objects.filter(workspace=workspace_of(self)).select_related("workspace")

    def get_serializer_class(self) -> type[TemplateSerializer]:
        return TemplateDetailSerializer if self.action == "retrieve" else TemplateSerializer

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        given = _given(self.get_serializer(data=request.data))
        enabled = given.pop("enabled", True)
        with problems(), transaction.atomic():
            made = create_template(workspace=workspace_of(self), actor=actor_of(request), **given)
            if not enabled:
                set_template_enabled(template=made, actor=actor_of(request), enabled=False)
        return Response(TemplateDetailSerializer(made).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row, actor = self.get_object(), actor_of(request)
        given = _given(self.get_serializer(row, data=request.data, partial=True))
        enabled = given.pop("enabled", row.enabled)
        with problems(), transaction.atomic():
            if given:
                text = {"name": row.name, "text": row.text} | given
                change_template(template=row, actor=actor, **text)
            set_template_enabled(template=row, actor=actor, enabled=enabled)
        return Response(TemplateDetailSerializer(row).data)

    @extend_schema(summary="Duplicate a template", request=None, responses={201: TemplateDetailSerializer})
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with problems():
            copy = duplicate_template(template=self.get_object(), actor=actor_of(request))
        return Response(TemplateDetailSerializer(copy).data, status=status.HTTP_201_CREATED)


class WordSerializer(Serializer[Any]):
    word = serializers.CharField(help_text="Goes out as it stands: no token in it is filled in.")
    weight = serializers.IntegerField(
        default=1,
        min_value=1,
        max_value=MOST_WEIGHT,
        help_text="A word of weight 3 comes three times as often as one of weight 1.",
    )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        word, weight = instance
        return {"word": word, "weight": weight}


class WordSpinnerSerializer(ModelSerializer[WordSpinner]):
    name = serializers.CharField(max_length=100, help_text="Unique in the workspace, whatever the case.")
    token = serializers.SerializerMethodField(
        help_text="What to write in a text, where its word should stand."
    )
    words = WordSerializer(
        many=True, help_text=f"1 to {MOST_WORDS}. Of a word that stands several times the weights are added."
    )
    enabled = serializers.BooleanField(
        required=False, help_text="A text that names a disabled one is not sent."
    )

    class Meta:
        model = WordSpinner
        fields = ("id", "name", "token", "words", "enabled", "created_at", "updated_at")
        read_only_fields = ("created_at", "updated_at")

    def get_token(self, spinner: WordSpinner) -> str:
        return token_of(spinner)


class WordSpinnerDetailSerializer(WordSpinnerSerializer):
    used_by = SpinnerUseSerializer(
        many=True,
        read_only=True,
        help_text="Templates, drafts and scheduled broadcasts that name it, the newest of each.",
    )

    class Meta(WordSpinnerSerializer.Meta):
        fields = (*WordSpinnerSerializer.Meta.fields, "used_by")  # type: ignore[assignment]  # one more field

    def to_representation(self, instance: WordSpinner) -> dict[str, Any]:
        uses = [SpinnerUseSerializer(use).data for use in open_uses(instance)]
        return WordSpinnerSerializer(instance, context=self.context).data | {"used_by": uses}


class DrawsSerializer(Serializer[Any]):
    draws = serializers.ListField(child=serializers.CharField(), help_text="Texts as people would get them.")


@extend_schema_view(
    list=extend_schema(summary="Word spinners of the workspace"),
    retrieve=extend_schema(summary="One word spinner", responses=WordSpinnerDetailSerializer),
    create=extend_schema(
        summary="Make a word spinner", responses={201: WordSpinnerDetailSerializer, 409: PROBLEM}
    ),
    partial_update=extend_schema(
        summary="Change, enable or disable a word spinner",
        description="What was launched keeps the words it was launched with.",
        responses={200: WordSpinnerDetailSerializer, 409: PROBLEM},
    ),
)
class WordSpinnerViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[WordSpinner]):
    """One of their words at random, by weight, in each message. They are disabled, not deleted."""

    serializer_class = WordSpinnerSerializer
    lookup_value_regex = "[0-9]+"
    filterset_fields = ("name", "enabled")
    parameters: ClassVar[dict[str, tuple[str, ...]]] = {"draws": ("text",)}
    queryset = WordSpinner.objects.none()

    def get_queryset(self) -> QuerySet[WordSpinner]:
        if getattr(self, "swagger_fake_view", False):
            return WordSpinner.objects.none()
        return WordSpinner.objects.filter(workspace=workspace_of(self)).select_related("workspace")

    def get_serializer_class(self) -> type[WordSpinnerSerializer]:
        return WordSpinnerDetailSerializer if self.action == "retrieve" else WordSpinnerSerializer

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        given = _given(self.get_serializer(data=request.data))
        with problems(), transaction.atomic():
            made, _merged = create_spinner(
                workspace=workspace_of(self),
                actor=actor_of(request),
                name=given["name"],
                words=_pairs(given["words"]),
            )
            if not given.get("enabled", True):
                set_spinner_enabled(spinner=made, actor=actor_of(request), enabled=False)
        return Response(WordSpinnerDetailSerializer(made).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row, actor = self.get_object(), actor_of(request)
        given = _given(self.get_serializer(row, data=request.data, partial=True))
        with problems(), transaction.atomic():
            if given.keys() & {"name", "words"}:
                words = _pairs(given["words"]) if "words" in given else [tuple(pair) for pair in row.words]
                change_spinner(spinner=row, actor=actor, name=given.get("name", row.name), words=words)
            set_spinner_enabled(spinner=row, actor=actor, enabled=given.get("enabled", row.enabled))
        return Response(WordSpinnerDetailSerializer(row).data)

    @extend_schema(
        summary="Duplicate a word spinner", request=None, responses={201: WordSpinnerDetailSerializer}
    )
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with problems():
            copy = duplicate_spinner(spinner=self.get_object(), actor=actor_of(request))
        return Response(WordSpinnerDetailSerializer(copy).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Five real draws",
        parameters=[
            OpenApiParameter(
                "text", str, description="A text that names the spinner; left out: its token alone."
            )
        ],
        responses=DrawsSerializer,
    )
    @action(detail=True, methods=["get"])
    def draws(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with problems():
            draws = draws_of(self.get_object(), request.query_params.get("text", ""))
        return Response(DrawsSerializer({"draws": draws}).data)


def _given(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _pairs(words: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """A change asks for no field, in words neither: what is missing is empty, or weighs 1."""
    return [(one.get("word", ""), one.get("weight", 1)) for one in words]
