"""contacts.services.lists"""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from campaigns.models import Broadcast, Campaign
from contacts.errors import ContactsError, WrongState
from contacts.models import ExistingNumbers, Recipient, RecipientList
from contacts.services import lists
from contacts.services.lists import Person
from tests.contacts.support import NOBODY, list_named, number

ANN = Person(f"+{number(0)}", {"first_name": "Ann", "email": "ann@example.com"}, {"city": "Leeds"})


def test_it_works(acme: Workspace, alice: User) -> None:
    made = lists.create_list(workspace=acme, actor=Actor(user=alice), name=" Members ")
    added = lists.add_recipients(recipient_list=made, people=[ANN], actor=Actor(user=alice))
    assert (added.new, added.refused) == (1, [])
    made.refresh_from_db()
    assert (made.name, made.recipient_count, made.columns) == ("Members", 1, ["city"])
    person = made.recipients.get()
    assert (person.msisdn, person.country, person.first_name, person.extra) == (
        number(0),
        "US",
        "Ann",
        {"city": "Leeds"},
    )
    assert list(AuditEntry.objects.order_by("id").values_list("action", "user")) == [
        ("created", alice.pk),
        ("added people", alice.pk),
    ]


def test_it_requires_a_name_that_is_free_whatever_the_case(acme: Workspace, other: Workspace) -> None:
    list_named(acme, "Members")
    list_named(other, "Members")
    with pytest.raises(ContactsError, match="There is a list named MEMBERS already") as caught:
        lists.create_list(workspace=acme, actor=NOBODY, name="MEMBERS")
    assert caught.value.field == "name"
    with pytest.raises(ContactsError, match="The name of the list is empty"):
        lists.create_list(workspace=acme, actor=NOBODY, name="  ")


def test_it_accounts_for_every_person_that_is_handed_in(acme: Workspace) -> None:
    members = list_named(acme, people=[ANN])
    people = [
        ANN,
        Person(f"+{number(0)}", {"first_name": "Twice"}),
        Person("(201) 555-0101", {"last_name": "New"}),
        Person("12"),
        Person(f"+{number(5)}", {"first_name": "x" * 51}),
        Person(f"+{number(6)}", {"time_zone": "Mars/Olympus"}),
        Person(f"+{number(7)}", {}, {"Not A Name": "1"}),
    ]
    added = lists.add_recipients(recipient_list=members, people=people, actor=NOBODY)
    assert (added.new, added.updated, added.unchanged, added.skipped, added.duplicate) == (1, 0, 1, 0, 1)
    assert [(one.position, one.code) for one in added.refused] == [
        (4, "too_short"),
        (5, "too_long_value"),
        (6, "invalid"),
        (7, "column_name"),
    ]
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 2


@pytest.mark.parametrize(
    ("existing", "outcome", "first_name", "last_name"),
    [
        (ExistingNumbers.UPDATE, "updated", "Anna", "Lee"),
        (ExistingNumbers.FILL, "updated", "Ann", "Lee"),
        (ExistingNumbers.SKIP, "skipped", "Ann", ""),
    ],
)
def test_it_treats_known_numbers_as_asked_and_never_erases(
    acme: Workspace, existing: str, outcome: str, first_name: str, last_name: str
) -> None:
    members = list_named(acme, people=[ANN])
    again = Person(
        ANN.msisdn, {"first_name": "Anna", "last_name": "Lee", "email": ""}, {"city": "", "pet": "cat"}
    )
    added = lists.add_recipients(recipient_list=members, people=[again], actor=NOBODY, existing=existing)
    assert getattr(added, outcome) == 1
    person = members.recipients.get()
    assert (person.first_name, person.last_name, person.email) == (first_name, last_name, "ann@example.com")
    assert person.extra == ({"city": "Leeds"} if outcome == "skipped" else {"city": "Leeds", "pet": "cat"})


def test_an_edit_may_erase(acme: Workspace) -> None:
    person = list_named(acme, people=[ANN]).recipients.get()
    lists.update_recipient(
        recipient=person, actor=NOBODY, fields={"email": ""}, extra={"city": "", "pet": "dog"}
    )
    person.refresh_from_db()
    assert (person.first_name, person.email, person.extra) == ("Ann", "", {"pet": "dog"})
    assert RecipientList.objects.get().columns == ["city", "pet"]


def test_an_edit_rejects_what_does_not_fit(acme: Workspace) -> None:
    person = list_named(acme, people=[ANN]).recipients.get()
    with pytest.raises(
        ContactsError, match=r"e-mail holds 256 characters \(“x+…”\); at most 255 fit"
    ) as caught:
        lists.update_recipient(recipient=person, actor=NOBODY, fields={"email": "x" * 256})
    assert caught.value.field == "email"


def test_removed_people_can_be_put_back(acme: Workspace) -> None:
    members = list_named(acme, people=[ANN, Person(f"+{number(1)}"), Person(f"+{number(2)}")])
    strangers = list_named(acme, "Others", people=[Person(f"+{number(3)}")])
    before = {row.pk: (row.msisdn, row.first_name, row.extra) for row in members.recipients.all()}
    ids = [*members.recipients.values_list("pk", flat=True)][:2]
    removed = lists.remove_recipients(
        recipient_list=members, ids=[*ids, strangers.recipients.get().pk], actor=NOBODY
    )
    assert [row.pk for row in removed] == ids
    assert (members.recipient_count, members.recipients.count(), strangers.recipients.count()) == (1, 1, 1)
    assert lists.restore_recipients(recipient_list=members, rows=removed, actor=NOBODY) == 2
    assert {row.pk: (row.msisdn, row.first_name, row.extra) for row in members.recipients.all()} == before
    assert members.recipient_count == 3
    assert lists.restore_recipients(recipient_list=members, rows=removed, actor=NOBODY) == 0


def test_a_list_has_a_limited_number_of_columns(acme: Workspace) -> None:
    members = list_named(acme)
    many = Person(f"+{number(0)}", {}, {f"column_{n}": "x" for n in range(51)})
    with pytest.raises(ContactsError, match="51 further columns; at most 50 fit"):
        lists.add_recipients(recipient_list=members, people=[many], actor=NOBODY)
    assert not Recipient.objects.exists()


def test_deleting_is_refused_while_a_broadcast_refers_to_the_list(acme: Workspace) -> None:
    members = list_named(acme, people=[ANN])
    campaign = Campaign.objects.create(workspace=acme, name="General")
    broadcast = Broadcast.objects.create(workspace=acme, campaign=campaign, name="Hello")
    broadcast.lists.add(members)
    with pytest.raises(WrongState, match=r"Members is in use \(broadcasts\) and is kept. Disable it instead"):
        lists.delete_list(recipient_list=members, actor=NOBODY)
    broadcast.lists.clear()
    lists.delete_list(recipient_list=members, actor=NOBODY)
    assert not Recipient.objects.exists()


def test_disabling_keeps_everybody(acme: Workspace) -> None:
    members = list_named(acme, people=[ANN])
    lists.set_list_enabled(recipient_list=members, actor=NOBODY, enabled=False)
    members.refresh_from_db()
    assert (members.enabled, members.recipients.count()) == (False, 1)


def test_the_kind_of_a_number_is_kept(acme: Workspace) -> None:
    members = list_named(acme, people=[Person("+442079460000"), Person("+447400123456")])
    kinds = {row.msisdn: (row.kind, row.marked_kind) for row in members.recipients.all()}
    assert kinds == {"442079460000": ("fixed_line", "landline"), "447400123456": ("mobile", "")}


def test_kinds_of_people_from_before_are_filled_in(acme: Workspace) -> None:
    members = list_named(acme, people=[Person("+442079460000"), Person("+447400123456")])
    members.recipients.update(kind="")
    migration = import_module("contacts.migrations.0004_number_kinds")
    migration.fill_kinds(apps, SimpleNamespace(connection=connection))
    assert set(members.recipients.values_list("kind", flat=True)) == {"fixed_line", "mobile"}
