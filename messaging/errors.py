"""What messaging refuses, in words."""

from django.utils.functional import Promise


class MessagingError(Exception):
    """`sentence` is for people: what is wrong and how to mend it."""

    def __init__(self, sentence: str | Promise, *, field: str = "", code: str = "invalid") -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.field = field
        self.code = code
