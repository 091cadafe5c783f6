"""Celery doors of contacts. Losing a task costs seconds: the sweep finds what nobody works on."""

from celery import shared_task

from contacts.services import file_retention, import_runner, import_undo, list_job_runner
from web.database_log import empty_log
from web.waking import wake

WAKE_UP_SECONDS = 10


@shared_task
def check_import(import_id: int) -> None:
    import_runner.check_import(import_id)


@shared_task
def run_import(import_id: int) -> None:
    import_runner.run_import(import_id)


@shared_task
def run_list_job(job_id: int) -> None:
    """Behind what waits already, where it gave way."""
    if list_job_runner.run_job(job_id):
        wake(run_list_job, job_id, expires=WAKE_UP_SECONDS)


@shared_task
def undo_import(import_id: int) -> None:
    import_undo.undo(import_id)


@shared_task
def tidy_files() -> None:
    """Each hour, by a worker that has the folder of uploads."""
    file_retention.prune_import_files()
    file_retention.prune_exports()
    file_retention.sweep_stray_files()
    # After an erasure while somebody was reading.
    empty_log()
