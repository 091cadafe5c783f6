"""Logs: one line an event, key=value on a terminal or JSON for machines; secrets never reach them."""

import logging.config
import re
import sys
from typing import Any

import structlog

# Addresses whose last part lets its holder in; Django's own warnings name the whole path.
SECRET_PATHS = re.compile(r"/(hooks|join)/[^/\s?]+")


def mask_secret_paths(_logger: Any, _name: str, event: Any) -> Any:
    if isinstance(event.get("event"), str):
        event["event"] = SECRET_PATHS.sub(r"/\1/…", event["event"])
    return event


SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    mask_secret_paths,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


class ShortRefusals(logging.Filter):
    """A refusal (403, 404) is no failure of ours: one line, not the way through our code."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR:
            record.exc_info = record.exc_text = None
        return True


def without_time(_logger: Any, _name: str, event: Any) -> Any:
    event.pop("timestamp", None)
    return event


def logging_settings(log_format: str, level: str) -> dict[str, Any]:
    """A logging dictConfig in which plain `logging` and structlog calls end in the same line.

    `log_format`: json, console, or short, which is console without the time, for whoever writes one in front.
    """
    renderer: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if log_format == "json"
        # Not its default tracebacks: where `rich` is installed they print every local variable, secrets too.
        else [
            *([without_time] if log_format == "short" else []),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
                "foreign_pre_chain": SHARED_PROCESSORS,
            }
        },
        "filters": {"short_refusals": {"()": ShortRefusals}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # httpx logs whole URLs at INFO, and some vendors put keys in them.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "django.server": {"level": "WARNING"},
            "django.request": {"filters": ["short_refusals"]},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            # Wake-ups that came too late are thrown away, many at a time: nothing is lost by it.
            "celery.worker.request": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            # It warns that filesystem:// names no host.
            "kombu.connection": {"level": "ERROR"},
            "_granian": {"level": "WARNING"},
            "granian.access": {"level": "WARNING"},
        },
    }


def configure(settings: dict[str, Any]) -> None:
    structlog.configure(
        processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(settings)
