"""`python3 -m training.reference --work DIRECTORY`: what the GGUF is compared with.

Token ids of dialogues, and the reference's own greedy continuations in full precision.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import torch

from .dialogue.lexicon import Lexicon
from .dialogue.render import render, text_of
from .dialogue.schema import Dialogue
from .network import Network
from .sessions import Sessions
from .settings import WORD_LIST, Paths
from .tokenizer import TURN_END, Tokenizer
from .train import load

_SEED = 4242
_TEXTS = 40
_GREEDY = 16
_LONGEST = 60


def prompt_of(dialogue: Dialogue) -> str:
    """Everything before the last message that the model has to write."""
    pieces = list(render(dialogue))
    last = max(number for number, piece in enumerate(pieces) if piece.is_taught)
    return "".join(piece.text for piece in pieces[:last])


@torch.no_grad()
def continuation(network: Network, ids: list[int]) -> list[int]:
    made: list[int] = []
    while len(made) < _LONGEST and made[-1:] != [TURN_END]:
        made.append(int(network(torch.tensor([ids + made]))[0, -1].argmax()))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training.reference", description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    paths = Paths(given.work)
    tokenizer, network = Tokenizer.load(paths.tokenizer), load(paths.checkpoint, allow_fused=False)
    sessions = Sessions(_SEED, Lexicon(random.Random(_SEED), WORD_LIST, held_out=True), held_out_wordings=False)
    texts = [text_of(sessions.dialogue()) for _ in range(_TEXTS)]
    prompts = [prompt_of(sessions.dialogue(turns=1)) for _ in range(_GREEDY)]
    encoded = [tokenizer.encode(prompt) for prompt in prompts]
    reference = {
        "texts": [{"text": text, "ids": tokenizer.encode(text)} for text in texts],
        "prompts": [{"ids": ids, "greedy": continuation(network, ids)} for ids in encoded if len(ids) < 1200],
    }
    path = given.work / "reference.json"
    path.write_text(json.dumps(reference, ensure_ascii=False))
    print(path)


if __name__ == "__main__":
    main()
