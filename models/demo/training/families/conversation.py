"""What needs no tool: small talk, names, repeating."""

from __future__ import annotations

import string
from dataclasses import replace

from ..dialogue.scene import Scene, plain
from ..dialogue.schema import Turn
from ..wordings import sections, titled

SAID = sections("conversation")

# What the model says is the title of the section.
SMALL_TALK = titled(sections("courtesies") | sections("remarks"), "")


def small_talk(scene: Scene) -> list[Turn]:
    pattern, text = scene.wording.take_titled(SMALL_TALK)
    # Words around it ("you should thanks") would make no sense here.
    user = replace(scene.wording, noise=False).say((pattern,))
    casing = scene.rng.choice((str, str.lower, str.capitalize, str.capitalize))
    return [plain(casing(user), text)]


def names(scene: Scene) -> list[Turn]:
    name = scene.words.person()
    given = plain(scene.say(SAID["name given"], tidy=True, n=name), f"Nice to meet you, {name}!")
    asked = plain(scene.say(SAID["name asked"]), f"Your name is {name}.")
    return [given] if scene.chance(0.25) else [given, asked]


def unknown_name(scene: Scene) -> list[Turn]:
    return [plain(scene.say(SAID["name asked"]), "You have not told me your name yet.")]


def repeat(scene: Scene) -> list[Turn]:
    rng, words = scene.rng, scene.words
    x = rng.random()
    if x < 0.45:
        text = words.phrase(1, 9)
    elif x < 0.6:
        text = words.sentence()
    elif x < 0.72:
        text = words.lines(2, 5)
    elif x < 0.82 and words.pieces:
        text = "".join(
            rng.choice(words.pieces) + (" " if rng.random() < 0.3 else "") for _ in range(rng.randint(2, 14))
        ).strip()
    elif x < 0.92:
        text = " ".join(str(words.integer(9)) for _ in range(rng.randint(1, 4)))
    else:
        text = "".join(
            rng.choice(string.ascii_letters + string.digits + ".,:;-_/+*=()!?@#$%&") for _ in range(rng.randint(3, 16))
        )
    shown = f'"{text}"' if '"' not in text and scene.chance(0.2) else text
    return [plain(scene.say(SAID["repeat"], tidy=True, t=shown), text)]
