"""`manage.py demo`: the main job as a script, through all real parts; and what makes it exit with 1."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from campaigns.services.demo_run import DemoResult, demo_msisdns
from campaigns.services.reports import Report

ROOT = Path(__file__).resolve().parent.parent.parent
OWN_SETTINGS = re.compile(r"CRIER_|CELERY_|DATABASE_URL$|PORT$")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_on_an_empty_machine(tmp_path: Path) -> None:
    """Nothing runs and there is no data yet: it starts Crier, sends to everybody once and ends what it started."""
    if connection.vendor != "sqlite":
        pytest.skip("the embedded set-up brings its own SQLite file: tried once is enough")
    port, sandbox_port = free_port(), free_port()
    kept = {name: value for name, value in os.environ.items() if not OWN_SETTINGS.match(name)}
    env = kept | {"CRIER_DATA": str(tmp_path), "PORT": str(port), "SANDBOX_PORT": str(sandbox_port)}
    command = [sys.executable, "manage.py", "demo", "--recipients", "250", "--timeout", "120"]
    done = subprocess.run(command, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    log = (tmp_path / "demo.log").read_text(encoding="utf-8") if (tmp_path / "demo.log").exists() else ""
    assert done.returncode == 0, done.stdout + done.stderr + log

    said = dict(re.findall(r"^([a-z][a-z ]+?)  +([\d,]+)$", done.stdout, re.MULTILINE))
    assert said["recipients"] == said["imported"] == "250"
    assert said["got two texts"] == said["unaccounted for"] == "0"
    # Of two hundred endings each 96 may or may not be accepted; each 93 is refused, each 90 not delivered.
    assert int(said["sent"]) + int(said["failed"]) + int(said["unknown"]) >= 250
    assert int(said["accepted by the sandbox"]) >= int(said["delivered"]) > 200
    for port_of_it in (port, sandbox_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port_of_it)) != 0, "what it started still runs"


def test_numbers_that_hold_up_the_others_are_few() -> None:
    numbers = list(islice(demo_msisdns(), 10_000))
    assert len(set(numbers)) == 10_000
    endings = [number[-2:] for number in numbers]
    assert endings.count("94") == 3
    assert endings.count("93") == endings.count("96") == 101


@pytest.mark.django_db
@pytest.mark.parametrize("recipients", [0, -1, 1_000_001])
def test_a_count_that_cannot_be(recipients: int) -> None:
    with pytest.raises(CommandError, match="--recipients must be between 1 and 1,000,000"):
        call_command("demo", recipients=recipients)


@pytest.mark.parametrize(
    ("twice", "unaccounted", "sound"), [([], 0, True), (["12015550100"], 0, False), ([], 1, False)]
)
def test_one_person_too_many_or_too_few_is_not_sound(twice: list[str], unaccounted: int, sound: bool) -> None:
    result = DemoResult(
        recipients=10,
        imported=10,
        report=Report.__new__(Report),
        seconds=1.0,
        accepted=10,
        twice=twice,
        unaccounted=unaccounted,
    )
    assert result.is_sound is sound
