"""Runs: planned, confirmed, carried out step by step, one at a time for each account, and resumed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import Actor
from accounts.models import AuditEntry, User
from accounts.signals import InstanceClaimed, instance_claimed
from messaging.links.links import create_link, create_link_list
from messaging.models import Link, Sender
from messaging.senders import create_sender, set_sender_enabled
from providers.errors import AccountRefused, Conflict, Throttled, Unreachable
from providers.models import ProviderAccount, RemoteRecord, SyncRun, SyncRunStep
from providers.services import ProviderAccountError
from providers.services import sync_runner as runner
from providers.services.sync import compare, link, push_due, unlink
from providers.services.sync_runner import carry_on
from providers.services.sync_runs import (
    Chosen,
    cancel_run,
    confirm_run,
    plan_run,
    prune_sync_runs,
    run_again,
    start_compare,
    waiting_runs,
)
from providers.tasks import carry_on_sync
from tests.conftest import SentTask
from tests.providers.sync.fakes import LinkPayload, SenderPayload, Store, lost, there

pytestmark = pytest.mark.django_db

ACTOR = Actor()
SHOP = "https://example.com/shop"


def with_senders(account: ProviderAccount, *values: str) -> None:
    for value in values:
        create_sender(workspace=account.workspace, actor=ACTOR, value=value)
    compare(account=account, entity="sender")


def planned(account: ProviderAccount, what: str = "push", **chosen: object) -> SyncRun:
    given = {"entities": ("sender",)} | chosen
    return plan_run(account=account, what=what, chosen=Chosen(**given), actor=ACTOR)  # type: ignore[arg-type]  # as given


def carried(run: SyncRun) -> SyncRun:
    confirm_run(run=run)
    while carry_on(run.pk):
        pass
    run.refresh_from_db()
    return run


def steps(run: SyncRun) -> list[tuple[str, str, str]]:
    return list(run.steps.order_by("position").values_list("name", "action", "state"))


def test_it_works(keeper: ProviderAccount, store: Store) -> None:
    create_sender(workspace=keeper.workspace, actor=ACTOR, value="Acme")
    store.put("sender", SenderPayload(name="Theirs"))
    run = start_compare(account=keeper, entities=["sender"], actor=ACTOR)
    assert carry_on(run.pk) is False
    run.refresh_from_db()
    assert (run.state, run.total, run.done, run.failed) == ("finished", 1, 1, 0)
    assert run.steps.get().differences == [["local_only", 1], ["remote_only", 1]]
    run = planned(keeper)
    assert (run.state, steps(run)) == ("planned", [("Acme", "create", "planned")])
    assert sorted(there("sender")) == ["Theirs"], "nothing was done yet"
    run = carried(run)
    assert (run.state, run.done, steps(run)) == ("finished", 1, [("Acme", "create", "done")])
    assert sorted(there("sender")) == ["Acme", "Theirs"]


def test_all_kinds_are_compared_in_the_order_of_pushing(keeper: ProviderAccount) -> None:
    run = start_compare(account=keeper, entities=[], actor=ACTOR)
    names = [step.entity for step in run.steps.order_by("position")]
    assert set(names) == {"sender", "link", "link_list"}
    assert names.index("link") < names.index("link_list")


def test_a_kind_that_it_has_not_is_refused_by_name(keeper: ProviderAccount) -> None:
    with pytest.raises(ProviderAccountError, match="“campaign” is nothing that is kept in step") as error:
        start_compare(account=keeper, entities=["campaign"], actor=ACTOR)
    assert error.value.field == "entity"


def test_a_worker_is_woken_once_it_stands(
    keeper: ProviderAccount, sent_tasks: list[SentTask], django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture of pytest-django
        run = start_compare(account=keeper, entities=["sender"], actor=ACTOR)
        assert sent_tasks == []
    assert [(task.name, task.args) for task in sent_tasks] == [("providers.tasks.carry_on_sync", (run.pk,))]


def test_a_dry_run_lists_what_would_happen(keeper: ProviderAccount, store: Store) -> None:
    mine = create_link(workspace=keeper.workspace, actor=ACTOR, name="Shop", url=SHOP)
    create_link_list(workspace=keeper.workspace, actor=ACTOR, name="All shops", links=[mine])
    store.put("link", LinkPayload(name="Theirs", url=SHOP))
    for kind in ("link", "link_list"):
        compare(account=keeper, entity=kind)
    store.calls.clear()
    run = planned(keeper, entities=())
    assert steps(run) == [("Shop", "create", "planned"), ("All shops", "create", "planned")]
    assert steps(planned(keeper, "pull", entities=())) == [("Theirs", "create", "planned")]
    assert store.calls == []
    assert Link.objects.count() == 1


def test_a_plan_shows_the_difference(keeper: ProviderAccount, store: Store) -> None:
    create_link(workspace=keeper.workspace, actor=ACTOR, name="Shop", url=SHOP)
    compare(account=keeper, entity="link")
    carried(planned(keeper, entities=("link",)))
    Link.objects.update(url="https://example.com/new")
    compare(account=keeper, entity="link")
    step = planned(keeper, entities=("link",)).steps.get()
    assert (step.action, step.differences) == ("change", [["url", "https://example.com/new", SHOP]])


def test_what_is_ticked_and_cannot_be_is_told(keeper: ProviderAccount, store: Store) -> None:
    store.put("sender", SenderPayload(name="Theirs"))
    compare(account=keeper, entity="sender")
    record = RemoteRecord.objects.get(name="Theirs")
    run = planned(keeper, ids=(record.pk,))
    step = run.steps.get()
    assert (step.state, step.words) == (
        "failed",
        "It is only there: pull it, or link it to one that is here.",
    )
    assert run.failed == 1


def test_a_second_one_of_the_same_name_is_warned_of(keeper: ProviderAccount, store: Store) -> None:
    store.put("sender", SenderPayload(name="Acme"))
    with_senders(keeper, "Acme", "Bravo")
    words = dict(planned(keeper).steps.values_list("name", "words"))
    assert words["Acme"].startswith("One of this name is there already: link the two")
    assert words["Bravo"] == ""


def linked_link(account: ProviderAccount) -> tuple[Link, RemoteRecord]:
    mine = create_link(workspace=account.workspace, actor=ACTOR, name="Shop", url=SHOP)
    compare(account=account, entity="link")
    carried(planned(account, entities=("link",)))
    Link.objects.update(url="https://example.com/new")
    compare(account=account, entity="link")
    return mine, RemoteRecord.objects.get(account=account, entity="link")


@pytest.mark.parametrize("what", ["push", "pull"])
def test_a_change_of_what_was_unlinked_meanwhile_is_not_made(
    keeper: ProviderAccount, store: Store, what: str
) -> None:
    _mine, record = linked_link(keeper)
    run = planned(keeper, what, entities=("link",))
    unlink(record=record, actor=ACTOR)
    run = carried(run)
    assert steps(run) == [("Shop", "change", "failed")]
    assert run.steps.get().words.startswith("It was linked when this was planned, and is not any more")
    assert [payload.name for payload in store.rows["link"].values()] == ["Shop"]
    record.refresh_from_db()
    assert record.state == "local_only"
    run_again(run=run)
    carry_on(run.pk)
    assert [payload.name for payload in store.rows["link"].values()] == ["Shop"], "nor the second time"


def test_a_change_of_what_was_linked_to_another_meanwhile_is_not_made(
    keeper: ProviderAccount, store: Store
) -> None:
    mine, record = linked_link(keeper)
    other = store.put("link", LinkPayload(name="Another", url=SHOP))
    compare(account=keeper, entity="link")
    run = planned(keeper, ids=(record.pk,), entities=("link",))
    unlink(record=record, actor=ACTOR)
    link(account=keeper, entity="link", local_id=mine.pk, remote_id=other, actor=ACTOR)
    run = carried(run)
    assert run.steps.get().words.startswith("It was linked to another one when this was planned")
    assert sorted(there("link")) == ["Another", "Shop"]


def test_what_was_linked_meanwhile_is_not_changed_by_a_plan_that_creates(
    keeper: ProviderAccount, store: Store
) -> None:
    mine = create_link(workspace=keeper.workspace, actor=ACTOR, name="Shop", url=SHOP)
    remote_id = store.put("link", LinkPayload(name="Theirs", url="https://example.com/theirs"))
    compare(account=keeper, entity="link")
    record = RemoteRecord.objects.get(local_id=mine.pk)
    run = planned(keeper, ids=(record.pk,), entities=("link",))
    link(account=keeper, entity="link", local_id=mine.pk, remote_id=remote_id, actor=ACTOR)
    run = carried(run)
    assert steps(run) == [("Shop", "create", "failed")]
    assert list(there("link")) == ["Theirs"]


def test_a_change_of_what_is_gone_there_creates_nothing(keeper: ProviderAccount, store: Store) -> None:
    linked_link(keeper)
    run = planned(keeper, entities=("link",))
    store.rows["link"].clear()
    run = carried(run)
    assert steps(run) == [("Shop", "change", "failed")]
    assert there("link") == {}


def test_what_was_to_be_left_alone_is(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme")
    carried(planned(keeper))
    record = RemoteRecord.objects.get(name="Acme")
    run = planned(keeper, ids=(record.pk,))
    assert steps(run) == [("Acme", "nothing", "planned")]
    Sender.objects.update(enabled=False)
    carried(run)
    assert there("sender") == {"Acme": SenderPayload(name="Acme")}
    assert steps(planned(keeper, ids=(record.pk,))) == [("Acme", "change", "planned")]


def test_a_twin_of_somebody_else_is_not_overwritten(keeper: ProviderAccount, store: Store) -> None:
    theirs = LinkPayload(name="Shop", url="https://example.com/theirs")
    store.put("link", theirs)
    create_link(workspace=keeper.workspace, actor=ACTOR, name="Shop", url=SHOP)
    compare(account=keeper, entity="link")
    run = planned(keeper, entities=("link",))
    for _turn in range(2):
        store.fails_before = Conflict("Keeper refuses it (409).", words="Duplicate entry")
        run = carried(run) if run.state == "planned" else again(run)
        assert steps(run) == [("Shop", "create", "failed")]
        assert list(store.rows["link"].values()) == [theirs]


def again(run: SyncRun) -> SyncRun:
    run_again(run=run)
    while carry_on(run.pk):
        pass
    run.refresh_from_db()
    return run


def test_a_creation_that_was_lost_takes_no_twin_for_its_own(keeper: ProviderAccount, store: Store) -> None:
    theirs = LinkPayload(name="Shop", url=SHOP)
    store.put("link", theirs)
    create_link(workspace=keeper.workspace, actor=ACTOR, name="Shop", url=SHOP, bot_redirect=f"{SHOP}/pc")
    compare(account=keeper, entity="link")
    store.fails_after = lost()
    run = carried(planned(keeper, entities=("link",)))
    compare(account=keeper, entity="link")
    SyncRun.objects.update(lease_until=timezone.now())
    carry_on(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done) == ("finished", 1)
    assert [payload == theirs for payload in store.rows["link"].values()] == [True, False]


def test_one_that_is_not_like_ours_is_asked_about(keeper: ProviderAccount, store: Store) -> None:
    create_link(workspace=keeper.workspace, actor=ACTOR, name="Shop", url=SHOP)
    compare(account=keeper, entity="link")
    run = planned(keeper, entities=("link",))
    theirs = LinkPayload(name="Shop", url="https://example.com/theirs")
    store.put("link", theirs)
    store.fails_before = lost()
    run = carried(run)
    SyncRun.objects.update(lease_until=timezone.now())
    carry_on(run.pk)
    assert run.steps.get().words.startswith("“Shop” may have been created there already")
    assert list(store.rows["link"].values()) == [theirs]


def test_the_search_and_the_state_choose(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme", "Bravo")
    assert steps(planned(keeper, words="brav")) == [("Bravo", "create", "planned")]
    with pytest.raises(ProviderAccountError, match="There is nothing to push"):
        planned(keeper, state="differs")


def test_what_was_never_compared_says_so(keeper: ProviderAccount) -> None:
    with pytest.raises(ProviderAccountError, match=r"Compare both sides first\."):
        planned(keeper)


def test_one_at_a_time_for_each_account(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme")
    run = planned(keeper)
    start_compare(account=keeper, entities=["sender"], actor=ACTOR)
    for ask in (
        lambda: confirm_run(run=run),
        lambda: start_compare(account=keeper, entities=["link"], actor=ACTOR),
    ):
        with pytest.raises(ProviderAccountError, match="just now") as error:
            ask()
        assert error.value.code == "busy"


def test_confirmed_twice_it_is_done_once(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme")
    run = carried(planned(keeper))
    assert confirm_run(run=run).state == "finished"
    assert carry_on(run.pk) is False
    assert [call for call in store.calls if call[1] == "create"] == [("sender", "create", "Acme")]


def test_what_fails_stops_no_other_and_is_done_again(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme", "Bravo")
    store.fails_before = Conflict("Keeper refuses it (409).", words="Duplicate entry")
    run = carried(planned(keeper))
    assert (run.state, run.done, run.failed) == ("finished", 1, 1)
    failed = run.steps.get(state="failed")
    assert failed.words == "Keeper refuses it (409). (Duplicate entry)"
    run_again(run=run)
    carry_on(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == ("finished", 2, 0)
    assert sorted(there("sender")) == ["Acme", "Bravo"]
    with pytest.raises(ProviderAccountError, match="All of it is done"):
        run_again(run=run)


def test_an_answer_that_was_lost_is_waited_for_and_found_again(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme")
    store.fails_after = lost()
    run = carried(planned(keeper))
    assert (run.state, run.lease_holder) == ("running", "")
    assert waiting_runs() == [], "not before its time"
    SyncRun.objects.update(lease_until=timezone.now())
    assert waiting_runs() == [run.pk]
    carry_on(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done) == ("finished", 1)
    assert len(store.rows["sender"]) == 1


def test_a_throttle_is_waited_for_as_long_as_it_says(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme")
    store.fails_before = Throttled("Keeper is asked too fast.", retry_after=120)
    run = carried(planned(keeper))
    assert run.lease_until is not None
    waits = run.lease_until - timezone.now()
    assert timedelta(seconds=110) < waits <= timedelta(seconds=120)
    assert run.steps.get().state == "planned"


@pytest.mark.parametrize(
    ("error", "tries"),
    [(AccountRefused("Keeper refuses the key."), 0), (Unreachable("Keeper cannot be reached."), 2)],
)
def test_what_every_step_would_meet_stops_the_run(
    keeper: ProviderAccount, store: Store, error: Exception, tries: int
) -> None:
    with_senders(keeper, "Acme", "Bravo")
    run = planned(keeper)
    SyncRunStep.objects.update(tries=tries)
    store.fails_before = error  # type: ignore[assignment]  # both are of the tree
    run = carried(run)
    assert run.state == "failed"
    assert str(error) in run.words
    assert [state for _name, _action, state in steps(run)] == ["failed", "planned"]
    run_again(run=run)
    carry_on(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done) == ("finished", 2)


def test_cancelled_it_does_no_more(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme")
    run = planned(keeper)
    confirm_run(run=run)
    cancel_run(run=run)
    assert carry_on(run.pk) is False
    assert run.state == "cancelled"
    assert there("sender") == {}
    with pytest.raises(ProviderAccountError, match="cannot be carried out any more"):
        confirm_run(run=run)


def test_cancelled_at_a_step_nothing_else_begins_before_that_is_over(
    keeper: ProviderAccount, store: Store
) -> None:
    with_senders(keeper, "Acme", "Bravo")
    run, other = confirm_run(run=planned(keeper)), planned(keeper)
    runner._claim(run.pk)
    step = run.steps.order_by("position")[0]
    SyncRunStep.objects.filter(pk=step.pk).update(state="running")
    cancel_run(run=run)
    with pytest.raises(ProviderAccountError, match="still under way"):
        run_again(run=run)
    confirm_run(run=other)
    assert carry_on(other.pk) is False
    assert waiting_runs() == [other.pk]
    assert there("sender") == {}
    SyncRunStep.objects.filter(pk=step.pk).update(state="done")
    carry_on(other.pk)
    assert sorted(there("sender")) == ["Acme", "Bravo"]


def test_a_worker_that_dies_leaves_it_to_the_next_one(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme", "Bravo")
    run = confirm_run(run=planned(keeper))
    runner._claim(run.pk)
    assert carry_on(run.pk) is False, "another worker has it"
    SyncRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert waiting_runs() == [run.pk]
    assert carry_on(run.pk) is False
    run.refresh_from_db()
    assert (run.state, run.done) == ("finished", 2)


def test_a_long_one_gives_way_to_others(
    keeper: ProviderAccount, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "TURN_SECONDS", 0)
    with_senders(keeper, "Acme", "Bravo")
    run = confirm_run(run=planned(keeper))
    assert [carry_on(run.pk) for _turn in range(3)] == [True, True, False]
    run.refresh_from_db()
    assert (run.state, run.done) == ("finished", 2)


def test_changes_wait_until_a_run_has_ended(keeper: ProviderAccount, store: Store) -> None:
    sender = create_sender(workspace=keeper.workspace, actor=ACTOR, value="Acme")
    compare(account=keeper, entity="sender")
    carried(planned(keeper))
    run = start_compare(account=keeper, entities=["link"], actor=ACTOR)
    set_sender_enabled(sender=sender, enabled=False, actor=ACTOR)
    assert push_due() == 0
    carry_on(run.pk)
    assert push_due() == 1


def test_the_trail_says_who_asked(keeper: ProviderAccount, store: Store, adam: User) -> None:
    with_senders(keeper, "Acme")
    run = plan_run(account=keeper, what="push", chosen=Chosen(("sender",)), actor=Actor(user=adam))
    carried(run)
    entry = AuditEntry.objects.get(action="pushed to the provider")
    assert (entry.user, entry.details) == (adam, {"entities": 1, "failed": 0})


def test_a_pull_is_done_as_who_asked(keeper: ProviderAccount, store: Store, adam: User) -> None:
    store.put("sender", SenderPayload(name="Theirs"))
    compare(account=keeper, entity="sender")
    carried(plan_run(account=keeper, what="pull", chosen=Chosen(("sender",)), actor=Actor(user=adam)))
    entries = AuditEntry.objects.filter(subject="sender", label="Theirs")
    assert [(entry.action, entry.user) for entry in entries.order_by("pk")] == [
        ("created", adam),
        ("changed", adam),
    ]


def test_from_a_copy_of_the_database_nothing_is_pushed(
    keeper: ProviderAccount, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_senders(keeper, "Acme")
    run = confirm_run(run=planned(keeper))
    monkeypatch.setattr("providers.tasks.fence", lambda: "a copy")
    carry_on_sync(run.pk)
    assert there("sender") == {}
    instance_claimed.send(sender=None, payload=InstanceClaimed(timezone.now()))
    run.refresh_from_db()
    assert run.state == "failed"
    assert run.words.startswith("Stopped: this database is a copy")


def test_old_ones_are_forgotten(keeper: ProviderAccount, store: Store) -> None:
    with_senders(keeper, "Acme")
    old, waiting, fresh = planned(keeper), planned(keeper), planned(keeper)
    confirm_run(run=waiting)
    ago = timezone.now() - timedelta(days=40)
    SyncRun.objects.filter(pk__in=(old.pk, waiting.pk)).update(created_at=ago)
    prune_sync_runs()
    assert list(SyncRun.objects.order_by("pk")) == [waiting, fresh]
    assert SyncRunStep.objects.count() == 2
