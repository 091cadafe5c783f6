"""The brokers that a machine has; what is missing is skipped with a line, or fails where CI demands it."""

from __future__ import annotations

import os

import pytest
from kombu import Connection

HOW_TO = "To get it on Debian: apt-get install redis-server rabbitmq-server"
ADDRESSES = {
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
    "rabbitmq": os.environ.get("TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}


def broker_url(name: str) -> str:
    """Skips the test, or fails it with CI set, when that broker does not answer."""
    if name == "filesystem":
        return "filesystem://"
    url = ADDRESSES[name]
    try:
        with Connection(url, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        sentence = f"{name} does not answer at {url.rsplit('@')[-1]} ({type(error).__name__}). {HOW_TO}"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return url
