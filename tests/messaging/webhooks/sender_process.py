"""`python -m tests.messaging.webhooks.sender_process`: a sender to be killed."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> None:
    django.setup()
    from messaging.webhooks.sending import send_due  # the apps are loaded only now

    send_due()


if __name__ == "__main__":
    main()
