"""The training itself: until its time is used up, with the learning curve in a log of JSON lines."""

from __future__ import annotations

import contextlib
import json
import random
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from .held_out import HeldOut, Unseen
from .network import Network
from .optimizer import Optimizer
from .settings import Data, Paths, Schedule, Shape
from .shards import Batches
from .tokenizer import Tokenizer

_STEPS_A_LINE = 50
_EVALUATIONS = 10


def rate_factor(schedule: Schedule, step: int, progress: float) -> float:
    """Share of the peak rate: up over the first steps, level, then straight down to (nearly) nothing."""
    warm = min(1.0, (step + 1) / schedule.warmup_steps)
    if progress < schedule.decay_from:
        return warm
    return warm * max(0.01, (1 - progress) / (1 - schedule.decay_from))


class Log:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("")

    def add(self, **entry: object) -> None:
        line = json.dumps(entry)
        print(line, flush=True)
        with self.path.open("a") as file:
            file.write(line + "\n")


def train(paths: Paths, shape: Shape, data: Data, schedule: Schedule, device: str, word_list: Path) -> None:
    """Writes the checkpoint, also on the way. Evaluation does not count as training time."""
    torch.manual_seed(schedule.seed)
    network = Network(shape).to(device)
    optimizer = Optimizer(network, schedule)
    rng = random.Random(schedule.seed)
    first = iter(Batches([paths.first_lessons], schedule.batch_tokens, rng))
    rest = Batches([paths.dialogues(index) for index in range(data.files)], schedule.batch_tokens, rng)
    batches = iter(rest)
    held_out = HeldOut(Tokenizer.load(paths.tokenizer), word_list, per_family=12, unseen=Unseen.VALUES)
    log = Log(paths.log)
    log.add(event="start", parameters=sum(p.numel() for p in network.parameters()), shape=asdict(shape), device=device)
    budget, started, paused = schedule.minutes * 60, time.monotonic(), 0.0
    step, tokens, losses, evaluations = 0, 0, [], 0
    while (progress := (time.monotonic() - started - paused) / budget) < 1:
        batch = next(first if progress < schedule.first_lessons_share else batches)
        with _precision(device):
            loss, right = network.loss(batch.ids.to(device), batch.targets.to(device))
        loss.backward()
        factor = rate_factor(schedule, step, progress)
        optimizer.step(factor)
        step += 1
        tokens += batch.ids.numel()
        losses.append(loss.item())
        if step % _STEPS_A_LINE == 0:
            minutes = progress * schedule.minutes
            log.add(
                event="step", step=step, minutes=round(minutes, 2), rate=round(factor, 3), loss=round(float(np.mean(losses)), 4),
                right=round(right, 4), tokens=tokens, tokens_per_second=round(tokens / (minutes * 60)), epoch=rest.epoch,
            )  # fmt: skip
            losses.clear()
        if progress * _EVALUATIONS >= evaluations + 1:
            evaluations += 1
            begun = time.monotonic()
            save(paths.checkpoint, network)
            with _precision(device):
                shares = held_out.shares(network)
            log.add(
                event="evaluation",
                minutes=round(progress * schedule.minutes, 1),
                tokens=tokens,
                shares=_rounded(shares),
            )
            paused += time.monotonic() - begun
    save(paths.checkpoint, network)
    log.add(event="end", steps=step, tokens=tokens)


def final_shares(paths: Paths, device: str, word_list: Path, per_family: int) -> None:
    network = load(paths.checkpoint).to(device)
    tokenizer = Tokenizer.load(paths.tokenizer)
    for unseen in Unseen:
        with _precision(device):
            shares = HeldOut(tokenizer, word_list, per_family, unseen).shares(network)
        print(json.dumps({"unseen": unseen.value, "per_family": per_family, "shares": _rounded(shares)}), flush=True)


def _rounded(shares: dict[str, float]) -> dict[str, float]:
    return {name: round(share, 3) for name, share in shares.items()}


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
