"""Who was really given which link: after opt-outs, failures and stops the shares are what happened, not what was planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from messaging.ledger import Change, apply_changes
from messaging.links import given as given_module
from messaging.links.counts import clicks_of, conversion_of
from messaging.links.hits import apply_hits, classify_new_hits
from messaging.links.links import create_link_list
from messaging.links.reach import Reach, reach_of, spread_of
from messaging.models import DispatchLink, Link, LinkList, Message
from messaging.singles import checked_content, send_one
from sms.states import MessageState
from tests.campaigns.makers import PEOPLE, make_draft, send
from tests.campaigns.test_links_in_texts import texts_of, with_text
from tests.engine.makers import make_account, make_sender
from tests.messaging.links.makers import code_of, make_link, raw_hit

X, Y = "https://example.com/x", "https://example.com/y"


@pytest.fixture
def links(acme: Workspace) -> list[Link]:
    return [make_link(acme, "X", "x"), make_link(acme, "Y", "y")]


@pytest.fixture
def pair(acme: Workspace, links: list[Link]) -> LinkList:
    return create_link_list(workspace=acme, actor=Actor(), name="Pair", links=links)


def launched(workspace: Workspace, text: str) -> list[Message]:
    actor = Actor()
    made = send(with_text(make_draft(workspace, actor), actor, text), actor)
    texts_of(made)
    return messages(made)


def messages(broadcast: Broadcast) -> list[Message]:
    return list(Message.objects.filter(broadcast_id=broadcast.pk).order_by("place", "id"))


def settle(rows: Sequence[Message], state: MessageState) -> None:
    apply_changes([Change(row.pk, state, timezone.now(), "engine", "") for row in rows])


def follow(message: Message, *entries: int) -> None:
    # After a while and from one address each: nothing about it looks like a machine.
    for number, entry in enumerate(entries):
        at = timezone.now() + timedelta(minutes=1 + number)
        apply_hits([raw_hit(code_of(message, entry), at, address=f"203.0.113.{message.pk % 250}")])
    classify_new_hits()


def shares(pair: LinkList) -> list[tuple[int, int]]:
    return [(one.planned, one.handed_over) for one in spread_of(pair).given]


def test_it_works(acme: Workspace, pair: LinkList, links: list[Link]) -> None:
    """Ten of link X are not sent to; Y's all are."""
    rows = launched(acme, f"{{{{link_list:{pair.pk}}}}}")
    of_x, of_y = rows[0::2], rows[1::2]
    settle([*of_x[:5], *of_y], MessageState.SENT)
    settle(of_x[5:], MessageState.FAILED)
    assert shares(pair) == [(15, 5), (15, 15)]
    follow(of_x[0], 0)
    follow(of_y[0], 1)
    found = reach_of([link.pk for link in links])
    assert found[links[0].pk] == Reach(recipients=5, people=1, clicks=1)
    assert found[links[1].pk] == Reach(recipients=15, people=1, clicks=1)
    conversion = conversion_of(workspace=acme, url=X)
    assert conversion is not None
    assert (conversion.recipients, conversion.clicks, conversion.conversion) == (5, 1, 20.0)


def test_nothing_is_given_before_it_is_handed_over(
    acme: Workspace, pair: LinkList, links: list[Link]
) -> None:
    launched(acme, f"{{{{link_list:{pair.pk}}}}}")
    assert shares(pair) == [(15, 0), (15, 0)]
    assert reach_of([links[0].pk])[links[0].pk].recipients == 0


def test_who_was_sent_a_link_twice_in_a_text_is_one(
    acme: Workspace, pair: LinkList, links: list[Link]
) -> None:
    """Everybody has X, every other one also from the list; one follows it at both places."""
    rows = launched(acme, f"{{{{link:{links[0].pk}}}}} {{{{link_list:{pair.pk}}}}}")
    settle(rows, MessageState.SENT)
    entries = DispatchLink.objects.filter(link=links[0]).values_list("entry", flat=True)
    follow(rows[0], *entries)
    follow(rows[2], 0)
    assert reach_of([links[0].pk])[links[0].pk] == Reach(recipients=PEOPLE, people=2, clicks=3)
    conversion = conversion_of(workspace=acme, url=X)
    assert conversion is not None
    assert (conversion.recipients, conversion.clicks) == (PEOPLE, 2)


def test_a_link_of_two_lists_counts_a_person_once(acme: Workspace, pair: LinkList, links: list[Link]) -> None:
    three = create_link_list(
        workspace=acme, actor=Actor(), name="Three", links=[make_link(acme, "Z", "z"), *links]
    )
    rows = launched(acme, f"{{{{link_list:{pair.pk}}}}} {{{{link_list:{three.pk}}}}}")
    settle(rows, MessageState.SENT)
    place_x = [row for row in rows if (row.place or 0) % 2 == 0 or (row.place or 0) % 3 == 1]
    assert reach_of([links[0].pk])[links[0].pk].recipients == len(place_x)
    both = next(row for row in rows if (row.place or 0) % 2 == 0 and (row.place or 0) % 3 == 1)
    follow(both, *DispatchLink.objects.filter(link=links[0]).values_list("entry", flat=True))
    assert reach_of([links[0].pk])[links[0].pk].people == 1
    clicks = clicks_of([both.dispatch_id])
    assert clicks is not None
    line = next(line for line in clicks.lines if line.link == links[0])
    assert (line.followed.people, line.followed.human) == (1, 2)


def test_two_links_to_one_address_are_one_address(acme: Workspace, links: list[Link]) -> None:
    again = make_link(acme, "X again", "x")
    rows = launched(acme, f"{{{{link:{links[0].pk}}}}} {{{{link:{again.pk}}}}}")
    settle(rows, MessageState.SENT)
    follow(rows[0], 0, 1)
    conversion = conversion_of(workspace=acme, url=X)
    assert conversion is not None
    assert (conversion.recipients, conversion.clicks) == (PEOPLE, 1)


def test_texts_to_one_person_take_turns(acme: Workspace, pair: LinkList, links: list[Link]) -> None:
    account, sender = make_account(acme), make_sender(acme)
    content = checked_content(acme, f"{{{{link_list:{pair.pk}}}}}")
    for number in range(5):
        sent = send_one(
            workspace=acme,
            account=account,
            sender=sender,
            msisdn=f"1201555010{number}",
            content=content,
            values={},
        )
        if number == 1:
            settle([sent.message], MessageState.SENT)
    places = Message.objects.order_by("id").values_list("place", flat=True)
    assert list(places) == [0, 1, 2, 3, 4]
    assert shares(pair) == [(3, 0), (2, 1)]
    reach = reach_of([link.pk for link in links])
    assert (reach[links[0].pk].recipients, reach[links[1].pk].recipients) == (0, 1)


def test_a_text_without_a_list_has_no_place(acme: Workspace, links: list[Link]) -> None:
    content = checked_content(acme, f"{{{{link:{links[0].pk}}}}}")
    sent = send_one(
        workspace=acme,
        account=make_account(acme),
        sender=make_sender(acme),
        msisdn="12015550100",
        content=content,
        values={},
    )
    assert sent.message.place is None


def test_counts_of_many_are_kept_until_the_ledger_changes(
    acme: Workspace, pair: LinkList, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    cache.clear()
    monkeypatch.setattr(given_module, "LARGE", 10)
    monkeypatch.setattr(given_module, "KEPT_SECONDS", 0)
    rows = launched(acme, f"{{{{link_list:{pair.pk}}}}}")
    settle(rows[:3], MessageState.SENT)
    assert shares(pair) == [(15, 2), (15, 1)]
    sizes = {rows[0].dispatch_id: (2,)}
    with django_assert_num_queries(1):
        given_module.counted(sizes)
    settle(rows[3:6], MessageState.SENT)
    with django_assert_num_queries(2):
        kept = given_module.counted(sizes)[rows[0].dispatch_id]
    assert kept.handed_over == Counter({(0,): 3, (1,): 3})
    cache.clear()
