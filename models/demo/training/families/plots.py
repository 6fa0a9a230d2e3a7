"""Plots and bar charts with python. Figures that stay open are shown by the tool, which says so."""

from __future__ import annotations

import json

from ..dialogue.scene import Scene, answer, ask_tool, cannot
from ..dialogue.schema import Call, Turn

PLOT = (
    "(Plot|Draw|Graph|Chart) [the function |]{u}{range}{save}",
    "(Make|Create|Draw) a (plot|graph|chart|figure) of {u}{range}{save}",
    "Show me (a graph|a plot|the graph|the plot) of {u}{range}{save}",
    "(Can|Could) you (plot|draw|graph) {u}{range}{save}",
    "I (want|need|would like) a (plot|graph) of {u}{range}{save}",
    "(Use|With) python[ to|,] plot {u}{range}{save}",
    "What does {u} look like{range}{save}",
    "(Please |)(produce|generate|render|give me) (a|the) (plot|graph|figure|picture|curve) of {u}{range}{save}",
    "(I'd like|let's have|time for) (a plot|a graph) of {u}{range}{save}",
    "{u}{range}, (plotted|as a plot|as a graph){save}",
    "(draw|plot|trace) the (curve|line|graph) of {u}{range}{save}",
    "~Visualise {u}{range}{save}",
    "~Let me see how {u} looks{range}{save}",
    "~Sketch {u}{range}{save}",
)
BAR = (
    "(Make|Create|Draw|Plot) a bar chart (of|with|for|from) {pairs}{save}",
    "Bar chart: {pairs}{save}",
    "(Show me|I need|Give me) a bar chart of {pairs}{save}",
    "(Can|Could) you (make|draw) a bar chart of {pairs}{save}",
    "~Bars for {pairs}{save}",
    "~Turn this into bars: {pairs}{save}",
)
RANGES = (
    " from {a} to {b}", " between {a} and {b}", " for x from {a} to {b}", " for x in [{a}, {b}]", " over {a}..{b}",
    " for x between {a} and {b}", " in the range {a} to {b}",
)  # fmt: skip
SAVES = (
    " and save it as {f}",
    " and save it to {f}",
    ", save as {f}",
    " into {f}",
    ". Save it as {f}",
    " and store it in {f}",
)
NAMED = {
    "sin(x)": "np.sin(x)", "cos(x)": "np.cos(x)", "tan(x)": "np.tan(x)", "exp(x)": "np.exp(x)",
    "log(x)": "np.log(x)", "sqrt(x)": "np.sqrt(x)", "x^2": "x**2", "x^3": "x**3", "x**2": "x**2",
    "sin(x)/x": "np.sin(x)/x", "1/x": "1/x", "abs(x)": "np.abs(x)", "tanh(x)": "np.tanh(x)", "sine": "np.sin(x)",
    "cosine": "np.cos(x)", "sin x": "np.sin(x)", "cos x": "np.cos(x)", "x squared": "x**2", "a sine wave": "np.sin(x)",
    "sin(x) + cos(x)": "np.sin(x) + np.cos(x)", "sin(x)*cos(x)": "np.sin(x)*np.cos(x)", "x*sin(x)": "x*np.sin(x)",
    "the sine function": "np.sin(x)", "y = x^2": "x**2", "y=x": "x", "a parabola": "x**2",
}  # fmt: skip


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
        )
    )


def plot(scene: Scene) -> list[Turn]:
    asked, formula = _function(scene)
    low, high = scene.rng.randint(-20, 5), scene.rng.randint(6, 200)
    span = scene.rng.choice(RANGES).format(a=low, b=high)
    if scene.chance(0.25):
        span, low, high = "", 0, 10
    path, save = _target(scene, "plot.png")
    user = scene.say(PLOT, tidy=bool(save), u=asked, range=span, save=save)
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
    user = scene.say(BAR, tidy=True, pairs=pairs, save=save)
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
