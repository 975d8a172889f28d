"""What can be wrong with an expression, with its evaluation, and with a value."""

from __future__ import annotations

from gateway.errors import GatewayError


class ExpressionError(GatewayError):
    """The text of an expression or template is wrong; found when it is compiled.

    `start` and `end` are 0-based, half-open offsets into the compiled text.
    """

    def __init__(self, message: str, start: int, end: int, help: str | None = None, *, about: str = "syntax") -> None:
        super().__init__(message)
        self.about = about
        """What is wrong: the `syntax`, an unknown `function`, a function's `arguments`, or a `pattern`."""
        self.start = start
        self.end = end
        self.help = help
        """What to write instead, when that is known."""


class EvaluationError(GatewayError):
    """An expression met values that it cannot work with.

    `start` and `end` are the place of the failing part in the compiled text, when it is known.
    """

    def __init__(self, message: str, start: int | None = None, end: int | None = None) -> None:
        super().__init__(message)
        self.start = start
        self.end = end

    def placed(self, start: int, end: int) -> EvaluationError:
        """Return this error with a place, unless a part further inside has given one already."""
        if self.start is None:
            self.start, self.end = start, end
        return self


class CoercionError(GatewayError):
    """A value cannot be read as the wanted type, or does not fit a column of it."""
