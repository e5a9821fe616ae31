"""Line icons, drawn in place: nothing is loaded for them."""

from __future__ import annotations

from markupsafe import Markup

_PATHS = {
    "chat": "M4 5h16v11H9l-5 4z",
    "documents": "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
    "summarize": "M5 6h14M5 11h14M5 16h8",
    "translate": "M4 6h9M8.500 4v2M11.500 6c-1 4-3.500 6.500-7 8M6 9c1.500 2.500 3.500 4 6 5M12 20l4-10 4 10M13.500 17h5",
    "sentiment": "M5 20V11M12 20V4M19 20v-6",
    "settings": "M4 7h10M18 7h2M4 17h2M10 17h10M14 4.5v5M6 14.5v5",
    "plus": "M12 5v14M5 12h14",
    "search": "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20 20",
    "more": "M6 12h.01M12 12h.01M18 12h.01",
    "send": "M12 19V6M6.5 11.5 12 6l5.5 5.5",
    "stop": "M7.5 7.5h9v9h-9z",
    "attach": "M19 11.5 12 18.3a4.2 4.2 0 0 1-6-5.9l7.3-7.2a2.8 2.8 0 0 1 4 4L10 16.3a1.4 1.4 0 0 1-2-2l6.5-6.4",
    "copy": "M9 9h10v11H9zM5 15V4h10",
    "again": "M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4",
    "up": "M7 11v9H4v-9zM7 11l4-7c1.7 0 2.4 1 2 2.600L12.300 10H19l-1.600 10H7",
    "down": "M17 13V4h3v9zM17 13l-4 7c-1.700 0-2.400-1-2-2.600L11.700 14H5L6.600 4H17",
    "edit": "M5 19h3.500L19 8.500 15.500 5 5 15.500z",
    "left": "M14.500 6 8.500 12l6 6",
    "right": "M9.500 6l6 6-6 6",
    "close": "M6 6l12 12M18 6 6 18",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "file": "M7 3h7l4 4v14H7zM14 3v4h4",
    "trash": "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
}


def add(name: str, path: str) -> None:
    """Make the icon of a plugin's page known."""
    _PATHS[name] = path


def icon(name: str) -> Markup:
    """An icon of 20 px in the colour of the text."""
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" '
        'stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
        '<path d="{}"/></svg>'
    ).format(_PATHS[name])
