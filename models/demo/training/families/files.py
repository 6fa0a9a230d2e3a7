"""Files: write, read, list, and what goes with it. Results are the tools' own texts."""

from __future__ import annotations

import json

from ..dialogue.scene import Scene, answer, ask_tool, cannot
from ..dialogue.schema import Call, Turn
from ..dialogue.vocabulary import STATEMENTS
from ..wordings import sections

READING = sections("reading")
WRITING = sections("writing")

TEXT_ENDINGS = ("txt", "txt", "txt", "md", "json", "py", "csv", "html", "log", "yaml", "js")


def quoted(scene: Scene, text: str, share: float = 0.45) -> str:
    x = scene.rng.random()
    if x < share * 0.75 and '"' not in text:
        return f'"{text}"'
    if x < share and "'" not in text:
        return f"'{text}'"
    return text


def wrote(path: str, content: str) -> str:
    return f"Wrote {path} ({len(content.encode())} bytes)."


def write(scene: Scene) -> list[Turn]:
    path = scene.words.file_name(TEXT_ENDINGS)
    if scene.chance(0.16):
        return _finish_write(scene, path, *_block(scene, path))
    x = scene.rng.random()
    if x < 0.35:
        text = scene.words.sentence()
        shown = json_free_quotes(text)
    elif x < 0.43:
        text = shown = _object(scene)
    elif x < 0.58:
        text = shown = scene.words.filled(scene.rng.choice(STATEMENTS))
    else:
        text = scene.words.plain_phrase(1, 6)
        shown = quoted(scene, text)
    if shown != text and scene.chance(0.15):
        return _finish_write(scene, path, scene.say(WRITING["write quoted first"], f=path, t=shown), text)
    return _finish_write(scene, path, scene.say(WRITING["write"], tidy=True, f=path, t=shown), text)


def _object(scene: Scene) -> str:
    names = [scene.words.dictionary_word() for _ in range(scene.rng.randint(1, 2))]
    values = (scene.words.integer(4), scene.rng.choice((True, False)), scene.words.word())
    return json.dumps({name: scene.rng.choice(values) for name in names}, ensure_ascii=False)


def json_free_quotes(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'


def _block(scene: Scene, path: str) -> tuple[str, str]:
    text = scene.words.lines(2, 6)
    intro = scene.say(WRITING["block intro"], tidy=True, f=path)
    return (f"{intro}\n```\n{text}\n```" if scene.chance(0.6) else f"{intro}\n{text}"), text


def _finish_write(scene: Scene, path: str, user: str, text: str) -> list[Turn]:
    if not scene.has("write_file"):
        return [cannot(user, "write_file")]
    scene.files.append(path)
    call = Call("write_file", {"path": path, "content": text}, wrote(path, text))
    turns = [Turn(user, (ask_tool(f"I need to write {path}.", call), answer(f"I wrote {path}.")))]
    if scene.chance(0.35) and scene.has("read_file"):
        asked = scene.say(READING["read"], f=path) if scene.chance(0.4) else scene.say(READING["read written"])
        turns.append(_read_turn(scene, asked, path, text))
    return turns


def read(scene: Scene) -> list[Turn]:
    path = scene.words.file_name(TEXT_ENDINGS)
    user = scene.say(READING["read"], f=path)
    if not scene.has("read_file"):
        return [cannot(user, "read_file")]
    x = scene.rng.random()
    if x < 0.12:
        return _long_read(scene, user, path)
    if x < 0.18:
        return [_odd_read(scene, user, path)]
    content = content_of(scene, path)
    turns = [_read_turn(scene, user, path, content)]
    if scene.chance(0.1):
        turns.append(_read_turn(scene, scene.say(READING["read again"]), path, content))
    return turns


def content_of(scene: Scene, path: str) -> str:
    if path.endswith("csv"):
        head = ",".join(scene.words.dictionary_word() for _ in range(scene.rng.randint(2, 3)))
        rows = [f"{scene.words.dictionary_word()},{scene.words.integer(3)}" for _ in range(scene.rng.randint(1, 4))]
        return "\n".join([head, *rows])
    if path.endswith("json"):
        entries = {scene.words.dictionary_word(): scene.words.integer(4) for _ in range(scene.rng.randint(1, 3))}
        return json.dumps(entries, indent=2 if scene.chance(0.5) else None)
    return scene.words.lines(1, 6)


def _read_turn(scene: Scene, user: str, path: str, content: str) -> Turn:
    call = Call("read_file", {"path": path}, content + ("\n" if scene.chance(0.3) else ""))
    return Turn(user, (ask_tool(f"I need to read {path}.", call), answer(f"{path} contains:\n{content}")))


def _long_read(scene: Scene, user: str, path: str) -> list[Turn]:
    """Only a part came back: say so, and how it begins; read on when asked to."""
    lines = scene.words.lines(7, 24).split("\n")
    total = scene.rng.randint(2_000, 90_000)
    said = f"{path} is long, so I saw only a part. It begins:\n{lines[0]}"
    thought = f"I need to read {path}."
    if scene.chance(0.5):
        cut = f"[{total} bytes cut; read_file tool-output/call_{scene.words.letters(8, 12)}.txt has the whole]"
        at = len(lines) * 2 // 3
        result = "\n".join([*lines[:at], cut, *lines[at:]])
        return [Turn(user, (ask_tool(thought, Call("read_file", {"path": path}, result)), answer(said)))]
    end = len("\n".join(lines))
    result = "\n".join(lines) + f"\n\n[Characters 0 to {end} of {total}. Call read_file with start {end} to go on.]"
    first = Turn(user, (ask_tool(thought, Call("read_file", {"path": path}, result)), answer(said)))
    if scene.chance(0.4):
        return [first]
    rest = scene.words.lines(1, 4)
    page = f"{rest}\n\n[Characters {end} to {total} of {total}.]"
    call = Call("read_file", {"path": path, "start": end}, page)
    more = (ask_tool(f"I need to read {path} from {end} on.", call), answer(f"{path} goes on:\n{rest}"))
    return [first, Turn(scene.say(READING["read on"]), more)]


def _odd_read(scene: Scene, user: str, path: str) -> Turn:
    result = scene.rng.choice(
        (
            f"({path} is empty.)",
            f"{path} is a binary file (image/png, {scene.words.integer(5)} bytes), so it cannot be shown as text.",
        )
    )
    said = f"{path} is empty." if result.startswith("(") else f"{path} is a binary file, so I cannot show it."
    call = Call("read_file", {"path": path}, result)
    return Turn(user, (ask_tool(f"I need to read {path}.", call), answer(said)))


def read_several(scene: Scene) -> list[Turn]:
    paths = [scene.words.file_name(TEXT_ENDINGS) for _ in range(2)]
    user = scene.say(READING["read several"], list=scene.rng.choice((" and ", ", ", " as well as ")).join(paths))
    if not scene.has("read_file"):
        return [cannot(user, "read_file")]
    contents = [scene.words.lines(1, 3) for _ in paths]
    calls = [Call("read_file", {"path": path}, content) for path, content in zip(paths, contents)]
    said = "\n".join(f"{path} contains:\n{content}" for path, content in zip(paths, contents))
    return [Turn(user, (ask_tool(f"I need to read {paths[0]} and {paths[1]}.", *calls), answer(said)))]


def list_files(scene: Scene) -> list[Turn]:
    user = scene.say(READING["list"])
    if not scene.has("list_files"):
        return [cannot(user, "list_files")]
    count = 0 if scene.chance(0.1) and not scene.files else scene.rng.randint(1, 7)
    paths = list(dict.fromkeys([*scene.files, *(scene.words.file_name((*TEXT_ENDINGS, "png")) for _ in range(count))]))
    sizes = [scene.words.integer(5) for _ in paths]
    rows = [f"{path} ({size} bytes, file_{scene.words.letters(10, 16)})" for path, size in zip(paths, sizes)]
    said = "There are these files:\n" + "\n".join(f"- {path} ({size} bytes)" for path, size in zip(paths, sizes))
    if not paths:
        rows, said = ["The working directory is empty."], "There are no files yet."
    call = Call("list_files", {}, "\n".join(rows))
    turns = [Turn(user, (ask_tool("I need to list the files.", call), answer(said)))]
    if paths and scene.chance(0.25) and scene.has("read_file"):
        path = scene.rng.choice(paths)
        turns.append(_read_turn(scene, scene.say(READING["read"], f=path), path, content_of(scene, path)))
    return turns


def count_words(scene: Scene) -> list[Turn]:
    path = scene.words.file_name(("txt", "md", "log"))
    user = scene.say(READING["count words"], f=path)
    if not scene.has("python"):
        return [cannot(user, "python")]
    count = scene.rng.randint(1, 999)
    call = Call("python", {"code": f'print(len(open("{path}").read().split()))'}, str(count))
    said = f"{path} has {count} words."
    return [Turn(user, (ask_tool(f"I can count the words of {path} with python.", call), answer(said)))]
