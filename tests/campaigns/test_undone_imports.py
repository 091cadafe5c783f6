"""Undoing an import and launching to its list: one of the two waits or is refused, in whichever order they come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import CampaignError, LaunchRefused
from campaigns.models import Broadcast
from campaigns.services.control import stop_broadcast
from campaigns.services.drafts import save_draft
from campaigns.services.launch import launch_due_broadcasts
from campaigns.services.planning import plan_segment
from contacts.errors import ContactsError, WrongState
from contacts.models import Import, ImportState, RecipientList
from contacts.rules import rule_of
from contacts.services import import_undo, imports, lists
from messaging.models import Message
from tests.campaigns.makers import make_draft, send
from tests.contacts.support import NOBODY, checked, ran, upload
from tests.contacts.test_import_runner import table

ANNS = rule_of({"conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}]})


@pytest.fixture
def imported(acme: Workspace) -> Import:
    return ran(checked(upload(acme, table(10))))


def list_of(imported: Import) -> RecipientList:
    assert imported.list is not None
    imported.list.refresh_from_db()
    return imported.list


def plan(broadcast: Broadcast) -> None:
    plan_segment(segment_id=broadcast.segments.get().pk)
    broadcast.refresh_from_db()


def undo(imported: Import) -> None:
    imports.undo_import(imported=imported, actor=NOBODY)


@pytest.mark.parametrize("is_live", [False, True])
def test_what_was_launched_and_is_not_planned_is_not_undone(
    acme: Workspace, actor: Actor, imported: Import, is_live: bool
) -> None:
    to = list_of(imported)
    if is_live:
        to = lists.create_live_list(source=to, actor=NOBODY, name="Anns", rule=ANNS)
    launched = send(make_draft(acme, actor, to), actor, plan=False)
    with pytest.raises(WrongState, match="has just been launched: its people are being written"):
        undo(imported)
    plan(launched)
    assert (launched.state, Message.objects.filter(broadcast_id=launched.pk).count()) == ("running", 10)
    with pytest.raises(WrongState, match="has been texted already"):
        undo(imported)


def test_one_that_was_stopped_before_it_was_planned_keeps_nothing(
    acme: Workspace, actor: Actor, imported: Import
) -> None:
    launched = send(make_draft(acme, actor, list_of(imported)), actor, plan=False)
    stop_broadcast(broadcast=launched, actor=actor)
    undo(imported)
    import_undo.undo(imported.pk)
    assert list_of(imported).recipient_count == 0


def test_a_broadcast_to_another_list_does_not_matter(acme: Workspace, actor: Actor, imported: Import) -> None:
    other = ran(checked(upload(acme, table(3, start=20))))
    send(make_draft(acme, actor, list_of(other)), actor, plan=False)
    undo(imported)
    imported.refresh_from_db()
    assert imported.state == ImportState.UNDOING


def test_nothing_is_launched_while_it_is_undone(acme: Workspace, actor: Actor, imported: Import) -> None:
    """Nor to a live list of it."""
    live = lists.create_live_list(source=list_of(imported), actor=NOBODY, name="Anns", rule=ANNS)
    drafts = [make_draft(acme, actor, to, name=to.name) for to in (list_of(imported), live)]
    undo(imported)
    for draft in drafts:
        with pytest.raises(LaunchRefused, match=r"The import people\.csv into .* is being undone\. Wait"):
            send(draft, actor)
        draft.refresh_from_db()
        assert draft.state == "draft"


def test_a_launch_amid_undoing_is_refused(
    acme: Workspace, actor: Actor, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_undo, "BATCH", 2)
    draft, real, refused = make_draft(acme, actor, list_of(imported)), import_undo.update_import, []

    def try_to_launch(*args: Any, **changes: Any) -> None:
        real(*args, **changes)
        if "undo_counts" not in changes or "state" in changes:
            return
        with pytest.raises(LaunchRefused) as error:
            send(draft, actor)
        refused.append("being_undone" in [check.code for check in error.value.checks])

    undo(imported)
    monkeypatch.setattr(import_undo, "update_import", try_to_launch)
    import_undo.undo(imported.pk)
    assert len(refused) == 5
    assert all(refused)
    assert list_of(imported).recipient_count == 0
    assert not Message.objects.exists()


def test_undoing_that_began_during_the_estimate_refuses_too(
    acme: Workspace, actor: Actor, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check has passed; the lists are asked again once they are locked."""
    from campaigns.services import launch

    draft, real = make_draft(acme, actor, list_of(imported)), launch.launch_checks

    def undo_then(*args: Any) -> Any:
        checks = real(*args)
        undo(imported)
        return checks

    monkeypatch.setattr(launch, "launch_checks", undo_then)
    with pytest.raises(LaunchRefused):
        send(draft, actor)
    draft.refresh_from_db()
    assert (draft.state, draft.segments.count()) == ("draft", 0)


def test_one_that_is_due_waits_until_undoing_has_ended(
    acme: Workspace, actor: Actor, time_machine: Any
) -> None:
    imported = ran(checked(upload(acme, table(10))))
    draft = make_draft(acme, actor, list_of(imported))
    at = timezone.now() + timedelta(hours=2)
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": at})
    scheduled = send(draft, actor, plan=False)
    more = ran(checked(upload(acme, table(3, start=20), "more.csv"), to=list_of(imported)))
    undo(more)
    time_machine.move_to(at + timedelta(seconds=1))
    assert launch_due_broadcasts() == 0
    scheduled.refresh_from_db()
    assert scheduled.state == "scheduled"
    import_undo.undo(more.pk)
    assert launch_due_broadcasts() == 1
    scheduled.refresh_from_db()
    plan(scheduled)
    assert (scheduled.state, Message.objects.filter(broadcast_id=scheduled.pk).count()) == ("running", 10)


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="One writer at a time: there is no race")
@pytest.mark.django_db(transaction=True)
def test_of_undoing_and_launching_at_once_one_wins(acme: Workspace, actor: Actor) -> None:
    """Never both: who was agreed to is on the list when it is planned, and nobody planned is undone."""
    outcomes = set()
    for turn in range(12):
        imported = ran(checked(upload(acme, table(200), f"{turn}.csv")))
        draft = make_draft(acme, actor, list_of(imported), name=f"Account {turn}")
        won: list[str] = []

        def do_launch(draft: Broadcast = draft, won: list[str] = won) -> None:
            send(draft, actor, plan=False)
            won.append("launch")

        def do_undo(imported: Import = imported, won: list[str] = won) -> None:
            undo(imported)
            won.append("undo")

        at_once(do_launch, do_undo)
        assert len(won) == 1, won
        outcomes.add(won[0])
        if won == ["launch"]:
            draft.refresh_from_db()
            plan(draft)
            assert (draft.state, Message.objects.filter(broadcast_id=draft.pk).count()) == ("running", 200)
            stop_broadcast(broadcast=draft, actor=actor)
            Message.objects.all().delete()
        else:
            import_undo.undo(imported.pk)
            assert list_of(imported).recipients.count() == list_of(imported).recipient_count == 0
    assert outcomes


def at_once(*works: Callable[[], None]) -> None:
    """A refusal is an outcome; anything else fails the test."""
    start, broken = threading.Barrier(len(works)), []

    def work(one: Callable[[], None]) -> None:
        try:
            start.wait()
            one()
        except (CampaignError, ContactsError):
            pass
        except Exception as error:
            broken.append(error)
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=work, args=[one]) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not broken
