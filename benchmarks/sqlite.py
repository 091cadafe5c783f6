"""One SQLite file in everybody's hands: web writes, the send loop and an import at once, as `make run` has them.

`python -m benchmarks.sqlite ROLE SECONDS …` is one of them in a process of its own; it prints what it did as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import django

from benchmarks.results import Plan, Result, of_figures

if TYPE_CHECKING:
    from accounts.models import Workspace

NAMES = ("sqlite_lock_errors", "sqlite_lock_errors.web_write_p99")
LOCKED = "database is locked"
WEB_PROCESSES = 2
# A person's pace would hardly write: this is a busy office, and a vendor's reports on top.
WEB_PAUSE_SECONDS = 0.01
START_SECONDS = 60.0


@dataclass(slots=True)
class Done:
    """What a role did: how often, how often the file was locked to it, and how long each of its writes took (ms)."""

    count: int = 0
    locked: int = 0
    milliseconds: list[float] = field(default_factory=list)


def run(plan: Plan) -> Iterator[Result]:
    from benchmarks import ground  # the apps are loaded by whoever calls
    from benchmarks.sink import Sink

    seconds = plan.size(10, 5)
    file = write_people_file(Path(os.environ["CRIER_DATA"]) / "people.csv", plan.size(300_000, 100_000))
    locked: list[float] = []
    late: list[float] = []
    with Sink() as sink:
        workspace = ground.make_workspace()
        account = ground.make_account(workspace, sink.url, in_flight=64)
        people = ground.make_list(workspace, plan.size(60_000, 20_000))
        for _ in range(min(plan.runs, 3)):
            ground.forget_broadcasts()
            ground.plan(ground.make_broadcast(workspace, account, [people]))
            done = together(seconds, workspace.pk, file)
            require_work(done)
            locked.append(sum(role.locked for role in done.values()))
            late.append(
                percentile(
                    [each for name in done if name.startswith("web") for each in done[name].milliseconds], 99
                )
            )
    yield of_figures(NAMES[0], "errors", locked)
    yield of_figures(NAMES[1], "ms", late)


def percentile(figures: list[float], percent: int) -> float:
    """The figure below which `percent` of them lie (nearest rank)."""
    ordered = sorted(figures)
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def write_people_file(path: Path, rows: int) -> Path:
    from sms.examples import example_msisdns

    with path.open("w", encoding="utf-8") as file:
        file.write("phone,first_name,last_name,email\n")
        for number, msisdn in enumerate(example_msisdns(rows, 1_000_000)):
            file.write(f"+{msisdn},Person {number},Example,person{number}@example.com\n")
    return path


def together(seconds: int, workspace_id: int, file: Path) -> dict[str, Done]:
    """All roles at once, from the moment on when the last of them is ready."""
    names = [f"web {number}" for number in range(WEB_PROCESSES)] + ["send", "import"]
    running = {name: _start(name, seconds, workspace_id, file) for name in names}
    for process in running.values():
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("A role did not start; see what it said.")
    for process in running.values():
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return {name: _result(process, seconds) for name, process in running.items()}


def _start(name: str, seconds: int, workspace_id: int, file: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.sqlite",
        name.split()[0],
        str(seconds),
        str(workspace_id),
        str(file),
    ]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _result(process: subprocess.Popen[str], seconds: int) -> Done:
    """What it counted, and the locks that the product met and logged as it went on."""
    out, said = process.communicate(timeout=seconds + START_SECONDS)
    if process.returncode:
        sys.stderr.write(said)
        raise RuntimeError("A role failed; see what it said.")
    done = Done(**json.loads(out))
    done.locked += said.count(LOCKED)
    return done


def require_work(done: dict[str, Done]) -> None:
    idle = [name for name, role in done.items() if role.count == 0]
    if idle:
        raise AssertionError(f"These did nothing, so that nothing was measured: {', '.join(idle)}.")


# --- the roles ------------------------------------------------------------------------------------------


def write_as_web(seconds: int, workspace_id: int, _file: Path) -> Done:
    """A draft saved by its editor, and a delivery report taken from a vendor, over and over.

    Once before the clock starts: the first request of a process loads half of Django.
    """
    from django.test import Client

    from accounts.access import Actor
    from accounts.models import Workspace
    from campaigns.services.drafts import create_draft, save_draft
    from providers.models import ProviderAccount

    workspace, actor, done = Workspace.objects.get(pk=workspace_id), Actor(), Done()
    draft = create_draft(workspace=workspace, actor=actor, name=f"Draft {os.getpid()}")
    token = ProviderAccount.objects.values_list("webhook_token", flat=True).get(workspace=workspace)
    client = Client(SERVER_NAME="localhost")

    def save() -> None:
        nonlocal draft
        changes = {"text": f"Hello {done.count}"}
        draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes)

    def receive() -> None:
        report = {"message_id": f"bench-{done.count}", "state": 2, "recipient": "12015550123"}
        answer = client.post(f"/hooks/{token}/", json.dumps(report), content_type="application/json")
        assert answer.status_code == 200, f"The webhook answered {answer.status_code}."

    save()
    receive()
    wait_for_go()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for write in (save, receive):
            _timed(write, done)
        time.sleep(WEB_PAUSE_SECONDS)
    return done


def wait_for_go() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def _timed(write: Callable[[], None], done: Done) -> None:
    from django.db import OperationalError

    began = time.perf_counter()
    try:
        write()
        done.count += 1
    except OperationalError as error:
        if LOCKED not in str(error):
            raise
        done.locked += 1
    done.milliseconds.append((time.perf_counter() - began) * 1000)


def send(seconds: int, _workspace_id: int, _file: Path) -> Done:
    from messaging.tasks import run_engine

    wait_for_go()
    return Done(count=run_engine(seconds=seconds).sent)


def import_people(seconds: int, workspace_id: int, file: Path) -> Done:
    """The file into a new list, and then again into another, until the time is up; rows that were taken in."""
    from accounts.models import Workspace
    from contacts.models import Import

    workspace, done = Workspace.objects.get(pk=workspace_id), Done()
    wait_for_go()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _import_once(workspace, file, until)
    done.count = sum(Import.objects.filter(workspace=workspace).values_list("done_rows", flat=True))
    return done


def _import_once(workspace: Workspace, file: Path, until: float) -> None:
    """Cancelled when the time is up, as a person would: from another thread, through the service."""
    import threading

    from django.core.files import File

    from accounts.access import Actor
    from contacts.models import Import, ImportState
    from contacts.services import import_runner, imports

    with file.open("rb") as opened:
        imported = imports.upload_import(
            workspace=workspace,
            actor=Actor(),
            upload=File(opened),
            name=f"{time.monotonic_ns()}.csv",
        )
    Import.objects.filter(pk=imported.pk).update(state=ImportState.CHECKED)
    imported.refresh_from_db()
    imports.start_run(imported=imported, actor=Actor())

    def cancel() -> None:
        from django.db import connection

        Import.objects.filter(pk=imported.pk, state=ImportState.RUNNING).update(state=ImportState.CANCELLED)
        connection.close()

    timer = threading.Timer(max(until - time.monotonic(), 0.1), cancel)
    timer.start()
    import_runner.run_import(imported.pk)
    timer.cancel()
    timer.join()


ROLES: dict[str, Callable[[int, int, Path], Done]] = {
    "web": write_as_web,
    "send": send,
    "import": import_people,
}


def main() -> None:
    role, seconds, workspace_id, file = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # No worker stands behind this queue: tasks are wake-ups, and here everybody is awake.
    os.environ["CELERY_BROKER_URL"] = "memory://"
    django.setup()
    done = ROLES[role](int(seconds), int(workspace_id), Path(file))
    print(json.dumps(asdict(done)), flush=True)


if __name__ == "__main__":
    main()
