"""Byte-level BPE whose segmentation does not depend on context, so that any span is copied token by token.

 * Merges only ever join ASCII letters: a run of letters is cut the same way after a space, a quote, a slash.
 * Digits, punctuation, spaces and line ends are tokens of one byte (numbers are copied digit by digit).
 * The markup of calls and thoughts, and the escapes of JSON strings, are tokens of their own; without the
   latter the letters after a \\n would be glued to its n.

In the GGUF this is tokenizer model `gpt2` with the pre-tokenizer `deepseek-coder`, the one that knows no
English contractions: those would cut 'send' after a quote. `python3 -m training.reference` writes what compares both.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKUP = [
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
    '{"name": "',
    '", "arguments": ',
    "\\n",
    '\\"',
    "\\\\",
    "\\t",
]
SPECIAL = CONTROL + MARKUP
END_OF_TEXT, TURN_START, TURN_END = 0, 1, 2

_PIECE = re.compile(r"[A-Za-z]+|[^A-Za-z]+")


def _alternatives(texts: list[str]) -> re.Pattern[str]:
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("(" + "|".join(re.escape(text) for text in longest_first) + ")")


_ALL_SPECIAL = _alternatives(SPECIAL)
_MARKUP_ONLY = _alternatives(MARKUP)


def printable_bytes() -> dict[int, str]:
    """GPT-2's one character for each byte: itself where it prints, else one from U+0100 on."""
    printing = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    table = {byte: chr(byte) for byte in printing}
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + len(table) - len(printing))
    return table


BYTE_TO_CHARACTER = printable_bytes()
CHARACTER_TO_BYTE = {character: byte for byte, character in BYTE_TO_CHARACTER.items()}


class Tokenizer:
    """Token ids: specials, then the 256 bytes, then one for each merge."""

    def __init__(self, merges: list[tuple[str, str]]) -> None:
        self.merges = merges
        self.first_byte = len(SPECIAL)
        self.tokens = SPECIAL + [BYTE_TO_CHARACTER[byte] for byte in range(256)]
        known = set(self.tokens)
        for left, right in merges:
            if left + right not in known:
                known.add(left + right)
                self.tokens.append(left + right)
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._words: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def letter_pieces(self) -> list[str]:
        return self.tokens[self.first_byte + 256 :]

    def encode(self, text: str) -> list[int]:
        """Text of the template: control tokens count as such."""
        return self._encode(text, _ALL_SPECIAL)

    def encode_content(self, text: str) -> list[int]:
        """Text of a message: written-out control tokens stay text, as the product keeps them."""
        return self._encode(text, _MARKUP_ONLY)

    def _encode(self, text: str, special: re.Pattern[str]) -> list[int]:
        ids: list[int] = []
        for index, part in enumerate(special.split(text)):
            if index % 2 == 1:
                ids.append(self.ids[part])
                continue
            for piece in _PIECE.findall(part):
                if piece[0].isascii() and piece[0].isalpha():
                    ids += self._word(piece)
                else:
                    ids += [self.first_byte + byte for byte in piece.encode("utf-8")]
        return ids

    def decode(self, ids: list[int]) -> str:
        data = bytearray()
        for index in ids:
            if index < self.first_byte:
                data += SPECIAL[index].encode()
            else:
                data += bytes(CHARACTER_TO_BYTE[character] for character in self.tokens[index])
        return data.decode("utf-8", "replace")

    def _word(self, word: str) -> list[int]:
        ids = self._words.get(word)
        if ids is None:
            ids = [self.ids[symbol] for symbol in apply_merges(word, self._ranks)]
            if len(self._words) < 400_000:
                self._words[word] = ids
        return ids

    def save(self, path: Path) -> None:
        path.write_text(json.dumps({"merges": self.merges}))

    @staticmethod
    def load(path: Path) -> Tokenizer:
        return Tokenizer([(left, right) for left, right in json.loads(path.read_text())["merges"]])


def apply_merges(word: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    symbols = list(word)
    while len(symbols) > 1:
        pair = min(zip(symbols, symbols[1:]), key=lambda candidate: ranks.get(candidate, 1 << 30))
        if pair not in ranks:
            break
        symbols = join_pair(symbols, pair)
    return symbols


def join_pair(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    at = 0
    while at < len(symbols):
        if at + 1 < len(symbols) and (symbols[at], symbols[at + 1]) == pair:
            joined.append(pair[0] + pair[1])
            at += 2
        else:
            joined.append(symbols[at])
            at += 1
    return joined
