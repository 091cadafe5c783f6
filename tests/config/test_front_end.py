"""The npm that `make run` takes: the one on PATH, else one that is brought into the virtual environment."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from config import front_end


def executable(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The virtual environment's folder of commands; nothing of the machine's own is on PATH."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    monkeypatch.setattr(front_end, "SCRIPTS", folder)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return folder


@pytest.fixture
def installed(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was run, in place of pip and npm; pip puts npm where the wheel does."""
    ran: list[list[str]] = []

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        if "pip" in command:
            executable(scripts, "npm")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    return ran


def test_the_machines_own_npm_is_taken(tmp_path: Path, installed: list[list[str]]) -> None:
    own = executable(tmp_path / "path", "npm")
    assert front_end.npm_path() == str(own)
    assert installed == []


def test_without_npm_one_comes_with_pip_once(scripts: Path, installed: list[list[str]]) -> None:
    assert front_end.npm_path() == str(scripts / "npm")
    assert front_end.npm_path() == str(scripts / "npm")
    (pip,) = installed
    assert pip[-2:] == ["-r", str(front_end.NODE_WHEEL)]
    assert "--require-hashes" in pip


def test_npm_finds_the_node_that_came_with_it(
    scripts: Path, installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """npm starts `node` by its name, from PATH."""
    paths: list[str] = []
    run = subprocess.run

    def look(command: list[str], **options: Any) -> Any:
        if "ci" in command:
            paths.append(options["env"]["PATH"])
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", look)
    monkeypatch.setattr("sys.argv", ["front_end.py", "--omit-dev"])
    assert front_end.main() == 0
    assert paths[0].split(":")[-1] == str(scripts)
