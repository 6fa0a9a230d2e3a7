"""Everyday requests that take a line or two of Python."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

from ..dialogue.scene import Scene, answer, ask_tool, cannot
from ..dialogue.schema import Call, Turn
from ..wordings import sections

SAID = sections("programs")
STATISTIC_NAMES = {
    "average": "(average|mean|arithmetic mean)",
    "sum": "(sum|total)",
    "maximum": "(maximum|largest|biggest|highest number)",
    "minimum": "(minimum|smallest|lowest number)",
}


def small_program(scene: Scene) -> list[Turn]:
    recipe = scene.rng.choice(RECIPES)
    user, code, output, said = recipe(scene)
    if not scene.has("python"):
        return [cannot(user, "python")]
    return [
        Turn(user, (ask_tool("I can solve this with python.", Call("python", {"code": code}, output)), answer(said)))
    ]


Solved = tuple[str, str, str, str]


def _text(scene: Scene) -> tuple[str, str]:
    """A text, and how it stands in the request."""
    text = scene.words.phrase(1, 4).replace('"', "").replace("'", "")
    return text, f'"{text}"' if scene.chance(0.75) else f"'{text}'"


def reverse(scene: Scene) -> Solved:
    text, shown = _text(scene)
    if scene.chance(0.3):
        text = shown = scene.words.filled("NOUN") if scene.chance(0.5) else scene.words.dictionary_word()
    user = scene.say(SAID["reverse"], t=shown)
    return user, f'print("{text}"[::-1])', text[::-1], f"Reversed: {text[::-1]}"


def upper(scene: Scene) -> Solved:
    text, shown = _text(scene)
    user = scene.say(SAID["upper"], t=shown)
    return user, f'print("{text}".upper())', text.upper(), f"In upper case: {text.upper()}"


def length(scene: Scene) -> Solved:
    text, shown = _text(scene)
    user = scene.say(SAID["length"], t=shown)
    return user, f'print(len("{text}"))', str(len(text)), f"{text} has {len(text)} characters."


def sort(scene: Scene) -> Solved:
    numbers, shown = _numbers(scene, 2)
    user = scene.say(SAID["sort"], n=shown)
    return user, f"print(sorted([{_joined(numbers)}]))", str(sorted(numbers)), f"Sorted: {sorted(numbers)}"


def statistic(scene: Scene) -> Solved:
    # The sum or the mean of two is an expression, which `arithmetic` asks for in the same words.
    numbers, shown = _numbers(scene, 3)
    kind = scene.rng.choice(("average", "sum", "maximum", "minimum"))
    patterns = [pattern.replace("{name}", STATISTIC_NAMES[kind]) for pattern in SAID["statistic"]]
    user = scene.say((*patterns, *SAID[f"statistic own {kind}"]), n=shown)
    code, value = {
        "average": ("sum(nums) / len(nums)", sum(numbers) / len(numbers)),
        "sum": ("sum(nums)", sum(numbers)),
        "maximum": ("max(nums)", max(numbers)),
        "minimum": ("min(nums)", min(numbers)),
    }[kind]
    return user, f"nums = [{_joined(numbers)}]\nprint({code})", str(value), f"The {kind} is {value}."


def primes(scene: Scene) -> Solved:
    n = scene.rng.randint(2, 60)
    user = scene.say(SAID["primes"], n=n)
    found = [p for p in range(2, n + 1) if all(p % k for k in range(2, p))]
    code = f"print([n for n in range(2, {n} + 1) if all(n % k for k in range(2, n))])"
    return user, code, str(found), f"The primes are {found}."


def fibonacci(scene: Scene) -> Solved:
    n = scene.rng.randint(2, 16)
    user = scene.say(SAID["fibonacci"], n=n)
    row = [0, 1]
    while len(row) < n:
        row.append(row[-1] + row[-2])
    output = " ".join(map(str, row[:n]))
    code = f'a, b = 0, 1\nfor _ in range({n}):\n    print(a, end=" ")\n    a, b = b, a + b'
    return user, code, output + " ", f"The Fibonacci numbers are {output}"


def days_between(scene: Scene) -> Solved:
    first, second = _date(scene), _date(scene)
    user = scene.say(SAID["days between"], a=first, b=second)
    days = abs((datetime.date.fromisoformat(second) - datetime.date.fromisoformat(first)).days)
    code = (
        f'from datetime import date\nprint(abs((date.fromisoformat("{second}") - date.fromisoformat("{first}")).days))'
    )
    return user, code, str(days), f"There are {days} days between {first} and {second}."


def today(scene: Scene) -> Solved:
    user = scene.say(SAID["today"])
    value = _date(scene)
    return user, "from datetime import date\nprint(date.today())", value, f"Today is {value}."


def now(scene: Scene) -> Solved:
    user = scene.say(SAID["now"])
    rng = scene.rng
    value = f"{_date(scene)} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}.{rng.randint(0, 999999):06d}"
    return user, "from datetime import datetime\nprint(datetime.now())", value, f"It is {value}."


def temperature(scene: Scene) -> Solved:
    c = scene.rng.randint(-40, 120)
    to_fahrenheit = scene.chance(0.5)
    a, b = ("(C|celsius|degrees Celsius)", "(F|fahrenheit|Fahrenheit)")
    if not to_fahrenheit:
        a, b = b, a
    patterns = [pattern.replace("{from}", a).replace("{to}", b) for pattern in SAID["temperature"]]
    user = scene.say(patterns, c=c)
    code = f"{c} * 9 / 5 + 32" if to_fahrenheit else f"({c} - 32) * 5 / 9"
    value = c * 9 / 5 + 32 if to_fahrenheit else (c - 32) * 5 / 9
    left, right = ("C", "F") if to_fahrenheit else ("F", "C")
    return user, f"print({code})", str(value), f"{c} {left} is {value} {right}."


def random_number(scene: Scene) -> Solved:
    low = scene.rng.randint(0, 50)
    high = low + scene.rng.randint(1, 200)
    user = scene.say(SAID["random number"], a=low, b=high)
    value = scene.rng.randint(low, high)
    return user, f"import random\nprint(random.randint({low}, {high}))", str(value), f"Your random number is {value}."


def factorial(scene: Scene) -> Solved:
    n = scene.rng.randint(1, 22)
    user = scene.say(SAID["factorial"], n=n)
    value = math.factorial(n)
    return user, f"import math\nprint(math.factorial({n}))", str(value), f"{n}! = {value}"


def squares(scene: Scene) -> Solved:
    n = scene.rng.randint(2, 30)
    user = scene.say(SAID["squares"], n=n)
    found = [k * k for k in range(1, n + 1)]
    return user, f"print([k * k for k in range(1, {n} + 1)])", str(found), f"The squares are {found}."


def multiples(scene: Scene) -> Solved:
    n = scene.rng.randint(2, 99)
    user = scene.say(SAID["multiples"], n=n)
    found = [n * k for k in range(1, 11)]
    return user, f"print([{n} * k for k in range(1, 11)])", str(found), f"The multiples are {found}."


def sum_to(scene: Scene) -> Solved:
    n = scene.rng.randint(2, 9999)
    user = scene.say(SAID["sum to"], n=n)
    value = n * (n + 1) // 2
    return user, f"print(sum(range(1, {n} + 1)))", str(value), f"The sum from 1 to {n} is {value}."


def common_divisor(scene: Scene) -> Solved:
    a, b = scene.rng.randint(2, 9999), scene.rng.randint(2, 999)
    user = scene.say(SAID["common divisor"], a=a, b=b)
    value = math.gcd(a, b)
    return user, f"import math\nprint(math.gcd({a}, {b}))", str(value), f"The greatest common divisor is {value}."


def count_letter(scene: Scene) -> Solved:
    word = scene.words.dictionary_word() if scene.chance(0.7) else scene.rng.choice(("strawberry", "banana", "letter"))
    letter = scene.rng.choice(word) if scene.chance(0.85) else scene.rng.choice("aeiourst")
    shown, marked = (f'"{word}"', f'"{letter}"') if scene.chance(0.4) else (word, letter)
    user = scene.say(SAID["count letter"], tidy=True, t=shown, c=marked)
    value = word.count(letter)
    return user, f'print("{word}".count("{letter}"))', str(value), f'There are {value} "{letter}" in {word}.'


def _numbers(scene: Scene, fewest: int) -> tuple[list[int], str]:
    numbers = [scene.rng.randint(0, 999) for _ in range(scene.rng.randint(fewest, 7))]
    *first, last = map(str, numbers)
    if scene.chance(0.35):
        return numbers, ", ".join(first) + scene.rng.choice((" and ", ", and ")) + last
    return numbers, scene.rng.choice((", ", ", ", " ", ",")).join((*first, last))


def _joined(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _date(scene: Scene) -> str:
    return f"{scene.rng.randint(1950, 2030)}-{scene.rng.randint(1, 12):02d}-{scene.rng.randint(1, 28):02d}"


RECIPES = (
    reverse, upper, length, sort, statistic, statistic, primes, fibonacci, days_between, today, now, temperature,
    random_number, factorial, squares, multiples, sum_to, common_divisor, count_letter,
)  # fmt: skip
