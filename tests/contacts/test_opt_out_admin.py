"""Opt-outs imported in Django admin."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from tablib import Dataset

from accounts.models import Workspace
from contacts.admin import OptOutResource
from contacts.models import OptOut, OptOutHow

# libphonenumber's examples.
ANN, BEN = "12015550123", "447400123456"


def imported(acme: Workspace, *numbers: str) -> None:
    rows = Dataset(
        *((acme.pk, number, "by letter") for number in numbers), headers=["workspace", "msisdn", "source"]
    )
    assert not OptOutResource().import_data(rows).has_errors()


def test_it_works(acme: Workspace) -> None:
    imported(acme, f"+{ANN}")
    row = OptOut.objects.get()
    assert (row.msisdn, row.how, row.source) == (ANN, OptOutHow.FILE, "by letter")


def test_a_number_that_is_opted_out_keeps_its_proof_and_is_confirmed(acme: Workspace) -> None:
    """What was pressed on the unsubscribe page can no longer be taken back there."""
    soon = timezone.now() + timedelta(minutes=30)
    for number in (ANN, BEN):
        OptOut.objects.create(workspace=acme, msisdn=number, how=OptOutHow.PAGE, undo_until=soon)
    imported(acme, f"+{ANN}")
    rows = OptOut.objects.order_by("msisdn").values_list("msisdn", "how", "source", "undo_until")
    assert list(rows) == [(ANN, "page", "", None), (BEN, "page", "", soon)]
