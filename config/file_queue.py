"""The embedded broker: kombu's filesystem transport, with files that appear whole or not at all.

kombu opens a message's file under its final name and then writes it; a reader that looks in between moves an empty file
away, cannot read it, and its worker ends. Here a file is written beside the queue and renamed into it, and what
cannot be read is taken for a file that is not there: tasks are wake-ups, and the sweep sends the next one.
"""

from __future__ import annotations

import time
import uuid
from json import JSONDecodeError
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

ALIAS = "config.file_queue:Transport"
TABLE_TRIES = 20
TABLE_WAIT_SECONDS = 0.01


class Channel(filesystem.Channel):
    def _put(  # type: ignore[override]  # as kombu's own filesystem channel, which differs from its base
        self, queue: str, payload: dict[str, Any], **kwargs: Any
    ) -> None:
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        draft = folder / f".{name}.draft"
        try:
            draft.write_text(dumps(payload))
            draft.replace(folder / name)
        except OSError as error:
            raise ChannelError(f"The queue folder cannot be written: {error.strerror}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except (JSONDecodeError, UnicodeDecodeError):
            raise Empty from None

    def get_table(self, exchange: str) -> Any:
        """Another process may be writing the table right now: it is there a moment later."""
        for _try in range(TABLE_TRIES):
            try:
                return super().get_table(exchange)
            except JSONDecodeError:
                time.sleep(TABLE_WAIT_SECONDS)
        return []


class Transport(filesystem.Transport):
    Channel = Channel
