"""`/api/v1/links`, `/api/v1/link-lists` and `/api/v1/hits`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.models import Role
from messaging.errors import MessagingError
from messaging.links.activity import (
    DEFAULT_PERIOD,
    MOST_HITS,
    PERIODS,
    Activity,
    BroadcastLine,
    Classes,
    RuleLine,
    activity_of,
)
from messaging.links.again import (
    Progress,
    compute_again,
    dispatches_of_broadcast,
    dispatches_of_link,
    progress_of,
)
from messaging.links.class_words import hit_words
from messaging.links.classes import Device, HitClass
from messaging.links.counts import conversion_of
from messaging.links.links import (
    MAX_LINKS,
    change_link,
    change_link_list,
    create_link,
    create_link_list,
    duplicate_link,
    duplicate_link_list,
    set_link_enabled,
    set_link_list_enabled,
)
from messaging.links.qr import qr_svg
from messaging.links.reach import Given, Reach, Spread, reach_of, spread_of
from messaging.links.tokens import link_list_token, link_token
from messaging.links.uses import Users, link_list_users, link_users
from messaging.links.views import address_of
from messaging.models import UTM_FIELDS, Hit, Link, LinkList
from messaging.tasks import wake_compute_again
from messaging.texts.api import PROBLEM, problems, workspace_of
from messaging.texts.users import TextUser
from web.api import Conflict, CursorPages
from web.api_input import FilterSet, GenericViewSet, IdFilter, ModelSerializer, MomentField, Serializer


class LinkSerializer(ModelSerializer[Link]):
    name = serializers.CharField(max_length=1_000, help_text="Unique in the workspace, whatever the case.")
    token = serializers.SerializerMethodField(
        help_text="What to write in a text, where the link should stand."
    )
    short_url = serializers.SerializerMethodField(
        help_text="Its own address, for posters and pages; recipients get one each."
    )
    url = serializers.CharField(max_length=10_000, help_text="Where it leads: an address of the public web.")
    bot_redirect = serializers.CharField(
        required=False, allow_blank=True, max_length=10_000, help_text="Desktops go there; empty: to url."
    )
    preview_url = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=10_000,
        help_text="Bots and previews go there; empty: to url.",
    )
    expires_at = MomentField(required=False, allow_null=True, help_text="Null: it does not end.")
    expired_url = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=10_000,
        help_text="Where it leads afterwards; empty: to a page that says that it is over.",
    )
    enabled = serializers.BooleanField(
        required=False, help_text="A text that names a disabled one is not sent."
    )

    class Meta:
        model = Link
        fields = (
            "id",
            "name",
            "token",
            "short_url",
            "url",
            "bot_redirect",
            "preview_url",
            "expires_at",
            "expired_url",
            *UTM_FIELDS,
            "enabled",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("created_at", "updated_at")

    def get_token(self, link: Link) -> str:
        return link_token(link)

    def get_short_url(self, link: Link) -> str:
        return address_of(link)


class LinkReachSerializer(Serializer[Reach]):
    recipients = serializers.IntegerField(
        help_text="Who was handed a text with it; of a link list, those to whom it gave this link. Each once a text."
    )
    people = serializers.IntegerField(help_text="How many of them followed it, each once, machines left out.")
    clicks = serializers.IntegerField(help_text="How often they did.")


class UserSerializer(Serializer[TextUser]):
    kind = serializers.CharField(help_text="link_list, template or broadcast.")
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    state = serializers.CharField(help_text="enabled or disabled; of a broadcast its state.")


class UsersSerializer(Serializer[Users]):
    """At most 25 of each kind, the newest first."""

    lists = UserSerializer(many=True, help_text="Link lists that hold it.")
    open = UserSerializer(many=True, help_text="Texts that can still go out.")
    sent = UserSerializer(many=True, help_text="Broadcasts that were launched with it.")


class ClassesSerializer(Serializer[Classes]):
    human = serializers.IntegerField()
    bot = serializers.IntegerField()
    unsure = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Not classified yet.")


class DayClassesSerializer(ClassesSerializer):
    day = serializers.DateField(help_text="In the workspace's zone.")


class DeviceClassesSerializer(ClassesSerializer):
    device = serializers.ChoiceField(choices=[(each.value, each.value) for each in Device])


class BroadcastLineSerializer(Serializer[BroadcastLine]):
    broadcast = serializers.IntegerField(
        source="broadcast_id", allow_null=True, help_text="Null for single texts."
    )
    people = serializers.IntegerField()
    requests = ClassesSerializer(source="classes")


class RuleLineSerializer(Serializer[RuleLine]):
    hit_class = serializers.ChoiceField(choices=[(each.value, each.value) for each in HitClass])
    rule = serializers.CharField(help_text="The one that decided; empty for a person.")
    count = serializers.IntegerField()


class LinkClicksSerializer(Serializer[Activity]):
    since = serializers.DateTimeField(allow_null=True, help_text="Null: all there is.")
    is_cut = serializers.BooleanField(
        help_text=f"Of more than {MOST_HITS:,} requests in the period the newest are added up."
    )
    people = serializers.IntegerField(help_text="Who followed it in a text, each once, machines left out.")
    requests = ClassesSerializer(source="classes", help_text="In texts.")
    own_address = ClassesSerializer(source="public", help_text="Of its own address, apart from the texts.")
    by_day = DayClassesSerializer(many=True)
    by_device = DeviceClassesSerializer(many=True)
    by_broadcast = BroadcastLineSerializer(many=True)
    rules = RuleLineSerializer(many=True)

    def to_representation(self, instance: Activity) -> dict[str, Any]:
        return super().to_representation(_Shown(instance))  # type: ignore[arg-type]  # reads as one


class _Shown:
    """An Activity whose days and devices are rows."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity
        self.by_day = [_named("day", day, one) for day, one in sorted(activity.by_day.items())]
        self.by_device = [_named("device", name, one) for name, one in sorted(activity.by_device.items())]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._activity, name)


def _named(name: str, value: date | str, classes: Classes) -> Mapping[str, Any]:
    return {name: value, **{each: getattr(classes, each) for each in ("human", "bot", "unsure", "waiting")}}


class ComputingSerializer(Serializer[Progress]):
    state = serializers.ChoiceField(choices=["none", "asked", "running", "done"])
    total = serializers.IntegerField(allow_null=True, help_text="Requests; null until a worker has begun.")
    done = serializers.IntegerField()


class ConversionSerializer(Serializer[Any]):
    conversion = serializers.FloatField(help_text="Clicks in a hundred recipients.")
    total_recipients = serializers.IntegerField()
    clicks = serializers.IntegerField(help_text="People who followed it.")


class UrlSerializer(Serializer[Any]):
    url = serializers.CharField(max_length=10_000, help_text="As the links have it, to the letter.")


PERIOD = OpenApiParameter(
    "period", str, enum=list(PERIODS), description="Days up to today, or all.", default=DEFAULT_PERIOD
)


@extend_schema_view(
    list=extend_schema(summary="Links of the workspace"),
    retrieve=extend_schema(summary="One link"),
    create=extend_schema(summary="Make a link", responses={201: LinkSerializer, 409: PROBLEM}),
    partial_update=extend_schema(
        summary="Change, enable or disable a link",
        description="Whoever was sent it already is led by the new addresses too.",
        responses={200: LinkSerializer, 409: PROBLEM},
    ),
)
class LinkViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Link]):
    """Links in texts, with a short address for each recipient. They are disabled, not deleted."""

    serializer_class = LinkSerializer
    lookup_value_regex = "[0-9]+"
    filterset_fields = ("name", "url", "enabled")
    parameters: ClassVar[dict[str, tuple[str, ...]]] = {"clicks": ("period",)}
    body_actions: ClassVar[frozenset[str]] = frozenset({"create", "partial_update", "conversion"})
    queryset = Link.objects.none()

    @property
    def write_role(self) -> Role:
        """`conversion` only reads: its address stands in a body because it is long."""
        return Role.VIEWER if self.action == "conversion" else Role.MARKETER

    def get_queryset(self) -> QuerySet[Link]:
        if getattr(self, "swagger_fake_view", False):
            return Link.objects.none()
        return Link.objects.filter(workspace=workspace_of(self)).select_related("workspace")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        given = _given(self.get_serializer(data=request.data))
        enabled = given.pop("enabled", True)
        with problems(), transaction.atomic():
            made = create_link(workspace=workspace_of(self), actor=actor_of(request), **given)
            set_link_enabled(link=made, actor=actor_of(request), enabled=enabled)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        link, actor = self.get_object(), actor_of(request)
        given = _given(self.get_serializer(link, data=request.data, partial=True))
        enabled = given.pop("enabled", link.enabled)
        with problems(), transaction.atomic():
            change_link(link=link, actor=actor, **given)
            set_link_enabled(link=link, actor=actor, enabled=enabled)
        return Response(self.get_serializer(link).data)

    @extend_schema(summary="Duplicate a link", request=None, responses={201: LinkSerializer})
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with problems():
            copy = duplicate_link(link=self.get_object(), actor=actor_of(request))
        return Response(self.get_serializer(copy).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="What a link stands in", responses=UsersSerializer)
    @action(detail=True, methods=["get"], url_path="used-by")
    def used_by(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(UsersSerializer(link_users(self.get_object())).data)

    @extend_schema(
        summary="Recipients, people and clicks of all time",
        description="From kept counts: as quick at a million clicks as at ten.",
        responses=LinkReachSerializer,
    )
    @action(detail=True, methods=["get"])
    def reach(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        link = self.get_object()
        return Response(LinkReachSerializer(reach_of([link.pk]).get(link.pk, Reach())).data)

    @extend_schema(
        summary="Clicks by day, class, device and broadcast",
        parameters=[PERIOD],
        responses=LinkClicksSerializer,
    )
    @action(detail=True, methods=["get"])
    def clicks(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        link = self.get_object()
        return Response(LinkClicksSerializer(activity_of(link, _period(request))).data)

    @extend_schema(
        methods=["get"], summary="How far computing the clicks again is", responses=ComputingSerializer
    )
    @extend_schema(
        methods=["post"],
        summary="Compute the clicks again",
        description="From the requests that were kept, in the background; meanwhile the figures stay.",
        request=None,
        responses={202: ComputingSerializer, 409: PROBLEM},
    )
    @action(detail=True, methods=["get", "post"], url_path="compute-again")
    def compute_again(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        link = self.get_object()
        return answer_again(request, link, dispatches_of_link(link))

    @extend_schema(
        summary="QR picture of a link's own address", responses={(200, "image/svg+xml"): OpenApiTypes.BINARY}
    )
    @action(detail=True, methods=["get"])
    def qr(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(qr_svg(address_of(self.get_object())), content_type="image/svg+xml")

    @extend_schema(
        summary="Conversion of an address",
        description="Over all texts that had a link to it. 404 where no link leads there.",
        request=UrlSerializer,
        responses={200: ConversionSerializer, 404: PROBLEM},
    )
    @action(detail=False, methods=["post"])
    def conversion(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        url = _given(UrlSerializer(data=request.data))["url"]
        found = conversion_of(workspace=workspace_of(self), url=url)
        if found is None:
            raise exceptions.NotFound(_("No link of this workspace leads to %(url)s.") % {"url": url[:200]})
        shown = {
            "conversion": found.conversion,
            "total_recipients": found.recipients,
            "clicks": found.clicks,
        }
        return Response(ConversionSerializer(shown).data)


def _period(request: Request) -> str:
    period = request.query_params.get("period", DEFAULT_PERIOD)
    if period not in PERIODS:
        sentence = _("period is “%(period)s”: send one of %(known)s.")
        values = {"period": period[:50], "known": ", ".join(PERIODS)}
        raise serializers.ValidationError({"period": [sentence % values]})
    return period


def answer_again(request: Request, subject: Any, dispatch_ids: list[int]) -> Response:
    """Of a link, or of a broadcast a floor up: a GET tells how far it is, a POST asks for it."""
    if request.method == "GET":
        progress = progress_of(dispatch_ids) or Progress("none")
        return Response(ComputingSerializer(progress).data)
    try:
        progress = compute_again(
            workspace=subject.workspace,
            actor=actor_of(request),
            subject=subject,
            dispatch_ids=dispatch_ids,
            wake=wake_compute_again,
        )
    except MessagingError as error:
        raise Conflict(str(error.sentence), error.code) from None
    return Response(ComputingSerializer(progress).data, status=status.HTTP_202_ACCEPTED)


class LinkListSerializer(ModelSerializer[LinkList]):
    name = serializers.CharField(max_length=1_000, help_text="Unique in the workspace, whatever the case.")
    token = serializers.SerializerMethodField(
        help_text="What to write in a text, where one of its links should stand."
    )
    links = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        max_length=1_000,
        help_text=f"Ids of its links, in order, each once; at most {MAX_LINKS}.",
    )
    enabled = serializers.BooleanField(
        required=False, help_text="A text that names a disabled one is not sent."
    )

    class Meta:
        model = LinkList
        fields = ("id", "name", "token", "links", "enabled", "created_at", "updated_at")
        read_only_fields = ("created_at", "updated_at")

    def get_token(self, link_list: LinkList) -> str:
        return link_list_token(link_list)

    def to_representation(self, instance: LinkList) -> dict[str, Any]:
        values = {
            "id": instance.pk,
            "name": instance.name,
            "token": link_list_token(instance),
            "links": [entry.link_id for entry in sorted(instance.entries.all(), key=lambda one: one.place)],
            "enabled": instance.enabled,
        }
        moment = serializers.DateTimeField()
        return values | {
            name: moment.to_representation(getattr(instance, name)) for name in ("created_at", "updated_at")
        }


class GivenSerializer(Serializer[Given]):
    link = serializers.IntegerField(source="link.pk")
    in_list = serializers.BooleanField(source="is_in_list", help_text="False: taken out since.")
    planned_for = serializers.IntegerField(
        source="planned",
        help_text="People for whom it was planned: in one run any two links differ by one at most.",
    )
    given_to = serializers.IntegerField(
        source="handed_over",
        help_text="Those of them who were handed the text: the others opted out, failed, wait, or it was stopped.",
    )
    people = serializers.IntegerField(help_text="How many of them followed it.")
    clicks = serializers.IntegerField()


class SpreadSerializer(Serializer[Spread]):
    texts = serializers.IntegerField(help_text="Runs that spread the list.")
    links = GivenSerializer(source="given", many=True)


@extend_schema_view(
    list=extend_schema(summary="Link lists of the workspace"),
    retrieve=extend_schema(summary="One link list"),
    create=extend_schema(summary="Make a link list", responses={201: LinkListSerializer, 409: PROBLEM}),
    partial_update=extend_schema(
        summary="Change, enable or disable a link list",
        description="What runs already keeps the links that it began with.",
        responses={200: LinkListSerializer, 409: PROBLEM},
    ),
)
class LinkListViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[LinkList]):
    """Links that are spread evenly over the recipients of a text. They are disabled, not deleted."""

    serializer_class = LinkListSerializer
    lookup_value_regex = "[0-9]+"
    filterset_fields = ("name", "enabled")
    queryset = LinkList.objects.none()

    def get_queryset(self) -> QuerySet[LinkList]:
        if getattr(self, "swagger_fake_view", False):
            return LinkList.objects.none()
        rows = LinkList.objects.filter(workspace=workspace_of(self))
        return rows.select_related("workspace").prefetch_related("entries")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        given = _given(self.get_serializer(data=request.data))
        actor = actor_of(request)
        with problems(), transaction.atomic():
            made = create_link_list(
                workspace=workspace_of(self),
                actor=actor,
                name=given["name"],
                links=self._links(given["links"]),
            )
            set_link_list_enabled(link_list=made, actor=actor, enabled=given.get("enabled", True))
        return self._answer(made, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row, actor = self.get_object(), actor_of(request)
        given = _given(self.get_serializer(row, data=request.data, partial=True))
        with problems(), transaction.atomic():
            if given.keys() & {"name", "links"}:
                links = self._links(given["links"]) if "links" in given else None
                change_link_list(link_list=row, actor=actor, name=given.get("name"), links=links)
            set_link_list_enabled(link_list=row, actor=actor, enabled=given.get("enabled", row.enabled))
        return self._answer(row)

    def _links(self, ids: list[int]) -> list[Link]:
        """Raises MessagingError, which names the first that is none."""
        rows = Link.objects.filter(workspace=workspace_of(self)).in_bulk(ids)
        missing = next((id_ for id_ in ids if id_ not in rows), None)
        if missing is not None:
            sentence = _("There is no link %(id)d in this workspace. Take it out, or make it first.")
            raise MessagingError(sentence % {"id": missing}, field="links")
        return [rows[id_] for id_ in ids]

    def _answer(self, link_list: LinkList, code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=link_list.pk)).data, status=code)

    @extend_schema(summary="Duplicate a link list", request=None, responses={201: LinkListSerializer})
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with problems():
            copy = duplicate_link_list(link_list=self.get_object(), actor=actor_of(request))
        return self._answer(copy, status.HTTP_201_CREATED)

    @extend_schema(summary="What a link list stands in", responses=UsersSerializer)
    @action(detail=True, methods=["get"], url_path="used-by")
    def used_by(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(UsersSerializer(link_list_users(self.get_object())).data)

    @extend_schema(summary="How a link list was spread, and its clicks by link", responses=SpreadSerializer)
    @action(detail=True, methods=["get"])
    def spread(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(SpreadSerializer(spread_of(self.get_object())).data)


class HitSerializer(ModelSerializer[Hit]):
    message = serializers.IntegerField(
        source="message_id", allow_null=True, help_text="Null: the link's own address, that of no recipient."
    )
    link = serializers.IntegerField(
        source="link_id", allow_null=True, help_text="Null where each recipient has an address of their own."
    )
    hit_class = serializers.CharField(
        help_text="human, bot or unsure; empty for a moment, until it is computed."
    )
    rule = serializers.CharField(help_text="The one that decided; empty for a person.")
    words = serializers.SerializerMethodField(help_text="Both in words.")
    network = serializers.CharField(help_text="The address without its last part: /24, or /48 of IPv6.")
    agent = serializers.CharField(help_text="What the program calls itself.")
    is_over = serializers.BooleanField(help_text="The link was over, and it was led nowhere.")

    class Meta:
        model = Hit
        fields = (
            "id",
            "at",
            "link",
            "message",
            "method",
            "agent",
            "network",
            "is_prefetch",
            "is_over",
            "since_sent_seconds",
            "device",
            "hit_class",
            "rule",
            "words",
        )
        read_only_fields = fields

    def get_words(self, hit: Hit) -> str:
        return hit_words(hit)


class HitFilter(FilterSet):
    broadcast = IdFilter(method="of_broadcast", help_text="Of one broadcast.")
    link = IdFilter(field_name="link_id", help_text="Of one link, its own address included.")
    message = IdFilter(field_name="message_id", help_text="Of one message.")
    hit_class = django_filters.ChoiceFilter(
        choices=[(each.value, each.value) for each in HitClass], help_text="Of one class."
    )

    class Meta:
        model = Hit
        fields = ("broadcast", "link", "message", "hit_class")

    def of_broadcast(self, rows: QuerySet[Hit], name: str, value: Any) -> QuerySet[Hit]:
        workspace = self.request.workspace
        return rows.filter(dispatch_id__in=dispatches_of_broadcast(workspace, int(value)))


class HitPages(CursorPages):
    """By time: that is how the indexes of hits go."""

    ordering = ("-at", "-id")  # type: ignore[assignment]  # several, as DRF allows


@extend_schema_view(list=extend_schema(summary="Requests for short addresses, newest first"))
class HitViewSet(mixins.ListModelMixin, GenericViewSet[Hit]):
    """Each request as it came, with its class. One of `broadcast`, `link` and `message` has to be given."""

    serializer_class = HitSerializer
    filterset_class = HitFilter
    pagination_class = HitPages
    queryset = Hit.objects.none()

    def get_queryset(self) -> QuerySet[Hit]:
        if getattr(self, "swagger_fake_view", False):
            return Hit.objects.none()
        return Hit.objects.filter(workspace=workspace_of(self))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not any(request.query_params.get(name) for name in ("broadcast", "link", "message")):
            sentence = _("Say of what: send broadcast, link or message with an id.")
            raise serializers.ValidationError({"link": [sentence]}, code="required")
        return super().list(request, *args, **kwargs)


def _given(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
