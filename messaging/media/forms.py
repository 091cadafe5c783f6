"""What people enter about pictures. The rules are the services'; here it is only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms import NameForm, NamingForm
from messaging.edited_forms import seen_field
from messaging.media.reading import EDGES, most_bytes
from messaging.texts.names import MOST_CHARACTERS


class PictureForm(NamingForm):
    file = forms.FileField(
        label=gettext_lazy("Picture"),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/gif"}),
        error_messages={
            "empty": gettext_lazy("The file is empty. Choose a picture."),
            "missing": gettext_lazy("No file arrived. Choose it again."),
            "invalid": gettext_lazy("No file arrived, only its name. Choose it again."),
            "required": gettext_lazy("Choose a picture."),
        },
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=MOST_CHARACTERS,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("As your team calls it; nobody else sees it. Empty: that of the file."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = {
            "most": filesizeformat(settings.MEDIA_MAX_BYTES),
            "kept": most_bytes() // 1000,
            "edge": EDGES[0],
        }
        self.fields["file"].help_text = (
            _(
                "JPEG, PNG or a still GIF, at most %(most)s. It is turned upright, made smaller where it has to be (%(edge)d"
                " pixels, %(kept)d KB), and freed of place, camera and all else that is not the picture."
            )
            % words
        )


class RenameForm(NameForm):
    seen = seen_field()
