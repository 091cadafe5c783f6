"""What messaging refuses, in words."""

from collections.abc import Sequence

from django.utils.functional import Promise


class MessagingError(Exception):
    """`sentence` is for people: what is wrong and how to mend it."""

    def __init__(self, sentence: str | Promise, *, field: str = "", code: str = "invalid") -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.field = field
        self.code = code


class SeveralErrors(MessagingError):
    """All that is wrong with what was entered; by itself it is the first of `errors`."""

    def __init__(self, errors: Sequence[MessagingError]) -> None:
        first = errors[0]
        super().__init__(first.sentence, field=first.field, code=first.code)
        self.errors = errors
