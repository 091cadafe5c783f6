"""“Send a Broadcast” without its list: see reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from providers.connectors.messagewhiz import (
    Audience,
    BroadcastEstimate,
    Content,
    CtrSegments,
    EstimatedBatch,
    EstimatedRecipient,
    EstimatedToken,
    FastSingle,
    RecipientValues,
    Schedule,
    Segment,
    SenderChoice,
    SentBroadcast,
    SmartCtr,
    SmartManual,
)
from tests.providers.connectors.conformance import SECRET
from tests.providers.connectors.messagewhiz_sending_cases import Impossible, envelope
from tests.providers.connectors.operation_suite import Case, Documented

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/Broadcast/estimate", "Estimate Broadcast"),
    ("POST", "/sms", "Fast Single"),
    ("POST", "/api/3/Broadcast/tiny/", "Send a Tiny single (OLD)"),
    ("POST", "/api/3/Broadcast", "Send a Single message (OLD)"),
    ("POST", "/api/3/Broadcast", "Send a Base Broadcast"),
    ("POST", "/api/3/Broadcast", "Send a Smart Broadcast"),
    ("POST", "/api/3/Segments", "Continue smart broadcast"),
    ("POST", "/api/broadcasts/single", "Send One time password (OTP)"),
    ("POST", "/api/recipients/{phone_number}/verification", "Verify OTP"),
    # "Get Broadcasts List" comes here.
    ("POST", "/api/3/Broadcast/combinedsubmit", "Single request broadcasts"),
]

MSISDN = "12015550123"
HASH = (
    "8572aeb3624293a238cd2d7cd901fb61743e3a435e50e00d631a410cb0044d39"
    "dd4a53be35e040974f88c7e3799ab1f8d1629455c260a87b0fa48da547c7ffcb"
)
AT = datetime(2021, 3, 1, 12, 41, 38, 837_000, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))
TEXT = Content(message_body="broadcast message")
SENDER = SenderChoice(sender_ids=["23"])
LISTS = Audience(recipient_list_ids=["12"])
EXPIRY = datetime(2021, 9, 25, 15, 55, 58, tzinfo=EAST)
CAPPED = CtrSegments(first_segment_size=3, next_segment_size=5, recipient_cap=100)
CTR = SmartCtr(exp_date=EXPIRY, conversion_threshold=50, segments=CAPPED)
MANUAL = SmartManual(first_segment_size=3)

PLAIN = {"replacement": "", "count": 0}
LISTED = {**PLAIN, "parameters": []}
# In the order of the document.
ACTIONS: dict[str, dict[str, Any]] = {
    "callback": {"replacement": "", "uuid": "", "count": 0},
    "first_name": PLAIN,
    "last_name": PLAIN,
    "url": PLAIN,
    "random_symbol": {"replacement": "h", "count": 0},
    "verification_code": PLAIN,
    "custom": LISTED,
    "custom1": LISTED,
    "custom2": LISTED,
    "custom3": LISTED,
    "custom4": LISTED,
    "gender": PLAIN,
    "word_spinner": {**LISTED, "isApproximate": True},
    "link": LISTED,
    "link_list": LISTED,
    "unsubscription_link": LISTED,
    "shorten_url": LISTED,
    "callback_link": LISTED,
}
ESTIMATED = {
    "messages": 1,
    "sum": 3.36,
    "parts": 1,
    "recipient_id_map": [],
    "replacements": {},
    "firstSegmentCount": 1,
    "recipient_meta_data_map": [
        [
            447700900123,
            {
                "phone_number": 447700900123,
                "email": "john@example.com",
                "custom": "Custom",
                "url": "https://example.com",
                "first_name": "John",
                "last_name": "Doe",
            },
        ]
    ],
    "recipients": {"447700900123": {"rate": 3.36, "mccMnc": 111222}},
    "messageExpanded": {"actions": ACTIONS, "text": "sample"},
    "links": {},
    "warnings": [],
    "estimateHash": HASH,
    "batchEstimation": {"messages": 1, "sum": 3.36, "parts": 1},
}
ESTIMATE = BroadcastEstimate(
    messages=1,
    total=Decimal("3.36"),
    parts=1,
    first_segment_count=1,
    recipients=(EstimatedRecipient("447700900123", Decimal("3.36"), "111222"),),
    values={
        "447700900123": {
            "phone_number": "447700900123",
            "email": "john@example.com",
            "custom": "Custom",
            "url": "https://example.com",
            "first_name": "John",
            "last_name": "Doe",
        }
    },
    text="sample",
    tokens=(
        EstimatedToken("callback", "", 0),
        EstimatedToken("first_name", "", 0),
        EstimatedToken("last_name", "", 0),
        EstimatedToken("url", "", 0),
        EstimatedToken("random_symbol", "h", 0),
        EstimatedToken("verification_code", "", 0),
        EstimatedToken("custom", "", 0),
        EstimatedToken("custom1", "", 0),
        EstimatedToken("custom2", "", 0),
        EstimatedToken("custom3", "", 0),
        EstimatedToken("custom4", "", 0),
        EstimatedToken("gender", "", 0),
        EstimatedToken("word_spinner", "", 0, (), True),
        EstimatedToken("link", "", 0),
        EstimatedToken("link_list", "", 0),
        EstimatedToken("unsubscription_link", "", 0),
        EstimatedToken("shorten_url", "", 0),
        EstimatedToken("callback_link", "", 0),
    ),
    warnings=(),
    estimate_hash=HASH,
    batch=EstimatedBatch(1, Decimal("3.36"), 1),
)
SPARSE = {
    "messages": "2",
    "sum": "0",
    "parts": "4",
    "recipients": {"447700900123": {"rate": "0.5"}, "447700900124": None},
    "messageExpanded": {
        "actions": {
            "link": {"replacement": " x ", "count": "1", "parameters": [5], "uuid": "u-1"},
            "odd": None,
        },
        "text": " {{link:5}} ",
    },
    "recipient_meta_data_map": [["447700900123", {"custom": 7}], "odd", [447700900124, None]],
    "warnings": ["No sender.", {"link": "is long"}],
}
SPARSE_ESTIMATE = BroadcastEstimate(
    messages=2,
    total=Decimal(0),
    parts=4,
    first_segment_count=None,
    recipients=(
        EstimatedRecipient("447700900123", Decimal("0.5"), ""),
        EstimatedRecipient("447700900124", None, ""),
    ),
    values={"447700900123": {"custom": "7"}, "447700900124": {}},
    text=" {{link:5}} ",
    tokens=(EstimatedToken("link", " x ", 1, ("5",), False, "u-1"), EstimatedToken("odd", "", 0)),
    warnings=("No sender.", "link: is long"),
    estimate_hash="",
    batch=None,
)
SEGMENT_ROW = {
    "real_price": 0,
    "id": 1,
    "broadcast_id": 111,
    "utc_offset": 180,
    "message_body": "sample",
    "template_id": None,
    "batch_index": None,
    "state": 0,
    "recipient_count": 1,
    "estimated_price": 3.36,
    "send_conditions_id": 1,
    "enabled": True,
    "created_at": "2021-06-25 14:02:50",
    "send_time": "2021-06-25 14:02:50",
    "estimated_count": 1,
}
SEGMENT = Segment(
    id="1",
    broadcast_id="111",
    message_body="sample",
    template_id="",
    state=0,
    recipient_count=1,
    estimated_count=1,
    real_price=Decimal(0),
    estimated_price=Decimal("3.36"),
    utc_offset=180,
    batch_index=None,
    send_conditions_id="1",
    enabled=True,
    created_at=datetime(2021, 6, 25, 14, 2, 50, tzinfo=UTC),
    send_time=datetime(2021, 6, 25, 14, 2, 50, tzinfo=UTC),
)
BARE_SEGMENT = Segment(
    id="2",
    broadcast_id="111",
    message_body="",
    template_id="46126",
    state=None,
    recipient_count=None,
    estimated_count=None,
    real_price=None,
    estimated_price=None,
    utc_offset=None,
    batch_index=2,
    send_conditions_id="",
    enabled=False,
    created_at=None,
    send_time=None,
)

CASES = [
    Case(
        "estimate_broadcast",
        lambda vendor: vendor.estimate_broadcast(
            audience=Audience(recipient_list_ids=[288696]), content=Content(message_body="sample")
        ),
        "POST",
        "/api/3/Broadcast/estimate",
        {
            "broadcast_type": 11,
            "recipient_list_ids": "288696",
            "unsubscriber_list_ids": "",
            "message_body": "sample",
        },
        envelope(ESTIMATED),
        ESTIMATE,
    ),
    Case(
        "estimate_broadcast",
        lambda vendor: vendor.estimate_broadcast(
            audience=Audience(recipient=MSISDN, unsubscriber_list_ids=[7, 8]),
            content=Content(template_id="46126"),
        ),
        "POST",
        "/api/3/Broadcast/estimate",
        {
            "broadcast_type": 10,
            "recipient": 12015550123,
            "unsubscriber_list_ids": "7,8",
            "template_id": 46126,
        },
        envelope(SPARSE),
        SPARSE_ESTIMATE,
        name="of one recipient",
    ),
    Case(
        "estimate_broadcast",
        lambda vendor: vendor.estimate_broadcast(
            audience=LISTS, content=Content(template_ids=[46126, "46125"]), smart=MANUAL
        ),
        "POST",
        "/api/3/Broadcast/estimate",
        {
            "broadcast_type": 12,
            "recipient_list_ids": "12",
            "unsubscriber_list_ids": "",
            "template_ids": "46126,46125",
            "eb_type": "manual",
            "first_segment_size": 3,
        },
        envelope(ESTIMATED),
        ESTIMATE,
        name="of a manual one",
    ),
    Case(
        "estimate_broadcast",
        lambda vendor: vendor.estimate_broadcast(audience=LISTS, content=TEXT, smart=CTR),
        "POST",
        "/api/3/Broadcast/estimate",
        {
            "broadcast_type": 12,
            "recipient_list_ids": "12",
            "unsubscriber_list_ids": "",
            "message_body": "broadcast message",
            "eb_type": "CTR",
            "first_segment_size": 3,
            "next_segment_size": 5,
            "recipient_cap": 100,
        },
        envelope(ESTIMATED),
        ESTIMATE,
        name="of a CTR one",
    ),
    Case(
        "send_fast_single",
        lambda vendor: vendor.send_fast_single(to=MSISDN, sender="sender", text="sample message"),
        "POST",
        "/sms",
        {"api_key": SECRET, "to": MSISDN, "from": "sender", "text": "sample message"},
        {"message_id": "rbzAV2NXxJ_u5bDL35Hop"},
        FastSingle("rbzAV2NXxJ_u5bDL35Hop"),
    ),
    Case(
        "send_fast_single",
        lambda vendor: vendor.send_fast_single(
            to="1201555012",
            sender="12015550100",
            text=" " + "x" * 99_999,
            client_ref="c" * 160,
            callback="https://example.com/dlr",
        ),
        "POST",
        "/sms",
        {
            "api_key": SECRET,
            "to": "1201555012",
            "from": "12015550100",
            "text": " " + "x" * 99_999,
            "client_ref": "c" * 160,
            "callback": "https://example.com/dlr",
        },
        {"message_id": 7, "client_ref": "c" * 160},
        FastSingle("7", "c" * 160),
        name="with all parameters",
    ),
    Case(
        "send_tiny_single",
        lambda vendor: vendor.send_tiny_single(
            recipient=MSISDN, sender="sender", message_body="sample message"
        ),
        "POST",
        "/api/3/Broadcast/tiny/",
        {"recipient": MSISDN, "sender": "sender", "message_body": "sample message"},
        envelope({"broadcastId": 1174181, "segmentId": 523940}),
        SentBroadcast("1174181", "523940"),
    ),
    Case(
        "send_single",
        lambda vendor: vendor.send_single(
            name="Single SMS to 12015550123",
            campaign_id=1,
            sender_id=23,
            recipient=MSISDN,
            content=Content(message_body="message body"),
            custom_parameter="1234abcd5678efgh",
        ),
        "POST",
        "/api/3/Broadcast",
        {
            "name": "Single SMS to 12015550123",
            "campaign_id": 1,
            "broadcast_type": 10,
            "unsubscriber_list_ids": "",
            "sender_id": "23",
            "recipient": MSISDN,
            "message_body": "message body",
            "custom_parameter": "1234abcd5678efgh",
        },
        envelope({"broadcastID": 331, "segmentID": 493, "custom_parameter": "1234abcd5678efgh"}),
        SentBroadcast("331", "493", "1234abcd5678efgh"),
    ),
    Case(
        "send_single",
        lambda vendor: vendor.send_single(
            campaign_id="1",
            sender_id="23",
            recipient=MSISDN,
            content=Content(template_id=46126),
            schedule=Schedule(trigger_id="5677", delay=0, utc_offset=-720),
            unsubscriber_list_ids=("7",),
            custom_parameter="x" * 40,
        ),
        "POST",
        "/api/3/Broadcast",
        {
            "campaign_id": 1,
            "broadcast_type": 10,
            "unsubscriber_list_ids": "7",
            "sender_id": "23",
            "recipient": MSISDN,
            "template_id": 46126,
            "trigger_id": 5677,
            "delay": 0,
            "utc_offset": -720,
            "custom_parameter": "x" * 40,
        },
        envelope({"broadcastId": "331", "segmentId": "493"}),
        SentBroadcast("331", "493"),
        name="on a trigger",
    ),
    Case(
        "send_base_broadcast",
        lambda vendor: vendor.send_base_broadcast(
            name="broadcast", campaign_id=1, senders=SENDER, audience=LISTS, content=TEXT
        ),
        "POST",
        "/api/3/Broadcast",
        {
            "name": "broadcast",
            "campaign_id": 1,
            "broadcast_type": 11,
            "unsubscriber_list_ids": "",
            "sender_ids": "23",
            "recipient_list_ids": "12",
            "message_body": "broadcast message",
        },
        envelope({"broadcastID": 333, "segmentID": 494}),
        SentBroadcast("333", "494"),
    ),
    Case(
        "send_base_broadcast",
        lambda vendor: vendor.send_base_broadcast(
            name="broadcast",
            campaign_id=1,
            senders=SenderChoice(sender_ids=[23, 24], sender_list_ids=[5456]),
            audience=Audience(recipient_list_ids=[12, 13], unsubscriber_list_ids=[7, 8]),
            content=Content(template_id=46126),
            # 14:25:49.614 in UTC; without an offset it is 0.
            schedule=Schedule(send_date=datetime(2020, 7, 31, 16, 25, 49, 614_999, tzinfo=EAST)),
        ),
        "POST",
        "/api/3/Broadcast",
        {
            "name": "broadcast",
            "campaign_id": 1,
            "broadcast_type": 11,
            "unsubscriber_list_ids": "7,8",
            "sender_ids": "23,24",
            "sender_list_ids": "5456",
            "recipient_list_ids": "12,13",
            "template_id": 46126,
            "send_date": "2020-07-31T14:25:49.614Z",
            "utc_offset": 0,
        },
        envelope({"broadcastID": 333, "segmentID": 494}),
        SentBroadcast("333", "494"),
        name="at a date",
    ),
    Case(
        "send_smart_broadcast",
        lambda vendor: vendor.send_smart_broadcast(
            name="manual",
            campaign_id=1,
            senders=SENDER,
            audience=LISTS,
            content=Content(message_body="man message"),
            smart=MANUAL,
            schedule=Schedule(send_date=AT, utc_offset=120),
        ),
        "POST",
        "/api/3/Broadcast",
        {
            "name": "manual",
            "campaign_id": 1,
            "broadcast_type": 12,
            "unsubscriber_list_ids": "",
            "sender_ids": "23",
            "recipient_list_ids": "12",
            "message_body": "man message",
            "send_date": "2021-03-01T12:41:38.837Z",
            "utc_offset": 120,
            "eb_type": "manual",
            # The example has "3", its description an int.
            "first_segment_size": 3,
        },
        envelope({"broadcastID": 333, "segmentID": 495}),
        SentBroadcast("333", "495"),
    ),
    Case(
        "send_smart_broadcast",
        lambda vendor: vendor.send_smart_broadcast(
            name="manual",
            campaign_id=1,
            senders=SENDER,
            audience=LISTS,
            content=Content(template_ids=[46126, 46125]),
            smart=MANUAL,
        ),
        "POST",
        "/api/3/Broadcast",
        {
            "name": "manual",
            "campaign_id": 1,
            "broadcast_type": 12,
            "unsubscriber_list_ids": "",
            "sender_ids": "23",
            "recipient_list_ids": "12",
            "template_ids": "46126,46125",
            "eb_type": "manual",
            "first_segment_size": 3,
        },
        envelope({"broadcastID": 333, "segmentID": 495}),
        SentBroadcast("333", "495"),
        name="of several templates",
    ),
    Case(
        "send_smart_broadcast",
        lambda vendor: vendor.send_smart_broadcast(
            name="by clicks",
            campaign_id=1,
            senders=SenderChoice(sender_list_ids=[5456]),
            audience=LISTS,
            content=TEXT,
            smart=CTR,
            schedule=Schedule(trigger_id=5677, delay=15),
        ),
        "POST",
        "/api/3/Broadcast",
        {
            "name": "by clicks",
            "campaign_id": 1,
            "broadcast_type": 12,
            "unsubscriber_list_ids": "",
            "sender_list_ids": "5456",
            "recipient_list_ids": "12",
            "message_body": "broadcast message",
            "trigger_id": 5677,
            "delay": 15,
            "eb_type": "CTR",
            "exp_date": "2021-09-25 13:55:58",
            "conversion_threshold": 50,
            "first_segment_size": 3,
            "next_segment_size": 5,
            "recipeint_cap": 100,
            "recipient_cap": 100,
        },
        envelope({"broadcastID": 333, "segmentID": 495}),
        SentBroadcast("333", "495"),
        name="by clicks",
    ),
    Case(
        "send_smart_broadcast",
        lambda vendor: vendor.send_smart_broadcast(
            name="by clicks",
            campaign_id=1,
            senders=SENDER,
            audience=LISTS,
            content=Content(template_id=46126),
            smart=SmartCtr(
                exp_date=EXPIRY,
                conversion_threshold=100,
                segments=CtrSegments(first_segment_size=1, next_segment_size=1),
            ),
        ),
        "POST",
        "/api/3/Broadcast",
        {
            "name": "by clicks",
            "campaign_id": 1,
            "broadcast_type": 12,
            "unsubscriber_list_ids": "",
            "sender_ids": "23",
            "recipient_list_ids": "12",
            "template_id": 46126,
            "eb_type": "CTR",
            "exp_date": "2021-09-25 13:55:58",
            "conversion_threshold": 100,
            "first_segment_size": 1,
            "next_segment_size": 1,
            "recipeint_cap": "no limit",
            "recipient_cap": "no limit",
        },
        envelope({"broadcastID": 333, "segmentID": 495}),
        SentBroadcast("333", "495"),
        name="without a cap",
    ),
    Case(
        "continue_smart_broadcast",
        lambda vendor: vendor.continue_smart_broadcast(
            broadcast_id=111,
            segment_size=1,
            senders=SenderChoice(sender_ids=[1]),
            content=Content(message_body="sample"),
            schedule=Schedule(utc_offset=180),
        ),
        "POST",
        "/api/3/Segments",
        {
            "broadcast_id": 111,
            "message_body": "sample",
            "segment_size": 1,
            "send_now": True,
            "sender_ids": "1",
            "utc_offset": 180,
        },
        envelope(SEGMENT_ROW),
        SEGMENT,
    ),
    Case(
        "continue_smart_broadcast",
        lambda vendor: vendor.continue_smart_broadcast(
            broadcast_id="111",
            segment_size=5,
            senders=SenderChoice(sender_list_ids=[5456, 5457]),
            content=Content(template_id=46126),
            schedule=Schedule(send_date=AT),
            ctr=CAPPED,
        ),
        "POST",
        "/api/3/Segments",
        {
            "broadcast_id": 111,
            "template_ids": "46126",
            "segment_size": 5,
            "send_now": False,
            "send_date": "2021-03-01T12:41:38.837Z",
            "utc_offset": 0,
            "sender_list_ids": "5456,5457",
            "first_segment_size": 3,
            "next_segment_size": 5,
            "recipient_cap": 100,
        },
        envelope(
            {
                "id": "2",
                "broadcast_id": "111",
                "template_id": 46126,
                "batch_index": "2",
                "enabled": "0",
                "send_time": "soon",
            }
        ),
        BARE_SEGMENT,
        name="after its cap",
    ),
    Case(
        "continue_smart_broadcast",
        lambda vendor: vendor.continue_smart_broadcast(
            broadcast_id=111,
            segment_size=1,
            senders=SENDER,
            content=Content(template_ids=[46126, 46125]),
            schedule=Schedule(trigger_id=5677),
        ),
        "POST",
        "/api/3/Segments",
        {
            "broadcast_id": 111,
            "template_ids": "46126,46125",
            "segment_size": 1,
            "send_now": False,
            "trigger_id": 5677,
            "sender_ids": "23",
        },
        envelope(SEGMENT_ROW),
        SEGMENT,
        name="on a trigger",
    ),
    Case(
        "send_one_time_password",
        lambda vendor: vendor.send_one_time_password(
            campaign_id=1,
            sender_id="23",
            message_body="verification code: {{verification_code}}",
            schedule=Schedule(send_date=AT, utc_offset=120),
            recipient=MSISDN,
        ),
        "POST",
        "/api/broadcasts/single?otp=true",
        {
            "campaign_id": 1,
            "sender_id": "23",
            "message_body": "verification code: {{verification_code}}",
            "send_date": "2021-03-01T12:41:38.837Z",
            "utc_offset": 120,
            "recipient": MSISDN,
            "verification": True,
            # Not in the example, but said of `send_date`: "if is_now: false".
            "is_now": False,
        },
        {"id": 123},
        "123",
    ),
    Case(
        "send_one_time_password",
        lambda vendor: vendor.send_one_time_password(
            campaign_id=1,
            sender="sender",
            message_template_id=46126,
            recipient=MSISDN,
            unsubscriber_list_ids=[7, 8],
        ),
        "POST",
        "/api/broadcasts/single?otp=true",
        {
            "campaign_id": 1,
            "sender": "sender",
            "message_template_id": 46126,
            "recipient": MSISDN,
            "verification": True,
            "is_now": True,
            "unsubscriber_list_ids": "7,8",
        },
        {"id": "123"},
        "123",
        name="of a template",
    ),
    Case(
        "verify_one_time_password",
        lambda vendor: vendor.verify_one_time_password(phone_number=MSISDN, verification_code="2253"),
        "POST",
        "/api/recipients/12015550123/verification",
        {"verification_code": 2253},
        {"valid": True},
        True,
    ),
    Case(
        "verify_one_time_password",
        lambda vendor: vendor.verify_one_time_password(
            phone_number=MSISDN, verification_code="999999999999999"
        ),
        "POST",
        "/api/recipients/12015550123/verification",
        {"verification_code": 999_999_999_999_999},
        {"valid": "0"},
        False,
        name="wrong",
    ),
    Case(
        "send_in_one_request",
        lambda vendor: vendor.send_in_one_request(
            message_body="hello {{first_name}} {{last_name}} here is {{custom2}} click on link {{shorten_url}}!!",
            sender="My sender",
            recipients=[
                RecipientValues(
                    phone_number="447700900123",
                    first_name="John",
                    last_name="Doe",
                    custom2="MyCustomToken",
                    url="https://one.example.com",
                ),
                RecipientValues(phone_number="447700900124", first_name="Bob", url="https://two.example.com"),
            ],
        ),
        "POST",
        "/api/3/Broadcast/combinedsubmit",
        {
            "message_body": "hello {{first_name}} {{last_name}} here is {{custom2}} click on link {{shorten_url}}!!",
            "sender": "My sender",
            "recipients": [
                {
                    "phone_number": 447700900123,
                    "first_name": "John",
                    "last_name": "Doe",
                    "custom2": "MyCustomToken",
                    "url": "https://one.example.com",
                },
                {"phone_number": 447700900124, "first_name": "Bob", "url": "https://two.example.com"},
            ],
        },
        envelope([{"broadcastID": 333, "segmentID": 495}]),
        (SentBroadcast("333", "495"),),
    ),
    Case(
        "send_in_one_request",
        lambda vendor: vendor.send_in_one_request(
            message_body="hello",
            sender_id=23,
            recipients=[
                RecipientValues(
                    phone_number="447700900123",
                    email="john@example.com",
                    gender="m",
                    custom="0",
                    custom1="1",
                    custom3="3",
                    custom4="4",
                )
            ],
            name="Spring",
            send_date=AT,
        ),
        "POST",
        "/api/3/Broadcast/combinedsubmit",
        {
            "message_body": "hello",
            "sender_id": "23",
            "recipients": [
                {
                    "phone_number": 447700900123,
                    "email": "john@example.com",
                    "gender": "m",
                    "custom": "0",
                    "custom1": "1",
                    "custom3": "3",
                    "custom4": "4",
                }
            ],
            "name": "Spring",
            "send_date": "2021-03-01T12:41:38.837Z",
        },
        envelope([{"broadcastId": "333", "segmentId": "495"}, {"broadcastID": 334, "segmentID": 496}]),
        (SentBroadcast("333", "495"), SentBroadcast("334", "496")),
        name="with all parameters",
    ),
]


def _base(**changed: Any) -> Any:
    """A base broadcast, with something else than the example's."""
    arguments = {
        "name": "broadcast",
        "campaign_id": 1,
        "senders": SENDER,
        "audience": LISTS,
        "content": TEXT,
    } | changed
    return lambda vendor: vendor.send_base_broadcast(**arguments)


def _smart(smart: Any, **changed: Any) -> Any:
    arguments = {
        "name": "smart",
        "campaign_id": 1,
        "senders": SENDER,
        "audience": LISTS,
        "content": TEXT,
        "smart": smart,
    } | changed
    return lambda vendor: vendor.send_smart_broadcast(**arguments)


def _single(**changed: Any) -> Any:
    arguments = {"campaign_id": 1, "sender_id": 23, "recipient": MSISDN, "content": TEXT} | changed
    return lambda vendor: vendor.send_single(**arguments)


def _segment(**changed: Any) -> Any:
    arguments = {"broadcast_id": 111, "segment_size": 1, "senders": SENDER, "content": TEXT} | changed
    return lambda vendor: vendor.continue_smart_broadcast(**arguments)


def _fast(**changed: Any) -> Any:
    arguments = {"to": MSISDN, "sender": "sender", "text": "x"} | changed
    return lambda vendor: vendor.send_fast_single(**arguments)


def _password(**changed: Any) -> Any:
    arguments = {
        "campaign_id": 1,
        "recipient": MSISDN,
        "sender_id": 23,
        "message_body": "{{verification_code}}",
    } | changed
    return lambda vendor: vendor.send_one_time_password(**arguments)


def _one_request(**changed: Any) -> Any:
    recipients = [RecipientValues(phone_number=MSISDN)]
    arguments = {"message_body": "x", "sender_id": 23, "recipients": recipients} | changed
    return lambda vendor: vendor.send_in_one_request(**arguments)


def _ctr(threshold: int = 50, **segments: Any) -> SmartCtr:
    sizes = {"first_segment_size": 3, "next_segment_size": 5} | segments
    return SmartCtr(exp_date=EXPIRY, conversion_threshold=threshold, segments=CtrSegments(**sizes))


WITHOUT_ZONE = datetime(2021, 3, 1, 12, 41, 38)

IMPOSSIBLE: list[Impossible] = [
    ("no text", _base(content=Content()), "None of message_body, template_id, template_ids is given"),
    (
        "text and template",
        _base(content=Content(message_body="x", template_id=46126)),
        "message_body and template_id are given together: give one of them only.",
    ),
    (
        "all of them",
        _smart(MANUAL, content=Content(message_body="x", template_id=1, template_ids=[2])),
        "message_body and template_id and template_ids are given together",
    ),
    (
        "several templates of a base broadcast",
        _base(content=Content(template_ids=[46126, 46125])),
        "template_ids is “46126,46125”: several templates are for manual smart broadcasts only.",
    ),
    ("several templates of a single", _single(content=Content(template_ids=[1])), "template_ids is “1”"),
    ("several templates by clicks", _smart(CTR, content=Content(template_ids=[1])), "template_ids is “1”"),
    (
        "several templates estimated for a base broadcast",
        lambda vendor: vendor.estimate_broadcast(audience=LISTS, content=Content(template_ids=[1])),
        "template_ids is “1”",
    ),
    ("an odd template", _base(content=Content(template_id="x")), "template_id “x” is no id"),
    ("no sender", _base(senders=SenderChoice()), "None of sender_ids, sender_list_ids is given"),
    ("an odd sender", _base(senders=SenderChoice(sender_ids=["a"])), "sender_ids “a” is no id"),
    (
        "a text of senders",
        _base(senders=SenderChoice(sender_ids="23,24")),
        "sender_ids is '23,24': give a list",
    ),
    ("nobody", _base(audience=Audience()), "None of recipient_list_ids, recipient is given"),
    (
        "lists and a number",
        lambda vendor: vendor.estimate_broadcast(
            audience=Audience(recipient_list_ids=[12], recipient=MSISDN), content=TEXT
        ),
        "recipient_list_ids and recipient are given together",
    ),
    (
        "a number for lists",
        _base(audience=Audience(recipient=MSISDN)),
        "recipient is “12015550123”: a broadcast goes to recipient_list_ids.",
    ),
    (
        "a plus",
        lambda vendor: vendor.estimate_broadcast(audience=Audience(recipient="+12015550123"), content=TEXT),
        "recipient is “+12015550123”: give up to 15 digits that begin with the calling code",
    ),
    ("a zero in front", _single(recipient="012015550123"), "recipient is “012015550123”"),
    ("too many digits", _single(recipient="1" * 16), "recipient is “1111111111111111”"),
    ("no name", _base(name=" "), "The broadcast has no name: give it one."),
    ("no name of a smart one", _smart(MANUAL, name=""), "The broadcast has no name"),
    ("no campaign", _single(campaign_id=""), "campaign_id “” is no id"),
    ("no sender's id", _single(sender_id=""), "sender_id “” is no id"),
    (
        "a long custom parameter",
        _single(custom_parameter="x" * 41),
        "custom_parameter “" + "x" * 41 + "” has 41 characters: shorten it to 40.",
    ),
    (
        "a date and a trigger",
        _base(schedule=Schedule(send_date=AT, trigger_id=5677)),
        "send_date and trigger_id are given together: give one of them only.",
    ),
    (
        "a delay without a trigger",
        _base(schedule=Schedule(send_date=AT, delay=5)),
        "delay is 5: it counts from a trigger.",
    ),
    (
        "a delay into the past",
        _base(schedule=Schedule(trigger_id=5677, delay=-1)),
        "delay is -1: give a whole number of 0 or more.",
    ),
    (
        "a date without a zone",
        _base(schedule=Schedule(send_date=WITHOUT_ZONE)),
        "send_date 2021-03-01 12:41:38 has no time zone: give it one, such as UTC.",
    ),
    (
        "beyond the date line",
        _base(schedule=Schedule(utc_offset=721)),
        "utc_offset is 721: give a whole number from -720 to 720.",
    ),
    ("before the date line", _base(schedule=Schedule(utc_offset=-721)), "utc_offset is -721"),
    (
        "an empty first segment",
        _smart(SmartManual(first_segment_size=0)),
        "first_segment_size is 0: give a whole number of 1 or more.",
    ),
    ("an empty first segment by clicks", _smart(_ctr(first_segment_size=0)), "first_segment_size is 0"),
    ("an empty next segment", _smart(_ctr(next_segment_size=0)), "next_segment_size is 0"),
    (
        "a cap of two",
        _smart(_ctr(recipient_cap=2)),
        "recipient_cap is 2: give a whole number of 3 or more.",
    ),
    (
        "a threshold that nobody reaches",
        _smart(_ctr(101)),
        "conversion_threshold is 101: give a whole number from 1 to 100.",
    ),
    ("a threshold that all reach", _smart(_ctr(0)), "conversion_threshold is 0"),
    (
        "an end without a zone",
        _smart(SmartCtr(exp_date=WITHOUT_ZONE, conversion_threshold=50, segments=CAPPED)),
        "exp_date 2021-03-01 12:41:38 has no time zone",
    ),
    (
        "both kinds of senders of a segment",
        _segment(senders=SenderChoice(sender_ids=[1], sender_list_ids=[2])),
        "sender_ids and sender_list_ids are given together",
    ),
    (
        "no sender of a segment",
        _segment(senders=SenderChoice()),
        "None of sender_ids, sender_list_ids is given",
    ),
    ("an empty segment", _segment(segment_size=0), "segment_size is 0"),
    ("a segment's delay", _segment(schedule=Schedule(trigger_id=5677, delay=1)), "delay is 1: this cannot"),
    (
        "text and template of a segment",
        _segment(content=Content(message_body="x", template_id=1)),
        "message_body and template_id are given together",
    ),
    ("a segment of nothing", _segment(broadcast_id=""), "broadcast_id “” is no id"),
    (
        "continued without a cap",
        _segment(ctr=CtrSegments(first_segment_size=3, next_segment_size=5)),
        "recipient_cap is not given",
    ),
    ("no text to send", _fast(text=""), "text is “”: it cannot be empty."),
    ("a long text", _fast(text="x" * 100_001), "…” has 100,001 characters: shorten it to 100,000."),
    ("a short number", _fast(to="123456789"), "to is “123456789”: give 10 to 15 digits"),
    ("a long number", _fast(to="1" * 16), "to is “1111111111111111”"),
    ("a long name", _fast(sender="twelveletter"), "The sender “twelveletter” has 12 characters"),
    ("a name with an umlaut", _fast(sender="Müller"), "The sender “Müller” holds"),
    ("a long sender", _fast(sender="1" * 21), "has 21 digits: at most 20 are possible."),
    ("a long reference", _fast(client_ref="x" * 161), "…” has 161 characters: shorten it to 160."),
    (
        "a token in a tiny single",
        lambda vendor: vendor.send_tiny_single(
            recipient=MSISDN, sender="sender", message_body="see {{link:5}}"
        ),
        "message_body is “see {{link:5}}”, with a token",
    ),
    (
        "an empty tiny single",
        lambda vendor: vendor.send_tiny_single(recipient=MSISDN, sender="sender", message_body=""),
        "message_body is “”",
    ),
    (
        "no place for the code",
        _password(message_body="your code"),
        "message_body is “your code”, without a place for the code: write {{verification_code}} into it.",
    ),
    (
        "text and template of a password",
        _password(message_template_id=46126),
        "message_body and message_template_id are given together",
    ),
    (
        "no text of a password",
        _password(message_body=""),
        "None of message_body, message_template_id is given",
    ),
    ("two senders of a password", _password(sender="sender"), "sender_id and sender are given together"),
    ("no sender of a password", _password(sender_id=None), "None of sender_id, sender is given"),
    ("a password's delay", _password(schedule=Schedule(trigger_id=1, delay=1)), "delay is 1"),
    (
        "a code that begins with 0",
        lambda vendor: vendor.verify_one_time_password(phone_number=MSISDN, verification_code="0253"),
        "verification_code is no number that MessageWhiz can read",
    ),
    (
        "a code of letters",
        lambda vendor: vendor.verify_one_time_password(phone_number=MSISDN, verification_code="2a53"),
        "verification_code is no number",
    ),
    (
        "a code that is longer than a number",
        lambda vendor: vendor.verify_one_time_password(phone_number=MSISDN, verification_code="1" * 16),
        "up to 15 digits",
    ),
    (
        "a number that is a path",
        lambda vendor: vendor.verify_one_time_password(phone_number="1/../2", verification_code="2253"),
        "phone_number is “1/../2”",
    ),
    ("no recipients", _one_request(recipients=[]), "recipients is empty: give at least one."),
    ("no text for all", _one_request(message_body=""), "message_body is “”"),
    ("two senders for all", _one_request(sender="sender"), "sender_id and sender are given together"),
    (
        "a recipient without a number",
        _one_request(recipients=[RecipientValues(phone_number="")]),
        "phone_number is “”",
    ),
    (
        "a date without a zone for all",
        _one_request(send_date=WITHOUT_ZONE),
        "send_date 2021-03-01 12:41:38 has no time zone",
    ),
]
