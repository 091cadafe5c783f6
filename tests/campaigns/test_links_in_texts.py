"""Links, link lists and spinners from the draft to what is handed over: what is estimated is what is sent."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.check import WARN
from campaigns.services.checks import launch_checks
from campaigns.services.drafts import save_draft
from campaigns.services.estimate import estimate_of
from contacts.models import Recipient, RecipientList
from messaging.content import SAMPLE_CODE, compile_content, content_of
from messaging.dispatches import create_dispatch
from messaging.engine.jobs import claim_jobs, load_lanes
from messaging.links.hits import apply_hits, classify_new_hits
from messaging.links.keys import link_coder
from messaging.links.links import change_link, create_link, create_link_list, set_link_enabled
from messaging.links.lookup import Lookup
from messaging.models import Dispatch, DispatchLink, Link, Message, OwnUrl, WebhookDelivery, WordSpinner
from messaging.webhooks.endpoints import set_endpoint_enabled
from providers.models import ProviderAccount
from sms.parts import part_count
from tests.campaigns.makers import PEOPLE, send
from tests.engine.makers import make_account
from tests.messaging.links.makers import raw_hit
from tests.messaging.webhooks.support import make_endpoint

CODE = re.compile(r"http://127\.0\.0\.1:\d+/(?:o/)?([0-9A-Za-z]{8})\b")


def link_named(workspace: Workspace, name: str = "Sale", path: str = "sale") -> Link:
    return create_link(workspace=workspace, actor=Actor(), name=name, url=f"https://example.com/{path}")


def with_text(draft: Broadcast, actor: Actor, text: str) -> Broadcast:
    return save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"text": text})


def texts_of(broadcast: Broadcast) -> dict[int, str]:
    """By message id: what the engine hands over."""
    dispatch = Dispatch.objects.get(broadcast_id=broadcast.pk)
    lane = load_lanes({})[dispatch.account_id]
    jobs = claim_jobs(lane, lane.dispatches[dispatch.pk], claim="test", limit=1000)
    return {job.outgoing.message_id: job.outgoing.text for job in jobs}


def test_it_works(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    """Everybody gets a code of their own, which leads to the link."""
    link = link_named(acme)
    broadcast = send(with_text(draft, actor, f"Hi {{{{first_name}}}}: {{{{link:{link.pk}}}}}"), actor)
    texts = texts_of(broadcast)
    codes = {message_id: CODE.search(text).group(1) for message_id, text in texts.items()}  # type: ignore[union-attr]  # it is there
    assert len(set(codes.values())) == PEOPLE
    assert {link_coder().decode(code).message_id for code in codes.values()} == set(texts)  # type: ignore[union-attr]  # it is there
    found = Lookup().find(next(iter(codes.values())))
    assert found is not None
    assert found.url == "https://example.com/sale"


def test_a_target_that_is_mended_is_mended_for_what_was_sent(
    acme: Workspace, draft: Broadcast, actor: Actor
) -> None:
    link = link_named(acme)
    texts = texts_of(send(with_text(draft, actor, f"{{{{link:{link.pk}}}}}"), actor))
    change_link(link=link, actor=actor, url="https://example.com/autumn")
    found = Lookup().find(next(iter(texts.values()))[-8:])
    assert found is not None
    assert found.url == "https://example.com/autumn"


@pytest.mark.parametrize("count", [1, 3, 7])
def test_a_list_is_spread_evenly(acme: Workspace, draft: Broadcast, actor: Actor, count: int) -> None:
    links = [link_named(acme, f"Shop {number}", f"shop{number}") for number in range(count)]
    shops = create_link_list(workspace=acme, actor=actor, name="Shops", links=links)
    broadcast = send(with_text(draft, actor, f"{{{{link_list:{shops.pk}}}}}"), actor)
    entries = [link_coder().decode(text[-8:]).entry for text in texts_of(broadcast).values()]  # type: ignore[union-attr]  # it is there
    counts = Counter(entries)
    assert sum(counts.values()) == PEOPLE
    assert len(counts) == count
    assert max(counts.values()) - min(counts.values()) <= 1
    rows = DispatchLink.objects.filter(dispatch__broadcast_id=broadcast.pk)
    assert {row.entry: row.link_id for row in rows} == {at: link.pk for at, link in enumerate(links)}


def test_whoever_has_a_row_already_takes_no_place(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    links = [link_named(acme, f"Shop {number}", f"shop{number}") for number in range(3)]
    shops = create_link_list(workspace=acme, actor=actor, name="Shops", links=links)
    broadcast = send(with_text(draft, actor, f"{{{{link_list:{shops.pk}}}}}"), actor, plan=False)
    from campaigns.services.planning import plan_segment

    dispatch = Dispatch.objects.get(broadcast_id=broadcast.pk)
    for person in Recipient.objects.order_by("id")[:10:2]:
        Message.objects.create(
            workspace=acme,
            dispatch=dispatch,
            broadcast_id=broadcast.pk,
            account=dispatch.account,
            msisdn=person.msisdn,
            sender="1",
        )
    segment = broadcast.segments.get()
    plan_segment(segment_id=segment.pk)
    places = Message.objects.filter(dispatch=dispatch).exclude(place=None).values_list("place", flat=True)
    assert sorted(places) == list(range(PEOPLE - 5))


def test_own_urls_are_shortened_and_kept(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    people = list(Recipient.objects.order_by("id"))
    Recipient.objects.filter(pk=people[0].pk).update(url="https://example.com/ann")
    Recipient.objects.filter(pk=people[1].pk).update(url="javascript:alert(1)")
    Recipient.objects.filter(pk=people[2].pk).update(url="http://127.0.0.1/admin")
    saved = with_text(draft, actor, "Yours: {{shorten_url}}.")
    estimate = estimate_of(saved)
    assert (estimate.people, estimate.no_url) == (PEOPLE, PEOPLE - 1)
    told = {check.code: check for check in launch_checks(saved, estimate)}["no_url"]
    assert (told.level, f"{PEOPLE - 1} people" in str(told.sentence)) == (WARN, True)
    broadcast = send(saved, actor)
    texts = texts_of(broadcast)
    by_person = {message.recipient_id: message.pk for message in Message.objects.all()}
    first = texts[by_person[people[0].pk]]
    assert CODE.search(first)
    found = Lookup().find(CODE.search(first).group(1))  # type: ignore[union-attr]  # it is there
    assert found is not None
    assert found.url == "https://example.com/ann"
    for person in people[1:]:
        assert texts[by_person[person.pk]] == "Yours: ."
    assert [own.url for own in OwnUrl.objects.all()] == ["https://example.com/ann"]


def test_spinners_draw_what_was_estimated(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    """One word makes a second part: the estimate knows who draws it."""
    long = "x" * 161
    spinner = WordSpinner.objects.create(workspace=acme, name="Greetings", words=[["Hi", 3], [long, 1]])
    saved = with_text(draft, actor, f"{{{{word_spinner:{spinner.pk}}}}}")
    estimate = estimate_of(saved)
    broadcast = send(saved, actor)
    WordSpinner.objects.update(words=[["Changed meanwhile", 1]])
    texts = texts_of(broadcast)
    assert set(texts.values()) == {"Hi", long}
    assert sum(part_count(text) for text in texts.values()) == estimate.parts
    assert Counter(part_count(text) for text in texts.values()) == estimate.by_parts


def test_a_preview_shows_a_sample_as_long_as_every_code(
    acme: Workspace, draft: Broadcast, actor: Actor
) -> None:
    link = link_named(acme)
    saved = with_text(draft, actor, f"{'x' * 110} {{{{link:{link.pk}}}}} {{{{unsubscription_link}}}}")
    estimate = estimate_of(saved)
    texts = texts_of(send(saved, actor))
    assert sum(part_count(text) for text in texts.values()) == estimate.parts
    assert Lookup().find(SAMPLE_CODE) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{{link:999}}", "there is no link with the number 999"),
        ("{{link_list:999}}", "there is no link list with the number 999"),
        ("{{word_spinner:999}}", "there is no word spinner with the number 999"),
        ("{{callback_link}}", "Settings, Webhooks"),
    ],
)
def test_what_does_not_exist_blocks_the_launch(
    draft: Broadcast, actor: Actor, text: str, sentence: str
) -> None:
    saved = with_text(draft, actor, text)
    checks = launch_checks(saved, estimate_of(saved))
    assert any(sentence in str(check.sentence) for check in checks if check.level == "block")


def test_a_disabled_link_blocks_the_launch(acme: Workspace, draft: Broadcast, actor: Actor) -> None:
    link = set_link_enabled(link=link_named(acme), enabled=False, actor=actor)
    saved = with_text(draft, actor, f"{{{{link:{link.pk}}}}}")
    checks = launch_checks(saved, estimate_of(saved))
    assert any("is disabled" in str(check.sentence) for check in checks if check.level == "block")


def test_a_strangers_link_does_not_exist(other: Workspace, draft: Broadcast, actor: Actor) -> None:
    link = link_named(other)
    saved = with_text(draft, actor, f"{{{{link:{link.pk}}}}}")
    checks = launch_checks(saved, estimate_of(saved))
    assert any("there is no link" in str(check.sentence) for check in checks if check.level == "block")


@pytest.mark.parametrize(
    ("text", "swaps", "code", "sentence"),
    [
        (
            "Sale {LINK}…” now",
            True,
            "glued_link",
            '“..."” stands right behind {LINK} at line 1, column 6 and would be taken for a part of its address, which then'
            " leads nowhere. Put a blank or a line end between them.",
        ),
        (
            "{LINK}{{{{first_name}}}}\n{LINK}x",
            False,
            "glued_link",
            "A token stands right behind {LINK} at line 1, column 1, and what it becomes would be taken for a part of the"
            " address, which then leads nowhere. Put a blank or a line end between them. 1 more like it.",
        ),
        (
            "Sale\nhttps://{LINK} now",
            False,
            "link_with_scheme",
            "“https://” stands right before {LINK} at line 2, column 9, which brings its own https://: the address would"
            " lead nowhere. Take “https://” out.",
        ),
        (
            "Sale{LINK}",
            False,
            "glued_before_link",
            "“e” stands right before {LINK} at line 1, column 5: many phones then make no link of it. Put a blank or a line"
            " end between them.",
        ),
    ],
)
def test_what_stands_right_beside_a_link_is_pointed_out(
    acme: Workspace, draft: Broadcast, actor: Actor, text: str, swaps: bool, code: str, sentence: str
) -> None:
    Workspace.objects.filter(pk=acme.pk).update(swaps_characters=swaps)
    link = f"{{{{link:{link_named(acme).pk}}}}}"
    saved = with_text(draft, actor, text.format(LINK=link))
    checks = {check.code: check for check in launch_checks(saved, estimate_of(saved))}
    assert (checks[code].level, str(checks[code].sentence)) == ("warn", sentence.format(LINK=link))


@pytest.mark.parametrize(
    ("text", "level"), [("Sale today", "warn"), ("Sale today. No more: {{unsubscription_link}}", "ok")]
)
def test_an_unsubscribe_link_says_how_to_opt_out(
    draft: Broadcast, actor: Actor, text: str, level: str
) -> None:
    saved = with_text(draft, actor, text)
    checks = {check.code: check.level for check in launch_checks(saved, estimate_of(saved))}
    assert checks["opt_out_wording"] == level


def test_characters_are_swapped_in_everybodys_own_text(
    acme: Workspace, draft: Broadcast, actor: Actor
) -> None:
    """Also in names: the estimate counts what is sent."""
    Recipient.objects.update(first_name="Łukasz")
    Workspace.objects.filter(pk=acme.pk).update(swaps_characters=True)
    saved = with_text(draft, actor, "“Hi” {{first_name}} – " + "x" * 100)
    estimate = estimate_of(saved)
    texts = set(texts_of(send(saved, actor)).values())
    assert texts == {'"Hi" Lukasz - ' + "x" * 100}
    assert estimate.by_parts == {1: PEOPLE}


TOKENS = (
    "first_name",
    " city ",
    "city",
    "city|a",
    "Name Ö|",
    "random_symbol",
    "unsubscription_link",
    "word_spinner:ID",
)
pieces = st.sampled_from(["{", "}", "{{", "}}", "|", "x", "%", "\n", *(f"{{{{{name}}}}}" for name in TOKENS)])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, min_size=1, max_size=12))
def test_what_was_shown_is_what_is_sent(acme: Workspace, parts: list[str]) -> None:
    """Whatever braces stand around its tokens: the dispatch reads the text as the estimate did."""
    spinner, _new = WordSpinner.objects.get_or_create(
        workspace=acme, name="Any", defaults={"words": [["a", 1], ["b", 1], ["c", 1]]}
    )
    RecipientList.objects.get_or_create(workspace=acme, name="Columns", columns=["city", "Name Ö"])
    text = "".join(parts).replace("ID", str(spinner.pk))
    shown = compile_content(acme.pk, text)
    assume(not shown.errors)
    account = ProviderAccount.objects.first() or make_account(acme)
    dispatch = create_dispatch(
        workspace=acme, broadcast_id=None, text=text, sender="1", account=account, unsubscribe_list_ids=[]
    )
    sent = content_of(Dispatch.objects.get(pk=dispatch.pk))
    values = {"first_name": "Ann", "city": "Rome", "Name Ö": "100%"}
    for seed in range(3):
        assert sent.render(values, seed=seed) == shown.render(values, seed=seed)
    assert (sent.personal, sent.uses) == (shown.personal, shown.uses)


def test_a_line_end_is_one_character_whatever_wrote_it(
    acme: Workspace, draft: Broadcast, actor: Actor
) -> None:
    """In people's values too: each of its parts is paid for."""
    Recipient.objects.update(first_name="a\r\nb\rc")
    saved = with_text(draft, actor, "{{first_name}}" + "x" * 155)
    estimate = estimate_of(saved)
    assert estimate.by_parts == {1: PEOPLE}
    assert set(texts_of(send(saved, actor)).values()) == {"a\nb\nc" + "x" * 155}


def test_what_looks_like_a_token_is_pointed_out(draft: Broadcast, actor: Actor) -> None:
    saved = with_text(draft, actor, "Hi {first_name}, first_name}}")
    [told] = [check for check in launch_checks(saved, estimate_of(saved)) if check.code == "stray_braces"]
    assert told.level == WARN
    assert str(told.sentence).startswith(
        "“{first_name}” at line 1, column 4 goes out as it stands. Write {{first_name}} for the token. 1 more"
    )


def test_a_link_with_callback_leads_to_the_own_url_and_is_told(
    acme: Workspace, draft: Broadcast, actor: Actor
) -> None:
    """From the text to the event."""
    make_endpoint(acme)
    ann = Recipient.objects.order_by("id")[0]
    Recipient.objects.filter(pk=ann.pk).update(url="https://example.com/ann")
    saved = with_text(draft, actor, "Yours: {{callback_link}}.")
    estimate = estimate_of(saved)
    assert (estimate.people, estimate.no_url) == (PEOPLE, PEOPLE - 1)
    told = {check.code: check for check in launch_checks(saved, estimate)}["no_url"]
    assert "{{callback_link}} is left empty" in str(told.sentence)
    texts = texts_of(send(saved, actor))
    message = Message.objects.get(recipient_id=ann.pk)
    found = CODE.search(texts[message.pk])
    assert found is not None
    target = Lookup().find(found.group(1))
    assert target is not None
    assert (target.use, target.url) == ("callback_link", "https://example.com/ann")
    apply_hits([raw_hit(found.group(1), timezone.now() + timedelta(minutes=1))])
    classify_new_hits()
    data = json.loads(WebhookDelivery.objects.get().body)["data"]
    assert (data["message_id"], data["msisdn"], data["unique_click"]) == (message.pk, ann.msisdn, True)
    assert texts[message.pk] == f"Yours: http://{data['link_id']}."


def test_without_a_webhook_that_wants_it_the_token_is_refused_at_its_place(
    acme: Workspace, other: Workspace, draft: Broadcast, actor: Actor
) -> None:
    make_endpoint(other)
    saved = with_text(draft, actor, "Look: {{callback_link}}")
    (error,) = compile_content(acme.pk, saved.text).errors
    assert (error.start, error.sentence) == (
        6,
        "{{callback_link}}: no enabled webhook is told of clicks. An admin sets one up under Settings, Webhooks.",
    )
    endpoint = make_endpoint(acme).endpoint
    assert compile_content(acme.pk, saved.text).errors == ()
    set_endpoint_enabled(endpoint=endpoint, actor=actor, enabled=False)
    assert compile_content(acme.pk, saved.text).errors == (error,)


def test_what_was_launched_goes_out_whatever_becomes_of_the_webhook(
    acme: Workspace, draft: Broadcast, actor: Actor
) -> None:
    endpoint = make_endpoint(acme).endpoint
    Recipient.objects.update(url="https://example.com/own")
    broadcast = send(with_text(draft, actor, "Yours: {{callback_link}}"), actor)
    set_endpoint_enabled(endpoint=endpoint, actor=actor, enabled=False)
    dispatch = Dispatch.objects.get(broadcast_id=broadcast.pk)
    assert content_of(dispatch).errors == ()
