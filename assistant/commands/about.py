"""``youju version``."""

from __future__ import annotations

import typer

from assistant import __version__

version = typer.Typer(add_completion=False)


@version.command()
def _version() -> None:
    """Print the version."""
    typer.echo(f"youju {__version__}")
