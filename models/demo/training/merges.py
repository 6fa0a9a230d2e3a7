"""Learns the tokenizer's merges: plain byte pair encoding over runs of letters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from .tokenizer import join_pair

_LETTERS = re.compile("[A-Za-z]+")
# Very frequent words of the template must not use up the merges that open vocabulary needs.
_DAMPING = 0.8


def count_words(texts: Iterable[str], dictionary: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_LETTERS.findall(text))
    for word in dictionary:
        counts[word] += 1
        counts[word.lower()] += 2
    return Counter({word: int(count**_DAMPING) + 1 for word, count in counts.items()})


def learn_merges(counts: Counter[str], wanted: int) -> list[tuple[str, str]]:
    symbols = {word: list(word) for word in counts}
    pairs: Counter[tuple[str, str]] = Counter()
    words_with: dict[tuple[str, str], set[str]] = {}
    for word, parts in symbols.items():
        for pair in zip(parts, parts[1:]):
            pairs[pair] += counts[word]
            words_with.setdefault(pair, set()).add(word)
    merges: list[tuple[str, str]] = []
    while len(merges) < wanted and pairs:
        best = max(pairs.items(), key=lambda item: (item[1], item[0]))[0]
        merges.append(best)
        for word in sorted(words_with.get(best, ())):
            before = symbols[word]
            for pair in zip(before, before[1:]):
                pairs[pair] -= counts[word]
            after = symbols[word] = join_pair(before, best)
            for pair in zip(after, after[1:]):
                pairs[pair] += counts[word]
                words_with.setdefault(pair, set()).add(word)
        del pairs[best]
    return merges
