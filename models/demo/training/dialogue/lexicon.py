"""Random words, numbers and names. A tenth of the dictionary is never seen in training."""

from __future__ import annotations

import random
import re
import string
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from .vocabulary import ADJECTIVES, EVERYDAY, NOUNS, PLACES, QUERIES, STATEMENTS, THINGS, TOPICS, VERBS

T = TypeVar("T")

FOREIGN_BITS = (
    "café naïve über Zürich München señor São Łódź Ærø Žižek Ångström 北京 東京 こんにちは 世界 한국 서울 Москва "
    "привет мир Ελλάδα שלום सलाम 🙂 🎉 👍 🚀 → € £ ° ½ … – —"
).split()
FOREIGN_NAMES = "José Zoë Łukasz Søren Müller Åsa Chloé 小明 さくら Иван Νίκος Nguyễn Özlem Éva Björn".split()
# Where a text is not in quotes, one of these would leave open where it ends.
CONNECTORS = frozenset("to in into as at and then from for of on please with that it called named".split())
ENDINGS = (".com", ".org", ".net", ".io", ".de", ".co.uk")

_KIND = re.compile("NOUN|VERB|ADJECTIVE|PLACE|NUMBER|NAME")


def _is_held_out(word: str) -> bool:
    return zlib.crc32(word.encode()) % 10 == 0


class Lexicon:
    def __init__(self, rng: random.Random, word_list: Path, held_out: bool, pieces: Sequence[str] = ()) -> None:
        """`pieces`: the tokenizer's own, to make unheard-of words of."""
        self.rng = rng
        self.pieces = pieces
        words = [
            word
            for word in word_list.read_text(encoding="utf-8").split()
            if word.isascii() and word.isalpha() and 2 <= len(word) <= 12
        ]
        self.words = [word for word in words if _is_held_out(word) == held_out]
        kinds = {"NOUN": NOUNS, "VERB": VERBS, "ADJECTIVE": ADJECTIVES, "PLACE": PLACES}
        self.common = {kind: [word for word in all_of if _is_held_out(word) == held_out] for kind, all_of in kinds.items()}

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def one_of(self, options: Sequence[T]) -> T:
        return options[int(self.rng.random() * len(options))]

    def letters(self, low: int, high: int) -> str:
        return "".join(self.one_of(string.ascii_lowercase) for _ in range(self.rng.randint(low, high)))

    def dictionary_word(self) -> str:
        return self.one_of(self.words).lower()

    def word(self) -> str:
        x = self.rng.random()
        if x < 0.32:
            return self.dictionary_word()
        if x < 0.56:
            return self.one_of(self.common[self.one_of(("NOUN", "NOUN", "NOUN", "VERB", "ADJECTIVE", "PLACE"))])
        if x < 0.74:
            return self.one_of(EVERYDAY)
        if x < 0.81:
            return self.dictionary_word().capitalize()
        if x < 0.86:
            return self.letters(2, 9)
        if x < 0.91 and self.pieces:
            return "".join(self.one_of(self.pieces) for _ in range(self.rng.randint(1, 4)))
        if x < 0.935:
            return self.one_of(FOREIGN_BITS) if self.chance(0.7) else self.dictionary_word() + self.one_of("éüñößåçø")
        if x < 0.97:
            return self.dictionary_word() + "-" + self.dictionary_word()
        return str(self.integer(4))

    def filled(self, pattern: str) -> str:
        """A pattern of `vocabulary.py` with words of its kinds."""
        return _KIND.sub(lambda kind: self._of_kind(kind[0]), pattern)

    def _of_kind(self, kind: str) -> str:
        if kind == "NUMBER":
            return str(self.rng.randint(2, 99))
        return self.person() if kind == "NAME" else self.one_of(self.common[kind])

    def phrase(self, low: int, high: int) -> str:
        return " ".join(self.word() for _ in range(self.rng.randint(low, high)))

    def plain_phrase(self, low: int, high: int) -> str:
        """Words that leave no doubt where the phrase ends, for use without quotes."""
        if self.chance(0.3):
            return self.filled(self.one_of([pattern for pattern in THINGS if low <= len(pattern.split()) <= high]))
        words = [self.word() for _ in range(self.rng.randint(low, high))]
        return " ".join(word if word not in CONNECTORS else self.one_of(EVERYDAY) for word in words)

    def sentence(self, low: int = 2, high: int = 9) -> str:
        text = self.filled(self.one_of(STATEMENTS)) if self.chance(0.35) else self.phrase(low, high)
        x = self.rng.random()
        if x < 0.3:
            return text[:1].upper() + text[1:] + "."
        if x < 0.38:
            return text[:1].upper() + text[1:] + self.one_of(("!", "?", ", " + self.phrase(1, 4) + "."))
        if x < 0.46:
            return f"{text}: {self.integer(4)}"
        if x < 0.5:
            return text + self.one_of((" isn't ", " won't be ", ' "', " (")) + self.word()
        return text

    def lines(self, low: int, high: int) -> str:
        return "\n".join(self.sentence(1, 7) for _ in range(self.rng.randint(low, high)))

    def topic(self) -> str:
        if self.chance(0.35):
            return self.filled(self.one_of(QUERIES))
        x = self.rng.random()
        if x < 0.22:
            return self.one_of(TOPICS) + " " + self.plain_phrase(1, 3)
        if x < 0.32:
            return f"{self.dictionary_word().capitalize()} {self.dictionary_word().capitalize()}"
        if x < 0.4:
            return f"{self.plain_phrase(1, 3)} {self.rng.randint(1990, 2030)}"
        return self.plain_phrase(1, 5)

    def integer(self, most_digits: int = 7) -> int:
        digits = "0123456789"
        if self.chance(0.2):
            digits = self.one_of(digits) + self.one_of(digits)
        return int("".join(self.one_of(digits) for _ in range(self.rng.randint(1, most_digits))))

    def identifier(self) -> str:
        x = self.rng.random()
        word = self.dictionary_word()
        if self.chance(0.5):
            word = self.one_of(EVERYDAY if self.chance(0.5) else self.common["NOUN"])
        if x < 0.55:
            return word
        if x < 0.7:
            return word + "_" + self.dictionary_word()
        if x < 0.8:
            return word + str(self.rng.randint(0, 99))
        if x < 0.87:
            return self.letters(1, 6)
        if x < 0.9:
            return word.capitalize()
        return word + "-" + self.dictionary_word()

    def variable(self) -> str:
        return self.one_of("abcnxyikt") if self.chance(0.4) else self.identifier().replace("-", "_").lower()

    def file_name(self, endings: Sequence[str]) -> str:
        folder = self.identifier() + "/" if self.chance(0.12) else ""
        return f"{folder}{self.identifier()}.{self.one_of(endings)}"

    def person(self) -> str:
        return self.one_of(FOREIGN_NAMES) if self.chance(0.12) else self.dictionary_word().capitalize()

    def host(self) -> str:
        name = self.identifier().replace("_", "").lower()
        return self.one_of(("www.", "", "en.", "", "docs.")) + name + self.one_of(ENDINGS)

    def url(self) -> str:
        x = self.rng.random()
        path = "" if x < 0.3 else "/" if x < 0.4 else "/" + self.identifier()
        if x > 0.8:
            path += "/" + self.identifier() + self.one_of(("", ".html", "?id=" + str(self.integer(4))))
        return f"https://{self.host()}{path}"
