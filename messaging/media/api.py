"""`/api/v1/media`: pictures that go out with texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from messaging.errors import MessagingError
from messaging.media.addresses import public_url
from messaging.media.services import rename_picture, set_picture_enabled, upload_picture
from messaging.media.uploads import refusals, require_whole_picture, watch_picture
from messaging.media.users import users_of
from messaging.models import Media
from messaging.texts.api import PROBLEM, TextUserSerializer, workspace_of
from messaging.texts.names import MOST_CHARACTERS
from web.api import TooLarge
from web.api_input import GenericViewSet, ModelSerializer, Serializer
from web.api_parsers import JSONParser, MultiPartParser
from web.uploads import takes_upload


@contextmanager
def problems() -> Iterator[None]:
    """Refusals of the services: 413 for a file too large, else 400 at the field."""
    try:
        yield
    except MessagingError as error:
        if error.code == "too_large":
            raise TooLarge(str(error.sentence), error.code) from None
        field = error.field or "non_field_errors"
        raise serializers.ValidationError({field: [str(error.sentence)]}, code=error.code) from None


class MediaSerializer(ModelSerializer[Media]):
    name = serializers.CharField(max_length=MOST_CHARACTERS, help_text="As your team calls it.")
    enabled = serializers.BooleanField(
        required=False, help_text="A disabled picture is kept, and not offered; what was sent still shows it."
    )
    content_type = serializers.CharField(read_only=True, help_text="image/jpeg or image/png.")
    size_bytes = serializers.IntegerField(
        read_only=True, help_text="Of what goes out, not of what was uploaded."
    )
    url = serializers.SerializerMethodField(help_text="Where providers fetch it; nobody guesses it.")

    class Meta:
        model = Media
        fields = (
            "id",
            "name",
            "enabled",
            "content_type",
            "size_bytes",
            "width",
            "height",
            "url",
            "created_at",
        )
        read_only_fields = ("width", "height", "created_at")

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, media: Media) -> str:
        return public_url(media)


class MediaDetailSerializer(MediaSerializer):
    used_by = TextUserSerializer(
        many=True, read_only=True, help_text="The newest broadcasts that it goes with."
    )

    class Meta(MediaSerializer.Meta):
        fields = (*MediaSerializer.Meta.fields, "used_by")  # type: ignore[assignment]  # one more field

    def to_representation(self, instance: Media) -> dict[str, Any]:
        uses = [TextUserSerializer(user).data for user in users_of(instance)]
        return MediaSerializer(instance, context=self.context).data | {"used_by": uses}


class UploadedMediaSerializer(MediaDetailSerializer):
    notice = serializers.CharField(
        read_only=True, help_text="What became of the file: kept as it is, made smaller, or here already."
    )

    class Meta(MediaDetailSerializer.Meta):
        fields = (*MediaDetailSerializer.Meta.fields, "notice")  # type: ignore[assignment]  # one more field


class NewMediaSerializer(Serializer[Any]):
    file = serializers.FileField(
        allow_empty_file=True,
        help_text="JPEG, PNG or a still GIF; made upright, small, and freed of metadata.",
    )
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=MOST_CHARACTERS, help_text="Left out: that of the file."
    )


@extend_schema_view(
    list=extend_schema(summary="Pictures of the workspace"),
    retrieve=extend_schema(summary="One picture", responses=MediaDetailSerializer),
    partial_update=extend_schema(
        summary="Rename, enable or disable a picture", responses={200: MediaDetailSerializer}
    ),
)
class MediaViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Media]):
    """They go out with broadcasts and single texts, where the account's vendor sends pictures (MMS). They are disabled,
    not deleted."""

    serializer_class = MediaSerializer
    lookup_value_regex = "[0-9]+"
    filterset_fields = ("name", "enabled")
    queryset = Media.objects.none()

    def get_queryset(self) -> QuerySet[Media]:
        if getattr(self, "swagger_fake_view", False):
            return Media.objects.none()
        return Media.objects.filter(workspace=workspace_of(self)).select_related("workspace")

    def get_serializer_class(self) -> type[MediaSerializer]:
        return MediaDetailSerializer if self.action == "retrieve" else MediaSerializer

    def get_parsers(self) -> list[Any]:
        # Before routing there is no action; a POST to the collection is the one upload.
        if getattr(self, "action", None) == "create" or "pk" not in getattr(self, "kwargs", {"pk": ""}):
            return [MultiPartParser()]
        return [JSONParser()]

    @takes_upload(lambda: settings.MEDIA_MAX_BYTES)
    @extend_schema(
        summary="Upload a picture",
        request={"multipart/form-data": NewMediaSerializer},
        responses={
            201: UploadedMediaSerializer,
            200: OpenApiResponse(UploadedMediaSerializer, description="The same file was here already."),
            400: PROBLEM,
            413: PROBLEM,
        },
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with problems(), refusals():
            watch_picture(request._request)
            data = request.data
            require_whole_picture(request._request)
        asked = NewMediaSerializer(data=data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        with problems():
            uploaded = upload_picture(
                workspace=workspace_of(self),
                actor=actor_of(request),
                upload=given["file"],
                name=given.get("name", ""),
            )
        answer = MediaDetailSerializer(uploaded.media).data | {"notice": uploaded.sentence}
        return Response(answer, status=status.HTTP_201_CREATED if uploaded.clean else status.HTTP_200_OK)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        media, actor = self.get_object(), actor_of(request)
        serializer = self.get_serializer(media, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        with problems(), transaction.atomic():
            rename_picture(media=media, actor=actor, name=given.get("name", media.name))
            set_picture_enabled(media=media, actor=actor, enabled=given.get("enabled", media.enabled))
        return Response(MediaDetailSerializer(media).data)
