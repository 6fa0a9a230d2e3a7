"""Ways to say a thing. A pattern stands for dozens of sentences:

    "[please |](calculate|compute) {x}"    [a|b] and (a|b): one of them; {x}: a value, never changed by noise
    "~could {x} be worked out"             ~ at the start: held out, only ever used to test

Then people's habits are laid over it: casing, typing errors, politeness, words around it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

_CHOICE = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_SLOT = re.compile(r"(\{\w+\})")
_LONG_WORD = re.compile(r"[A-Za-z]{5,}")

BEFORE = (
    "hi, ", "hey ", "Hello! ", "hey, ", "ok, ", "Okay. ", "now ", "so ", "um, ", "please ", "Please, ", "pls ",
    "quick one: ", "Quick question: ", "next: ", "Great. ", "thanks! ", "Thank you. Now ", "alright, ", "and ",
    "I need this for work: ", "sorry, ", "one more thing: ", "Well, ", "hmm, ", "hi there! ", "could you ",
    "can you please ", "would you kindly ", "I'd like you to ", "I want you to ", "you should ", "go ahead and ",
    "hello, ", "Hi. ", "good morning, ", "Good evening. ", "hey there, ", "hey you, ", "excuse me, ", "first, ",
    "then ", "okay, next: ", "also, ", "Now, please: ", "Another one: ", "new task: ", "Task: ", "request: ",
    "here is my question: ", "A question: ", "my question is: ", "I have a request: ", "can you help me? ",
    "I need help: ", "It's urgent: ", "For my homework: ", "for a friend: ", "my teacher wants this: ",
    "for school: ", "just curious: ", "Perfect. ", "Nice! ", "Cool, ", "good, and ", "Thanks, and now ", "ok cool, ",
    "oh, ", "ah, ", "Let's see. ", "let me try this: ", "if it's not too much trouble: ", "kindly ", "plz ",
    "dear assistant, ", "assistant, ", "I was wondering: ", "do me a favor: ", "this time: ", "once more: ",
)  # fmt: skip
HELD_OUT_BEFORE = ("yo, ", "Right, ", "If you have a minute: ", "be so kind and ", "Listen, ", "my boss asks: ")
AFTER = (
    " please", ", please", " pls", " thanks", ", thanks!", " thank you", " for me", " now", " quickly", " asap",
    " if you can", " when you can", " :)", "!", "!!", " ok?", ", thank you very much", ". Thanks.", " ...",
    ", please and thank you", ", thx", " thx", " plz", ", plz", ", ok?", ", okay?", "?", "??", ". Please.", ". Thank you!",
    ". Thank you so much.", ". It's urgent.", ". It is for school.", ". I need it for work.", ". I am in a hurry.",
    ". No rush.", ". My teacher wants to know.", ". Can you do that?", ". Can you help?", ", can you?", ", could you?",
    ". I'm curious.", ", I'm just curious", ", quick", " :D", " 🙂", " 🙏", ". Be quick.", ". That's all.",
    ", if you don't mind", ", if you would", ", my friend", ". Take your time.", ", just for me", ". Go!",
)  # fmt: skip
HELD_OUT_AFTER = (" if possible", " cheers", ", would you?", ". Much appreciated.", " right away")


@dataclass(frozen=True)
class Wording:
    """Says things in many ways. `held_out`: in those ways alone that training never uses."""

    rng: random.Random
    held_out: bool
    noise: bool = True

    def say(self, patterns: Sequence[str], tidy: bool = False, **values: object) -> str:
        """One sentence; `tidy` where words after the last value would seem to belong to it."""
        usable = [pattern.lstrip("~") for pattern in patterns if pattern.startswith("~") == self.held_out]
        pattern = self.rng.choice(usable or [pattern.lstrip("~") for pattern in patterns])
        parts = _SLOT.split(self._choose(pattern))
        if self.noise:
            parts = self._habits(parts, tidy)
        return "".join(str(values[part[1:-1]]) if _SLOT.fullmatch(part) else part for part in parts)

    def _choose(self, pattern: str) -> str:
        while (match := _CHOICE.search(pattern)) is not None:
            pattern = pattern[: match.start()] + self.rng.choice(match[1].split("|")) + pattern[match.end() :]
        return pattern

    def _habits(self, parts: list[str], tidy: bool) -> list[str]:
        rng = self.rng
        if rng.random() < 0.3:
            parts[0] = rng.choice(HELD_OUT_BEFORE if self.held_out else BEFORE) + _lower_first(parts[0])
        if not tidy and rng.random() < 0.3:
            ending = rng.choice(HELD_OUT_AFTER if self.held_out else AFTER)
            parts[-1] = parts[-1].rstrip("?.!") + ending
        casing = rng.random()
        if casing < 0.3:
            parts = [part if _SLOT.fullmatch(part) else part.lower() for part in parts]
        elif casing < 0.5:
            parts[0] = parts[0][:1].upper() + parts[0][1:]
        elif casing < 0.515:
            parts = [part if _SLOT.fullmatch(part) else part.upper() for part in parts]
        if rng.random() < 0.12:
            parts = [part if _SLOT.fullmatch(part) else self._mistype(part) for part in parts]
        if not tidy and rng.random() < 0.15:
            parts[-1] = parts[-1].rstrip("?.!")
        return parts

    def _mistype(self, text: str) -> str:
        words = list(_LONG_WORD.finditer(text))
        if not words:
            return text
        word = self.rng.choice(words)
        at = self.rng.randint(word.start() + 1, word.end() - 2)
        slip = self.rng.random()
        if slip < 0.4:
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        if slip < 0.8:
            return text[:at] + text[at + 1 :]
        return text[:at] + text[at] + text[at:]


def _lower_first(text: str) -> str:
    return text if text[:2] == "I " else text[:1].lower() + text[1:]
