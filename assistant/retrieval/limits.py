"""What one file may cost. Every number that parsing refuses at stands here."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one file; the defaults hold everywhere but in tests and for a changed upload limit."""

    file_bytes: int = 50 * MB
    characters: int = 20_000_000
    """Of the text of one file, all its documents together."""
    documents: int = 20_000
    """Rows that one JSON file may bring."""
    unpacked_bytes: int = 100 * MB
    """Declared by the directory of a zip container (DOCX, PPTX, XLSX, EPUB)."""
    zip_ratio: int = 200
    """Declared over packed size, of the whole container or of one member above 1 MB."""
    zip_members: int = 5_000
    memory_bytes: int = 512 * MB
    """Address space of the parsing process."""
    page_s: float = 9.0
    """Seconds that opening a PDF, and each page or slide, may take."""
    total_s: float = 120.0
    """Seconds that one file may take, waiting for the processor included."""
    in_process_bytes: int = 200_000
    """Plain text up to this size is read without a process of its own: that takes less time than a start."""
