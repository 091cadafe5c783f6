"""Sample data for the styleguide: every component once, in each of its looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from web.badges import BADGES
from web.forms import CheckList, ChoiceList, Form, SegmentedRadio

# `_()` is left out here on purpose: developers alone see this page.
LIST_CHOICES = [("7", "Members"), ("8", "Newsletter SMS"), ("9", "Loyalty cards, spring")]


class SampleForm(Form):
    name = forms.CharField(label="Name", help_text="Recipients never see it.", max_length=40)
    sender = forms.ChoiceField(label="Sender", choices=[("1", "+12015550100"), ("2", "Northwind")])
    text = forms.CharField(label="Text", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    when = forms.ChoiceField(
        label="When",
        widget=SegmentedRadio,
        choices=[("now", "Now"), ("at", "At a set time"), ("trigger", "On a trigger")],
    )
    existing = forms.ChoiceField(
        label="When a number exists",
        widget=ChoiceList,
        choices=[("update", "Update all fields"), ("skip", "Leave as they are")],
    )
    languages = forms.MultipleChoiceField(
        label="Languages", widget=CheckList, choices=[("en", "English"), ("es", "Spanish")], required=False
    )
    file = forms.FileField(label="File", help_text="CSV or XLSX, up to 150 MB.")
    agree = forms.BooleanField(label="The people on this list have agreed to get texts")


def styleguide_context() -> dict[str, Any]:
    now = timezone.now()
    return {
        "states": list(BADGES),
        "form": SampleForm(),
        "refused": SampleForm({"name": "", "sender": "3", "when": "now"}, prefix="refused"),
        "list_choices": LIST_CHOICES,
        "parts": [
            {"kind": "delivered", "label": "Delivered", "count": 8829},
            {"kind": "failed", "label": "Failed", "count": 234},
            {"kind": "way", "label": "On the way", "count": 41},
            {"kind": "unknown", "label": "Unknown", "count": 3},
            {"kind": "waiting", "label": "Waiting", "count": 3061},
        ],
        "stats": [
            {"label": "Sent", "value": "9,104", "sub": "of 12,168"},
            {"label": "Delivered", "value": "8,829", "sub": "97.0%"},
            {"label": "Failed", "value": "234", "sub": "2.6%"},
            {"label": "Opted out", "value": "38", "sub": "0.4%"},
            {"label": "Spent", "value": "$143.84", "sub": "of $192.25"},
        ],
        "tabs": [
            {"label": "All", "url": "?", "count": 12168, "current": True},
            {"label": "Failed", "url": "?state=failed", "count": 234, "current": False},
            {"label": "Opted out", "url": "?state=suppressed", "count": 38, "current": False},
        ],
        "chart": sample_chart(),
        "rows": [
            {"name": "Maya Okafor", "number": "12015550134", "state": "delivered", "parts": 2},
            {"name": "Bartholomew Reyes", "number": "12125550188", "state": "failed", "parts": 2},
            {"name": "Zoë Lindqvist", "number": "447700900142", "state": "unknown", "parts": 1},
        ],
        "times": [now - timedelta(seconds=12), now - timedelta(hours=3), now + timedelta(days=2)],
        "steps": ["File", "Columns", "Check", "Import"],
    }


def sample_chart() -> dict[str, Any]:
    labels = [f"{9 + quarter // 4}:{quarter % 4 * 15:02}" for quarter in range(14)]
    delivered = [240, 820, 1180, 1240, 1190, 1205, 980, 760, 420, 260, 180, 120, 90, 70]
    failed = [6, 22, 31, 40, 28, 30, 24, 19, 11, 7, 5, 4, 3, 2]
    return {
        "labels": labels,
        "series": [
            {"key": "delivered", "label": "Delivered", "color": "--chart-1", "values": delivered},
            {"key": "failed", "label": "Failed", "color": "--chart-3", "values": failed},
        ],
    }
