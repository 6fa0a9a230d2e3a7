"""`python3 -m training.curve LOG.jsonl CURVE.svg`: the learning curve of one training run as a picture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "gantry"
from matplotlib import pyplot  # noqa: E402


def draw(log: Path, picture: Path) -> None:
    """Loss and rate of each step line, and the mean share of right dialogues of each evaluation, over the tokens."""
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [entry for entry in entries if entry["event"] == "step"]
    evaluations = [entry for entry in entries if entry["event"] == "evaluation"]
    figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 6), layout="constrained")
    above.plot(_millions(steps), [entry["loss"] for entry in steps], color="tab:blue", linewidth=0.8)
    above.set(yscale="log", ylabel="loss of the batches")
    rates = above.twinx()
    rates.plot(_millions(steps), [entry["rate"] for entry in steps], color="tab:gray", linestyle=":")
    rates.set(ylim=(0, 1.05), ylabel="share of the peak rate (dotted)")
    for name, shares in _families(evaluations).items():
        is_mean = name == "ALL"
        below.plot(
            _millions(evaluations), shares, color="tab:red" if is_mean else "0.85", linewidth=2 if is_mean else 0.8,
            marker="o" if is_mean else None, zorder=2 if is_mean else 1,
        )  # fmt: skip
    below.set(ylim=(0, 100), xlabel="million tokens", ylabel="dialogues right, % (gray: each family)")
    figure.savefig(picture, metadata={"Date": None})


def _millions(entries: list[dict]) -> list[float]:
    return [entry["tokens"] / 1e6 for entry in entries]


def _families(evaluations: list[dict]) -> dict[str, list[float]]:
    return {name: [100 * entry["shares"][name] for entry in evaluations] for name in evaluations[-1]["shares"]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training.curve", description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    draw(given.log, given.picture)


if __name__ == "__main__":
    main()
