"""`make run`: prepares the installation, then runs web, workers, scheduler and sandbox together in the foreground."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

from honcho import manager
from honcho.printer import Printer

from web import env

LAST_PORT = 65535
ROOT = Path(__file__).resolve().parent.parent
# A worker that is asked to end waits for the answers of what it has handed over: never cut it off sooner.
manager.KILL_WAIT = 40

KEEP = f"{sys.executable} -m config.keep"
CELERY = f"{sys.executable} -m celery --quiet -A config.celery"
QUIET = "--without-gossip --without-mingle --without-heartbeat --loglevel INFO"


def main() -> int:
    port = env.integer("PORT", 8000, minimum=1)
    host = env.text("HOST", "127.0.0.1")
    data = env.folder("CRIER_DATA", ROOT / "var")
    sandbox_port = env.integer("SANDBOX_PORT", port + 1, minimum=1)
    if port == sandbox_port:
        sys.exit(f"PORT and SANDBOX_PORT are both {port}: the sandbox needs a port of its own.")
    refuse_taken_port("PORT", host, port)
    refuse_taken_port("SANDBOX_PORT", "127.0.0.1", sandbox_port)
    lock = take_folder(data)
    environment = child_environment(data, port, sandbox_port)
    prepare(environment)
    processes = manager.Manager(Printer(sys.stdout))
    for name, command in commands(host, port, sandbox_port).items():
        processes.add_process(name, f"exec {KEEP} {command}", env=environment, cwd=str(ROOT))
    print_welcome(host, port)
    processes.loop()
    lock.close()
    return int(processes.returncode or 0) if processes.returncode not in (None, -2, -15, 130, 143) else 0


def commands(host: str, port: int, sandbox_port: int) -> dict[str, str]:
    return {
        "web": f"{sys.executable} -m granian --interface asgi --host {host} --port {port} --workers 1"
        " --no-ws --log-level warning config.asgi:application",
        "worker": f"{CELERY} worker -Q default -P solo -n worker@%h {QUIET}",
        "files": f"{CELERY} worker -Q files -P solo -n files@%h {QUIET}",
        "sender": f"{CELERY} worker -Q send -P solo -n sender@%h {QUIET}",
        "webhooks": f"{CELERY} worker -Q webhooks -P solo -n webhooks@%h {QUIET}",
        "scheduler": f"{CELERY} beat --loglevel INFO --pidfile=",
        "sandbox": f"{sys.executable} -m providers.sandbox --port {sandbox_port}",
    }


def child_environment(data: Path, port: int, sandbox_port: int) -> dict[str, str]:
    """What the processes get on top of ours. TMPDIR: the file queue moves its files through it; see STACK notes in docs."""
    scratch = data / "tmp"
    scratch.mkdir(exist_ok=True)
    defaults = {
        "CRIER_SANDBOX_URL": f"http://127.0.0.1:{sandbox_port}",
        "CRIER_WEBHOOK_URL": f"http://127.0.0.1:{port}",
        "PYTHONUNBUFFERED": "1",
        # The time stands in front of each line already.
        "CRIER_LOG_FORMAT": "short",
        "CRIER_STARTER": str(os.getpid()),
    }
    fixed = {"PORT": str(port), "CRIER_DATA": str(data), "TMPDIR": str(scratch)}
    return {**defaults, **os.environ, **fixed}


def take_folder(data: Path) -> IO[str]:
    """Ours as long as the file that is returned stays open. Ends with a sentence where another one runs on this folder:
    its database and its queue are for one set of processes."""
    try:
        file = (data / "run.lock").open("w")
    except OSError as error:
        sys.exit(
            f"The data folder {data} cannot be used ({error.strerror}). Choose another one with CRIER_DATA."
        )
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        sys.exit(f"Crier runs on {data} already. End it first, or choose another folder with CRIER_DATA.")
    return file


def refuse_taken_port(name: str, host: str, port: int) -> None:
    """Ends with a sentence when nothing can listen there."""
    if port > LAST_PORT:
        sys.exit(f"{name}={port} is no port: choose one up to {LAST_PORT}.")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                sys.exit(
                    f"Nothing can listen at {host}:{port} ({error.strerror}). Set HOST or {name} otherwise."
                )
            sys.exit(
                f"Port {port} is taken. Choose another one, for example: make run {name}={port % 60000 + 1000}"
            )


def prepare(environment: dict[str, str]) -> None:
    steps = {
        "Database": ["migrate", "--verbosity", "0"],
        "Static files": ["collectstatic", "--noinput", "--verbosity", "0"],
        "Demo data": ["demo_data"],
    }
    for label, arguments in steps.items():
        print(f"{label}...", flush=True)
        done = subprocess.run(  # noqa: S603  # our own arguments
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            # The sandbox is not up yet when the demo data is made; that is no news.
            env=environment | {"CRIER_LOG_LEVEL": "ERROR"},
            check=False,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = done.stderr.strip()
        if done.returncode:
            # What Python says of an error ends with its reason; the way there helps nobody at the first look.
            reason = said.rpartition("\n")[2] or "it said nothing"
            sys.exit(f"{label}: failed ({reason}). `python manage.py {arguments[0]}` shows all of it.")
        if said:
            print(said, file=sys.stderr, flush=True)


def print_welcome(host: str, port: int) -> None:
    from campaigns.demo_sign_in import DEMO_EMAIL, DEMO_PASSWORD

    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  # only compared
    print(
        f"\n  Crier is starting at  http://{shown}:{port}/"
        f"\n  Demo sign-in          {DEMO_EMAIL}  /  {DEMO_PASSWORD}"
        "\n  Ctrl-C ends it.\n",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
