"""API of campaigns and broadcasts, and single texts."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from campaigns.api_errors import Unprocessable, check_data, problems
from campaigns.api_missed import AgainSerializer, MissedActions, draft_again
from campaigns.api_segments import PROBLEM, SegmentActions
from campaigns.models import Broadcast, BroadcastKind, BroadcastState, Campaign
from campaigns.services.campaigns import create_campaign, set_default_campaign, update_campaign
from campaigns.services.checks import launch_checks, night_of
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from campaigns.services.drafts import create_draft, delete_draft, save_draft
from campaigns.services.estimate import Estimate, count_to_type, estimate_of
from campaigns.services.finish import finish_of_estimate
from campaigns.services.launch import AT_ITS_TIME, launch, send_single, send_test, unschedule
from campaigns.services.local_time import LocalForecast, local_forecast, local_times_of
from campaigns.services.reports import Report, chart_of, report_of
from campaigns.services.text_warnings import text_warnings
from messaging.api import MessageDetailSerializer, MessageFilter, MessageSerializer
from messaging.api import MessageViewSet as LedgerViewSet
from messaging.errors import MessagingError
from messaging.finish import Finish
from messaging.links.again import dispatches_of_broadcast
from messaging.links.api import ComputingSerializer, answer_again
from messaging.links.counts import Clicks, Followed, LinkLine
from messaging.media.services import checked_pictures
from messaging.models import Message
from messaging.quiet import NightForecast
from messaging.singles import SingleText
from sms.states import MessageState
from web.api_input import (
    FilterSet,
    GenericViewSet,
    IdFilter,
    ModelSerializer,
    MomentField,
    Serializer,
    filtered,
)

# Fields of the API -> keys of services.drafts.save_draft.
DRAFT_KEYS = {
    "name": "name",
    "campaign": "campaign_id",
    "lists": "list_ids",
    "unsubscribe_lists": "unsubscribe_list_ids",
    "msisdn": "msisdn",
    "sender": "sender_id",
    "sender_list": "sender_list_id",
    "account": "account_id",
    "route": "route_id",
    "text": "text",
    "custom_parameter": "custom_parameter",
    "template": "template_id",
    "media": "media_ids",
    "send_at": "send_at",
    "local_send_at": "local_at",
    "sends_passed": "sends_passed",
    "ignores_quiet_hours": "ignores_quiet_hours",
    "first_segment_size": "first_segment_size",
    "next_segment_size": "next_segment_size",
    "conversion_threshold": "conversion_threshold",
    "recipient_cap": "recipient_cap",
    "minimum_sample": "minimum_sample",
    "wait_minutes": "wait_minutes",
    "exp_date": "exp_date",
    "failure_limit": "failure_limit",
}
LOCAL_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$"
API_FIELDS = {key: name for name, key in DRAFT_KEYS.items()}
REFUSALS = {409: PROBLEM, 422: PROBLEM}


# --- campaigns


class CampaignSerializer(ModelSerializer[Campaign]):
    name = serializers.CharField(max_length=100, help_text="Unique in the workspace.")
    starts_on = serializers.DateField(
        required=False, allow_null=True, help_text="Nothing is sent before this day; null: no limit."
    )
    ends_on = serializers.DateField(
        required=False, allow_null=True, help_text="Nothing is sent after this day; null: no limit."
    )
    enabled = serializers.BooleanField(
        required=False, help_text="Broadcasts of a disabled campaign cannot be launched."
    )
    is_default = serializers.BooleanField(
        required=False,
        help_text="New broadcasts belong to it. Set it to true on another campaign to move it.",
    )

    class Meta:
        model = Campaign
        fields = ("id", "name", "starts_on", "ends_on", "enabled", "is_default", "created_at")
        read_only_fields = ("id", "created_at")


@extend_schema_view(
    list=extend_schema(summary="List campaigns"),
    retrieve=extend_schema(summary="One campaign"),
    create=extend_schema(summary="Make a campaign", responses={201: CampaignSerializer, 409: PROBLEM}),
    partial_update=extend_schema(
        summary="Change a campaign", responses={200: CampaignSerializer, 409: PROBLEM}
    ),
)
class CampaignViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    GenericViewSet[Campaign],
):
    """Campaigns group broadcasts by date and goal. They are disabled, not deleted."""

    serializer_class = CampaignSerializer
    lookup_value_regex = "[0-9]+"
    filterset_fields = ("enabled", "is_default")
    queryset = Campaign.objects.none()

    def get_queryset(self) -> QuerySet[Campaign]:
        if getattr(self, "swagger_fake_view", False):
            return Campaign.objects.none()
        workspace = self.request.workspace  # type: ignore[attr-defined]  # see accounts.api_access
        return Campaign.objects.filter(workspace=workspace).select_related("workspace")

    def perform_create(self, serializer: serializers.BaseSerializer[Campaign]) -> None:
        values = dict(serializer.validated_data)
        enabled = values.pop("enabled", True)
        with problems():
            campaign = create_campaign(
                workspace=self.request.workspace,  # type: ignore[attr-defined]  # see accounts.api_access
                actor=actor_of(self.request),
                **values,
            )
            if not enabled:
                update_campaign(campaign=campaign, actor=actor_of(self.request), enabled=False)
        serializer.instance = campaign

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        campaign = self.get_object()
        serializer = self.get_serializer(campaign, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes = dict(serializer.validated_data)
        make_default = changes.pop("is_default", None)
        if make_default is False and campaign.is_default:
            raise exceptions.ValidationError(
                {"is_default": ["One campaign is always the default: set it to true on another one."]}
            )
        with problems():
            if changes:
                campaign = update_campaign(campaign=campaign, actor=actor_of(request), **changes)
            if make_default:
                set_default_campaign(campaign=campaign, actor=actor_of(request))
        return Response(self.get_serializer(campaign).data)


# --- broadcasts


class BroadcastSerializer(ModelSerializer[Broadcast]):
    """As it is read."""

    kind = serializers.ChoiceField(choices=BroadcastKind.values, read_only=True)
    state = serializers.ChoiceField(choices=BroadcastState.values, read_only=True)
    state_reason = serializers.CharField(
        read_only=True, help_text="Why it is in this state, in words, where Crier did it."
    )
    local_send_at = serializers.SerializerMethodField(
        help_text="At that time where each recipient is; send_at is then when it begins, once it is scheduled."
    )
    notice = serializers.SerializerMethodField(
        help_text="What happens at its time, in words; empty unless it is scheduled."
    )
    estimate = serializers.DictField(
        read_only=True,
        help_text="What was agreed to at the launch; see the action estimate for the present one. at_its_time: the same "
        "of a scheduled one when it was launched, never more.",
    )
    version = serializers.IntegerField(read_only=True, help_text="Grows with each change of the draft.")

    class Meta:
        model = Broadcast
        fields = (
            "id",
            "kind",
            "name",
            "state",
            "state_reason",
            "notice",
            "campaign",
            "lists",
            "unsubscribe_lists",
            "msisdn",
            "sender",
            "sender_list",
            "account",
            "route",
            "text",
            "custom_parameter",
            "template",
            "again_of",
            "media",
            "send_at",
            "local_send_at",
            "sends_passed",
            "ignores_quiet_hours",
            "first_segment_size",
            "next_segment_size",
            "conversion_threshold",
            "recipient_cap",
            "minimum_sample",
            "wait_minutes",
            "exp_date",
            "failure_limit",
            "version",
            "estimate",
            "created_at",
            "updated_at",
            "launched_at",
            "finished_at",
        )
        read_only_fields = fields

    def get_local_send_at(self, broadcast: Broadcast) -> str | None:
        times = local_times_of(broadcast)
        return f"{times.local.day.isoformat()}T{times.local.at:%H:%M}" if times else None

    def get_notice(self, broadcast: Broadcast) -> str:
        return str(AT_ITS_TIME) if broadcast.state == BroadcastState.SCHEDULED else ""


@extend_schema_field({"type": "string", "pattern": LOCAL_MOMENT, "examples": ["2026-12-01T10:00"]})
class LocalMomentField(serializers.Field[datetime, str, str, Any]):
    """A day and a time without a zone, to the minute."""

    default_error_messages = {  # as DRF declares it
        "invalid": "Write the day and the time without an offset, such as 2026-12-01T10:00."
    }

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not re.fullmatch(LOCAL_MOMENT, data):
            self.fail("invalid")
        try:
            return datetime.fromisoformat(data)
        except ValueError:
            self.fail("invalid")

    def to_representation(self, value: datetime) -> str:
        return value.isoformat("T", "minutes")


class DraftSerializer(Serializer[Broadcast]):
    """What may be written of a draft; ids are those of this workspace."""

    name = serializers.CharField(max_length=150, required=False)
    campaign = serializers.IntegerField(
        required=False, help_text="Default: the workspace's default campaign."
    )
    lists = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="Recipient lists; their union gets it."
    )
    unsubscribe_lists = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="Their members are left out."
    )
    msisdn = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="The one number of a single broadcast, in any usual writing.",
    )
    sender = serializers.IntegerField(
        required=False, allow_null=True, help_text="Id of a sender; it takes the place of a sender list."
    )
    sender_list = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Id of a sender list, in place of a sender: one of its senders for each message.",
    )
    account = serializers.IntegerField(
        required=False, allow_null=True, help_text="Id of a provider account; it takes the place of a route."
    )
    route = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Id of a route, in place of an account: each message goes through one of its accounts.",
    )
    text = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="With tokens such as {{first_name|there}}.",
    )
    custom_parameter = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=160,
        help_text="What your program calls it: told with its delivery reports.",
    )
    template = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Id of a template: its text is taken over, unless text is given too.",
    )
    media = serializers.ListField(
        child=serializers.IntegerField(),
        required=False,
        help_text="Pictures that go with each text, where the account's vendor sends them (MMS).",
    )
    send_at = MomentField(
        required=False,
        allow_null=True,
        help_text="With its offset; null: at once when launched. The audience is that of its time; if "
        "it grew or would cost more by then, nothing is sent: it is a draft again, state_reason says what has changed.",
    )

    local_send_at = LocalMomentField(
        required=False,
        allow_null=True,
        help_text="In place of send_at: at that time where each recipient is, such as 2026-12-01T10:00, without an offset;"
        " null: not so. Not of a smart one.",
    )
    sends_passed = serializers.BooleanField(
        required=False,
        help_text="Where that time has passed when it is launched. true (the default): at once; false: they are left out.",
    )
    ignores_quiet_hours = serializers.BooleanField(
        required=False,
        help_text="true: it goes out in the workspace's quiet hours, too. Else who would get it then is held.",
    )
    first_segment_size = serializers.IntegerField(
        required=False, allow_null=True, help_text="Of a smart one: how many people the first segment has."
    )
    exp_date = MomentField(
        required=False,
        allow_null=True,
        help_text="Of a smart one, with its offset: who has not got it by then does not get it; null: no such time.",
    )
    conversion_threshold = serializers.DecimalField(
        required=False,
        allow_null=True,
        max_digits=6,
        decimal_places=3,
        help_text="Of smart_ctr: people who clicked of a hundred messages sent, from which on the next segment goes out.",
    )
    next_segment_size = serializers.IntegerField(
        required=False, allow_null=True, help_text="Of smart_ctr: how many people each next segment has."
    )
    recipient_cap = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Of smart_ctr: at so many people it is paused, and a person decides; null: no cap.",
    )
    minimum_sample = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Of smart_ctr: the least messages sent to decide on; null: 100.",
    )
    wait_minutes = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Of smart_ctr: minutes after a segment was through before it is decided; null: 60.",
    )

    failure_limit = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Of all but single ones: it is paused once more than so many of a hundred of its last messages failed;"
        " 100: never; null: as in the workspace (see sending).",
    )

    def changes(self) -> dict[str, Any]:
        return {DRAFT_KEYS[name]: value for name, value in self.validated_data.items() if name in DRAFT_KEYS}


class NewDraftSerializer(DraftSerializer):
    kind = serializers.ChoiceField(
        choices=BroadcastKind.choices,
        default=BroadcastKind.BASE,
        help_text="base: to lists; single: to one number; smart_manual: to lists in segments, each next one sent by a person"
        " or a call; smart_ctr: each next one sent by itself when enough people clicked.",
    )


class DraftChangeSerializer(DraftSerializer):
    version = serializers.IntegerField(
        required=False,
        help_text="The version that you read; with it a change made elsewhere since is refused with 409.",
    )


class ReachSerializer(Serializer[Any]):
    on_lists = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    opted_out = serializers.IntegerField()
    unsubscribed = serializers.IntegerField()
    people = serializers.IntegerField(help_text="on_lists - duplicates - opted_out - unsubscribed.")


class CheckSerializer(Serializer[Any]):
    code = serializers.CharField()
    level = serializers.ChoiceField(choices=["block", "warn", "ok"])
    detail = serializers.CharField()
    fix = serializers.CharField(
        allow_blank=True, help_text="What to change: audience, message, sender, account, ..."
    )


class AudienceSerializer(Serializer[Any]):
    """Who exactly it reaches, without naming them."""

    fingerprint = serializers.CharField(
        help_text="Changes when somebody else is among them, be they as many."
    )
    last_opt_out = serializers.IntegerField(help_text="Opt-outs with a higher id have come since.")
    last_unsubscribed = serializers.IntegerField(
        help_text="Numbers of unsubscribe lists with a higher id have come since."
    )


class FirstSegmentSerializer(Serializer[Any]):
    people = serializers.IntegerField()
    reached = serializers.IntegerField(help_text="Who of them gets a text.")
    parts = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=14, decimal_places=5, allow_null=True)


class PinnedHoursSerializer(Serializer[Any]):
    begins = serializers.CharField(help_text="By the clock where the recipient is, such as 21:00.")
    ends = serializers.CharField()
    zone = serializers.CharField(help_text="Where somebody is of whom nothing else is known.")


class HeldSerializer(Serializer[NightForecast]):
    people = serializers.IntegerField(source="held")
    first = serializers.DateTimeField(help_text="When quiet hours end for the first of them.")
    last = serializers.DateTimeField(help_text="When they end for the last of them.")


class FinishSerializer(Serializer[Finish]):
    """A forecast: nothing is promised."""

    begins_at = serializers.DateTimeField()
    earliest = serializers.DateTimeField(
        help_text="At the account's pace, sharing it evenly with what runs beside, within its parts a day."
    )
    latest = serializers.DateTimeField(
        help_text="After all that runs through the account, as slow as its provider answered of late."
    )
    parts = serializers.IntegerField()
    ahead_parts = serializers.IntegerField(help_text="Of what runs already through the same account.")
    per_second = serializers.FloatField(help_text="Parts, at most.")
    answers_per_second = serializers.FloatField(
        allow_null=True, help_text="Parts, as the provider answered of late; null where that is no limit."
    )
    parts_per_day = serializers.IntegerField(
        allow_null=True, help_text="Of broadcasts; null without a limit."
    )
    reason = serializers.CharField(help_text="On what it rests, in words.")


class LocalForecastSerializer(Serializer[LocalForecast]):
    first = serializers.DateTimeField(allow_null=True, help_text="null: that time has passed everywhere.")
    last = serializers.DateTimeField(allow_null=True)
    passed = serializers.IntegerField(help_text="Who gets it at once, since it has passed where they are.")


class ShareSerializer(Serializer[Any]):
    account_id = serializers.IntegerField()
    account = serializers.CharField()
    people = serializers.IntegerField(help_text="Who gets a text through it.")
    parts = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=14, decimal_places=5, allow_null=True)


class EstimateSerializer(Serializer[Estimate]):
    people = serializers.IntegerField()
    parts = serializers.IntegerField()
    by_parts = serializers.DictField(child=serializers.IntegerField(), help_text="People by number of parts.")
    cost = serializers.DecimalField(max_digits=14, decimal_places=5, allow_null=True)
    currency = serializers.CharField()
    unpriced = serializers.IntegerField(help_text="People for whose number no price is known.")
    empty = serializers.IntegerField(help_text="People who would get an empty text.")
    no_url = serializers.IntegerField(
        help_text="People for whom {{shorten_url}} and {{callback_link}} are left empty: no address of their own that a link"
        " can lead to."
    )
    no_sender = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="People by country (ISO 3166) to which none of the senders may send: among people, and not texted.",
    )
    out_of_reach = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="People by country (ISO 3166) whose numbers the account's provider does not take: among people, and not"
        " texted.",
    )
    capped = serializers.IntegerField(
        help_text="People who have had as many broadcasts lately as the workspace allows (see sending): among people, and"
        " not texted."
    )
    has_it = serializers.IntegerField(
        help_text="People who got it, or are getting it, from another broadcast to those who missed it: among people, and"
        " not texted."
    )
    reach = ReachSerializer()
    audience = AudienceSerializer()
    first_segment = FirstSegmentSerializer(
        required=False, help_text="Of a smart broadcast: what goes out with the launch."
    )
    through = ShareSerializer(
        many=True,
        required=False,
        help_text="Through a route: each of its accounts that can carry it, in its order.",
    )
    digest = serializers.CharField(help_text="Names all of this; give it to launch to agree to exactly this.")
    quiet_hours = PinnedHoursSerializer(
        allow_null=True, help_text="The quiet hours that it keeps; null: it goes out at any time."
    )
    passed = serializers.IntegerField(
        help_text="People who are left out, since the time to send has passed where they are: among people."
    )
    local = LocalForecastSerializer(
        allow_null=True, help_text="Of one that is sent at a time where each recipient is."
    )
    held = HeldSerializer(
        allow_null=True,
        help_text="Who is in quiet hours when it begins, at its time or now, and held until they end; null: nobody.",
    )
    finish = FinishSerializer(
        allow_null=True, help_text="When it will be through; null where parts or account are not known."
    )
    checks = CheckSerializer(many=True)


class LaunchSerializer(Serializer[Any]):
    """One of the three: agreeing to an estimate that was read, to a count, or to whatever it is now."""

    digest = serializers.CharField(
        required=False, help_text="Of the estimate that you agree to; 422 when it has changed."
    )
    people = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="The number of people that you agree to; 422 when it is another one.",
    )
    confirm = serializers.BooleanField(required=False, help_text="true: send to as many as there are now.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs.get("digest") or "people" in attrs or attrs.get("confirm")):
            raise serializers.ValidationError(
                'Say what you agree to: "digest" of an estimate, "people", or "confirm": true.',
                code="not_agreed",
            )
        return attrs


class ReasonLineSerializer(Serializer[Any]):
    code = serializers.CharField(allow_blank=True)
    state = serializers.CharField()
    sentence = serializers.CharField()
    next_step = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField()


class ChartSeriesSerializer(Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field named as an attribute of Field
    values = serializers.ListField(child=serializers.IntegerField())


class ChartSerializer(Serializer[Any]):
    labels = serializers.ListField(child=serializers.CharField())
    series = ChartSeriesSerializer(many=True)
    unit_minutes = serializers.IntegerField()


class FollowedSerializer(Serializer[Followed]):
    people = serializers.IntegerField(help_text="Who followed it, each once; machines left out.")
    human = serializers.IntegerField(help_text="Requests by people.")
    bot = serializers.IntegerField(help_text="Requests by machines: previews, scanners, programs.")
    unsure = serializers.IntegerField(help_text="Requests of which nobody can say.")


class LinkLineSerializer(Serializer[LinkLine]):
    use = serializers.CharField(help_text="link, link_list or shorten_url.")
    link = serializers.IntegerField(
        source="link.pk",
        allow_null=True,
        default=None,
        help_text="Null where each recipient has an own address.",
    )
    name = serializers.CharField(source="link.name", allow_null=True, default=None)
    followed = FollowedSerializer()


class ClicksSerializer(Serializer[Clicks]):
    all = FollowedSerializer(help_text="Of any link: whoever followed two of them is one person here.")
    lines = LinkLineSerializer(many=True)


class ThroughLineSerializer(Serializer[Any]):
    account_id = serializers.IntegerField()
    account = serializers.CharField()
    people = serializers.IntegerField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    failed = serializers.IntegerField()
    waiting = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=14, decimal_places=5)
    trouble = serializers.CharField(
        allow_blank=True, help_text="Why it is left out for now; empty while it sends."
    )


class ReportSerializer(Serializer[Report]):
    """The counts of by_state add up to people, always."""

    state = serializers.CharField()
    people = serializers.IntegerField()
    by_state = serializers.DictField(child=serializers.IntegerField())
    sent = serializers.IntegerField(help_text="Handed over to the provider, whatever became of it.")
    delivered = serializers.IntegerField()
    failed = serializers.IntegerField()
    on_the_way = serializers.IntegerField()
    waiting = serializers.IntegerField()
    unknown = serializers.IntegerField(help_text="Perhaps sent; never sent again by itself.")
    suppressed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    opted_out = serializers.IntegerField(help_text="Of its people, since the launch.")
    cost = serializers.DecimalField(max_digits=14, decimal_places=5)
    expected_cost = serializers.DecimalField(max_digits=14, decimal_places=5, allow_null=True)
    currency = serializers.CharField()
    reasons = ReasonLineSerializer(many=True)
    left_out = serializers.DictField(child=serializers.IntegerField())
    quiet_held = serializers.IntegerField(help_text="Who is held until quiet hours end where they are.")
    local_held = serializers.IntegerField(
        help_text="Who is held until it is the time to send where they are."
    )
    quiet_until = serializers.DateTimeField(
        allow_null=True, help_text="When the next of both go on; null: nobody is held so."
    )
    per_second = serializers.FloatField(allow_null=True)
    done_about = serializers.DateTimeField(allow_null=True)
    finish = FinishSerializer(
        allow_null=True, help_text="When it will be through; null unless it is being sent."
    )
    may_change = serializers.BooleanField(
        help_text="False: nothing waits and reports have been quiet for a while. A late one may still come."
    )
    summary = serializers.CharField()
    clicks = ClicksSerializer(allow_null=True, help_text="Null where the text has no links.")
    click_rate = serializers.FloatField(
        allow_null=True, help_text="People who followed a link, of a hundred messages sent."
    )
    through = ThroughLineSerializer(
        many=True, help_text="Through a route: what went through each of its accounts; else empty."
    )
    chart = ChartSerializer()


class TextWarningSerializer(Serializer[Any]):
    code = serializers.CharField(help_text="Short and stable, as in launch checks.")
    detail = serializers.CharField(help_text="What is wrong at which place, and what helps.")


class SentTextSerializer(MessageDetailSerializer):
    parts = serializers.IntegerField(read_only=True, help_text="Each is paid for.")
    cost = serializers.DecimalField(
        max_digits=14, decimal_places=5, allow_null=True, help_text="Expected; null while no price is known."
    )
    currency = serializers.CharField()
    warnings = TextWarningSerializer(
        many=True,
        help_text="What is doubtful in the text, which was taken all the same: something right beside a link, braces that"
        " are no token, characters that cannot be seen. Mostly empty.",
    )

    class Meta(MessageDetailSerializer.Meta):
        fields = (*MessageDetailSerializer.Meta.fields, "cost", "currency", "warnings")  # type: ignore[assignment]  # more
        read_only_fields = fields  # type: ignore[assignment]


def sent_data(sent: SingleText) -> dict[str, Any]:
    cost = None if sent.cost is None else str(sent.cost)
    return MessageDetailSerializer(sent.message).data | {
        # The ledger has it once it is handed over.
        "text": sent.text,
        "parts": sent.parts,
        "cost": cost,
        "currency": sent.currency,
        "warnings": [
            {"code": check.code, "detail": str(check.sentence)}
            for check in text_warnings(sent.message.workspace, sent.message.dispatch.text)
        ],
    }


class TestTextSerializer(Serializer[Any]):
    msisdn = serializers.CharField(help_text="Your own number, in any usual writing.")
    recipient = serializers.IntegerField(
        required=False, allow_null=True, help_text="Whose values the tokens take."
    )


class BroadcastFilter(FilterSet):
    state = django_filters.MultipleChoiceFilter(
        choices=BroadcastState.choices, help_text="May be given several times."
    )
    kind = django_filters.ChoiceFilter(choices=BroadcastKind.choices)
    campaign = IdFilter(field_name="campaign_id")

    class Meta:
        model = Broadcast
        fields = ("state", "kind", "campaign")


@extend_schema_view(
    list=extend_schema(summary="List broadcasts"),
    retrieve=extend_schema(summary="One broadcast"),
)
class BroadcastViewSet(
    MissedActions, SegmentActions, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Broadcast]
):
    """Drafts are written and changed freely; after the launch only pause, resume and stop are left."""

    serializer_class = BroadcastSerializer
    filterset_class = BroadcastFilter
    paged_actions = frozenset({"list", "messages"})
    body_actions = frozenset(
        {"create", "partial_update", "launch", "test", "segments", "segments_estimate", "again", "settle"}
    )
    parameters = {"messages": ("state", "msisdn")}
    lookup_value_regex = "[0-9]+"
    queryset = Broadcast.objects.none()

    def get_queryset(self) -> QuerySet[Broadcast]:
        if getattr(self, "swagger_fake_view", False):
            return Broadcast.objects.none()
        rows = Broadcast.objects.filter(workspace=self.request.workspace)  # type: ignore[attr-defined]  # see api_access
        return rows.select_related(
            "workspace", "campaign", "sender", "sender_list", "account", "route"
        ).prefetch_related("lists", "unsubscribe_lists", "media")

    def _answer(self, broadcast: Broadcast, code: int = status.HTTP_200_OK) -> Response:
        fresh = self.get_queryset().get(pk=broadcast.pk)
        return Response(BroadcastSerializer(fresh).data, status=code)

    @extend_schema(
        summary="Make a draft", request=NewDraftSerializer, responses={201: BroadcastSerializer, 409: PROBLEM}
    )
    def create(self, request: Request) -> Response:
        draft = NewDraftSerializer(data=request.data)
        draft.is_valid(raise_exception=True)
        actor = actor_of(request)
        with problems(API_FIELDS):
            broadcast = create_draft(
                workspace=request.workspace,  # type: ignore[attr-defined]  # see accounts.api_access
                actor=actor,
                name=draft.validated_data.get("name", ""),
                kind=draft.validated_data["kind"],
            )
            try:
                changes = {key: value for key, value in draft.changes().items() if key != "name"}
                if changes:
                    broadcast = save_draft(
                        broadcast=broadcast, actor=actor, version=broadcast.version, changes=changes
                    )
            except Exception:
                # One wrong field: no half-made draft is left behind.
                delete_draft(broadcast=broadcast, actor=actor)
                raise
        return self._answer(broadcast, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change a draft",
        request=DraftChangeSerializer,
        responses={200: BroadcastSerializer, 409: PROBLEM},
    )
    def partial_update(self, request: Request, pk: str | None = None) -> Response:
        broadcast = self.get_object()
        draft = DraftChangeSerializer(data=request.data)
        draft.is_valid(raise_exception=True)
        version = draft.validated_data.get("version", broadcast.version)
        with problems(API_FIELDS):
            save_draft(broadcast=broadcast, actor=actor_of(request), version=version, changes=draft.changes())
        return self._answer(broadcast)

    @extend_schema(summary="Delete a draft", responses={204: None, 409: PROBLEM})
    def destroy(self, request: Request, pk: str | None = None) -> Response:
        with problems():
            delete_draft(broadcast=self.get_object(), actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Exact people, parts and cost, and the launch check", responses=EstimateSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def estimate(self, request: Request, pk: str | None = None) -> Response:
        broadcast = self.get_object()
        estimate = estimate_of(broadcast)
        checks = [check_data(check) for check in launch_checks(broadcast, estimate)]
        night = night_of(broadcast, estimate)
        held = None if night is None else HeldSerializer(night).data
        times = local_forecast(broadcast, estimate.zones)
        local = None if times is None else LocalForecastSerializer(times).data
        # Whoever is held until morning, or until it is the time there, is not through before.
        finish = None if night or times else finish_of_estimate(broadcast, estimate)
        told = None if finish is None else FinishSerializer(finish).data
        found = {"held": held, "local": local, "finish": told, "checks": checks}
        return Response(estimate.as_dict() | found)

    @extend_schema(
        summary="Launch, now or at its time",
        request=LaunchSerializer,
        responses={200: BroadcastSerializer} | REFUSALS,
    )
    @action(detail=True, methods=["post"])
    def launch(self, request: Request, pk: str | None = None) -> Response:
        """One launch, however often it is called: the second call gets 409.

        Give the `digest` of the estimate that you read, or the number of `people`, or `confirm`: true.

        With a `send_at` it is scheduled. The audience is that of its time: if it grew or would cost more by then,
        nothing is sent. It is a draft again, and its `state_reason` says what was agreed to and what it is now.
        """
        broadcast = self.get_object()
        agreement = LaunchSerializer(data=request.data)
        agreement.is_valid(raise_exception=True)
        agreed = agreement.validated_data
        if broadcast.state == BroadcastState.DRAFT:
            now = estimate_of(broadcast)
            _same_people(agreed, now)
            digest, people = agreed.get("digest") or now.digest, count_to_type(broadcast, now)
        else:
            digest, people = "", 0
        with problems():
            launched = launch(
                broadcast=broadcast,
                actor=actor_of(request),
                launch_token=broadcast.launch_token,
                digest=digest,
                typed_count=people,
            )
        return self._answer(launched)

    @extend_schema(
        summary="Pause within two seconds", request=None, responses={200: BroadcastSerializer, 409: PROBLEM}
    )
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str | None = None) -> Response:
        with problems():
            return self._answer(pause_broadcast(broadcast=self.get_object(), actor=actor_of(request)))

    @extend_schema(summary="Go on", request=None, responses={200: BroadcastSerializer, 409: PROBLEM})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str | None = None) -> Response:
        with problems():
            return self._answer(resume_broadcast(broadcast=self.get_object(), actor=actor_of(request)))

    @extend_schema(summary="Stop for good", request=None, responses={200: BroadcastSerializer, 409: PROBLEM})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str | None = None) -> Response:
        """Who is still waiting does not get it."""
        with problems():
            return self._answer(stop_broadcast(broadcast=self.get_object(), actor=actor_of(request)))

    @extend_schema(
        summary="Take a scheduled one back", request=None, responses={200: BroadcastSerializer, 409: PROBLEM}
    )
    @action(detail=True, methods=["post"])
    def unschedule(self, request: Request, pk: str | None = None) -> Response:
        with problems():
            return self._answer(unschedule(broadcast=self.get_object(), actor=actor_of(request)))

    @extend_schema(
        summary="Send a test text",
        request=TestTextSerializer,
        responses={201: SentTextSerializer, 409: PROBLEM},
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str | None = None) -> Response:
        """One text of the draft to a number of your own."""
        broadcast = self.get_object()
        asked = TestTextSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with problems({"recipient_id": "recipient"}):
            sent = send_test(
                broadcast=broadcast,
                actor=actor_of(request),
                msisdn=asked.validated_data["msisdn"],
                recipient_id=asked.validated_data.get("recipient"),
            )
        return Response(sent_data(sent), status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="A draft to those who missed it",
        request=AgainSerializer,
        responses={201: BroadcastSerializer, 409: PROBLEM},
    )
    @action(detail=True, methods=["post"])
    def again(self, request: Request, pk: str | None = None) -> Response:
        """With the same text and senders, to those people alone. Look at its estimate and launch it as any other.

        Of several such broadcasts nobody gets two: the estimate counts those as `has_it`.
        """
        return self._answer(draft_again(request, self.get_object()), status.HTTP_201_CREATED)

    @extend_schema(summary="What became of everybody", responses=ReportSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def report(self, request: Request, pk: str | None = None) -> Response:
        broadcast = self.get_object()
        report = report_of(broadcast)
        return Response(report_data(report) | {"chart": _chart_data(broadcast)})

    @extend_schema(
        methods=["get"], summary="How far computing its clicks again is", responses=ComputingSerializer
    )
    @extend_schema(
        methods=["post"],
        summary="Compute its clicks again",
        description="From the requests that were kept, in the background; meanwhile the figures are lower.",
        request=None,
        responses={202: ComputingSerializer, 409: PROBLEM},
    )
    @action(
        detail=True,
        methods=["get", "post"],
        url_path="compute-clicks-again",
        filterset_class=None,
        pagination_class=None,
    )
    def compute_clicks_again(self, request: Request, pk: str | None = None) -> Response:
        broadcast = self.get_object()
        return answer_again(request, broadcast, dispatches_of_broadcast(broadcast.workspace, broadcast.pk))

    @extend_schema(
        summary="Its messages",
        responses=MessageSerializer(many=True),
        parameters=[
            OpenApiParameter("state", str, many=True, enum=[state.value for state in MessageState]),
            OpenApiParameter("msisdn", str, description="E.164 digits, with or without plus."),
        ],
    )
    @action(detail=True, methods=["get"], filterset_class=None)
    def messages(self, request: Request, pk: str | None = None) -> Response:
        """Every recipient, one message each."""
        broadcast = self.get_object()
        rows = Message.objects.filter(workspace_id=broadcast.workspace_id, broadcast_id=broadcast.pk)
        asked = MessageFilter(request.query_params, queryset=rows)
        page = self.paginate_queryset(filtered(asked))
        return self.get_paginated_response(MessageSerializer(page, many=True).data)


def _same_people(agreed: dict[str, Any], now: Estimate) -> None:
    people = agreed.get("people")
    if people is not None and people != now.people:
        raise Unprocessable(
            f"You agreed to {people} people, but it would go to {now.people}. Look at the estimate again.",
            "estimate_changed",
            agreed={"people": people},
            estimate=now.as_dict(),
        )


PLAIN_IN_REPORT = (
    "state",
    "people",
    "by_state",
    "sent",
    "delivered",
    "failed",
    "on_the_way",
    "waiting",
    "unknown",
    "suppressed",
    "cancelled",
    "opted_out",
    "currency",
    "left_out",
    "quiet_held",
    "local_held",
    "quiet_until",
    "per_second",
    "done_about",
    "may_change",
)


def report_data(report: Report) -> dict[str, Any]:
    found = {name: getattr(report, name) for name in PLAIN_IN_REPORT}
    found["cost"] = str(report.cost)
    found["expected_cost"] = None if report.expected_cost is None else str(report.expected_cost)
    found["summary"] = str(report.summary)
    found["reasons"] = [
        {
            "code": line.code,
            "state": line.state,
            "sentence": str(line.sentence),
            "next_step": str(line.next_step),
            "count": line.count,
        }
        for line in report.reasons
    ]
    found["finish"] = None if report.finish is None else FinishSerializer(report.finish).data
    found["clicks"] = None if report.clicks is None else ClicksSerializer(report.clicks).data
    found["click_rate"] = report.click_rate
    return found


def _chart_data(broadcast: Broadcast) -> dict[str, Any]:
    chart = chart_of(broadcast)
    return {"labels": chart.labels, "series": chart.series, "unit_minutes": chart.unit_minutes}


# --- single texts


def _not_here(field: str, sentence: str, values: dict[str, Any]) -> exceptions.ValidationError:
    return exceptions.ValidationError({field: [sentence % {"id": values[field]}]})


class NewMessageSerializer(Serializer[Message]):
    account = serializers.IntegerField(help_text="Id of the provider account it goes through.")
    sender = serializers.IntegerField(help_text="Id of a sender that the account may use.")
    msisdn = serializers.CharField(
        help_text="In any usual writing; without a country code that of the workspace."
    )
    text = serializers.CharField(
        trim_whitespace=False, allow_blank=True, help_text="May be empty where pictures go with it."
    )
    media = serializers.ListField(
        child=serializers.IntegerField(),
        required=False,
        help_text="Ids of pictures that go with it, where the account's vendor sends them (MMS).",
    )
    parts = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=1000,
        help_text="The most parts that you agree to pay for; 422 when the text has more. Without it, 3.",
    )
    custom_parameter = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=160,
        help_text="What your program calls it: told with its delivery reports.",
    )


@extend_schema_view(
    list=extend_schema(summary="List messages"),
    retrieve=extend_schema(summary="One message, with its history"),
)
class MessageViewSet(LedgerViewSet):
    """The ledger of this workspace; a POST sends a single text through it."""

    @extend_schema(
        summary="Send a single text",
        request=NewMessageSerializer,
        responses={201: SentTextSerializer} | REFUSALS,
    )
    def create(self, request: Request) -> Response:
        """It waits in the ledger like any other message; ask for its state by its id.

        More than three parts are refused, with their number and cost, until `parts` says that you agree to them.
        """
        asked = NewMessageSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        workspace = request.workspace  # type: ignore[attr-defined]  # see accounts.api_access
        account = workspace.provider_accounts.filter(pk=values["account"]).first()
        sender = workspace.senders.filter(pk=values["sender"]).first()
        if account is None:
            raise _not_here(
                "account", _("There is no account %(id)s in this workspace. Choose another one."), values
            )
        if sender is None:
            raise _not_here(
                "sender", _("There is no sender %(id)s in this workspace. Choose another one."), values
            )
        try:
            pictures = checked_pictures(workspace, values.get("media", []))
        except MessagingError as error:
            raise exceptions.ValidationError({"media": [str(error.sentence)]}) from None
        with problems():
            sent = send_single(
                workspace=workspace,
                actor=actor_of(request),
                account=account,
                sender=sender,
                msisdn=values["msisdn"],
                text=values["text"],
                agreed_parts=values.get("parts"),
                pictures=pictures,
                custom_parameter=values.get("custom_parameter", ""),
            )
        return Response(sent_data(sent), status=status.HTTP_201_CREATED)
