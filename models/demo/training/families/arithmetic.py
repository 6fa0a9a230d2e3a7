"""Sums with python, or with javascript where there is no python."""

from __future__ import annotations

from ..dialogue.scene import Scene, answer, ask_tool, cannot, each_of
from ..dialogue.schema import Call, Round, Turn
from .expressions import Expression, evaluated, expression
from .files import wrote
from ..wordings import sections, titled

SAID = sections("arithmetic")
PROBLEMS = titled(SAID, "problems ")
FOLLOW_UPS = titled(SAID, "follow ups ")


# Where there is no python, javascript can do it.
CALCULATORS = "{python} or {javascript}"


def calculator_of(scene: Scene) -> str:
    return each_of(["python"]) if scene.has("python") else CALCULATORS


def calculator(scene: Scene, made: Expression) -> Call | None:
    if scene.has("python"):
        return Call("python", {"code": f"print({made.code})"}, made.value)
    if scene.has("javascript"):
        return Call("javascript", {"code": f"console.log({made.code})"}, made.in_javascript)
    return None


def sum_turn(scene: Scene, user: str, made: Expression) -> Turn:
    call = calculator(scene, made)
    if call is None:
        return cannot(user, "python", CALCULATORS)
    asked = ask_tool(f"I need to compute {made.code}.", call, about=calculator_of(scene))
    return Turn(user, (asked, answer(f"{made.code} = {call.result}")))


def arithmetic(scene: Scene) -> list[Turn]:
    if scene.chance(0.25):
        return [_problem(scene)]
    made = expression(scene)
    return [sum_turn(scene, scene.say(SAID["ask"], x=made.asked), made)]


def _problem(scene: Scene) -> Turn:
    pattern, operator = scene.wording.take_titled(PROBLEMS)
    a, b = scene.words.integer(3) + 2, scene.rng.randint(2, 50)
    if operator == "/":
        a *= b
    if operator == "-":
        a += b
    things = scene.rng.choice(("apples", "books", "tickets", "coins", "cards", "eggs", "boxes", "pens", "cakes"))
    made = evaluated("", f"{a} {operator} {b}")
    assert made is not None
    return sum_turn(scene, scene.say((pattern,), a=a, b=b, things=things), made)


def several_sums(scene: Scene) -> list[Turn]:
    """One message with a call for each."""
    sums = [expression(scene) for _ in range(2 if scene.chance(0.75) else 3)]
    joints = (", ", " and ", "; ", ", and ", ", and also ", " as well as ")
    listed = sums[0].asked
    for made in sums[1:]:
        listed += scene.rng.choice(joints) + made.asked
    user = scene.say(SAID["ask several"], list=listed)
    calls = [call for made in sums if (call := calculator(scene, made)) is not None]
    if not calls:
        return [cannot(user, "python", CALCULATORS)]
    thought = "I need to compute " + " and ".join(made.code for made in sums) + "."
    said = "\n".join(f"{made.code} = {call.result}" for made, call in zip(sums, calls))
    return [Turn(user, (ask_tool(thought, *calls, about=calculator_of(scene)), answer(said)))]


def follow_up(scene: Scene) -> list[Turn]:
    made = expression(scene)
    turns = [sum_turn(scene, scene.say(SAID["ask"], x=made.asked), made)]
    while len(turns) == 1 or (len(turns) < 4 and scene.chance(0.3)):
        if not turns[-1].rounds[0].calls:
            return turns
        step = _next_step(scene, made)
        if step is None:
            return turns
        user, made = step
        turns.append(sum_turn(scene, user, made))
    return turns


def _next_step(scene: Scene, before: Expression) -> tuple[str, Expression] | None:
    pattern, operator = scene.wording.take_titled(FOLLOW_UPS)
    b = scene.words.integer(3) + 1
    left = f"({before.value})" if before.value.startswith("-") else before.value
    made = evaluated("", f"{left} {operator} {b}")
    if made is None or "e" in before.value:
        return None
    return scene.say((pattern,), b=b), made


def sum_and_save(scene: Scene) -> list[Turn]:
    """Compute, then write the result: in one request, or in two."""
    made, path = expression(scene), scene.words.file_name(("txt", "md", "log", "csv"))
    together = scene.chance(0.5)
    if together:
        user = scene.say(SAID["save together"], tidy=True, x=made.asked, f=path)
    else:
        user = scene.say(SAID["ask"], x=made.asked)
    call = calculator(scene, made)
    if call is None or not scene.has("write_file"):
        return [sum_turn(scene, scene.say(SAID["ask"], x=made.asked), made)]
    write = Call("write_file", {"path": path, "content": call.result}, wrote(path, call.result))
    said = f"{made.code} = {call.result}"
    thought, saving = f"I need to compute {made.code}.", f"Now I need to write {path}."
    if together:
        rounds: tuple[Round, ...] = (
            ask_tool(thought, call, about=f"{calculator_of(scene)} and {each_of(['write_file'])}"),
            ask_tool(saving, write),
            answer(f"{said}. I wrote it to {path}."),
        )
        return [Turn(user, rounds)]
    later = Turn(
        scene.say(SAID["save that"], f=path), (ask_tool(f"I need to write {path}.", write), answer(f"I wrote {path}."))
    )
    return [Turn(user, (ask_tool(thought, call, about=calculator_of(scene)), answer(said))), later]
