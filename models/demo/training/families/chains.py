"""One request, several rounds: the result of a call is what the next one needs."""

from __future__ import annotations

from ..dialogue.scene import Scene, answer, ask_tool, cannot, each_of
from ..dialogue.schema import Call, Turn
from .arithmetic import calculator, calculator_of
from .expressions import evaluated
from .files import TEXT_ENDINGS, wrote
from .web import hits, page_text, result_text
from ..wordings import sections

SAID = sections("chains")


def search_and_open(scene: Scene) -> list[Turn]:
    query = scene.words.topic() if scene.chance(0.4) else scene.words.plain_phrase(1, 4)
    user = scene.say(SAID["search and open"], q=query)
    tools = ("web_search", "fetch_url")
    if (missing := scene.first_missing(tools)) is not None:
        return [cannot(user, missing, each_of(tools))]
    found = hits(scene, query)
    title = found[0].title
    search = Call("web_search", {"query": query}, result_text(scene, found, query))
    fetch = Call("fetch_url", {"url": found[0].url}, page_text(scene, found[0].url, title))
    rounds = (
        ask_tool(f"I need to search for {query}.", search, about=each_of(tools)),
        ask_tool(f"Now I need to open {found[0].url}.", fetch),
        answer(f"The page is titled {title}."),
    )
    return [Turn(user, rounds)]


def add_up_file(scene: Scene) -> list[Turn]:
    path = scene.words.file_name(("txt", "csv", "log", "md"))
    user = scene.say(SAID["add up"], f=path)
    tools = ("read_file", "python")
    if (missing := scene.first_missing(tools)) is not None:
        return [cannot(user, missing, each_of(tools))]
    numbers = [scene.words.integer(4) for _ in range(scene.rng.randint(2, 7))]
    listed = ", ".join(map(str, numbers))
    read = Call("read_file", {"path": path}, scene.rng.choice(("\n", "\n", ", ", " ", ",")).join(map(str, numbers)))
    add = Call("python", {"code": f"print(sum([{listed}]))"}, str(sum(numbers)))
    rounds = (
        ask_tool(f"I need to read {path}.", read, about=each_of(tools)),
        ask_tool(f"Now I need to add {listed}.", add),
        answer(f"The numbers in {path} add up to {sum(numbers)}."),
    )
    return [Turn(user, rounds)]


def read_first(scene: Scene) -> list[Turn]:
    user = scene.say(SAID["read first"])
    tools = ("list_files", "read_file")
    if (missing := scene.first_missing(tools)) is not None:
        return [cannot(user, missing, each_of(tools))]
    paths = sorted({scene.words.file_name(TEXT_ENDINGS) for _ in range(scene.rng.randint(1, 5))})
    rows = [f"{path} ({scene.words.integer(5)} bytes, file_{scene.words.letters(10, 16)})" for path in paths]
    content = scene.words.lines(1, 4)
    rounds = (
        ask_tool("I need to list the files.", Call("list_files", {}, "\n".join(rows)), about=each_of(tools)),
        ask_tool(f"Now I need to read {paths[0]}.", Call("read_file", {"path": paths[0]}, content)),
        answer(f"{paths[0]} contains:\n{content}"),
    )
    return [Turn(user, rounds)]


def copy_file(scene: Scene) -> list[Turn]:
    source, target = (scene.words.file_name(TEXT_ENDINGS) for _ in range(2))
    user = scene.say(SAID["copy file"], tidy=True, f=source, g=target)
    tools = ("read_file", "write_file")
    if (missing := scene.first_missing(tools)) is not None:
        return [cannot(user, missing, each_of(tools))]
    content = scene.words.lines(1, 5)
    rounds = (
        ask_tool(f"I need to read {source}.", Call("read_file", {"path": source}, content), about=each_of(tools)),
        ask_tool(
            f"Now I need to write {target}.",
            Call("write_file", {"path": target, "content": content}, wrote(target, content)),
        ),
        answer(f"I copied {source} to {target}."),
    )
    return [Turn(user, rounds)]


def sum_and_read(scene: Scene) -> list[Turn]:
    """Calls of two tools in one message."""
    a, b = scene.words.integer(4), scene.words.integer(4)
    operator = scene.rng.choice("+-*")
    code, path = f"{a} {operator} {b}", scene.words.file_name(TEXT_ENDINGS)
    made = evaluated(code, code)
    assert made is not None
    user = scene.say(SAID["mixed"], x=code, f=path)
    about = f"{calculator_of(scene)} and {each_of(['read_file'])}"
    compute = calculator(scene, made)
    if compute is None:
        return [cannot(user, "python", about)]
    if not scene.has("read_file"):
        return [cannot(user, "read_file", about)]
    content = scene.words.lines(1, 3)
    calls = (compute, Call("read_file", {"path": path}, content))
    said = f"{code} = {compute.result}\n{path} contains:\n{content}"
    return [
        Turn(user, (ask_tool(f"I need to compute {code} and to read {path}.", *calls, about=about), answer(said)))
    ]
