"""Plots and bar charts with python. Figures that stay open are shown by the tool, which says so."""

from __future__ import annotations

import json

from ..dialogue.scene import Scene, answer, ask_tool, cannot
from ..dialogue.schema import Call, Turn
from .plot_parts import NAMED, RANGES, SAVES
from ..wordings import sections

SAID = sections("plots")


def _function(scene: Scene) -> tuple[str, str]:
    rng = scene.rng
    if scene.chance(0.5):
        return rng.choice(list(NAMED.items()))
    n, m, power = rng.randint(2, 20), rng.randint(1, 99), rng.randint(2, 6)
    name = rng.choice(("sin", "cos", "tan", "exp", "log", "sqrt"))
    return rng.choice(
        (
            (f"{name}({n}x)", f"np.{name}({n}*x)"),
            (f"{name}({n}*x)", f"np.{name}({n}*x)"),
            (f"x^{power} + {m}", f"x**{power} + {m}"),
            (f"x^{power} - {m}", f"x**{power} - {m}"),
            (f"x^2 + {n}x + {m}", f"x**2 + {n}*x + {m}"),
            (f"{n}x + {m}", f"{n}*x + {m}"),
            (f"{n}*x - {m}", f"{n}*x - {m}"),
            (f"x^2 - {n}x", f"x**2 - {n}*x"),
            (f"x^2 - {n}x + {m}", f"x**2 - {n}*x + {m}"),
            (f"x^3 - {n}x", f"x**3 - {n}*x"),
            (f"y = {n}x + {m}", f"{n}*x + {m}"),
            (f"y = {n}x - {m}", f"{n}*x - {m}"),
            (f"a straight line y = {n}x + {m}", f"{n}*x + {m}"),
            (f"the line y = {n}x - {m}", f"{n}*x - {m}"),
            (f"f(x) = {n}x^2 + {m}", f"{n}*x**2 + {m}"),
            (f"y = x^{power}", f"x**{power}"),
            (f"x to the power of {power}", f"x**{power}"),
            (f"{n}^x", f"{n}**x"),
            (f"{n}x^{power}", f"{n}*x**{power}"),
            (f"{n}/x", f"{n}/x"),
            (f"(x - {n})^2", f"(x - {n})**2"),
            (f"(x + {n})^2 - {m}", f"(x + {n})**2 - {m}"),
            (f"{n}*{name}(x)", f"{n}*np.{name}(x)"),
            (f"{n} {name}(x)", f"{n}*np.{name}(x)"),
            (f"{name}(x) + {m}", f"np.{name}(x) + {m}"),
            (f"{name}(x/{n})", f"np.{name}(x/{n})"),
            (f"y = {name}({n}x) + {m}", f"np.{name}({n}*x) + {m}"),
        )
    )


def plot(scene: Scene) -> list[Turn]:
    asked, formula = _function(scene)
    low, high = scene.rng.randint(-20, 5), scene.rng.randint(6, 200)
    span = scene.rng.choice(RANGES).format(a=low, b=high)
    if scene.chance(0.25):
        span, low, high = "", 0, 10
    path, save = _target(scene, "plot.png")
    user = scene.say(SAID["plot"], tidy=bool(save), u=asked, range=span, save=save)
    if not scene.has("python"):
        return [cannot(user, "python")]
    code = (
        f"import numpy as np\nimport matplotlib.pyplot as plt\nx = np.linspace({low}, {high}, 200)\ny = {formula}\n"
        f'plt.plot(x, y)\nplt.title("{asked}")\nplt.savefig("{path}")\nprint("saved {path}")'
    )
    said = f"I plotted {asked} from {low} to {high} and saved it as {path}."
    return [_picture_turn(user, f"I need to plot {asked} with python.", code, _saved(scene, path), said)]


def bar_chart(scene: Scene) -> list[Turn]:
    count = scene.rng.randint(2, 5)
    labels = list(dict.fromkeys(scene.words.dictionary_word() for _ in range(count)))
    values = [scene.words.integer(3) for _ in labels]
    shape = scene.rng.choice(("{} {}", "{}: {}", "{}={}", "{} = {}"))
    pairs = scene.rng.choice((", ", ", ", " and ")).join(shape.format(*pair) for pair in zip(labels, values))
    path, save = _target(scene, "chart.png")
    user = scene.say(SAID["bar"], tidy=True, pairs=pairs, save=save)
    if not scene.has("python"):
        return [cannot(user, "python")]
    code = (
        f"import matplotlib.pyplot as plt\nlabels = {json.dumps(labels)}\nvalues = {values}\n"
        f'plt.bar(labels, values)\nplt.savefig("{path}")\nprint("saved {path}")'
    )
    said = f"I made the bar chart and saved it as {path}."
    return [_picture_turn(user, "I need to draw a bar chart with python.", code, _saved(scene, path), said)]


def _target(scene: Scene, default: str) -> tuple[str, str]:
    """Where the picture goes, and how the user says so."""
    if scene.chance(0.4):
        return default, ""
    path = scene.words.file_name(("png", "png", "svg", "pdf", "jpg"))
    return path, scene.rng.choice(SAVES).format(f=path)


def _saved(scene: Scene, path: str) -> str:
    return f"saved {path}" + ("\n[1 image shown to the user]" if scene.chance(0.85) else "")


def _picture_turn(user: str, thought: str, code: str, result: str, said: str) -> Turn:
    return Turn(user, (ask_tool(thought, Call("python", {"code": code}, result)), answer(said)))
