"""Errors of measuring, in the same form as the assistant's."""

from __future__ import annotations

from assistant.errors import YoujuError


class SuiteError(YoujuError):
    """A suite that cannot be used."""

    template = "{file}, line {line}, field {field}: {value} cannot be used; {remedy}"


class RunError(YoujuError):
    """A run folder that cannot be used as asked."""

    template = "{folder}: {reason}; {remedy}"
    exit_code = 2
