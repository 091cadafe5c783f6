"""A connection that the database cut is found before the next task, though Celery keeps it over many."""

from __future__ import annotations

import pytest
from celery.signals import task_prerun
from django.db import OperationalError, connection

from accounts.models import Workspace


@pytest.mark.django_db(transaction=True)
def test_a_cut_connection_costs_one_task() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection that could be cut")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    with pytest.raises(OperationalError):
        Workspace.objects.count()
    task_prerun.send(sender=None)
    assert Workspace.objects.count() == 0
