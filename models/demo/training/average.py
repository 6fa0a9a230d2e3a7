"""`python3 -m training.average FIRST.pt SECOND.pt --share 0.6 --work DIRECTORY`: between two trainings.

The checkpoint in DIRECTORY becomes the mean of both, SECOND weighing `share`. Where SECOND went on from FIRST, their
mean is often better than either.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .settings import Paths
from .train import load, save


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training.average", description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--work", type=Path, required=True)
    given = parser.parse_args()
    first, second = load(given.first), load(given.second)
    weights = second.state_dict()
    mean = {name: (1 - given.share) * values + given.share * weights[name] for name, values in first.state_dict().items()}
    first.load_state_dict(mean)
    save(Paths(given.work).checkpoint, first)


if __name__ == "__main__":
    main()
