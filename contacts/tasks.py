"""Celery doors of contacts. Losing a task costs seconds: the sweep finds imports that nobody works on."""

from celery import shared_task

from contacts.services import import_runner


@shared_task
def check_import(import_id: int) -> None:
    import_runner.check_import(import_id)


@shared_task
def run_import(import_id: int) -> None:
    import_runner.run_import(import_id)
