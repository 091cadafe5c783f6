"""“Word Spinners”."""

from __future__ import annotations

from providers.connectors.messagewhiz import Switched, WordSpinner
from tests.providers.connectors.messagewhiz_sending_cases import Impossible, envelope
from tests.providers.connectors.operation_suite import Case, Documented

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/spinner", "Create a Word Spinner"),
    ("GET", "/api/3/spinner", "Get Word Spinners"),
    ("PUT", "/api/3/spinner/{id}", "Modify a Word Spinner"),
    ("PATCH", "/api/3/spinner/{id}", "Modify a Word Spinner"),
    ("DELETE", "/api/3/spinner/{id}", "Disable a Word Spinner"),
]

WORDS = ["wo", "three", "spinner", "greeetinnngsss", "four", "test", "one", "five"]

CASES = [
    Case(
        "create_word_spinner",
        lambda vendor: vendor.create_word_spinner(name="Fit32", words=WORDS),
        "POST",
        "/api/3/spinner",
        {"name": "Fit32", "words": WORDS},
        envelope({"name": "Fit32", "words": WORDS, "enabled": True, "id": 10520}),
        WordSpinner("10520", "Fit32", tuple(WORDS), True),
    ),
    Case(
        "list_word_spinners",
        lambda vendor: vendor.list_word_spinners(),
        "GET",
        "/api/3/spinner",
        None,
        envelope([{"words": WORDS, "enabled": True, "id": 10520, "name": "Fit32"}]),
        (WordSpinner("10520", "Fit32", tuple(WORDS), True),),
    ),
    Case(
        "list_word_spinners",
        lambda vendor: vendor.list_word_spinners(limit=1, start=1, enabled=False, name="Fit"),
        "GET",
        "/api/3/spinner?limit=1&enabled=false&filter=name%3DFit&start=1",
        None,
        envelope([{"words": [" with blanks ", 7], "enabled": 0, "id": "10521", "name": "Fit33"}]),
        (WordSpinner("10521", "Fit33", (" with blanks ", "7"), False),),
        name="with all parameters",
    ),
    Case(
        "update_word_spinner",
        lambda vendor: vendor.update_word_spinner(spinner_id=10519, name="FirstSpinner"),
        "PUT",
        "/api/3/spinner/10519",
        {"name": "FirstSpinner"},
        # The document answers another id than it asks for.
        envelope({"name": "FirstSpinner", "words": WORDS, "enabled": True, "id": 10520}),
        WordSpinner("10520", "FirstSpinner", tuple(WORDS), True),
    ),
    Case(
        "update_word_spinner",
        lambda vendor: vendor.update_word_spinner(spinner_id="10520", words=["Hello", "Hi"]),
        "PUT",
        "/api/3/spinner/10520",
        {"words": ["Hello", "Hi"]},
        envelope({"name": "Fit32", "words": ["Hello", "Hi"], "enabled": True, "id": 10520}),
        WordSpinner("10520", "Fit32", ("Hello", "Hi"), True),
        name="its words",
    ),
    Case(
        "patch_word_spinner",
        lambda vendor: vendor.patch_word_spinner(spinner_id=10520, enabled=False),
        "PATCH",
        "/api/3/spinner/10520",
        # The document has "0" here, and true or false elsewhere.
        {"enabled": False},
        envelope({"enabled": 0}),
        Switched("10520", False),
    ),
    Case(
        "disable_word_spinner",
        lambda vendor: vendor.disable_word_spinner(spinner_id=10520),
        "DELETE",
        "/api/3/spinner/10520",
        None,
        envelope(True),
        None,
    ),
]

IMPOSSIBLE: list[Impossible] = [
    (
        "no name",
        lambda vendor: vendor.create_word_spinner(name="", words=WORDS),
        "The word spinner has no name",
    ),
    ("no words", lambda vendor: vendor.create_word_spinner(name="Fit32", words=[]), "words is empty"),
    (
        "a word without letters",
        lambda vendor: vendor.create_word_spinner(name="Fit32", words=["one", ""]),
        "words is “”: it cannot be empty.",
    ),
    (
        "a text for words",
        lambda vendor: vendor.create_word_spinner(name="Fit32", words="one"),
        "words is “one”: give a list of words.",
    ),
    (
        "nothing to change",
        lambda vendor: vendor.update_word_spinner(spinner_id=10519),
        "The word spinner would stay as it is: give one of name, words.",
    ),
    (
        "no words left",
        lambda vendor: vendor.update_word_spinner(spinner_id=10519, words=[]),
        "words is empty: give at least one.",
    ),
    (
        "no id",
        lambda vendor: vendor.patch_word_spinner(spinner_id="", enabled=True),
        "spinner_id “” is no id",
    ),
]
