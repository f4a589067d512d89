"""The one exception that a user's mistake raises."""


class InvalidInputError(ValueError):
    """A flag, file or value that cannot be used.

    The message is one line that says what is wrong and what is allowed, so that a
    program can print it and exit.
    """
