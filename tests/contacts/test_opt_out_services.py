"""contacts.services.opt_outs"""

from collections.abc import Iterator

import pytest

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from campaigns.models import Broadcast, Campaign
from contacts.errors import ContactsError, WrongState
from contacts.models import OptOut, OptOutHow
from contacts.services import opt_outs
from contacts.signals import OptedOut, opted_out
from tests.contacts.support import NOBODY, number


@pytest.fixture
def news() -> Iterator[list[OptedOut]]:
    heard: list[OptedOut] = []

    def hear(sender: object, news: OptedOut, **_: object) -> None:
        heard.append(news)

    opted_out.connect(hear)
    yield heard
    opted_out.disconnect(hear)


def stop(workspace: Workspace, n: int = 0, source: str = "Stop.") -> OptOut:
    return opt_outs.opt_out(
        workspace=workspace, msisdn=number(n), how=OptOutHow.STOP, source=source, message_id=77
    )


def test_it_works(acme: Workspace, other: Workspace, news: list[OptedOut]) -> None:
    row = stop(acme)
    assert (row.how, row.source, row.message_id) == ("stop", "Stop.", 77)
    assert news == [OptedOut(acme.pk, (number(0),))]
    assert opt_outs.opted_out_numbers(workspace_id=acme.pk, msisdns=[number(0), number(1)]) == {number(0)}
    assert opt_outs.opted_out_numbers(workspace_id=other.pk, msisdns=[number(0)]) == set()


def test_a_repeat_keeps_the_first_proof_and_is_no_news(acme: Workspace, news: list[OptedOut]) -> None:
    first = stop(acme)
    again = stop(acme, source="STOP again")
    assert (again.pk, again.source) == (first.pk, "Stop.")
    assert len(news) == 1


def test_what_a_person_does_is_in_the_audit_trail(acme: Workspace, alice: User) -> None:
    stop(acme)
    assert not AuditEntry.objects.exists()  # the row is its own proof
    opt_outs.opt_out(workspace=acme, msisdn=number(1), how=OptOutHow.PERSON, actor=Actor(user=alice))
    assert AuditEntry.objects.get().action == "opted out"


def test_many_at_once_tell_of_the_new_ones_only(acme: Workspace, news: list[OptedOut], alice: User) -> None:
    stop(acme, 1)
    news.clear()
    msisdns = [number(0), number(1), number(2), number(0)]
    added = opt_outs.opt_out_many(
        workspace=acme, msisdns=msisdns, how=OptOutHow.PERSON, source="letter", actor=Actor(user=alice)
    )
    assert added == 2
    assert news == [OptedOut(acme.pk, (number(0), number(2)))]
    assert AuditEntry.objects.get().details == {"count": 2, "how": "person"}


def test_start_undoes_and_the_proof_goes_to_the_audit_trail(acme: Workspace) -> None:
    row = stop(acme)
    assert opt_outs.opt_in(workspace=acme, msisdn=number(0), reason="START") is True
    assert not OptOut.objects.exists()
    details = AuditEntry.objects.get(action="opted in").details
    assert details["reason"] == "START"
    assert details["was"] == {"how": "stop", "source": "Stop.", "at": row.at.isoformat(), "message_id": 77}
    assert opt_outs.opt_in(workspace=acme, msisdn=number(0), reason="START") is False


def test_a_person_must_say_why(acme: Workspace) -> None:
    stop(acme)
    with pytest.raises(ContactsError, match="Say why this opt-out is removed"):
        opt_outs.opt_in(workspace=acme, msisdn=number(0), reason="  ")
    assert OptOut.objects.exists()


def test_an_unsubscribe_list_keeps_its_count(acme: Workspace) -> None:
    made = opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Competitors")
    numbers = [number(0), number(1), number(1)]
    assert opt_outs.add_members(unsubscribe_list=made, msisdns=numbers, actor=NOBODY) == 2
    assert opt_outs.add_members(unsubscribe_list=made, msisdns=[number(1), number(2)], actor=NOBODY) == 1
    assert opt_outs.remove_members(unsubscribe_list=made, msisdns=[number(0), number(9)], actor=NOBODY) == 1
    made.refresh_from_db()
    assert (made.member_count, made.members.count()) == (2, 2)


def test_an_unsubscribe_list_in_use_is_not_deleted(acme: Workspace) -> None:
    made = opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Competitors")
    campaign = Campaign.objects.create(workspace=acme, name="General")
    Broadcast.objects.create(workspace=acme, campaign=campaign, name="Hello").unsubscribe_lists.add(made)
    with pytest.raises(WrongState, match="Disable it instead"):
        opt_outs.delete_unsubscribe_list(unsubscribe_list=made, actor=NOBODY)


def test_names_are_unique(acme: Workspace) -> None:
    opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Competitors")
    with pytest.raises(ContactsError, match="already"):
        opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="competitors")
