"""What the log lines of this project never hold."""

from __future__ import annotations

import logging
import re

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied

from web.logs import logging_settings


def formatted(log_format: str, record: logging.LogRecord) -> str:
    line = logging_settings(log_format, "INFO")["formatters"]["line"]
    options = {key: value for key, value in line.items() if key != "()"}
    return str(line["()"](**options).format(record))


@pytest.mark.parametrize("log_format", ["console", "short", "json"])
def test_a_traceback_shows_no_local_variable(log_format: str) -> None:
    def sign_in(password: str) -> None:
        raise ValueError("something else")

    try:
        sign_in("hunter" + "2" * 5)
    except ValueError as error:
        exc_info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("crier.test", logging.ERROR, __file__, 1, "it broke", (), exc_info)
    line = formatted(log_format, record)
    assert "ValueError: something else" in line
    assert "hunter22222" not in line


def test_urls_of_vendors_are_not_logged() -> None:
    """httpx writes whole addresses at INFO."""
    assert settings.LOGGING["loggers"]["httpx"]["level"] == "WARNING"


@pytest.mark.parametrize(("log_format", "has_time"), [("console", True), ("short", False), ("json", True)])
def test_a_line_has_one_time(log_format: str, has_time: bool) -> None:
    record = logging.LogRecord("crier.test", logging.INFO, __file__, 1, "it works", (), None)
    line = formatted(log_format, record)
    assert "it works" in line
    assert (re.search(r"\d{4}-\d\d-\d\dT\d\d:", line) is not None) is has_time


def test_a_refusal_is_one_line() -> None:
    try:
        raise PermissionDenied
    except PermissionDenied as error:
        exc_info = (PermissionDenied, error, error.__traceback__)
    refused = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "Forbidden", (), exc_info)
    failed = logging.LogRecord("django.request", logging.ERROR, __file__, 1, "broken", (), exc_info)
    assert all(logging.getLogger("django.request").filter(record) for record in (refused, failed))
    assert "Traceback" not in formatted("console", refused)
    assert "Traceback" in formatted("console", failed)
