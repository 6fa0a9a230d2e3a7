"""Sums as people write them, as Python has them, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass

from ..dialogue.scene import Scene

SPOKEN = {
    "+": ("+", "+", "+", "plus", "plus", "added to", "increased by"),
    "-": ("-", "-", "-", "minus", "minus", "less", "take away", "decreased by"),
    "*": ("*", "*", "x", "times", "times", "multiplied by", "multiplied with", "×", "X"),
    "/": ("/", "/", "divided by", "divided by", "over", "÷", "split by"),
    "**": ("^", "**", "to the power of", "to the power", "raised to", "raised to the power of"),
    "%": ("%", "mod", "modulo", "modulus"),
}
SPOKEN_SMALL = (
    ("+", "plus"), ("+", "added to"), ("-", "minus"), ("-", "less"), ("-", "take away"),
    ("*", "times"), ("*", "multiplied by"), ("/", "divided by"), ("/", "over"),
)  # fmt: skip
SMALL_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = (("3rd", 3), ("4th", 4), ("5th", 5), ("6th", 6), ("third", 3), ("fourth", 4), ("fifth", 5), ("tenth", 10))
WORDED = (
    ("{a} squared", "{a} ** 2"),
    ("{a} cubed", "{a} ** 3"),
    ("the square of {a}", "{a} ** 2"),
    ("the cube of {a}", "{a} ** 3"),
    ("{a} times itself", "{a} * {a}"),
    ("{b} to the {nth}", "{b} ** {n}"),
    ("{b} to the {nth} power", "{b} ** {n}"),
    ("the {nth} power of {b}", "{b} ** {n}"),
    ("the square root of {a}", "{a} ** 0.5"),
    ("square root of {a}", "{a} ** 0.5"),
    ("the root of {a}", "{a} ** 0.5"),
    ("sqrt of {a}", "{a} ** 0.5"),
    ("sqrt({a})", "{a} ** 0.5"),
    ("{share}% of {a}", "{share} / 100 * {a}"),
    ("{share} % of {a}", "{share} / 100 * {a}"),
    ("{share} percent of {a}", "{share} / 100 * {a}"),
    ("{share} per cent of {a}", "{share} / 100 * {a}"),
    ("a {share}% tip on {a}", "{share} / 100 * {a}"),
    ("{share}% tax on {a}", "{share} / 100 * {a}"),
    ("{share}% off {a}", "{a} * (100 - {share}) / 100"),
    ("{a} with {share}% off", "{a} * (100 - {share}) / 100"),
    ("{a} minus {share}%", "{a} * (100 - {share}) / 100"),
    ("{a} less {share} percent", "{a} * (100 - {share}) / 100"),
    ("{a} plus {share}%", "{a} * (100 + {share}) / 100"),
    ("{a} plus {share} percent", "{a} * (100 + {share}) / 100"),
    ("{a} with {share}% tax added", "{a} * (100 + {share}) / 100"),
    ("half of {a}", "{a} / 2"),
    ("half {a}", "{a} / 2"),
    ("one half of {a}", "{a} / 2"),
    ("a third of {a}", "{a} / 3"),
    ("two thirds of {a}", "2 / 3 * {a}"),
    ("a quarter of {a}", "{a} / 4"),
    ("one fourth of {a}", "{a} / 4"),
    ("three quarters of {a}", "3 / 4 * {a}"),
    ("a fifth of {a}", "{a} / 5"),
    ("a tenth of {a}", "{a} / 10"),
    ("twice {a}", "2 * {a}"),
    ("double {a}", "2 * {a}"),
    ("two times {a}", "2 * {a}"),
    ("triple {a}", "3 * {a}"),
    ("three times {a}", "3 * {a}"),
    ("a dozen times {a}", "12 * {a}"),
    ("{b} dozen", "{b} * 12"),
    ("the product of {a} and {b}", "{a} * {b}"),
    ("{a} lots of {b}", "{a} * {b}"),
    ("the sum of {a} and {b}", "{a} + {b}"),
    ("{b} more than {a}", "{a} + {b}"),
    ("the difference between {a} and {b}", "{a} - {b}"),
    ("the difference of {a} and {b}", "{a} - {b}"),
    ("{b} subtracted from {a}", "{a} - {b}"),
    ("{b} less than {a}", "{a} - {b}"),
    ("the quotient of {a} and {b}", "{a} / {b}"),
    ("{a} shared by {b}", "{a} / {b}"),
    ("the average of {a} and {b}", "({a} + {b}) / 2"),
    ("the remainder of {a} divided by {b}", "{a} % {b}"),
    ("the remainder when {a} is divided by {b}", "{a} % {b}"),
    ("{b} thousand plus {a}", "{b} * 1000 + {a}"),
    ("{b} thousand times {c}", "{b} * 1000 * {c}"),
    ("{b} million divided by {c}", "{b} * 1000000 / {c}"),
)
MOST_DIGITS = 24


@dataclass(frozen=True)
class Expression:
    asked: str
    code: str
    value: str

    @property
    def in_javascript(self) -> str:
        """The value as JavaScript prints it."""
        if self.value.lstrip("-").isdigit() and abs(int(self.value)) > 2**53:
            return str(int(float(self.value)))
        return self.value.removesuffix(".0")


def evaluated(asked: str, code: str) -> Expression | None:
    """Nothing for sums without a result, or with one that is too long to be read."""
    try:
        value = str(eval(code, {"__builtins__": {}}))
    except (ZeroDivisionError, OverflowError):
        return None
    return Expression(asked, code, value) if len(value) <= MOST_DIGITS and "j" not in value else None


def expression(scene: Scene) -> Expression:
    while True:
        asked, code = _shape(scene)
        made = evaluated(asked, code)
        if made is not None:
            return made


def _shape(scene: Scene) -> tuple[str, str]:
    x = scene.rng.random()
    if x < 0.56:
        return _two(scene)
    if x < 0.70:
        return _three(scene)
    if x < 0.78:
        return _small(scene)
    return _worded(scene)


def _number(scene: Scene, most_digits: int = 7) -> str:
    value = str(scene.words.integer(most_digits))
    if scene.chance(0.1):
        return f"{value}.{scene.rng.randint(0, 99):02d}".replace(".00", ".5")
    return value


def _two(scene: Scene) -> tuple[str, str]:
    rng = scene.rng
    operator = rng.choice("+-*/+-*/+*") if scene.chance(0.85) else rng.choice(("**", "**", "%"))
    left, right = _number(scene), _number(scene)
    if operator == "**":
        left, right = str(scene.words.integer(3)), str(rng.randint(2, 12))
    if operator == "/" and scene.chance(0.5) and right.isdigit():
        left = str(scene.words.integer(3) * max(int(right), 1))
    spoken = rng.choice(SPOKEN[operator])
    space = " " if spoken.isalpha() or " " in spoken or scene.chance(0.7) else ""
    return f"{_shown(scene, left)}{space}{spoken}{space}{_shown(scene, right)}", f"{left} {operator} {right}"


def _shown(scene: Scene, number: str) -> str:
    """Some people part thousands."""
    return f"{int(number):,}" if number.isdigit() and len(number) > 3 and scene.chance(0.07) else number


def _three(scene: Scene) -> tuple[str, str]:
    rng = scene.rng
    a, b, c = (str(scene.words.integer(4)) for _ in range(3))
    first, second = rng.choice("+-*"), rng.choice("+-*")
    space = " " if scene.chance(0.75) else ""
    if scene.chance(0.45):
        return f"({a}{space}{first}{space}{b}){space}{second}{space}{c}", f"({a} {first} {b}) {second} {c}"
    return f"{a}{space}{first}{space}{b}{space}{second}{space}{c}", f"{a} {first} {b} {second} {c}"


def _small(scene: Scene) -> tuple[str, str]:
    most = 20 if scene.chance(0.5) else 99
    a, b = scene.rng.randint(0, most), scene.rng.randint(1, most)
    operator, spoken = scene.rng.choice(SPOKEN_SMALL)
    hyphen = scene.rng.choice("- ")
    return f"{_spelled(a, hyphen)} {spoken} {_spelled(b, hyphen)}", f"{a} {operator} {b}"


def _spelled(number: int, hyphen: str) -> str:
    if number < 20:
        return SMALL_NUMBERS[number]
    ten, one = TENS[number // 10 - 2], number % 10
    return f"{ten}{hyphen}{SMALL_NUMBERS[one]}" if one else ten


def _worded(scene: Scene) -> tuple[str, str]:
    asked, code = scene.rng.choice(WORDED)
    nth, n = scene.rng.choice(ORDINALS)
    values = {
        "a": scene.words.integer(5),
        "b": scene.rng.randint(2, 60),
        "c": scene.rng.randint(2, 60),
        "share": scene.rng.randint(1, 99),
        "nth": nth,
        "n": n,
    }
    return asked.format(**values), code.format(**values)
