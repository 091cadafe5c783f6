"""What a subject stands on: a workspace, an account at the stand-in vendor, lists of example people, broadcasts.

Rows that are not measured are made in bulk by SQL; broadcasts are planned by the real planning.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from decimal import Decimal

from django.db import connection, transaction

from accounts.models import Workspace
from campaigns.models import Broadcast, BroadcastState, Campaign, Segment
from campaigns.services.planning import plan_segment
from contacts.models import OptOut, OptOutHow, RecipientList
from messaging.dispatches import create_dispatch
from messaging.models import Dispatch, Sender
from providers.models import ProviderAccount
from sms.examples import example_msisdns

SENDER = "12025550100"
TEXT = "Hi {{first_name|there}}, your {{custom1}} offer ends tonight. Details: {{url}} Reply STOP to opt out."
# As many as an account can be given: the pace is asked for and never the limit.
PARTS_PER_SECOND = Decimal("999999")
# One in so many people lives in each.
CITIES = 1000


def make_workspace(name: str = "bench") -> Workspace:
    return Workspace.objects.create(name=name, time_zone="America/New_York", default_country="US")


def make_account(
    workspace: Workspace, base_url: str, *, in_flight: int, name: str = "stand-in"
) -> ProviderAccount:
    account = ProviderAccount(
        workspace=workspace,
        vendor="messagewhiz",
        name=name,
        base_url=base_url,
        parts_per_second=PARTS_PER_SECOND,
        max_in_flight=in_flight,
        default_price=Decimal("0.0079"),
    )
    account.credentials = {"api_key": "stand-in-key"}
    account.save()
    return account


def make_list(
    workspace: Workspace, people: int, *, name: str = "People", start: int = 0, mixed: bool = False
) -> RecipientList:
    """`mixed`: as people come from a file: their numbers in no order, with e-mail addresses and a city."""
    numbers = list(example_msisdns(people, start))
    if mixed:
        random.Random(7).shuffle(numbers)
    made = RecipientList.objects.create(
        workspace=workspace, name=name, recipient_count=people, columns=["city"] if mixed else []
    )
    with transaction.atomic(), connection.cursor() as cursor:
        _fill_people(_people(numbers, mixed))
        cursor.execute(_RECIPIENTS, [made.pk])
        cursor.execute("DROP TABLE bench_people")
    analyze("contacts_recipient")
    return made


def opt_out_some(workspace: Workspace, people: int, *, start: int, step: int) -> None:
    """Every `step`-th of the example numbers, `people` of them."""
    numbers = (
        msisdn for place, msisdn in enumerate(example_msisdns(people * step, start)) if place % step == 0
    )
    OptOut.objects.bulk_create(
        (OptOut(workspace=workspace, msisdn=msisdn, how=OptOutHow.FILE) for msisdn in numbers),
        batch_size=5000,
    )
    analyze("contacts_optout")


_Row = tuple[int, str, str, str, str]


def _fill_people(rows: Iterable[_Row]) -> None:
    """A temporary table of numbers, with what makes each text its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_people"
            " (place integer PRIMARY KEY, msisdn text, name text, email text, extra jsonb)"
        )
        if connection.vendor == "postgresql":
            with cursor.copy("COPY bench_people FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany("INSERT INTO bench_people VALUES (%s, %s, %s, %s, %s)", list(rows))


def _people(msisdns: Iterable[str], mixed: bool) -> Iterator[_Row]:
    names = ("Alice", "Bob", "Carla", "Dmitri", "Elena", "João", "Lucía", "Søren", "Tara", "Omar")
    for place, msisdn in enumerate(msisdns):
        email = f"person{place}@example.com" if mixed else ""
        extra = f'{{"city": "City {place % CITIES}"}}' if mixed else "{}"
        yield place, msisdn, names[place % len(names)], email, extra


_RECIPIENTS = """
INSERT INTO contacts_recipient
    (list_id, msisdn, country, kind, first_name, last_name, email, url, gender, time_zone,
     custom, custom1, custom2, custom3, custom4, extra, created_at, updated_at)
SELECT %s, msisdn, 'US', 'fixed_line_or_mobile', name, 'Example', email, 'https://example.com/' || msisdn, '', '',
       '', 'gold', '', '', '', extra, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP
FROM bench_people ORDER BY place
"""


def make_broadcast(
    workspace: Workspace,
    account: ProviderAccount,
    lists: Iterable[RecipientList],
    *,
    text: str = TEXT,
    name: str = "Benchmark",
) -> Broadcast:
    """Launched, as campaigns.services.launch leaves it: its segment waits for planning."""
    campaign, _new = Campaign.objects.get_or_create(workspace=workspace, name="Benchmarks")
    sender, _new = Sender.objects.get_or_create(workspace=workspace, value=SENDER)
    broadcast = Broadcast.objects.create(
        workspace=workspace,
        campaign=campaign,
        name=name,
        state=BroadcastState.RUNNING,
        sender=sender,
        account=account,
        text=text,
    )
    broadcast.lists.set(lists)
    dispatch = create_dispatch(
        workspace=workspace,
        broadcast_id=broadcast.pk,
        text=text,
        sender=SENDER,
        account=account,
        unsubscribe_list_ids=[],
    )
    Segment.objects.create(broadcast=broadcast, number=1, dispatch=dispatch)
    return broadcast


def plan(broadcast: Broadcast) -> Dispatch:
    """Plans it; its dispatch runs from then on."""
    segment = Segment.objects.get(broadcast=broadcast)
    plan_segment(segment_id=segment.pk)
    return Dispatch.objects.get(pk=segment.dispatch_id)


def forget_broadcasts() -> None:
    """Empties the ledger and what stands above it, so that each run finds the same tables."""
    tables = (
        "campaigns_broadcastevent",
        "campaigns_segment",
        "messaging_messagecount",
        "messaging_messageminute",
        "messaging_message",
        "messaging_dispatch",
        "campaigns_broadcast_lists",
        "campaigns_broadcast_unsubscribe_lists",
        "campaigns_broadcast",
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        else:
            for table in tables:
                cursor.execute(f"DELETE FROM {table}")


def analyze(*tables: str) -> None:
    """What autovacuum does a minute later in real life: without it the planner is blind."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"{'VACUUM ANALYZE' if connection.vendor == 'postgresql' else 'ANALYZE'} {table}")
