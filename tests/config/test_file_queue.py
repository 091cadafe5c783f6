"""The embedded broker: a message is there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from config.file_queue import ALIAS, Channel


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    folder = str(tmp_path / "queue")
    options = {
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": str(tmp_path / "control"),
    }
    connection = Connection("filesystem://localhost", transport_options=options)
    assert f"{type(connection.transport).__module__}:{type(connection.transport).__name__}" == ALIAS
    return connection.channel()  # type: ignore[no-any-return]  # kombu is untyped


def test_it_works(channel: Channel) -> None:
    channel._put("default", {"n": 1})
    channel._put("send", {"n": 2})
    assert channel._get("send") == {"n": 2}
    assert channel._get("default") == {"n": 1}
    with pytest.raises(Empty):
        channel._get("default")


@pytest.mark.parametrize("content", [b"", b'{"body": "cu', b"\xff\xfe"])
def test_an_unreadable_file_is_no_message(channel: Channel, content: bytes) -> None:
    (Path(channel.data_folder_in) / "1_half.default.msg").write_bytes(content)
    with pytest.raises(Empty):
        channel._get("default")


def test_a_draft_is_not_taken(channel: Channel) -> None:
    (Path(channel.data_folder_in) / ".1_half.default.msg.draft").write_bytes(b"{}")
    with pytest.raises(Empty):
        channel._get("default")


def test_a_table_that_is_being_written_is_waited_for(channel: Channel) -> None:
    (Path(channel.control_folder) / "celery.exchange").write_bytes(b"")
    assert channel.get_table("celery") == []
