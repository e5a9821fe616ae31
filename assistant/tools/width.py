"""How much room words take on a line."""


def width(text: str) -> int:
    """Characters, a Chinese one as two and a half Latin ones."""
    return sum(5 if character >= "⺀" else 2 for character in text) // 2
