"""From a line of the spool to classes and counts, which must always be what the hits say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.access import Actor
from accounts.models import Workspace
from messaging.erasure import erase_number
from messaging.links import again as again_module
from messaging.links import hits as hits_module
from messaging.links import judging as judging_module
from messaging.links.again import run_again
from messaging.links.class_words import hit_words
from messaging.links.classes import HitClass, classify
from messaging.links.hits import apply_hits, classify_new_hits, network_of
from messaging.links.judging import seen
from messaging.links.spool import RawHit
from messaging.models import ANY_ENTRY, Click, Dispatch, Hit, Link, LinkCount, Message, OwnUrl
from tests.engine.makers import make_dispatch
from tests.messaging.links.makers import (
    IPHONE,
    SALE,
    SHOP,
    WHATSAPP,
    WINDOWS,
    code_of,
    make_link,
    make_linked_dispatch,
    messages_of,
    raw_hit,
)

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def take(*hits: RawHit) -> None:
    apply_hits(hits)
    while classify_new_hits():
        pass


def counts(dispatch: Dispatch, entry: int = ANY_ENTRY) -> dict[str, tuple[int, int]]:
    """(hits, people) by class."""
    rows = LinkCount.objects.filter(dispatch=dispatch, entry=entry)
    return {row.hit_class: (row.hits, row.people) for row in rows if row.hits or row.people}


def assert_counts_are_what_the_hits_say(dispatch: Dispatch) -> None:
    hits: Counter[tuple[int, str]] = Counter()
    people: dict[tuple[int, str], set[int]] = {}
    for hit in Hit.objects.filter(dispatch_id=dispatch.pk):
        assert hit.message_id is not None
        for entry in (hit.entry, ANY_ENTRY):
            hits[entry, hit.hit_class] += 1
            people.setdefault((entry, hit.hit_class), set()).add(hit.message_id)
    rows = LinkCount.objects.filter(dispatch=dispatch)
    kept = {(row.entry, row.hit_class): (row.hits, row.people) for row in rows if row.hits or row.people}
    assert kept == {key: (count, len(people[key])) for key, count in hits.items()}
    for click in Click.objects.filter(dispatch_id=dispatch.pk):
        own = Hit.objects.filter(message_id=click.message_id)
        own = own if click.entry == ANY_ENTRY else own.filter(entry=click.entry)
        human = own.filter(hit_class="human")
        assert (click.human, click.bot) == (human.count(), own.filter(hit_class="bot").count())
        assert click.first_human_at == min((hit.at for hit in human), default=None)


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    made = make_linked_dispatch(acme, people=30)
    Message.objects.filter(dispatch=made).update(submitted_at=NOON)
    return made


def test_it_works(acme: Workspace, dispatch: Dispatch) -> None:
    ann, bob, carla = messages_of(dispatch)[:3]
    minute = timedelta(minutes=1)
    take(
        raw_hit(code_of(ann), NOON + minute),
        raw_hit(code_of(ann), NOON + 3 * minute),
        raw_hit(code_of(ann, SHOP), NOON + 5 * minute),
        raw_hit(code_of(bob), NOON + minute, agent=WINDOWS, address="198.51.100.4"),
        raw_hit(code_of(carla), NOON + minute, agent=WHATSAPP),
    )
    assert counts(dispatch) == {"human": (4, 2), "bot": (1, 1)}
    assert counts(dispatch, SALE) == {"human": (3, 2), "bot": (1, 1)}
    assert counts(dispatch, SHOP) == {"human": (1, 1)}
    hit = Hit.objects.order_by("at", "id")[0]
    assert (hit.workspace, hit.message_id, hit.dispatch_id) == (acme, ann.pk, dispatch.pk)
    assert (hit.hit_class, hit.rule, hit.device, hit.network) == ("human", "", "phone", "203.0.113.0/24")
    assert hit.since_sent_seconds == 60
    assert Click.objects.get(message_id=ann.pk, entry=ANY_ENTRY).first_human_at == NOON + minute
    assert_counts_are_what_the_hits_say(dispatch)


def test_a_line_that_is_applied_twice_is_one_hit(dispatch: Dispatch) -> None:
    hit = raw_hit(code_of(messages_of(dispatch)[0]), NOON)
    take(hit)
    take(hit)
    take(hit)
    assert Hit.objects.count() == 1
    assert counts(dispatch)["unsure"] == (1, 1)  # at the very second it was sent


def test_codes_of_nobody_are_no_hits(acme: Workspace, dispatch: Dispatch) -> None:
    message = messages_of(dispatch)[0]
    take(
        raw_hit("zzzzzzzz", NOON),
        raw_hit(code_of(message, 40), NOON),  # no such entry
        raw_hit("nolink", NOON),
        raw_hit("-------", NOON),
    )
    assert not Hit.objects.exists()


def test_a_links_own_address_counts_without_a_recipient(acme: Workspace) -> None:
    link = make_link(acme)
    take(raw_hit(link.code, NOON))
    hit = Hit.objects.get()
    assert (hit.link_id, hit.message_id, hit.hit_class) == (link.pk, None, "human")
    assert not Click.objects.exists()


def test_a_burst_turns_earlier_hits_into_a_machines(dispatch: Dispatch) -> None:
    """A scanner goes through the links of many people 43 seconds after sending: the first ones looked like people."""
    begin = NOON + timedelta(seconds=43)
    people = messages_of(dispatch)
    for number in range(4):
        take(raw_hit(code_of(people[number]), begin + timedelta(seconds=number)))
    assert counts(dispatch) == {"human": (4, 4)}
    take(raw_hit(code_of(people[4]), begin + timedelta(seconds=4)))
    assert counts(dispatch) == {"bot": (5, 5)}
    take(raw_hit(code_of(people[5]), begin + timedelta(hours=2)))
    assert counts(dispatch) == {"bot": (5, 5), "unsure": (1, 1)}
    take(raw_hit(code_of(people[6]), begin + timedelta(hours=30)))
    assert counts(dispatch) == {"bot": (5, 5), "unsure": (1, 1), "human": (1, 1)}
    assert_counts_are_what_the_hits_say(dispatch)


def test_many_people_behind_one_address_are_people(dispatch: Dispatch) -> None:
    """A mobile network's address: each with a program of their own."""
    take(
        *(
            raw_hit(code_of(message), NOON + timedelta(seconds=60 + number), agent=f"{IPHONE} v{number}")
            for number, message in enumerate(messages_of(dispatch))
        )
    )
    assert counts(dispatch) == {"human": (30, 30)}


def test_recomputing_gives_the_same(dispatch: Dispatch) -> None:
    begin = NOON + timedelta(seconds=43)
    people = messages_of(dispatch)
    take(*(raw_hit(code_of(people[n % 7]), begin + timedelta(seconds=n * 3)) for n in range(20)))
    before = counts(dispatch), counts(dispatch, SALE)
    LinkCount.objects.update(hits=99, people=99)
    assert run_again([dispatch.pk]) == 20
    assert (counts(dispatch), counts(dispatch, SALE)) == before
    assert_counts_are_what_the_hits_say(dispatch)


HITS = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from([SALE, SHOP]),
        st.integers(0, 300),
        st.sampled_from(["203.0.113.7", "198.51.100.4"]),
        st.sampled_from([IPHONE, WINDOWS, WHATSAPP, ""]),
        st.sampled_from(["GET", "HEAD"]),
        st.integers(0, 3),
    ),
    max_size=25,
)


@given(HITS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_are_always_what_the_hits_say(
    dispatch: Dispatch, drawn: Sequence[tuple[int, int, int, str, str, str, int]]
) -> None:
    """In whatever order and whatever portions they come."""
    Hit.objects.all().delete()
    Click.objects.all().delete()
    LinkCount.objects.all().delete()
    people = messages_of(dispatch)
    portions: dict[int, list[RawHit]] = {}
    for person, entry, seconds, address, agent, method, portion in drawn:
        at = NOON + timedelta(seconds=10 + seconds)
        hit = raw_hit(code_of(people[person], entry), at, address=address, agent=agent, method=method)
        portions.setdefault(portion, []).append(hit)
    for hits in portions.values():
        take(*hits)
    assert not Hit.objects.filter(hit_class="").exists()
    assert set(Hit.objects.values_list("hit_class", flat=True)) <= set(HitClass)
    assert_counts_are_what_the_hits_say(dispatch)


# In seconds: three bursts' worth close together, and others hours away.
MOMENTS = st.one_of(
    st.integers(0, 30),
    st.integers(100, 260),
    st.integers(3_600, 3_620),
    st.integers(86_300, 86_800),
    st.just(120_000),
)
VISITS = st.lists(
    st.tuples(
        st.sampled_from([None, *range(8)]),
        st.sampled_from([SALE, SHOP]),
        MOMENTS,
        st.sampled_from([IPHONE, IPHONE, WINDOWS, WHATSAPP]),
        st.integers(0, 4),
    ),
    max_size=30,
)


def classes() -> dict[int, tuple[str, str]]:
    return {hit.pk: (hit.hit_class, hit.rule) for hit in Hit.objects.all()}


def assert_as_if_all_came_at_once() -> None:
    hits = list(Hit.objects.all())
    verdicts = classify([seen(hit) for hit in hits])
    assert classes() == {hit.pk: tuple(verdict) for hit, verdict in zip(hits, verdicts, strict=True)}


@given(VISITS, st.sampled_from([1, 3, 2_000]), st.sampled_from([timedelta(minutes=5), timedelta(days=2)]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_classes_are_those_of_all_hits_at_once(
    acme: Workspace,
    two_dispatches: tuple[Dispatch, Dispatch],
    drawn: Sequence[tuple[int | None, int, int, str, int]],
    limit: int,
    apart: timedelta,
) -> None:
    """In whatever order and portions they come, and however often they are computed again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hits_module, "at_once", lambda: limit)
        patch.setattr(again_module, "at_once", lambda: limit)
        patch.setattr(again_module, "rest", lambda: None)
        patch.setattr(judging_module, "APART", apart)
        Hit.objects.all().delete()
        Click.objects.all().delete()
        LinkCount.objects.all().delete()
        people = [message for dispatch in two_dispatches for message in messages_of(dispatch)[:4]]
        own = Link.objects.get(name="Sale").code
        portions: dict[int, list[RawHit]] = {}
        for person, entry, seconds, agent, portion in drawn:
            at = NOON + timedelta(seconds=10 + seconds)
            code = own if person is None else code_of(people[person], entry)
            portions.setdefault(portion, []).append(raw_hit(code, at, agent=agent))
        for hits in portions.values():
            take(*hits)
            assert_as_if_all_came_at_once()
        for dispatch in (*two_dispatches, two_dispatches[0]):
            run_again([dispatch.pk])
            assert_as_if_all_came_at_once()
            assert_counts_are_what_the_hits_say(dispatch)


@pytest.fixture
def two_dispatches(dispatch: Dispatch) -> tuple[Dispatch, Dispatch]:
    """Of one text."""
    other = make_dispatch(
        dispatch.workspace, dispatch.account, people=8, text=dispatch.text, broadcast_id=2, name="Others"
    )
    Message.objects.filter(dispatch=other).update(submitted_at=NOON)
    return dispatch, other


def test_classes_that_went_wrong_are_mended(two_dispatches: tuple[Dispatch, Dispatch]) -> None:
    """By other rules, say: a burst that was none, and doubts without one; or a burst that was not seen."""
    first, second = two_dispatches
    take(*(raw_hit(code_of(messages_of(first)[n]), NOON + timedelta(minutes=n)) for n in range(4)))
    take(*(raw_hit(code_of(messages_of(second)[n]), NOON + timedelta(hours=2, seconds=n)) for n in range(6)))
    take(raw_hit(code_of(messages_of(second)[7]), NOON + timedelta(hours=5)))
    right = classes()
    Hit.objects.filter(dispatch_id=first.pk).update(hit_class="bot", rule="burst")
    Hit.objects.filter(dispatch_id=second.pk).update(hit_class="human", rule="")
    run_again([first.pk, second.pk])
    assert classes() == right
    for dispatch in two_dispatches:
        assert_counts_are_what_the_hits_say(dispatch)


def test_a_click_long_before_a_burst_stays_a_persons(two_dispatches: tuple[Dispatch, Dispatch]) -> None:
    first, second = two_dispatches
    take(raw_hit(code_of(messages_of(first)[0]), NOON + timedelta(minutes=1)))
    burst = NOON + timedelta(hours=30)
    take(*(raw_hit(code_of(messages_of(second)[n]), burst + timedelta(seconds=n)) for n in range(6)))
    take(raw_hit(code_of(messages_of(first)[1]), burst + timedelta(minutes=5)))
    assert counts(first) == {"human": (1, 1), "unsure": (1, 1)}
    run_again([first.pk])
    assert counts(first) == {"human": (1, 1), "unsure": (1, 1)}


@pytest.mark.parametrize("order", ["as they came", "the last first", "mixed"])
def test_of_a_visitor_with_very_many_hits_not_all_are_read(
    acme: Workspace, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scanner of a mobile network: what comes of it is the same."""
    monkeypatch.setattr(judging_module, "CROWD", 60)
    monkeypatch.setattr(hits_module, "at_once", lambda: 20)
    dispatch = make_linked_dispatch(acme, people=300)
    people = messages_of(dispatch)
    Message.objects.filter(dispatch=dispatch).update(submitted_at=NOON)
    scan = [raw_hit(code_of(one), NOON + timedelta(seconds=60 + n / 4)) for n, one in enumerate(people)]
    scan += [raw_hit(code_of(people[0]), NOON + timedelta(hours=hours)) for hours in (1, 20, 26)]
    portions = {"as they came": scan, "the last first": scan[::-1], "mixed": scan[::2] + scan[1::2]}
    for start in range(0, len(scan), 20):
        take(*portions[order][start : start + 20])
    assert_as_if_all_came_at_once()
    run_again([dispatch.pk])
    assert_as_if_all_came_at_once()


def test_a_links_own_address_opened_often_is_no_burst(dispatch: Dispatch) -> None:
    sale = Link.objects.get(name="Sale")
    take(*(raw_hit(sale.code, NOON + timedelta(minutes=1, seconds=n)) for n in range(5)))
    take(raw_hit(code_of(messages_of(dispatch)[0]), NOON + timedelta(minutes=2)))
    assert set(Hit.objects.values_list("hit_class", flat=True)) == {"human"}


def test_who_found_the_link_over_is_kept_and_followed_nothing(dispatch: Dispatch) -> None:
    take(raw_hit(code_of(messages_of(dispatch)[0]), NOON + timedelta(minutes=1), is_over=True))
    hit = Hit.objects.get()
    assert (hit.is_over, hit.hit_class, hit.rule) == (True, "unsure", "over")
    assert counts(dispatch) == {"unsure": (1, 1)}
    assert hit_words(hit) == "Unsure: the link was over"


def test_what_cannot_be_stored_is_taken_out(dispatch: Dispatch) -> None:
    take(raw_hit(code_of(messages_of(dispatch)[0]), NOON, agent="Nul\0 and \ud800 half", address="nonsense"))
    hit = Hit.objects.get()
    assert (hit.agent, hit.network) == ("Nul and ? half", "")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_the_network_is_kept_and_not_the_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_an_erased_number_leaves_no_trace_of_its_phone(acme: Workspace, dispatch: Dispatch) -> None:
    """That and when a link was followed stays: the counts are about it."""
    message = messages_of(dispatch)[0]
    OwnUrl.objects.create(message_id=message.pk, url="https://example.com/ann")
    take(raw_hit(code_of(message), NOON + timedelta(minutes=1)))
    erase_number(workspace=acme, msisdn=message.msisdn, reason="asked by letter", actor=Actor())
    hit = Hit.objects.get()
    assert (hit.agent, hit.network, hit.visitor) == ("", "", "")
    assert not OwnUrl.objects.exists()
    assert counts(dispatch) == {"human": (1, 1)}


def test_who_follows_a_link_of_an_erased_number_is_not_kept(acme: Workspace, dispatch: Dispatch) -> None:
    message = messages_of(dispatch)[0]
    erase_number(workspace=acme, msisdn=message.msisdn, reason="asked by letter", actor=Actor())
    take(raw_hit(code_of(message), NOON + timedelta(minutes=1)))
    hit = Hit.objects.get()
    assert (hit.agent, hit.network, hit.visitor) == ("", "", "")
    assert (hit.hit_class, hit.rule) == ("unsure", "erased")
    assert counts(dispatch) == {"unsure": (1, 1)}


def test_nor_who_does_so_while_it_is_erased(
    acme: Workspace, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = messages_of(dispatch)[0]
    keep = hits_module.keep_hits

    def erase_first(rows: Any) -> None:
        erase_number(workspace=acme, msisdn=message.msisdn, reason="asked by letter", actor=Actor())
        keep(rows)

    monkeypatch.setattr(hits_module, "keep_hits", erase_first)
    take(raw_hit(code_of(message), NOON + timedelta(minutes=1)))
    hit = Hit.objects.get()
    assert (hit.agent, hit.network, hit.visitor) == ("", "", "")


def test_a_visit_that_was_tried_again_is_one(dispatch: Dispatch) -> None:
    first = raw_hit(code_of(messages_of(dispatch)[0]), NOON + timedelta(minutes=1))
    again = first._replace(at=first.at + 3)
    take(again)
    take(first, again)
    assert Hit.objects.count() == 1


def test_computed_again_an_erased_number_counts_as_it_did(acme: Workspace, dispatch: Dispatch) -> None:
    ann, ben, carla = messages_of(dispatch)[:3]
    minute = timedelta(minutes=1)
    take(raw_hit(code_of(ann), NOON + minute), raw_hit(code_of(ben), NOON + minute, agent=WHATSAPP))
    # Applied, and not looked at before it was erased.
    apply_hits([raw_hit(code_of(carla), NOON + minute)])
    for message in (ann, ben, carla):
        erase_number(workspace=acme, msisdn=message.msisdn, reason="asked by letter", actor=Actor())
    before = {(ann.pk, "human", ""), (ben.pk, "bot", "preview"), (carla.pk, "unsure", "erased")}
    for _time in range(2):
        run_again([dispatch.pk])
        assert set(Hit.objects.values_list("message_id", "hit_class", "rule")) == before
        assert counts(dispatch) == {"human": (1, 1), "bot": (1, 1), "unsure": (1, 1)}
