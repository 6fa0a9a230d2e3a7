"""From nothing to a GGUF: `python3 -m training --work DIRECTORY`. Steps whose result is there are not done again."""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch

from .dialogue.lexicon import Lexicon
from .dialogue.render import text_of
from .dialogue.schema import Dialogue
from .export import export
from .gguf import Precision
from .merges import count_words, learn_merges
from .requests import requests
from .settings import CONTEXT, VOCABULARY, WORD_LIST, Data, Paths, Schedule, Shape
from .shards import dialogues, first_lessons, training_sessions, write_shard
from .tokenizer import SPECIAL, Tokenizer
from .train import final_shares, load, train

STEPS = ("tokenizer", "data", "train", "export", "score")
_TOKENIZER_SEED = 7
_TOKENIZER_DIALOGUES = 6000


def make_tokenizer(paths: Paths, word_list: Path) -> None:
    if paths.tokenizer.exists():
        return
    sessions = training_sessions(_TOKENIZER_SEED, None, word_list)
    texts = [text_of(sessions.dialogue()) for _ in range(_TOKENIZER_DIALOGUES)]
    dictionary = Lexicon(sessions.rng, word_list, held_out=False).words
    tokenizer = Tokenizer(learn_merges(count_words(texts, dictionary), VOCABULARY - len(SPECIAL) - 256))
    tokenizer.save(paths.tokenizer)
    print(f"tokenizer: {len(tokenizer)} tokens", flush=True)


@dataclass(frozen=True)
class Shard:
    path: Path
    draw: Callable[[int, Tokenizer, Path], Iterator[Dialogue]]
    seed: int
    longest: int
    # Of the drawn ones; None: until there are no more.
    count: int | None = None


def make_data(paths: Paths, data: Data, word_list: Path, processes: int) -> None:
    shards = [Shard(paths.first_lessons, first_lessons, data.seed, data.first_lessons_longest, data.first_lessons)]
    shards += [
        Shard(paths.dialogues(n), dialogues, data.seed + 1 + n, CONTEXT, data.dialogues) for n in range(data.files)
    ]
    if paths.initial.exists():
        seed = data.seed + 1 + data.files
        shards += [
            Shard(paths.requests(n), requests, seed + n, data.requests_longest) for n in range(data.request_files)
        ]
    missing = [(shard, paths.tokenizer, word_list) for shard in shards if not shard.path.exists()]
    with multiprocessing.Pool(processes) as pool:
        for line in pool.imap_unordered(_make_shard, missing, chunksize=1):
            print(line, flush=True)


def _make_shard(wanted: tuple[Shard, Path, Path]) -> str:
    shard, tokenizer_path, word_list = wanted
    tokenizer = Tokenizer.load(tokenizer_path)
    drawn = islice(shard.draw(shard.seed, tokenizer, word_list), shard.count)
    return write_shard(shard.path, drawn, tokenizer, shard.longest)


def make_gguf(paths: Paths) -> None:
    size = export(paths.gguf, load(paths.checkpoint), Tokenizer.load(paths.tokenizer), Precision.F16)
    digest = hashlib.sha256(paths.gguf.read_bytes()).hexdigest()
    print(f"{paths.gguf}: {size} bytes, sha256 {digest}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training", description=__doc__)
    parser.add_argument("steps", nargs="*", choices=[*STEPS, []], help="default: all of them")
    parser.add_argument("--work", type=Path, required=True, help="a folder for all that is made")
    parser.add_argument("--tokens", type=int, default=Schedule.tokens, help="to train on (default: %(default)s)")
    parser.add_argument("--peak", type=float, default=Schedule.peak, help="share of the peak rates (default: %(default)s)")
    parser.add_argument("--files", type=int, default=Data.files, help="of dialogues (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (default: %(default)s)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--words", type=Path, default=WORD_LIST, help="a list of words (default: %(default)s)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    paths = Paths(given.work)
    paths.work.mkdir(parents=True, exist_ok=True)
    data = replace(Data(), files=given.files)
    for step in given.steps or STEPS:
        match step:
            case "tokenizer":
                make_tokenizer(paths, given.words)
            case "data":
                make_data(paths, data, given.words, given.threads)
            case "train":
                train(paths, Shape(), data, replace(Schedule(), tokens=given.tokens, peak=given.peak), given.device, given.words)
            case "export":
                make_gguf(paths)
            case "score":
                final_shares(paths, given.device, given.words, per_family=100)


if __name__ == "__main__":
    main()
