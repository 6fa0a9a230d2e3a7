"""Tools nobody has seen before, called from their signature."""

from __future__ import annotations

import json

from ..dialogue.scene import Scene, answer, ask_tool, without
from ..dialogue.schema import Call, Tool, Turn
from .custom_names import JOINS, MAKING, NOUNS, NUMERIC, PARAMETERS, PLACED, TELLING, VERBS
from ..wordings import sections

SAID = sections("custom")


def custom_tool(scene: Scene) -> Tool:
    words = scene.words
    noun = words.dictionary_word() if scene.chance(0.5) else scene.rng.choice(NOUNS)
    name = f"{scene.rng.choice(VERBS)}_{noun}"
    if scene.chance(0.2):
        name = f"{words.dictionary_word()}__{name}"
    chosen: list[str] = []
    for _ in range(scene.rng.choice((0, 1, 1, 1, 2, 2, 3))):
        parameter = scene.rng.choice(PARAMETERS) if scene.chance(0.75) else words.dictionary_word()
        if parameter not in chosen:
            chosen.append(parameter)
    return Tool(name, tuple(chosen))


def _value(scene: Scene, parameter: str) -> object:
    if parameter in NUMERIC:
        return scene.words.integer(4)
    if parameter in PLACED and scene.chance(0.6):
        return scene.words.filled("PLACE")
    return scene.words.plain_phrase(1, 3) if scene.chance(0.75) else str(scene.words.integer(4))


def custom(scene: Scene) -> list[Turn]:
    if not scene.custom or scene.chance(0.3):
        made = custom_tool(scene)
        if all(made.name != tool.name for tool in scene.custom):
            scene.custom.append(made)
    tool = scene.rng.choice(scene.custom)
    values = {parameter: _value(scene, parameter) for parameter in tool.parameters}
    user = _request(scene, tool, values)
    result = scene.rng.choice(
        (
            scene.words.sentence(),
            json.dumps({"ok": True, "result": scene.words.phrase(1, 3)}, ensure_ascii=False),
            json.dumps({"status": "done", "value": scene.words.integer(4)}),
            scene.words.phrase(1, 5),
            str(scene.words.integer()),
        )
    )
    said = f"{tool.name} returned: {result}"
    return [Turn(user, (ask_tool(f"I need to call {tool.name}.", Call(tool.name, values, result)), answer(said)))]


def _request(scene: Scene, tool: Tool, values: dict[str, object]) -> str:
    verb, _, noun = tool.name.split("__")[-1].partition("_")
    if len(values) <= 1 and scene.chance(0.6):
        if not values:
            patterns = _wordings(scene, verb, SAID["without value"], SAID["without value telling"])
            return scene.say(patterns, v=verb, n=noun)
        patterns = _wordings(scene, verb, SAID["with value"], SAID["with value telling"], SAID["with value making"])
        value = next(iter(values.values()))
        return scene.say(patterns, tidy=True, v=verb, n=noun, j=scene.rng.choice(JOINS), x=value)
    if not values:
        return scene.say(SAID["by name alone"], t=tool.name)
    shape = scene.rng.choice(("{}={}", "{} = {}", "{}: {}", '{} "{}"', '{}="{}"', "{} {}"))
    joint = scene.rng.choice((", ", " and ", ", ", "; "))
    pairs = joint.join(shape.format(*pair) for pair in values.items())
    return scene.say(SAID["by name"], tidy=True, t=tool.name, p=pairs, v=verb, n=noun)


def _wordings(
    scene: Scene, verb: str, common: tuple[str, ...], telling: tuple[str, ...], making: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """What is told or made can be asked for without the verb."""
    unsaid = telling if verb in TELLING else making if verb in MAKING else ()
    return unsaid if unsaid and scene.chance(0.4) else common


def missing_custom(scene: Scene) -> list[Turn]:
    """Somebody names a tool that is not there."""
    tool = custom_tool(scene)
    if any(tool.name == other.name for other in scene.custom):
        return custom(scene)
    values = {parameter: _value(scene, parameter) for parameter in tool.parameters}
    pairs = ", ".join(f"{key}={value}" for key, value in values.items()) or "no arguments"
    user = scene.say(SAID["missing"], tidy=True, t=tool.name, p=pairs)
    return [without(user, tool.name, f"There is no tool named {tool.name} here.")]
