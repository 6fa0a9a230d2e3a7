"""Every number that decides what comes out of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TEMPLATE = HERE / "chat_template.jinja"
WORD_LIST = Path("/usr/share/dict/words")

VOCABULARY = 1024
CONTEXT = 2048
# Of the words of the training at most 2,000 tokens.
LONGEST_TEXT = 4_200
HELD_OUT_SEED = 999


@dataclass(frozen=True)
class Shape:
    """The network. 4.92 million parameters, 9.9 MB as F16."""

    vocabulary: int = VOCABULARY
    width: int = 192
    layers: int = 8
    heads: int = 6
    # Dimensions of each. llama.cpp's AVX-512 kernels take 64 at a time, and the rest one by one.
    head: int = 64
    hidden: int = 512
    context: int = CONTEXT
    rope_base: float = 10000.0
    epsilon: float = 1e-5


@dataclass(frozen=True)
class Data:
    """Dialogues per file, and the seeds of the files. The first file is short and full of copying."""

    first_lessons: int = 45_000
    dialogues: int = 55_000
    files: int = 4
    # Where a finished model learns on: files of single requests, each with every way to ask (`requests.py`).
    request_files: int = 4
    seed: int = 137
    first_lessons_longest: int = 256
    requests_longest: int = 512


@dataclass(frozen=True)
class Schedule:
    """Rates are peak rates. Shares are of all tokens."""

    tokens: int = 90_000_000
    batch_tokens: int = 12_288
    matrix_rate: float = 0.02
    vector_rate: float = 4e-3
    warmup_steps: int = 60
    first_lessons_share: float = 0.10
    decay_from: float = 0.4
    # Where a finished model learns on: a level rate only unlearned and learned again there (runs 4 and 6 in NOTES.md).
    decay_from_again: float = 0.05
    # Of the peak rates: less than 1 where a finished model learns on.
    peak: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Paths:
    """Where a run keeps what it makes. Nothing of it belongs into the repository but the GGUF."""

    work: Path

    @property
    def tokenizer(self) -> Path:
        return self.work / "tokenizer.json"

    @property
    def first_lessons(self) -> Path:
        return self.work / "first-lessons.npz"

    def dialogues(self, index: int) -> Path:
        return self.work / f"dialogues-{index}.npz"

    def requests(self, index: int) -> Path:
        return self.work / f"requests-{index}.npz"

    @property
    def initial(self) -> Path:
        """Weights to begin with, where there are any."""
        return self.work / "initial.pt"

    @property
    def checkpoint(self) -> Path:
        return self.work / "checkpoint.pt"

    @property
    def unfinished(self) -> Path:
        return self.work / "unfinished.pt"

    @property
    def log(self) -> Path:
        return self.work / "training.jsonl"

    @property
    def gguf(self) -> Path:
        return self.work / "demo-agent.gguf"
