"""Everyday requests that take a line or two of Python."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

from ..dialogue.scene import Scene, answer, ask_tool, cannot
from ..dialogue.schema import Call, Turn


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
        text = shown = scene.words.dictionary_word()
    user = scene.say(
        (
            "(Reverse|Turn around|Flip) [the (word|text|string) |]{t}",
            "(Spell|Write|Say) {t} backwards",
            "What is {t} (backwards|reversed|in reverse)?",
            "{t} (backwards|reversed)",
            "~How does {t} read from right to left?",
            "~Mirror the letters of {t}",
        ),
        t=shown,
    )
    return user, f'print("{text}"[::-1])', text[::-1], f"Reversed: {text[::-1]}"


def upper(scene: Scene) -> Solved:
    text, shown = _text(scene)
    user = scene.say(
        (
            "(Convert|Change|Turn) {t} (to|into) (uppercase|upper case|capitals|capital letters)",
            "(uppercase|upper case|capitalize) {t}",
            "(Make|Put) {t} [in |](upper case|uppercase|all caps)",
            "~{t} but in capitals",
            "~SHOUT {t}",
        ),
        t=shown,
    )
    return user, f'print("{text}".upper())', text.upper(), f"In upper case: {text.upper()}"


def length(scene: Scene) -> Solved:
    text, shown = _text(scene)
    user = scene.say(
        (
            "How many (letters|characters) (are in|does|has) {t}[?| have?]",
            "(Count|Tell me) the [number of |](characters|letters) (in|of) {t}",
            "How long is {t}?",
            "(Give me the |)length of {t}",
            "~{t} - how many characters is that?",
        ),
        t=shown,
    )
    return user, f'print(len("{text}"))', str(len(text)), f"{text} has {len(text)} characters."


def sort(scene: Scene) -> Solved:
    numbers, shown = _numbers(scene)
    user = scene.say(
        (
            "(Sort|Order) [these numbers: |the numbers |the list |]{n}",
            "(Put|Bring) {n} in order",
            "(Can|Could) you sort {n}?",
            "~Arrange {n} by size",
            "~{n}, smallest first",
        ),
        n=shown,
    )
    return user, f"print(sorted([{_joined(numbers)}]))", str(sorted(numbers)), f"Sorted: {sorted(numbers)}"


def statistic(scene: Scene) -> Solved:
    numbers, shown = _numbers(scene)
    kind = scene.rng.choice(("average", "sum", "maximum", "minimum"))
    names = {
        "average": "(average|mean|arithmetic mean)",
        "sum": "(sum|total)",
        "maximum": "(maximum|largest|biggest|highest number)",
        "minimum": "(minimum|smallest|lowest number)",
    }[kind]
    user = scene.say(
        (
            f"(What is|What's|Calculate|Find|Give me|Tell me) the {names} of {{n}}",
            f"{names} of {{n}}",
            f"the {names} of [these numbers: |]{{n}} please",
            f"~Which is the {names} among {{n}}?",
            f"~For {{n}}, the {names}?",
        ),
        n=shown,
    )
    code, value = {
        "average": ("sum(nums) / len(nums)", sum(numbers) / len(numbers)),
        "sum": ("sum(nums)", sum(numbers)),
        "maximum": ("max(nums)", max(numbers)),
        "minimum": ("min(nums)", min(numbers)),
    }[kind]
    return user, f"nums = [{_joined(numbers)}]\nprint({code})", str(value), f"The {kind} is {value}."


def primes(scene: Scene) -> Solved:
    n = scene.rng.randint(2, 60)
    user = scene.say(
        (
            "(List|Find|Show|Print|Give me) [all |](the |)(prime numbers|primes) (up to|below|under|until) {n}",
            "(primes|prime numbers) (up to|below) {n}",
            "Which (primes|prime numbers) are (below|under|up to) {n}?",
            "~All primes no larger than {n}",
        ),
        n=n,
    )
    found = [p for p in range(2, n + 1) if all(p % k for k in range(2, p))]
    code = f"print([n for n in range(2, {n} + 1) if all(n % k for k in range(2, n))])"
    return user, code, str(found), f"The primes are {found}."


def fibonacci(scene: Scene) -> Solved:
    n = scene.rng.randint(2, 16)
    user = scene.say(
        (
            "(Print|Show|List|Give me|Compute) [the |](first {n}|{n}) (Fibonacci|fibonacci) numbers",
            "[the |]first {n} fibonacci numbers",
            "fibonacci[ numbers|], (first {n}|{n} of them)",
            "~Start of the Fibonacci sequence, {n} terms",
        ),
        n=n,
    )
    row = [0, 1]
    while len(row) < n:
        row.append(row[-1] + row[-2])
    output = " ".join(map(str, row[:n]))
    code = f'a, b = 0, 1\nfor _ in range({n}):\n    print(a, end=" ")\n    a, b = b, a + b'
    return user, code, output + " ", f"The Fibonacci numbers are {output}"


def days_between(scene: Scene) -> Solved:
    first, second = _date(scene), _date(scene)
    user = scene.say(
        (
            "How many days (are|lie) between {a} and {b}?",
            "(days|number of days) (between {a} and {b}|from {a} to {b})",
            "How many days (is it|are there) from {a} to {b}?",
            "~Count the days that separate {a} and {b}",
        ),
        a=first,
        b=second,
    )
    days = abs((datetime.date.fromisoformat(second) - datetime.date.fromisoformat(first)).days)
    code = (
        f'from datetime import date\nprint(abs((date.fromisoformat("{second}") - date.fromisoformat("{first}")).days))'
    )
    return user, code, str(days), f"There are {days} days between {first} and {second}."


def today(scene: Scene) -> Solved:
    user = scene.say(
        (
            "(What is|What's|Tell me) (the date today|today's date|the date|the current date)[?|]",
            "what day is (it|today)[ today|]?",
            "(date today|today's date|current date)?",
            "~Which date do we have?",
        )
    )
    value = _date(scene)
    return user, "from datetime import date\nprint(date.today())", value, f"Today is {value}."


def now(scene: Scene) -> Solved:
    user = scene.say(
        (
            "(What time is it|What's the time|Tell me the time|what is the time)[ now| right now|][?|]",
            "(current time|the time now|time)?",
            "~How late is it?",
        )
    )
    rng = scene.rng
    value = f"{_date(scene)} {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}.{rng.randint(0, 999999):06d}"
    return user, "from datetime import datetime\nprint(datetime.now())", value, f"It is {value}."


def temperature(scene: Scene) -> Solved:
    c = scene.rng.randint(-40, 120)
    to_fahrenheit = scene.chance(0.5)
    a, b = ("(C|celsius|degrees Celsius)", "(F|fahrenheit|Fahrenheit)")
    if not to_fahrenheit:
        a, b = b, a
    user = scene.say(
        (
            f"Convert {{c}} {a} (to|into) {b}",
            f"(What is|What's) {{c}} {a} in {b}?",
            f"{{c}} {a} in {b}",
            f"~How much {b} is {{c}} {a}?",
        ),
        c=c,
    )
    code = f"{c} * 9 / 5 + 32" if to_fahrenheit else f"({c} - 32) * 5 / 9"
    value = c * 9 / 5 + 32 if to_fahrenheit else (c - 32) * 5 / 9
    left, right = ("C", "F") if to_fahrenheit else ("F", "C")
    return user, f"print({code})", str(value), f"{c} {left} is {value} {right}."


def random_number(scene: Scene) -> Solved:
    low = scene.rng.randint(0, 50)
    high = low + scene.rng.randint(1, 200)
    user = scene.say(
        (
            "(Generate|Pick|Give me|Choose) a random number (between {a} and {b}|from {a} to {b})",
            "random number (between {a} and {b}|from {a} to {b})",
            "~Draw lots: some number of {a} to {b}",
        ),
        a=low,
        b=high,
    )
    value = scene.rng.randint(low, high)
    return user, f"import random\nprint(random.randint({low}, {high}))", str(value), f"Your random number is {value}."


def factorial(scene: Scene) -> Solved:
    n = scene.rng.randint(1, 22)
    user = scene.say(
        (
            "(What is|Compute|Calculate) (the factorial of {n}|{n} factorial|{n}!)",
            "factorial of {n}",
            "~Multiply all numbers from 1 to {n}",
        ),
        n=n,
    )
    value = math.factorial(n)
    return user, f"import math\nprint(math.factorial({n}))", str(value), f"{n}! = {value}"


def _numbers(scene: Scene) -> tuple[list[int], str]:
    numbers = [scene.rng.randint(0, 999) for _ in range(scene.rng.randint(2, 7))]
    return numbers, scene.rng.choice((", ", ", ", " ", ",")).join(map(str, numbers))


def _joined(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _date(scene: Scene) -> str:
    return f"{scene.rng.randint(1950, 2030)}-{scene.rng.randint(1, 12):02d}-{scene.rng.randint(1, 28):02d}"


RECIPES = (
    reverse, upper, length, sort, statistic, statistic, primes, fibonacci, days_between, today, now, temperature,
    random_number, factorial,
)  # fmt: skip
