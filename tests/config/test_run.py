"""`make run` and its data folder: one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.run import take_folder


def test_a_folder_is_taken_by_one(tmp_path: Path) -> None:
    first = take_folder(tmp_path)
    with pytest.raises(
        SystemExit, match=r"Crier runs on .* already\. End it first, or choose another folder"
    ):
        take_folder(tmp_path)
    first.close()
    take_folder(tmp_path).close()


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "run.lock").mkdir()
    with pytest.raises(SystemExit, match="cannot be used"):
        take_folder(tmp_path)
