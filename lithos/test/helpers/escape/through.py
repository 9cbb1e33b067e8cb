"""What an attempt says that nothing has stopped."""


class Through(Exception):
    """With what it has got."""
