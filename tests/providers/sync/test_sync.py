"""Comparing, pushing, pulling, linking: each entity by itself, nothing made twice, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from messaging.links.links import change_link, create_link, create_link_list, set_link_enabled
from messaging.models import Link, LinkList, Sender
from messaging.senders import create_sender, set_sender_enabled
from providers.errors import Conflict, RequestRefused
from providers.models import ProviderAccount, RemoteRecord
from providers.services import ProviderAccountError
from providers.services.sync import (
    PULL,
    PUSH,
    Step,
    carry_out,
    compare,
    link,
    link_by_name,
    plan,
    push_due,
    synced_entities,
    unlink,
)
from tests.providers.sync.fakes import LinkListPayload, LinkPayload, SenderPayload, Store, lost, there

pytestmark = pytest.mark.django_db

ACTOR = Actor()
HERE, THERE = "https://example.com/here", "https://example.com/there"
Commit = Callable[..., object]


@pytest.fixture
def account(keeper: ProviderAccount) -> ProviderAccount:
    return keeper


def states(account: ProviderAccount, entity: str) -> dict[str, str]:
    return {record.name: record.state for record in compare(account=account, entity=entity)}


def push(account: ProviderAccount, *records: RemoteRecord) -> list[Step]:
    ids = [record.pk for record in records]
    return carry_out(account=account, direction=PUSH, record_ids=ids, actor=ACTOR)


def pull(account: ProviderAccount, *records: RemoteRecord) -> list[Step]:
    ids = [record.pk for record in records]
    return carry_out(account=account, direction=PULL, record_ids=ids, actor=ACTOR)


def record_of(account: ProviderAccount, name: str) -> RemoteRecord:
    return RemoteRecord.objects.get(account=account, name=name)


def test_what_both_have_comes_in_the_order_of_pushing(account: ProviderAccount) -> None:
    names = list(synced_entities(account))
    assert set(names) == {"sender", "link", "link_list"}
    assert names.index("link") < names.index("link_list")


def test_it_tells_how_each_stands(account: ProviderAccount, store: Store) -> None:
    workspace = account.workspace
    create_link(workspace=workspace, actor=ACTOR, name="Ours", url=HERE)
    store.put("link", LinkPayload(name="Theirs", url=THERE))
    assert states(account, "link") == {"Ours": "local_only", "Theirs": "remote_only"}
    assert states(account, "link") == {"Ours": "local_only", "Theirs": "remote_only"}, "and again the same"
    push(account, record_of(account, "Ours"))
    assert states(account, "link")["Ours"] == "same"
    Link.objects.filter(name="Ours").update(url=THERE)
    [ours] = [record for record in compare(account=account, entity="link") if record.name == "Ours"]
    assert (ours.state, ours.differences) == ("differs", [["url", THERE, HERE]])


def test_a_dry_run_asks_nothing_of_the_vendor_and_changes_nothing(
    account: ProviderAccount, store: Store
) -> None:
    create_link(workspace=account.workspace, actor=ACTOR, name="Ours", url=HERE)
    store.put("link", LinkPayload(name="Theirs", url=THERE))
    records = compare(account=account, entity="link")
    store.calls.clear()
    ids = [record.pk for record in records]
    pushed, pulled = (plan(account=account, direction=way, record_ids=ids) for way in (PUSH, PULL))
    assert {step.name: (step.action, bool(step.error)) for step in pushed} == {
        "Ours": ("create", False),
        "Theirs": ("nothing", True),
    }
    assert {step.name: step.action for step in pulled} == {"Ours": "nothing", "Theirs": "create"}
    assert store.calls == []
    assert not Link.objects.filter(name="Theirs").exists()


def test_pushing_again_does_nothing(account: ProviderAccount, store: Store) -> None:
    create_sender(workspace=account.workspace, actor=ACTOR, value="Acme")
    compare(account=account, entity="sender")
    assert [step.action for step in push(account, record_of(account, "Acme"))] == ["create"]
    store.calls.clear()
    assert [step.action for step in push(account, record_of(account, "Acme"))] == ["nothing"]
    assert store.calls == []
    assert list(there("sender")) == ["Acme"]


def test_a_creation_whose_answer_was_lost_is_found_again(account: ProviderAccount, store: Store) -> None:
    create_sender(workspace=account.workspace, actor=ACTOR, value="Acme")
    compare(account=account, entity="sender")
    store.fails_after = lost()
    [step] = push(account, record_of(account, "Acme"))
    record = record_of(account, "Acme")
    assert (record.state, record.remote_id, step.error) == ("failed", "", record.words)
    assert "cut the line" in record.words
    [step] = push(account, record)
    assert not step.error
    assert len(store.rows["sender"]) == 1
    assert record_of(account, "Acme").state == "same"
    assert states(account, "sender") == {"Acme": "same"}


def test_one_that_is_refused_stops_no_other(account: ProviderAccount, store: Store) -> None:
    for value in ("Acme", "Bravo"):
        create_sender(workspace=account.workspace, actor=ACTOR, value=value)
    records = compare(account=account, entity="sender")
    store.fails_before = Conflict("Keeper refuses it (409).", words="Duplicate entry")
    steps = push(account, *records)
    assert {step.name: bool(step.error) for step in steps} == {"Acme": True, "Bravo": False}
    assert record_of(account, "Acme").words == "Keeper refuses it (409). (Duplicate entry)"
    assert list(there("sender")) == ["Bravo"]
    # Seen again it is still failed, until a push works.
    assert states(account, "sender") == {"Acme": "failed", "Bravo": "same"}
    push(account, record_of(account, "Acme"))
    assert states(account, "sender") == {"Acme": "same", "Bravo": "same"}


def test_what_it_refers_to_goes_first(account: ProviderAccount, store: Store) -> None:
    made = create_link(workspace=account.workspace, actor=ACTOR, name="Shop", url=HERE)
    create_link_list(workspace=account.workspace, actor=ACTOR, name="All shops", links=[made])
    records = [record for kind in ("link_list", "link") for record in compare(account=account, entity=kind)]
    steps = push(account, *records)
    assert [step.entity for step in steps] == ["link", "link_list"]
    assert there("link_list")["All shops"] == LinkListPayload(name="All shops", urls=frozenset({HERE}))


def test_pulling_makes_and_changes_ours(account: ProviderAccount, store: Store) -> None:
    remote_id = store.put("link", LinkPayload(name="Theirs", url=THERE, bot_redirect=HERE))
    compare(account=account, entity="link")
    assert [step.action for step in pull(account, record_of(account, "Theirs"))] == ["create"]
    mine = Link.objects.get(name="Theirs")
    assert (mine.url, mine.bot_redirect, mine.workspace) == (THERE, HERE, account.workspace)
    store.rows["link"][remote_id] = LinkPayload(name="Theirs", url=HERE, enabled=False)
    assert states(account, "link") == {"Theirs": "differs"}
    assert [step.action for step in pull(account, record_of(account, "Theirs"))] == ["change"]
    mine.refresh_from_db()
    assert (mine.url, mine.enabled) == (HERE, False)
    assert states(account, "link") == {"Theirs": "same"}
    assert list(there("link")) == ["Theirs"], "nothing was pushed back"


def test_what_ours_does_not_take_is_told(account: ProviderAccount, store: Store) -> None:
    store.put("link", LinkPayload(name="Private", url="http://127.0.0.1/"))
    compare(account=account, entity="link")
    [step] = pull(account, record_of(account, "Private"))
    assert step.error
    record = record_of(account, "Private")
    assert (record.state, record.words, record.local_id) == ("failed", step.error, None)
    assert not Link.objects.exists()


def test_a_name_there_that_is_no_text_is_marked(account: ProviderAccount, store: Store) -> None:
    remote_id = store.put("link", LinkPayload(name="Sh\x00op", url=f"{THERE}\ud800"))
    [record] = compare(account=account, entity="link")
    assert record.name.startswith("Sh")
    assert "\x00" not in record.name
    mine = create_link(workspace=account.workspace, actor=ACTOR, name="Shop", url=THERE)
    compare(account=account, entity="link")
    link(account=account, entity="link", local_id=mine.pk, remote_id=remote_id, actor=ACTOR)
    [record] = compare(account=account, entity="link")
    assert [name for name, _ours, _theirs in record.differences] == ["name", "url"]


def test_linking_makes_one_of_two(account: ProviderAccount, store: Store) -> None:
    mine = create_link(workspace=account.workspace, actor=ACTOR, name="Shop", url=HERE)
    remote_id = store.put("link", LinkPayload(name="Shop (old)", url=HERE))
    compare(account=account, entity="link")
    linked = link(account=account, entity="link", local_id=mine.pk, remote_id=remote_id, actor=ACTOR)
    assert linked.is_linked
    [record] = compare(account=account, entity="link")
    assert (record.state, record.differences) == ("differs", [["name", "Shop", "Shop (old)"]])
    push(account, record)
    assert list(there("link")) == ["Shop"]
    with pytest.raises(ProviderAccountError):
        link(account=account, entity="link", local_id=mine.pk, remote_id=remote_id, actor=ACTOR)


def test_what_bears_one_name_on_both_sides_is_linked(account: ProviderAccount, store: Store) -> None:
    for value in ("Acme", "Bravo"):
        create_sender(workspace=account.workspace, actor=ACTOR, value=value)
    for name in ("Acme", "Bravo", "Bravo", "Coda"):
        store.put("sender", SenderPayload(name=name))
    compare(account=account, entity="sender")
    assert link_by_name(account=account, entity="sender", actor=ACTOR) == 1
    assert sorted((one.name, one.state) for one in compare(account=account, entity="sender")) == [
        ("Acme", "same"),
        ("Bravo", "local_only"),
        ("Bravo", "remote_only"),
        ("Bravo", "remote_only"),
        ("Coda", "remote_only"),
    ]
    assert link_by_name(account=account, entity="sender", actor=ACTOR) == 0


def test_a_push_that_died_is_not_made_twice(
    account: ProviderAccount, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_sender(workspace=account.workspace, actor=ACTOR, value="Acme")
    compare(account=account, entity="sender")
    monkeypatch.setattr(store, "fail", _dies_after)
    with pytest.raises(SystemExit):
        push(account, record_of(account, "Acme"))
    monkeypatch.undo()
    assert len(store.rows["sender"]) == 1
    assert record_of(account, "Acme").state == "failed"


def _dies_after(*, after: bool) -> None:
    if after:
        raise SystemExit


def test_unlinking_leaves_both_as_they_are(account: ProviderAccount, store: Store) -> None:
    create_link(workspace=account.workspace, actor=ACTOR, name="Shop", url=HERE)
    compare(account=account, entity="link")
    push(account, record_of(account, "Shop"))
    unlink(record=record_of(account, "Shop"), actor=ACTOR)
    records = compare(account=account, entity="link")
    assert sorted(record.state for record in records) == ["local_only", "remote_only"]
    assert list(there("link")) == ["Shop"]
    assert Link.objects.count() == 1


def test_what_is_gone_on_one_side_is_told(account: ProviderAccount, store: Store) -> None:
    create_link(workspace=account.workspace, actor=ACTOR, name="Shop", url=HERE)
    compare(account=account, entity="link")
    push(account, record_of(account, "Shop"))
    store.rows["link"].clear()
    assert states(account, "link") == {"Shop": "local_only"}
    push(account, record_of(account, "Shop"))
    assert list(there("link")) == ["Shop"]
    Link.objects.all().delete()
    assert states(account, "link") == {"Shop": "remote_only"}
    store.rows["link"].clear()
    assert states(account, "link") == {}
    assert not RemoteRecord.objects.exists()


# --- changes that follow by themselves ----------------------------------------------------------------


def linked_sender(account: ProviderAccount) -> Sender:
    sender = create_sender(workspace=account.workspace, actor=ACTOR, value="Acme")
    compare(account=account, entity="sender")
    push(account, record_of(account, "Acme"))
    return sender


def linked_link(account: ProviderAccount) -> Link:
    made = create_link(workspace=account.workspace, actor=ACTOR, name="Shop", url=HERE)
    compare(account=account, entity="link")
    push(account, record_of(account, "Shop"))
    return made


def test_disabled_follows_disabled(account: ProviderAccount, store: Store) -> None:
    sender = linked_sender(account)
    set_sender_enabled(sender=sender, enabled=False, actor=ACTOR)
    assert push_due() == 1
    assert there("sender")["Acme"] == SenderPayload(name="Acme", enabled=False)
    assert push_due() == 0
    set_sender_enabled(sender=sender, enabled=True, actor=ACTOR)
    assert push_due() == 1
    assert there("sender")["Acme"] == SenderPayload(name="Acme")


def test_what_was_changed_on_both_sides_waits_for_a_person(account: ProviderAccount, store: Store) -> None:
    mine = linked_link(account)
    [remote_id] = store.rows["link"]
    store.rows["link"][remote_id] = LinkPayload(name="Shop", url=THERE)
    compare(account=account, entity="link")
    set_link_enabled(link=mine, enabled=False, actor=ACTOR)
    assert push_due() == 0
    assert there("link")["Shop"] == LinkPayload(name="Shop", url=THERE)
    record = record_of(account, "Shop")
    assert (record.state, record.words[:20]) == ("differs", "It was changed here,")
    push(account, record)
    assert there("link")["Shop"] == LinkPayload(name="Shop", url=HERE, enabled=False)
    set_link_enabled(link=mine, enabled=True, actor=ACTOR)
    assert push_due() == 1, "it follows by itself again"


def test_a_change_that_waits_while_both_are_compared_is_pushed(
    account: ProviderAccount, store: Store
) -> None:
    mine = linked_link(account)
    set_link_enabled(link=mine, enabled=False, actor=ACTOR)
    compare(account=account, entity="link")
    change_link(link=mine, actor=ACTOR, url=THERE)
    assert push_due() == 1
    assert there("link")["Shop"] == LinkPayload(name="Shop", url=THERE, enabled=False)


def test_what_was_pulled_follows_again(account: ProviderAccount, store: Store) -> None:
    mine = linked_link(account)
    [remote_id] = store.rows["link"]
    store.rows["link"][remote_id] = LinkPayload(name="Shop", url=THERE)
    compare(account=account, entity="link")
    carry_out(account=account, direction=PULL, record_ids=[record_of(account, "Shop").pk], actor=ACTOR)
    push_due()
    mine.refresh_from_db()
    set_link_enabled(link=mine, enabled=False, actor=ACTOR)
    assert push_due() == 1
    assert there("link")["Shop"] == LinkPayload(name="Shop", url=THERE, enabled=False)


def test_what_was_only_linked_is_not_written_over_by_an_edit(account: ProviderAccount, store: Store) -> None:
    mine = create_link(workspace=account.workspace, actor=ACTOR, name="Shop", url=HERE)
    remote_id = store.put("link", LinkPayload(name="Shop", url=THERE))
    compare(account=account, entity="link")
    link(account=account, entity="link", local_id=mine.pk, remote_id=remote_id, actor=ACTOR)
    set_link_enabled(link=mine, enabled=False, actor=ACTOR)
    assert push_due() == 0
    assert there("link")["Shop"] == LinkPayload(name="Shop", url=THERE)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_change_during_a_push_is_pushed_behind_it(
    account: ProviderAccount, store: Store, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    sender = linked_sender(account)
    set_sender_enabled(sender=sender, enabled=False, actor=ACTOR)

    changed: list[bool] = []

    def changed_meanwhile(*, after: bool) -> None:
        if after and not changed:
            changed.append(True)
            set_sender_enabled(sender=sender, enabled=True, actor=ACTOR)

    monkeypatch.setattr(store, "fail", changed_meanwhile)
    if by_hand:
        push(account, record_of(account, "Acme"))
    else:
        assert push_due(limit=1) == 1
    assert there("sender")["Acme"] == SenderPayload(name="Acme", enabled=False)
    assert push_due() == 1
    assert there("sender")["Acme"] == SenderPayload(name="Acme")
    assert push_due() == 0


def test_what_is_gone_there_and_created_anew_is_found_again(account: ProviderAccount, store: Store) -> None:
    sender = linked_sender(account)
    store.rows["sender"].clear()
    set_sender_enabled(sender=sender, enabled=False, actor=ACTOR)
    store.fails_after = lost()
    push_due()
    push(account, record_of(account, "Acme"))
    assert list(store.rows["sender"].values()) == [SenderPayload(name="Acme", enabled=False)]
    assert record_of(account, "Acme").state == "same"


def test_a_change_wakes_a_worker_once_it_stands(
    account: ProviderAccount,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    sender = linked_sender(account)
    woken: list[str] = []
    monkeypatch.setattr("providers.receivers.push_soon", lambda: woken.append("push"))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]  # of the vendor's own client, or error
        set_sender_enabled(sender=sender, enabled=False, actor=ACTOR)
        assert woken == []
    assert woken == ["push"]


def test_what_is_not_linked_wakes_nobody(account: ProviderAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = create_sender(workspace=account.workspace, actor=ACTOR, value="Acme")
    set_sender_enabled(sender=sender, enabled=False, actor=ACTOR)
    assert not RemoteRecord.objects.filter(due_at__isnull=False).exists()


def test_what_fails_is_tried_later_and_then_left_to_a_person(account: ProviderAccount, store: Store) -> None:
    sender = linked_sender(account)
    store.fails_before = lost()
    set_sender_enabled(sender=sender, enabled=False, actor=ACTOR)
    assert push_due() == 1
    record = record_of(account, "Acme")
    assert record.state == "failed"
    assert record.due_at is not None
    assert record.due_at > timezone.now() + timedelta(seconds=20)
    assert push_due() == 0, "not before its time"
    RemoteRecord.objects.update(due_at=timezone.now(), tries=11)
    store.fails_before = RequestRefused("Keeper refuses it (422).")
    assert push_due() == 1
    assert record_of(account, "Acme").due_at is None


def test_a_worker_that_dies_leaves_it_to_the_next_one(account: ProviderAccount, store: Store) -> None:
    linked_sender(account)
    soon = timezone.now() + timedelta(minutes=4)
    RemoteRecord.objects.update(due_at=soon, state="differs")
    assert push_due() == 0
    RemoteRecord.objects.update(due_at=timezone.now())
    assert push_due() == 1


def test_another_workspace_is_not_touched(account: ProviderAccount, other: Workspace, store: Store) -> None:
    linked_sender(account)
    theirs = create_sender(workspace=other, actor=ACTOR, value="Acme")
    set_sender_enabled(sender=theirs, enabled=False, actor=ACTOR)
    assert push_due() == 0
    assert states(account, "sender") == {"Acme": "same"}


def test_the_trail_says_what_was_done(account: ProviderAccount, store: Store) -> None:
    linked_sender(account)
    entry = AuditEntry.objects.get(action="pushed to the provider")
    assert (entry.subject, entry.details) == ("provideraccount", {"entities": 1, "failed": 0})


def test_a_changed_link_is_pushed_once_for_many_changes(account: ProviderAccount, store: Store) -> None:
    mine = create_link(workspace=account.workspace, actor=ACTOR, name="Shop", url=HERE)
    compare(account=account, entity="link")
    push(account, record_of(account, "Shop"))
    store.calls.clear()
    change_link(link=mine, actor=ACTOR, url=THERE)
    change_link(link=mine, actor=ACTOR, preview_url=HERE)
    set_link_enabled(link=mine, enabled=False, actor=ACTOR)
    assert push_due() == 1
    assert [call for call in store.calls if call[1] == "change"] == [("link", "change", "Shop")]
    assert there("link")["Shop"] == LinkPayload(name="Shop", url=THERE, preview_url=HERE, enabled=False)
    assert LinkList.objects.count() == 0
