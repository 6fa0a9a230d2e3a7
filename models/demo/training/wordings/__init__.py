"""All ways to ask, as data: a text file for each group of families.

The first line says what is in the file; `== title` begins a section, every further line is a pattern (see
`dialogue/wording.py`).
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def sections(file: str) -> dict[str, tuple[str, ...]]:
    """The patterns of one file by the titles of their sections."""
    found: dict[str, list[str]] = {}
    patterns: list[str] = []
    for line in (_HERE / f"{file}.txt").read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("== "):
            patterns = found[line[3:]] = []
        elif line:
            patterns.append(line)
    return {title: tuple(lines) for title, lines in found.items()}


def titled(said: dict[str, tuple[str, ...]], beginning: str) -> tuple[tuple[str, str], ...]:
    """Pairs of pattern and rest of the title, of all sections whose title has this beginning."""
    return tuple(
        (pattern, title.removeprefix(beginning))
        for title, patterns in said.items()
        if title.startswith(beginning)
        for pattern in patterns
    )
