"""“Get Broadcasts List” and “Delivery report”."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from providers.connectors.messagewhiz import (
    BroadcastConversion,
    BroadcastOrder,
    BroadcastType,
    DateRange,
    ListedBroadcast,
    SegmentReport,
)
from tests.providers.connectors.messagewhiz_sending_cases import Impossible, envelope
from tests.providers.connectors.operation_suite import Case, Documented

DOCUMENTED: list[Documented] = [
    ("GET", "/api/3/Broadcast/List", "Get Broadcasts List"),
    ("POST", "/api/3/DeliveryReport", "Get a delivery report"),
]

JUNE = datetime(2021, 6, 1, tzinfo=UTC)
ROW = {
    "id": 200,
    "user_id": 123,
    "name": "sample broadcast",
    "type": 1,
    "message_body": "sample message",
    "enabled": 1,
    "trigger_id": None,
    "send_date": "2041-03-07T11:41:55.000Z",
    "state": 2,
    "parent_id": None,
    "real_price": 0,
    "estimated_price": 10.50,
    "create_date": "2019-08-05T13:20:04.000Z",
    "estimated_count": 8,
    "utc_offset": 0,
    "next_segment_size": None,
    "eb_type": None,
    "company_name": "sample company",
    "timezone": "GMT +0",
    "send_now": False,
    "broadcastConversion": {
        "uniqueClicks": 0,
        "totalClicks": 0,
        "recipientCount": 8,
        "conversion": "0.00",
        "broadcastId": 200,
    },
}
SAMPLE = ListedBroadcast(
    id="200",
    user_id="123",
    name="sample broadcast",
    type=BroadcastType.OLD_BASIC,
    message_body="sample message",
    enabled=True,
    trigger_id="",
    send_date=datetime(2041, 3, 7, 11, 41, 55, tzinfo=UTC),
    state=2,
    parent_id="",
    real_price=Decimal(0),
    estimated_price=Decimal("10.50"),
    create_date=datetime(2019, 8, 5, 13, 20, 4, tzinfo=UTC),
    estimated_count=8,
    utc_offset=0,
    next_segment_size=None,
    eb_type="",
    company_name="sample company",
    timezone="GMT +0",
    send_now=False,
    conversion=BroadcastConversion("200", 0, 0, 8, Decimal("0.00")),
)
BARE = ListedBroadcast(
    id="201",
    user_id="",
    name="",
    type=99,
    message_body="",
    enabled=None,
    trigger_id="5677",
    send_date=None,
    state=None,
    parent_id="200",
    real_price=Decimal("1.5"),
    estimated_price=None,
    create_date=None,
    estimated_count=None,
    utc_offset=-120,
    next_segment_size=50,
    eb_type="CTR",
    company_name="",
    timezone="",
    send_now=True,
    conversion=None,
)

CASES = [
    Case(
        "list_broadcasts",
        lambda vendor: vendor.list_broadcasts(),
        "GET",
        "/api/3/Broadcast/List",
        None,
        envelope([ROW]),
        (SAMPLE,),
    ),
    Case(
        "list_broadcasts",
        lambda vendor: vendor.list_broadcasts(
            name="sample",
            types=[BroadcastType.OLD_SMART, BroadcastType.SMART],
            dates=DateRange(by="create_date", start=JUNE),
        ),
        "GET",
        # filter=name=sample,type=2,type=12,filterBy=create_date,start_date=06/01/2021 12:00 AM
        "/api/3/Broadcast/List?filter=name%3Dsample%2Ctype%3D2%2Ctype%3D12%2CfilterBy%3Dcreate_date"
        "%2Cstart_date%3D06%2F01%2F2021%2012%3A00%20AM",
        None,
        envelope([]),
        (),
        name="by the document's filter",
    ),
    Case(
        "list_broadcasts",
        lambda vendor: vendor.list_broadcasts(
            limit=100,
            start=200,
            parent_id="200",
            types=[BroadcastType.OLD_CHILD],
            # Noon is PM, and an hour east of UTC it is eleven there.
            dates=DateRange(
                by="send_date",
                start=datetime(2021, 6, 1, 12, 5, tzinfo=UTC),
                end=datetime(2021, 12, 31, 12, 0, tzinfo=timezone(timedelta(hours=1))),
            ),
            order=BroadcastOrder.FIRST_SENT_FIRST,
        ),
        "GET",
        "/api/3/Broadcast/List?limit=100&filter=type%3D3%2Cparent_id%3D200%2CfilterBy%3Dsend_date"
        "%2Cstart_date%3D06%2F01%2F2021%2012%3A05%20PM%2Cend_date%3D12%2F31%2F2021%2011%3A00%20AM"
        "&start=200&orderby=send_date%20ASC",
        None,
        envelope(
            [
                {
                    "id": "201",
                    "type": "99",
                    "trigger_id": 5677,
                    "parent_id": "200",
                    "real_price": "1.5",
                    "estimated_price": "many",
                    "create_date": "yesterday",
                    "utc_offset": "-120",
                    "next_segment_size": "50",
                    "eb_type": "CTR",
                    "send_now": 1,
                    "broadcastConversion": None,
                }
            ]
        ),
        (BARE,),
        name="with all parameters",
    ),
    Case(
        "list_broadcasts",
        lambda vendor: vendor.list_broadcasts(dates=DateRange(by="send_date", end=JUNE)),
        "GET",
        "/api/3/Broadcast/List?filter=filterBy%3Dsend_date%2Cend_date%3D06%2F01%2F2021%2012%3A00%20AM",
        None,
        envelope([]),
        (),
        name="until a date",
    ),
    Case(
        "get_delivery_report",
        lambda vendor: vendor.get_delivery_report(broadcast_id=123123),
        "POST",
        "/api/3/DeliveryReport",
        {"bid": 123123},
        envelope(
            [
                {
                    "broadcast_id": 123123,
                    "sent": 0,
                    "delivered": 1,
                    "undelivered": 0,
                    "rejected": 0,
                    "expired": 0,
                    "failed": 0,
                }
            ]
        ),
        (SegmentReport("123123", 0, 1, 0, 0, 0, 0),),
    ),
    Case(
        "get_delivery_report",
        lambda vendor: vendor.get_delivery_report(broadcast_id="123123"),
        "POST",
        "/api/3/DeliveryReport",
        {"bid": 123123},
        envelope(
            [
                {
                    "broadcast_id": "123123",
                    "sent": "1",
                    "delivered": "2",
                    "undelivered": "3",
                    "rejected": "4",
                    "expired": "5",
                    "failed": "6",
                },
                {
                    "broadcast_id": 123123,
                    "sent": 7,
                    "delivered": 8,
                    "undelivered": 9,
                    "rejected": 10,
                    "expired": 11,
                    "failed": 5_000_000_000,
                },
            ]
        ),
        (
            SegmentReport("123123", 1, 2, 3, 4, 5, 6),
            SegmentReport("123123", 7, 8, 9, 10, 11, 5_000_000_000),
        ),
        name="of two segments",
    ),
    Case(
        "get_delivery_report",
        lambda vendor: vendor.get_delivery_report(broadcast_id=123123),
        "POST",
        "/api/3/DeliveryReport",
        {"bid": 123123},
        envelope([]),
        (),
        name="not ready",
    ),
]

IMPOSSIBLE: list[Impossible] = [
    (
        "too many a page",
        lambda vendor: vendor.list_broadcasts(limit=101),
        "limit is 101: give a whole number from 1 to 100.",
    ),
    (
        "limit 0",
        lambda vendor: vendor.list_broadcasts(limit=0),
        "limit is 0: give a whole number from 1 to 100.",
    ),
    ("start before the first", lambda vendor: vendor.list_broadcasts(start=-1), "start is -1"),
    (
        "a comma in the name",
        lambda vendor: vendor.list_broadcasts(name="a,type=3"),
        "name is “a,type=3”: the filter separates",
    ),
    (
        "parts of another type",
        lambda vendor: vendor.list_broadcasts(parent_id=200, types=[BroadcastType.SMART]),
        "parent_id is “200”: the parts of a smart broadcast are of type 3.",
    ),
    ("an odd parent", lambda vendor: vendor.list_broadcasts(parent_id="1,2"), "parent_id “1,2” is no id"),
    (
        "no dates",
        lambda vendor: vendor.list_broadcasts(dates=DateRange(by="send_date")),
        "None of start_date, end_date is given",
    ),
    (
        "end before start",
        lambda vendor: vendor.list_broadcasts(
            dates=DateRange(by="send_date", start=JUNE, end=JUNE - timedelta(minutes=1))
        ),
        "end_date is “2021-05-31 23:59:00+00:00”, before start_date, “2021-06-01 00:00:00+00:00”",
    ),
    (
        "a date without a zone",
        lambda vendor: vendor.list_broadcasts(dates=DateRange(by="send_date", start=datetime(2021, 6, 1))),
        "start_date 2021-06-01 00:00:00 has no time zone",
    ),
    ("no broadcast", lambda vendor: vendor.get_delivery_report(broadcast_id=""), "broadcast_id “” is no id"),
]
