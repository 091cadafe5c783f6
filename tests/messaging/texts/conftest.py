from __future__ import annotations

import pytest

from accounts.access import Actor
from accounts.models import Workspace
from messaging.models import Template, WordSpinner
from messaging.texts.spinners import create_spinner
from messaging.texts.templates import create_template


@pytest.fixture
def greeting(acme: Workspace) -> WordSpinner:
    """Hello three times as often as Hi."""
    return create_spinner(workspace=acme, actor=Actor(), name="Greeting", words=[("Hello", 3), ("Hi", 1)])[0]


@pytest.fixture
def welcome(acme: Workspace, greeting: WordSpinner) -> Template:
    text = f"{{{{word_spinner:{greeting.pk}}}}} {{{{first_name|there}}}}, welcome."
    return create_template(workspace=acme, actor=Actor(), name="Welcome", text=text)
