"""The training itself: until its tokens are used up, with the learning curve in a log of JSON lines."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from .held_out import HeldOut, Unseen
from .hard import Picked, hard_ones
from .network import Network
from .optimizer import Optimizer
from .settings import Data, Paths, Schedule, Shape
from .shards import Batches
from .tokenizer import Tokenizer

_STEPS_A_LINE = 50
_EVALUATIONS = 14


def rate_factor(schedule: Schedule, step: int, progress: float) -> float:
    """Share of the peak rate: up over the first steps, level, then straight down to (nearly) nothing."""
    warm = min(1.0, (step + 1) / schedule.warmup_steps)
    if progress < schedule.decay_from:
        return warm * schedule.peak
    return warm * schedule.peak * max(0.01, (1 - progress) / (1 - schedule.decay_from))


class Log:
    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, **entry: object) -> None:
        line = json.dumps(entry)
        print(line, flush=True)
        with self.path.open("a") as file:
            file.write(line + "\n")


@dataclass
class Progress:
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def train(paths: Paths, shape: Shape, data: Data, schedule: Schedule, device: str, word_list: Path) -> None:
    """Goes on where an interrupted run stopped. Evaluation does not count as training time."""
    torch.manual_seed(schedule.seed)
    learns_on = paths.initial.exists()
    network = (load(paths.initial) if learns_on else Network(shape)).to(device)
    files = [paths.dialogues(index) for index in range(data.files)]
    if learns_on:
        files += [paths.requests(index) for index in range(data.request_files)]
        schedule = replace(schedule, first_lessons_share=0, decay_from=schedule.decay_from_again)
    optimizer = Optimizer(network, schedule)
    done = _resume(paths, network, optimizer)
    rng = random.Random(f"{schedule.seed} {done.step}")
    first = (Picked(batch, 0) for batch in Batches([paths.first_lessons], schedule.batch_tokens, rng))
    rest = Batches(files, schedule.batch_tokens, rng)
    picking = _hard_ones(rest, network, device) if learns_on else (Picked(batch, 0) for batch in rest)
    held_out = HeldOut(Tokenizer.load(paths.tokenizer), word_list, per_family=12, unseen=Unseen.VALUES)
    log = Log(paths.log)
    log.add(event="start", parameters=sum(p.numel() for p in network.parameters()), shape=asdict(shape), device=device,
            **asdict(done))  # fmt: skip
    losses: list[float] = []
    evaluations = int(done.tokens / schedule.tokens * _EVALUATIONS)
    while (share := done.tokens / schedule.tokens) < 1:
        begun = time.monotonic()
        picked = next(first if share < schedule.first_lessons_share else picking)
        batch = picked.batch
        with _precision(device):
            loss, right = network.loss(*(part.to(device) for part in (batch.ids, batch.targets, batch.weights)))
        loss.backward()
        factor = rate_factor(schedule, done.step, share)
        optimizer.step(factor)
        losses.append(loss.item())
        tokens = batch.ids.numel() + picked.cost
        done = Progress(done.step + 1, done.tokens + tokens, done.seconds + time.monotonic() - begun)
        if done.step % _STEPS_A_LINE == 0:
            log.add(
                event="step", **_rounded(asdict(done)), rate=round(factor, 3), loss=round(float(np.mean(losses)), 4),
                right=round(right, 4), tokens_per_second=round(done.tokens / done.seconds), epoch=rest.epoch,
            )  # fmt: skip
            losses.clear()
        if done.tokens / schedule.tokens * _EVALUATIONS >= evaluations + 1:
            evaluations += 1
            _save_all(paths, network, optimizer, done)
            with _precision(device):
                shares = held_out.shares(network)
            log.add(event="evaluation", **_rounded(asdict(done)), shares=_rounded(shares))
    save(paths.checkpoint, network)
    log.add(event="end", **_rounded(asdict(done)))


def _hard_ones(batches: Batches, network: Network, device: str) -> Iterator[Picked]:
    def mistaken(ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with _precision(device):
            return network.mistaken(ids.to(device), targets.to(device))

    return hard_ones(iter(batches), mistaken, batches.tokens, batches.rng)


def _resume(paths: Paths, network: Network, optimizer: Optimizer) -> Progress:
    if not paths.unfinished.exists():
        return Progress()
    saved = torch.load(paths.unfinished)
    network.load_state_dict(saved["weights"])
    optimizer.load_state(saved["optimizer"])
    return Progress(**saved["progress"])


def _save_all(paths: Paths, network: Network, optimizer: Optimizer, done: Progress) -> None:
    save(paths.checkpoint, network)
    part = paths.unfinished.with_suffix(".part")
    state = {"weights": network.state_dict(), "optimizer": optimizer.state(), "progress": asdict(done)}
    torch.save(state, part)
    part.replace(paths.unfinished)


def final_shares(paths: Paths, device: str, word_list: Path, per_family: int) -> None:
    network = load(paths.checkpoint).to(device)
    tokenizer = Tokenizer.load(paths.tokenizer)
    for unseen in Unseen:
        with _precision(device):
            shares = HeldOut(tokenizer, word_list, per_family, unseen).shares(network)
        print(json.dumps({"unseen": unseen.value, "per_family": per_family, "shares": _rounded(shares)}), flush=True)


def _rounded(numbers: dict[str, float]) -> dict[str, float]:
    return {name: round(number, 3) for name, number in numbers.items()}


def _precision(device: str):
    """The CPU's kernels work in bf16 by themselves."""
    return torch.autocast("cuda", dtype=torch.bfloat16) if device == "cuda" else contextlib.nullcontext()


def save(path: Path, network: Network) -> None:
    part = path.with_suffix(".part")
    torch.save({"shape": asdict(network.shape), "weights": network.state_dict()}, part)
    part.replace(path)


def load(path: Path, allow_fused: bool = True) -> Network:
    saved = torch.load(path, map_location="cpu")
    network = Network(Shape(**saved["shape"]), allow_fused)
    network.load_state_dict(saved["weights"])
    return network
