"""``youju serve``."""

from __future__ import annotations

import typer

from assistant.commands.options import with_settings_shown
from assistant.config import Settings

serve = typer.Typer(add_completion=False)


@serve.command()
@with_settings_shown
def _serve(settings: Settings) -> None:
    """Open the pages and the API. The page is there at once; the model is loaded behind it."""
    from assistant.hosting import serving

    serving.serve(settings)
