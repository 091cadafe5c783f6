"""messaging.texted: what keeps an import from being undone."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Workspace
from contacts.errors import WrongState
from contacts.models import ImportState, RecipientList
from contacts.people import Sought
from contacts.services import import_undo, imports, lists
from contacts.services.list_jobs import Wish, start_job
from messaging.models import Message
from tests.contacts.support import NOBODY, checked, list_named, number, ran, upload
from tests.contacts.test_import_runner import known, table
from tests.engine.makers import make_account, make_dispatch

pytestmark = pytest.mark.django_db


def test_who_came_by_an_import_and_was_texted_keeps_it(acme: Workspace) -> None:
    members = known(acme)
    imported = ran(checked(upload(acme, table(4, start=1)), to=members))
    make_dispatch(acme, make_account(acme), msisdns=[number(3)])
    with pytest.raises(WrongState, match="texted"):
        Message.objects.update(recipient_id=members.recipients.get(msisdn=number(3)).pk)
        imports.undo_import(imported=imported, actor=NOBODY)
    Message.objects.update(recipient_id=members.recipients.get(msisdn=number(1)).pk, msisdn=number(1))
    with pytest.raises(WrongState, match="texted"):
        imports.undo_import(imported=imported, actor=NOBODY)


def test_texts_to_others_do_not(acme: Workspace, other: Workspace) -> None:
    """To somebody whom the import left as is, before it, and of another workspace."""
    make_dispatch(acme, make_account(acme), msisdns=[number(1), number(2)])
    members = known(acme)
    imported = ran(checked(upload(acme, table(4, start=1)), to=members))
    make_dispatch(acme, make_account(acme, "Second"), msisdns=[number(0)])
    make_dispatch(other, make_account(other), msisdns=[number(3)])
    assert imports.undo_import(imported=imported, actor=NOBODY).state == ImportState.UNDOING


def leave_by_hand(members: RecipientList, elsewhere: RecipientList) -> None:
    ids = list(members.recipients.values_list("pk", flat=True))
    lists.remove_recipients(recipient_list=members, ids=ids, actor=NOBODY)


def leave_by_a_job(members: RecipientList, elsewhere: RecipientList) -> None:
    start_job(sought=Sought(members), wish=Wish("remove", agreed=10), actor=NOBODY)


def are_moved(members: RecipientList, elsewhere: RecipientList) -> None:
    start_job(sought=Sought(members), wish=Wish("move", target=elsewhere), actor=NOBODY)


def are_copied(members: RecipientList, elsewhere: RecipientList) -> None:
    start_job(sought=Sought(members), wish=Wish("copy", target=elsewhere), actor=NOBODY)


def are_copied_and_removed(members: RecipientList, elsewhere: RecipientList) -> None:
    are_copied(members, elsewhere)
    leave_by_a_job(members, elsewhere)


@pytest.mark.parametrize(
    "go",
    [leave_by_hand, leave_by_a_job, are_moved, are_copied, are_copied_and_removed],
    ids=lambda go: go.__name__,
)
@pytest.mark.parametrize("first", [True, False], ids=["texted-then-gone", "gone-then-texted"])
@pytest.mark.parametrize("who", [1, 3], ids=["changed", "added"])
def test_wherever_they_went_they_keep_it(
    acme: Workspace, go: Callable[[RecipientList, RecipientList], None], first: bool, who: int
) -> None:
    """The ledger knows the number, whatever became of the row."""
    members, elsewhere = known(acme), list_named(acme, "Elsewhere")
    imported = ran(checked(upload(acme, table(4, start=1)), to=members))
    steps: list[Callable[[], object]] = [
        lambda: make_dispatch(acme, make_account(acme), msisdns=[number(who)]),
        lambda: go(members, elsewhere),
    ]
    for step in steps if first else reversed(steps):
        step()
    with pytest.raises(WrongState, match="texted"):
        imports.undo_import(imported=imported, actor=NOBODY)


def test_a_text_amid_undoing_stops_it(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """As to somebody who is on another list too: whom it has reached is not undone."""
    monkeypatch.setattr(import_undo, "BATCH", 2)
    imported = ran(checked(upload(acme, table(6))))
    imports.undo_import(imported=imported, actor=NOBODY)
    account, real = make_account(acme), import_undo.update_import
    texts = iter([number(3)])

    def text_one(*args: Any, **changes: Any) -> None:
        real(*args, **changes)
        for msisdn in texts:
            make_dispatch(acme, account, msisdns=[msisdn])

    monkeypatch.setattr(import_undo, "update_import", text_one)
    import_undo.undo(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.undo_counts["removed"]) == (ImportState.FAILED, 2)
    assert "has been texted already" in imported.state_reason
    assert imported.list is not None
    assert imported.list.recipients.count() == imported.list.recipient_count == 4
