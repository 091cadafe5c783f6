"""What the services refuse, in words for page and API alike. (The errors of vendors: providers/errors.py.)"""

from django.utils.functional import Promise


class ProviderAccountError(Exception):
    """`sentence`: what is wrong and how to mend it; `field`: the field it is about, or ""."""

    def __init__(self, sentence: str | Promise, *, field: str = "", code: str = "invalid") -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.field = field
        self.code = code
