"""Sums as people write them, as Python has them, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass

from ..dialogue.scene import Scene

SPOKEN = {
    "+": ("+", "+", "plus", "added to"),
    "-": ("-", "-", "minus"),
    "*": ("*", "*", "x", "times", "multiplied by", "×"),
    "/": ("/", "/", "divided by", "over", "÷"),
    "**": ("^", "**", "to the power of", "raised to"),
    "%": ("%", "mod", "modulo"),
}
SMALL_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()
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
    if x < 0.62:
        return _two(scene)
    if x < 0.78:
        return _three(scene)
    if x < 0.82:
        return _small(scene)
    return _worded(scene)


def _number(scene: Scene, most_digits: int = 7) -> str:
    value = str(scene.words.integer(most_digits))
    if scene.chance(0.1):
        return f"{value}.{scene.rng.randint(0, 99):02d}".replace(".00", ".5")
    return value


def _two(scene: Scene) -> tuple[str, str]:
    rng = scene.rng
    operator = rng.choice("+-*/+-*/+*") if scene.chance(0.87) else rng.choice(("**", "%"))
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
    a, b = scene.rng.randint(0, 20), scene.rng.randint(1, 20)
    operator, spoken = scene.rng.choice((("+", "plus"), ("-", "minus"), ("*", "times"), ("/", "divided by")))
    return f"{SMALL_NUMBERS[a]} {spoken} {SMALL_NUMBERS[b]}", f"{a} {operator} {b}"


def _worded(scene: Scene) -> tuple[str, str]:
    a, share, b = scene.words.integer(5), scene.rng.randint(1, 99), scene.rng.randint(2, 60)
    return scene.rng.choice(
        (
            (f"{a} squared", f"{a} ** 2"),
            (f"{a} cubed", f"{a} ** 3"),
            (f"the square of {a}", f"{a} ** 2"),
            (f"the square root of {a}", f"{a} ** 0.5"),
            (f"sqrt of {a}", f"{a} ** 0.5"),
            (f"{share}% of {a}", f"{share} / 100 * {a}"),
            (f"{share} percent of {a}", f"{share} / 100 * {a}"),
            (f"half of {a}", f"{a} / 2"),
            (f"a third of {a}", f"{a} / 3"),
            (f"twice {a}", f"2 * {a}"),
            (f"double {a}", f"2 * {a}"),
            (f"the product of {a} and {b}", f"{a} * {b}"),
            (f"the sum of {a} and {b}", f"{a} + {b}"),
            (f"the difference between {a} and {b}", f"{a} - {b}"),
        )
    )
