"""How much more often is drawn what a network does not know yet: found by `training.weak`, read by `training data`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

# How often a pattern is drawn that is always missed, beside one that never is, whose weight is 1.
_ALWAYS_MISSED = 8


@dataclass(frozen=True)
class Emphasis:
    """Weights: of patterns those above 1, of all families so that each pattern of all gets its own."""

    patterns: Mapping[str, float]
    families: Mapping[str, float]

    @staticmethod
    def of(asked: Mapping[str, Mapping[str, int]], missed: Mapping[str, int]) -> Emphasis:
        """`asked`: of each family, how often in which pattern; `missed`: how often a pattern, whoever asked."""
        times: Counter[str] = Counter()
        homes: Counter[str] = Counter()
        for counts in asked.values():
            times.update(counts)
            homes.update(counts.keys())
        weights = {pattern: 1 + (_ALWAYS_MISSED - 1) * missed.get(pattern, 0) / count for pattern, count in times.items()}
        families = {
            name: round(sum(weights[pattern] / homes[pattern] for pattern in counts), 1) for name, counts in asked.items()
        }
        return Emphasis({pattern: round(weights[pattern], 2) for pattern in missed}, families)

    @staticmethod
    def load(path: Path) -> Emphasis:
        return Emphasis(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=0), encoding="utf-8")
