"""Each kind of entity to MessageWhiz and back, over real HTTP to its door of the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.services.campaigns import create_campaign, update_campaign
from contacts.models import Recipient, UnsubscribeList
from contacts.services.lists import create_list, set_list_enabled
from contacts.services.opt_outs import (
    add_members,
    create_unsubscribe_list,
    remove_members,
    update_unsubscribe_list,
)
from messaging.links.links import create_link, create_link_list, set_link_list_enabled
from messaging.models import Link, Sender, SenderList, Template, WordSpinner
from messaging.sender_lists import create_sender_list, update_sender_list
from messaging.senders import create_sender, set_sender_enabled
from messaging.texts.spinners import change_spinner, create_spinner
from messaging.texts.templates import change_template, create_template
from providers.connectors import messagewhiz
from providers.connectors.messagewhiz import MessageWhizClient
from providers.models import ProviderAccount, RemoteRecord
from providers.services.sync import PULL, PUSH, Step, carry_out, compare, push_due
from tests.engine.makers import make_account
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

ACTOR = Actor()
SHOP = "https://example.com/shop"


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as sandbox:
        yield sandbox


@pytest.fixture
def account(acme: Workspace, process: SandboxProcess) -> ProviderAccount:
    process.control("POST", "reset", {"accounts": True})
    return make_account(acme, "messagewhiz", process.messagewhiz_url)


@pytest.fixture
def whiz(account: ProviderAccount) -> Iterator[MessageWhizClient]:
    with messagewhiz.client(api_key="sandbox-key", base_url=account.base_url) as client:
        yield client


def carry(account: ProviderAccount, direction: str, entity: str) -> list[Step]:
    """All that is on that side: the sandbox has a campaign and senders of its own."""
    records = compare(account=account, entity=entity)
    is_there = (
        (lambda one: one.local_id is not None) if direction == PUSH else (lambda one: bool(one.remote_id))
    )
    ids = [record.pk for record in records if is_there(record)]
    steps = carry_out(account=account, direction=direction, record_ids=ids, actor=ACTOR)
    assert [step.error for step in steps] == [""] * len(steps)
    return steps


def states(account: ProviderAccount, entity: str) -> dict[str, str]:
    return {record.name: record.state for record in compare(account=account, entity=entity)}


def makers(workspace: Workspace) -> dict[str, Callable[[], Any]]:
    return {
        "campaign": lambda: create_campaign(
            workspace=workspace,
            actor=ACTOR,
            name="Thing",
            starts_on=date(2026, 11, 1),
            ends_on=date(2027, 1, 31),
        ),
        "sender": lambda: create_sender(workspace=workspace, actor=ACTOR, value="Thing"),
        "link": lambda: create_link(
            workspace=workspace, actor=ACTOR, name="Thing", url=SHOP, bot_redirect="https://example.com/pc"
        ),
        "word_spinner": lambda: create_spinner(
            workspace=workspace, actor=ACTOR, name="Thing", words=[("Hi", 1), ("Hello", 3)]
        ),
        "template": lambda: create_template(
            workspace=workspace, actor=ACTOR, name="Thing", text="Hi {{first_name}}"
        ),
        "recipient_list": lambda: _people(create_list(workspace=workspace, actor=ACTOR, name="Thing")),
        "unsubscribe_list": lambda: add_members(
            unsubscribe_list=create_unsubscribe_list(workspace=workspace, actor=ACTOR, name="Thing"),
            actor=ACTOR,
            msisdns=["12015550101", "12015550102"],
        ),
    }


def _people(made: Any) -> None:
    rows = [Recipient(list=made, msisdn=f"1201555{number:04d}") for number in range(100, 105)]
    Recipient.objects.bulk_create(rows)
    type(made).objects.filter(pk=made.pk).update(recipient_count=5)


@pytest.mark.parametrize(
    "entity",
    ["campaign", "sender", "link", "word_spinner", "template", "recipient_list", "unsubscribe_list"],
)
def test_it_is_pushed_and_then_the_same(account: ProviderAccount, entity: str) -> None:
    makers(account.workspace)[entity]()
    assert states(account, entity)["Thing"] == "local_only"
    carry(account, PUSH, entity)
    assert states(account, entity)["Thing"] == "same"
    assert [step.action for step in carry(account, PUSH, entity) if step.name == "Thing"] == ["nothing"]


def test_lists_follow_their_members(account: ProviderAccount, whiz: MessageWhizClient) -> None:
    workspace = account.workspace
    senders = [create_sender(workspace=workspace, actor=ACTOR, value=value) for value in ("Acme", "Bravo")]
    create_sender_list(workspace=workspace, actor=ACTOR, name="Ours", senders=senders)
    links = [
        create_link(workspace=workspace, actor=ACTOR, name=name, url=f"https://example.com/{name}")
        for name in ("one", "two")
    ]
    link_list = create_link_list(workspace=workspace, actor=ACTOR, name="Shops", links=links)
    for entity in ("sender", "sender_list", "link", "link_list"):
        carry(account, PUSH, entity)
    assert states(account, "sender_list") == {"Ours": "same"}
    assert states(account, "link_list") == {"Shops": "same"}
    set_link_list_enabled(link_list=link_list, enabled=False, actor=ACTOR)
    assert push_due() == 1
    assert [one.name for one in whiz.all_link_lists(enabled=False)] == ["Shops"]


def test_a_sender_list_that_was_emptied_is_emptied_there(
    account: ProviderAccount, whiz: MessageWhizClient
) -> None:
    workspace = account.workspace
    senders = [create_sender(workspace=workspace, actor=ACTOR, value=value) for value in ("Acme", "Bravo")]
    ours = create_sender_list(workspace=workspace, actor=ACTOR, name="Ours", senders=senders)
    for entity in ("sender", "sender_list"):
        carry(account, PUSH, entity)
    update_sender_list(sender_list=ours, actor=ACTOR, senders=[])
    assert push_due() == 1
    [there] = whiz.all_sender_lists()
    assert whiz.list_senders_in_list(list_id=there.id) == ()
    assert states(account, "sender_list") == {"Ours": "same"}


def test_a_day_that_was_taken_away_here_is_told_to_stand_there(
    account: ProviderAccount, whiz: MessageWhizClient
) -> None:
    makers(account.workspace)["campaign"]()
    carry(account, PUSH, "campaign")
    update_campaign(campaign=Campaign.objects.get(name="Thing"), actor=ACTOR, name="Other", ends_on=None)
    assert push_due() == 1
    record = RemoteRecord.objects.get(account=account, local_id=Campaign.objects.get(name="Other").pk)
    assert record.state == "failed"
    assert record.words.startswith(
        "MessageWhiz has no call that takes a campaign's last day away: it is 2027-01-31 there."
    )
    assert "Other" in [one.name for one in whiz.all_campaigns()]


def test_a_recipient_list_is_not_enabled_again_there_and_that_is_said(
    account: ProviderAccount, whiz: MessageWhizClient
) -> None:
    mine = create_list(workspace=account.workspace, actor=ACTOR, name="People")
    _people(mine)
    carry(account, PUSH, "recipient_list")
    for enabled in (False, True):
        set_list_enabled(recipient_list=mine, actor=ACTOR, enabled=enabled)
        [record] = compare(account=account, entity="recipient_list")
        assert record.state == "differs"
        [step] = carry_out(account=account, direction=PUSH, record_ids=[record.pk], actor=ACTOR)
    assert step.error.startswith("MessageWhiz has no call that enables a recipient list again")
    assert [one.name for one in whiz.all_recipient_lists(enabled=False)] == ["People"]


def test_what_stays_on_an_unsubscribe_list_there_is_said(
    account: ProviderAccount, whiz: MessageWhizClient
) -> None:
    makers(account.workspace)["unsubscribe_list"]()
    carry(account, PUSH, "unsubscribe_list")
    mine = UnsubscribeList.objects.get(name="Thing")
    update_unsubscribe_list(unsubscribe_list=mine, actor=ACTOR, name="Other")
    remove_members(unsubscribe_list=mine, actor=ACTOR, msisdns=["12015550101"])
    [record] = compare(account=account, entity="unsubscribe_list")
    [step] = carry_out(account=account, direction=PUSH, record_ids=[record.pk], actor=ACTOR)
    assert step.note == (
        "Still different there (name: Thing; count: 2). Numbers are added there, never taken off; a list is not renamed"
        " there."
    )
    record.refresh_from_db()
    assert record.state == "differs"


def test_changes_follow_by_themselves(account: ProviderAccount, whiz: MessageWhizClient) -> None:
    workspace = account.workspace
    for make in ("campaign", "sender", "word_spinner", "template"):
        makers(workspace)[make]()
        carry(account, PUSH, make)
    update_campaign(campaign=Campaign.objects.get(name="Thing"), actor=ACTOR, ends_on=date(2027, 2, 28))
    set_sender_enabled(sender=Sender.objects.get(value="Thing"), enabled=False, actor=ACTOR)
    change_spinner(
        spinner=WordSpinner.objects.get(), actor=ACTOR, name="Greetings", words=[("Hi", 1), ("Hey", 1)]
    )
    change_template(template=Template.objects.get(), actor=ACTOR, name="Thing", text="Bye")
    assert push_due() == 4
    assert [one.end_date.date() for one in whiz.all_campaigns() if one.name == "Thing" and one.end_date] == [
        date(2027, 2, 28)
    ]
    assert "Thing" in [one.name for one in whiz.all_senders(enabled=False)]
    assert [(one.name, set(one.words)) for one in whiz.all_word_spinners()] == [("Greetings", {"Hi", "Hey"})]
    assert [one.body for one in whiz.all_templates()] == ["Bye"]
    assert push_due() == 0


def test_tokens_of_a_template_name_what_is_there(account: ProviderAccount, whiz: MessageWhizClient) -> None:
    workspace = account.workspace
    for number in range(3):
        whiz.create_link(name=f"Other {number}", url=f"https://example.com/{number}")
    mine = create_link(workspace=workspace, actor=ACTOR, name="Shop", url=SHOP)
    create_template(workspace=workspace, actor=ACTOR, name="Sale", text=f"Go to {{{{link:{mine.pk}}}}} now")
    records = compare(account=account, entity="template")
    [step] = carry_out(account=account, direction=PUSH, record_ids=[records[0].pk], actor=ACTOR)
    assert "is not at MessageWhiz yet" in step.error
    link_record = next(record for record in compare(account=account, entity="link") if record.name == "Shop")
    carry_out(account=account, direction=PUSH, record_ids=[link_record.pk], actor=ACTOR)
    carry(account, PUSH, "template")
    remote_id = RemoteRecord.objects.get(account=account, name="Shop").remote_id
    assert remote_id != str(mine.pk)
    assert [one.body for one in whiz.all_templates()] == [f"Go to {{{{link:{remote_id}}}}} now"]
    assert states(account, "template") == {"Sale": "same"}


def test_what_is_there_is_pulled(account: ProviderAccount, whiz: MessageWhizClient) -> None:
    whiz.create_sender(name="Theirs")
    whiz.create_link(name="Their link", url="https://example.com/theirs", preview_url="https://example.com/p")
    whiz.create_word_spinner(name="Their words", words=["a", "b"])
    whiz.create_template(name="Their text", body="Hello {{first_name}}")
    whiz.create_unsubscribe_list(name="Their list", numbers=["12015550103"])
    for entity in ("sender", "link", "word_spinner", "template", "unsubscribe_list"):
        carry(account, PULL, entity)
    workspace = account.workspace
    assert Sender.objects.filter(workspace=workspace, value="Theirs").exists()
    assert Link.objects.get(workspace=workspace).url == "https://example.com/theirs"
    assert sorted(word for word, _weight in WordSpinner.objects.get().words) == ["a", "b"]
    assert Template.objects.get().text == "Hello {{first_name}}"
    members = UnsubscribeList.objects.get(name="Their list").members.values_list("msisdn", "how")
    assert list(members) == [("12015550103", "vendor")]
    assert not SenderList.objects.exists()


def test_numbers_that_are_there_come_to_ours_and_none_is_taken_away(
    account: ProviderAccount, whiz: MessageWhizClient
) -> None:
    mine = create_list(workspace=account.workspace, actor=ACTOR, name="People")
    _people(mine)
    carry(account, PUSH, "recipient_list")
    record = RemoteRecord.objects.get(account=account, entity="recipient_list")
    assert len(whiz.list_recipient_numbers(list_id=record.remote_id)) == 5
    whiz.add_recipient_numbers(list_id=record.remote_id, numbers=["12015550109"])
    assert states(account, "recipient_list") == {"People": "differs"}
    carry(account, PULL, "recipient_list")
    assert mine.recipients.count() == 6
