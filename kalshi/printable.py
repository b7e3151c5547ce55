"""Texts that somebody else wrote, for a line of a terminal. Pure."""


def printable(text: str) -> str:
    """With a question mark for each character that could steer the terminal, or begin a line of its own."""
    return "".join(char if char.isprintable() else "?" for char in text)
