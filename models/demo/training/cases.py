"""`python3 -m training.cases --count 1000 --unseen wordings > cases.jsonl`: dialogues for the evaluation in Node.

Words are those that no training saw, and the seed is no one else's. With `--unseen wordings` so are the patterns.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from .dialogue.lexicon import Lexicon
from .dialogue.render import encode, text_of
from .dialogue.scene import TOOLS
from .dialogue.schema import Dialogue, Taught
from .families.catalogue import FAMILIES
from .held_out import Unseen
from .sessions import Sessions
from .settings import CONTEXT, HERE, LONGEST_TEXT, WORD_LIST
from .start_from import read_gguf, tokenizer_of
from .tokenizer import Tokenizer

_SEED = 31_337
_SESSION_SHARE = 0.15
_MODEL = HERE.parent / "demo-agent.gguf"


def as_case(identity: str, dialogue: Dialogue, family: str) -> dict[str, object]:
    own = [tool.name for tool in dialogue.tools if tool.name in TOOLS]
    custom = [tool for tool in dialogue.tools if tool.name not in TOOLS]
    turns = [
        {
            "user": turn.user,
            "rounds": [
                {
                    "text": step.text,
                    "calls": [{"name": c.tool, "arguments": c.arguments, "result": c.result} for c in step.calls],
                }
                for step in turn.rounds
            ],
        }
        for turn in dialogue.turns
    ]
    return {
        "id": identity,
        "family": family,
        "tools": own,
        "custom": [{"name": tool.name, "parameters": tool.parameters} for tool in custom],
        "thinking": dialogue.thinking,
        "system": dialogue.system,
        "turns": turns,
    }


def fits(dialogue: Dialogue, tokenizer: Tokenizer) -> bool:
    """What does not fit the window would be cut or refused by the product, and could not be compared."""
    return len(text_of(dialogue)) <= LONGEST_TEXT and len(encode(dialogue, tokenizer)[0]) <= CONTEXT


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training.cases", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--unseen", type=Unseen, choices=list(Unseen), default=Unseen.WORDINGS)
    parser.add_argument("--words", type=Path, default=WORD_LIST)
    given = parser.parse_args()
    words = Lexicon(random.Random(_SEED), given.words, held_out=True)
    sessions = Sessions(_SEED, words, held_out_wordings=given.unseen is Unseen.WORDINGS)
    tokenizer = tokenizer_of(read_gguf(_MODEL)[0])
    made = 0
    while made < given.count:
        long_one = sessions.rng.random() < _SESSION_SHARE
        family = FAMILIES[made % len(FAMILIES)].name
        turns = sessions.rng.randint(3, 8) if long_one else 1
        dialogue = sessions.dialogue(None if long_one else family, turns)
        # Dialogues that are only partly the model's, or that the other side breaks off, say nothing here.
        complete = dialogue.turns[-1].rounds[-1].text != "" and dialogue.taught is Taught.EVERYTHING
        if complete and fits(dialogue, tokenizer):
            case = as_case(f"{given.unseen.value}-{made}", dialogue, "sessions" if long_one else family)
            print(json.dumps(case, ensure_ascii=False))
            made += 1


if __name__ == "__main__":
    main()
