"""Lists pushed to Mobiz, which tells nothing of them, and short codes pulled from Ogangi; over HTTP to the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.access import Actor
from accounts.models import Workspace
from contacts.models import Recipient, RecipientList
from contacts.services.lists import (
    Person,
    add_recipients,
    create_list,
    remove_recipients,
    rename_list,
    set_list_enabled,
)
from messaging.models import Sender
from messaging.senders import set_sender_enabled
from providers.connectors.mobiz import remote
from providers.models import ProviderAccount, RemoteRecord
from providers.services.sync import (
    PULL,
    PUSH,
    Step,
    carry_out,
    compare,
    link,
    link_by_name,
    push_due,
    synced_entities,
    unlink,
)
from sms.examples import example_msisdns
from tests.providers.makers import CREDENTIALS, make_account
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db

ACTOR = Actor()


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as sandbox:
        yield sandbox


@pytest.fixture
def mobiz(acme: Workspace, process: SandboxProcess) -> Iterator[ProviderAccount]:
    process.control("POST", "reset", {"accounts": True})
    credentials = CREDENTIALS["mobiz"] | {"username": "sandbox", "subscription_key": "sandbox"}
    yield make_account(acme, "mobiz", base_url=process.mobiz_url, credentials=credentials)
    process.dial(vendor="mobiz", faults=[])


@pytest.fixture
def ogangi(acme: Workspace, process: SandboxProcess) -> ProviderAccount:
    process.control("POST", "reset", {"accounts": True})
    credentials = CREDENTIALS["ogangi"] | {"private_key": "sandbox"}
    return make_account(acme, "ogangi", base_url=process.ogangi_url, credentials=credentials)


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    made = create_list(workspace=acme, actor=ACTOR, name="Members")
    people = [
        Person(f"+{msisdn}", {"first_name": f"Ann {number}"})
        for number, msisdn in enumerate(example_msisdns(5))
    ]
    add_recipients(recipient_list=made, people=people, actor=ACTOR)
    return made


def lists_there(process: SandboxProcess) -> list[dict[str, Any]]:
    found = process.control("GET", "settings?vendor=mobiz&account=sandbox-key")
    return list(found["lists"].values())


def push(account: ProviderAccount) -> Step:
    [record] = compare(account=account, entity="recipient_list")
    [step] = carry_out(account=account, direction=PUSH, record_ids=[record.pk], actor=ACTOR)
    return step


def state(account: ProviderAccount) -> tuple[str, list[list[str]]]:
    [record] = compare(account=account, entity="recipient_list")
    return record.state, record.differences


def add(recipient_list: RecipientList, number: int) -> None:
    person = Person(f"+{next(iter(example_msisdns(1, number)))}", {"last_name": "Late"})
    add_recipients(recipient_list=recipient_list, people=[person], actor=ACTOR)


def test_a_list_is_made_and_filled(
    mobiz: ProviderAccount, members: RecipientList, process: SandboxProcess
) -> None:
    assert list(synced_entities(mobiz)) == ["recipient_list"]
    assert push(mobiz).action == "create"
    [there] = lists_there(process)
    assert (there["name"], there["rows"]) == ("Members", 5)
    assert there["definition"] == {
        "Number": "msisdn",
        "first_name": "text",
        "last_name": "text",
        "email": "text",
    }
    assert {"Number": next(iter(example_msisdns(1))), "first_name": "Ann 0"} in there["latest"]
    assert state(mobiz) == ("same", [])


def test_only_who_came_since_is_added(
    mobiz: ProviderAccount, members: RecipientList, process: SandboxProcess
) -> None:
    push(mobiz)
    add(members, 7)
    assert state(mobiz) == ("differs", [["count", "6", "5"]])
    assert push(mobiz).action == "change"
    assert [one["rows"] for one in lists_there(process)] == [6]
    assert state(mobiz) == ("same", [])


def test_what_was_cut_short_goes_on_where_it_was(
    mobiz: ProviderAccount,
    members: RecipientList,
    process: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "LIST_ROWS_MOST", 2)
    append = remote.MobizClient.append_to_list
    calls = []

    def dies_at_the_third(self: Any, **given: Any) -> str:
        calls.append(len(given["rows"]))
        if len(calls) == 3:
            raise SystemExit
        return str(append(self, **given))

    monkeypatch.setattr(remote.MobizClient, "append_to_list", dies_at_the_third)
    with pytest.raises(SystemExit):
        push(mobiz)
    assert [one["rows"] for one in lists_there(process)] == [4]
    assert push(mobiz).error == ""
    assert calls == [2, 2, 1, 1]
    assert [one["rows"] for one in lists_there(process)] == [5]


def test_a_creation_whose_answer_was_lost_is_asked_about(
    mobiz: ProviderAccount, members: RecipientList, process: SandboxProcess
) -> None:
    fault = {"path": "customers/CustomerList-create", "fault": "cut_after", "times": 1}
    process.dial(vendor="mobiz", faults=[fault])
    assert push(mobiz).error
    step = push(mobiz)
    assert step.error.startswith("Mobiz may have created “Members” already, and has no call that tells.")
    assert len(lists_there(process)) == 1, "not made twice by itself"
    assert push(mobiz).error == ""
    assert len(lists_there(process)) == 2, "a person has looked, and wants it"


def test_it_is_linked_by_its_id(
    mobiz: ProviderAccount, members: RecipientList, process: SandboxProcess, adam_client: Client
) -> None:
    push(mobiz)
    remote_id = RemoteRecord.objects.get().remote_id
    RemoteRecord.objects.all().delete()
    [record] = compare(account=mobiz, entity="recipient_list")
    address = reverse("provider-account-sync-record", args=[mobiz.pk, "recipient_list", record.pk])
    assert "Link by its id" in adam_client.get(address).content.decode()
    adam_client.post(f"{address}link/", {"remote_id": remote_id})
    record.refresh_from_db()
    assert (record.remote_id, record.state) == (remote_id, "differs")
    assert push(mobiz).error == ""
    assert len(lists_there(process)) == 1


def test_unlinked_and_linked_by_name_nobody_is_added_twice(
    mobiz: ProviderAccount, members: RecipientList, process: SandboxProcess
) -> None:
    push(mobiz)
    unlink(record=RemoteRecord.objects.get(), actor=ACTOR)
    compare(account=mobiz, entity="recipient_list")
    assert link_by_name(account=mobiz, entity="recipient_list", actor=ACTOR) == 1
    add(members, 7)
    assert push(mobiz).error == ""
    assert [one["rows"] for one in lists_there(process)] == [6]
    assert state(mobiz) == ("same", [])


def test_another_list_that_is_linked_to_it_brings_its_own_people(
    mobiz: ProviderAccount, members: RecipientList, process: SandboxProcess
) -> None:
    older = create_list(workspace=mobiz.workspace, actor=ACTOR, name="Older")
    add(older, 7)
    push_one(mobiz, "Members")
    remote_id = RemoteRecord.objects.get(name="Members").remote_id
    relink(mobiz, "Members", older, remote_id)
    assert push_one(mobiz, "Older").error == (
        "Mobiz has no call that renames a list: it is “Members” there. Its people are up to date."
    )
    assert [one["rows"] for one in lists_there(process)] == [6]
    relink(mobiz, "Older", members, remote_id)
    push_one(mobiz, "Members")
    assert [one["rows"] for one in lists_there(process)] == [6], "the first one's are there already"


def relink(account: ProviderAccount, name: str, other: RecipientList, remote_id: str) -> None:
    unlink(record=RemoteRecord.objects.get(name=name, local_id__isnull=False), actor=ACTOR)
    link(account=account, entity="recipient_list", local_id=other.pk, remote_id=remote_id, actor=ACTOR)


def push_one(account: ProviderAccount, name: str) -> Step:
    compare(account=account, entity="recipient_list")
    record = RemoteRecord.objects.get(name=name, local_id__isnull=False)
    [step] = carry_out(account=account, direction=PUSH, record_ids=[record.pk], actor=ACTOR)
    return step


def test_who_was_taken_off_here_is_told_to_be_there(
    mobiz: ProviderAccount, members: RecipientList, process: SandboxProcess
) -> None:
    push(mobiz)
    first = members.recipients.values_list("pk", flat=True)[:1]
    remove_recipients(recipient_list=members, ids=list(first), actor=ACTOR)
    step = push(mobiz)
    assert step.note.startswith("Still different there (count: 5). ")
    assert RemoteRecord.objects.get().state == "differs"


def test_what_cannot_be_done_is_said(
    mobiz: ProviderAccount, members: RecipientList, process: SandboxProcess
) -> None:
    push(mobiz)
    rename_list(recipient_list=members, actor=ACTOR, name="Friends")
    add(members, 8)
    assert push(mobiz).error == (
        "Mobiz has no call that renames a list: it is “Members” there. Its people are up to date."
    )
    assert [(one["name"], one["rows"]) for one in lists_there(process)] == [("Members", 6)]
    set_list_enabled(recipient_list=members, actor=ACTOR, enabled=False)
    assert "no call that disables a list" in push(mobiz).error
    record = RemoteRecord.objects.get()
    [step] = carry_out(account=mobiz, direction=PULL, record_ids=[record.pk], actor=ACTOR)
    assert step.error == "Mobiz has no call that reads a list: lists are pushed alone."


def test_a_list_that_is_disabled_is_not_made(mobiz: ProviderAccount, members: RecipientList) -> None:
    set_list_enabled(recipient_list=members, actor=ACTOR, enabled=False)
    assert "enable it here" in push(mobiz).error
    set_list_enabled(recipient_list=members, actor=ACTOR, enabled=True)
    assert push(mobiz).error == ""


def test_it_may_be_linked_once(mobiz: ProviderAccount, members: RecipientList) -> None:
    push(mobiz)
    create_list(workspace=mobiz.workspace, actor=ACTOR, name="Others")
    compare(account=mobiz, entity="recipient_list")
    taken = RemoteRecord.objects.exclude(remote_id="").get()
    free = RemoteRecord.objects.get(remote_id="")
    with pytest.raises(Exception, match="Members is linked already"):
        link(
            account=mobiz,
            entity="recipient_list",
            local_id=free.local_id or 0,
            remote_id=taken.remote_id,
            actor=ACTOR,
        )


def test_short_codes_of_ogangi_are_pulled(ogangi: ProviderAccount) -> None:
    records = compare(account=ogangi, entity="sender")
    assert [(one.name, one.state) for one in records] == [
        ("12015550100", "remote_only"),
        ("12015550101", "remote_only"),
    ]
    ids = [one.pk for one in records]
    steps = carry_out(account=ogangi, direction=PULL, record_ids=ids, actor=ACTOR)
    assert [(step.action, step.error) for step in steps] == [("create", "")] * 2
    sender = Sender.objects.get(value="12015550100")
    assert list(sender.accounts.all()) == [ogangi], "another account does not know it"
    assert [one.state for one in compare(account=ogangi, entity="sender")] == ["same", "same"]


def test_nothing_is_pushed_to_ogangi(ogangi: ProviderAccount) -> None:
    records = compare(account=ogangi, entity="sender")
    ids = [one.pk for one in records]
    carry_out(account=ogangi, direction=PULL, record_ids=ids, actor=ACTOR)
    set_sender_enabled(sender=Sender.objects.get(value="12015550100"), enabled=False, actor=ACTOR)
    assert push_due() == 0
    [step] = carry_out(account=ogangi, direction=PUSH, record_ids=ids[:1], actor=ACTOR)
    assert step.error.startswith("Ogangi has no call that adds or changes a short code")


def test_no_text_goes_out(mobiz: ProviderAccount, members: RecipientList, process: SandboxProcess) -> None:
    push(mobiz)
    assert Recipient.objects.count() == 5
    assert process.control("GET", "handsets")["handsets"] == []
