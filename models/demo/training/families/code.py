"""Code that the user gives: run it where it belongs, and say what it printed."""

from __future__ import annotations

from collections.abc import Sequence

from ..dialogue.scene import Scene, answer, ask_tool, cannot
from ..dialogue.schema import Call, Turn
from .expressions import expression
from .snippets import javascript_snippet, python_snippet, shell_snippet
from ..wordings import sections, titled

SAID = sections("code")
SHELL_TASKS = titled(SAID, "shell task ")

LANGUAGES = {
    "python": (("python", "Python", "python3", "py"), ("python", "py", "")),
    "javascript": (("javascript", "JavaScript", "js", "JS", "Javascript"), ("javascript", "js", "")),
}


def said_of(output: str) -> str:
    if output in ("[no output]", "(Nothing was printed, and the value is undefined.)"):
        return "It ran and printed nothing."
    return f"The output is {output}" if "\n" not in output else f"The output is:\n{output}"


def _run(scene: Scene, tool: str, code: str, output: str) -> list[Turn]:
    names, fences = LANGUAGES[tool]
    language = scene.rng.choice(names)
    if "\n" in code or scene.chance(0.3):
        user = scene.say(SAID["run block"], tidy=True, lang=language) + "\n" + _fenced(scene, code, fences)
    else:
        user = scene.say(SAID["run line"], tidy=True, lang=language, c=code if scene.chance(0.65) else f"`{code}`")
    if not scene.has(tool):
        return [cannot(user, tool)]
    turn = Turn(
        user,
        (ask_tool(f"I need to run this {tool} code.", Call(tool, {"code": code}, output)), answer(said_of(output))),
    )
    return [turn]


def _fenced(scene: Scene, code: str, fences: Sequence[str]) -> str:
    return f"```{scene.rng.choice(fences)}\n{code}\n```" if scene.chance(0.7) else code


def run_python(scene: Scene) -> list[Turn]:
    return _run(scene, "python", *python_snippet(scene))


def run_javascript(scene: Scene) -> list[Turn]:
    return _run(scene, "javascript", *javascript_snippet(scene))


def run_shell(scene: Scene) -> list[Turn]:
    if scene.chance(0.2):
        pattern, command = scene.wording.take_titled(SHELL_TASKS)
        output = scene.words.sentence() if scene.chance(0.7) else scene.words.lines(2, 4)
        return [_shell_turn(scene, scene.say((pattern,)), [command], output)]
    if scene.chance(0.2):
        snippets = [shell_snippet(scene) for _ in range(2)]
        commands = [command for command, _ in snippets]
        user = scene.say(SAID["shell several"], list=scene.rng.choice((" and ", " then ", ", ")).join(commands))
        output = "\n".join(text for _, text in snippets if text) or "[no output]"
        return [_shell_turn(scene, user, commands, output)]
    command, output = shell_snippet(scene)
    shown = command if scene.chance(0.6) else f"`{command}`"
    return [_shell_turn(scene, scene.say(SAID["shell line"], tidy=True, c=shown), [command], output or "[no output]")]


def _shell_turn(scene: Scene, user: str, commands: list[str], output: str) -> Turn:
    if not scene.has("terminal"):
        return cannot(user, "terminal")
    listed = " and ".join(commands)
    call = Call("terminal", {"commands": commands}, output)
    return Turn(user, (ask_tool(f"I need to run {listed} in the terminal.", call), answer(said_of(output))))


def keep_variable(scene: Scene) -> list[Turn]:
    """The interpreter keeps its variables from call to call."""
    name, made = scene.words.variable(), expression(scene)
    set_it = scene.say(
        SAID["set variable"],
        tidy=True,
        n=name,
        x=made.code,
    )
    ask_it = scene.say(
        SAID["ask variable"],
        n=name,
    )
    if not scene.has("python"):
        return [cannot(set_it, "python")]
    first = Call("python", {"code": f"{name} = {made.code}"}, "[no output]")
    second = Call("python", {"code": f"print({name})"}, made.value)
    return [
        Turn(set_it, (ask_tool(f"I need to set {name}.", first), answer("It ran and printed nothing."))),
        Turn(ask_it, (ask_tool(f"I need to print {name}.", second), answer(f"{name} is {made.value}"))),
    ]
