"""messaging.texted: what keeps an import from being undone."""

import pytest

from accounts.models import Workspace
from contacts.errors import WrongState
from contacts.models import ImportState
from contacts.services import imports
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


def test_texts_to_others_do_not(acme: Workspace) -> None:
    """To somebody whom the import left as is, and to the number of another list."""
    members = known(acme)
    imported = ran(checked(upload(acme, table(4, start=1)), to=members))
    elsewhere = list_named(acme, "Elsewhere")
    imported_too = ran(checked(upload(acme, table(1, start=2)), to=elsewhere))
    make_dispatch(acme, make_account(acme), msisdns=[number(0), number(2)])
    Message.objects.filter(msisdn=number(0)).update(recipient_id=members.recipients.get(msisdn=number(0)).pk)
    Message.objects.filter(msisdn=number(2)).update(recipient_id=elsewhere.recipients.get().pk)
    assert imports.undo_import(imported=imported, actor=NOBODY).state == ImportState.UNDOING
    with pytest.raises(WrongState, match="texted"):
        imports.undo_import(imported=imported_too, actor=NOBODY)
