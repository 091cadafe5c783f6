"""Celery doors of contacts. Losing a task costs seconds: the sweep finds what nobody works on."""

from celery import shared_task

from contacts.services import import_runner, import_undo, list_job_runner


@shared_task
def check_import(import_id: int) -> None:
    import_runner.check_import(import_id)


@shared_task
def run_import(import_id: int) -> None:
    import_runner.run_import(import_id)


@shared_task
def run_list_job(job_id: int) -> None:
    list_job_runner.run_job(job_id)


@shared_task
def undo_import(import_id: int) -> None:
    import_undo.undo(import_id)
