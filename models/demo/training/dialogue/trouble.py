"""What goes wrong with calls, in the product's own words, and what is to be said then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .scene import Scene, answer
from .schema import Call, Round, Turn

DENIALS = (
    "The user denied this tool call.",
    "The user denied this tool call.",
    "The user denied this tool call.",
    "{label} was denied by policy.",
    "Approval timed out.",
    "Denied by the user.",
    "The user rejected the call.",
)
LABELS = {
    "python": "Python code",
    "javascript": "JavaScript code",
    "terminal": "Shell commands",
    "read_file": "Read file",
    "write_file": "Write file",
    "list_files": "List files",
    "web_search": "Web search",
    "fetch_url": "Web page",
}
IN_DOUBT = (
    "The server stopped while this call was running. Whether it took effect is not known; it was not run again. "
    "Check before repeating it."
)
REPEATED = "\n[the same call ran before; this is its result]"
LEFT_OUT = "[result left out to make room]"
PYTHON_ERRORS = (
    "NameError: name '{id}' is not defined",
    "ModuleNotFoundError: No module named '{id}'",
    "ValueError: {text}",
    "ZeroDivisionError: division by zero",
    "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    "FileNotFoundError: [Errno 2] No such file or directory: '{file}'",
    "KeyError: '{id}'",
    "IndexError: list index out of range",
    "AttributeError: '{id}' object has no attribute '{id}'",
    "{id}Error: {text}",
    "PermissionError: [Errno 13] Permission denied: '{file}'",
    "MemoryError",
    "RecursionError: maximum recursion depth exceeded",
)
SYNTAX_PROBLEMS = (
    "invalid syntax",
    "'(' was never closed",
    "unmatched ')'",
    "unterminated string literal (detected at line 1)",
    "invalid decimal literal",
    "unexpected EOF while parsing",
    "invalid syntax. Perhaps you forgot a comma?",
)
JAVASCRIPT_ERRORS = (
    "ReferenceError: {id} is not defined",
    "TypeError: {id} is not a function",
    "SyntaxError: Unexpected token '}}'",
    "TypeError: Cannot read properties of undefined (reading '{id}')",
    "Error: {text}",
    "RangeError: Invalid array length",
)
SHELL_ERRORS = (
    ("bash: line 1: {id}: command not found", 127),
    ("cat: {file}: No such file or directory", 1),
    ("ls: cannot access '{file}': No such file or directory", 2),
    ("rm: cannot remove '{file}': No such file or directory", 1),
    ("grep: {file}: No such file or directory", 2),
    ("bash: line 1: {file}: Permission denied", 126),
    ("mkdir: cannot create directory '{id}': File exists", 1),
    ("{id}: {text}", 3),
    ("curl: (6) Could not resolve host: {id}.com", 6),
)
WEB_ERRORS = (
    "The search could not be done: {text}",
    "HTTP 404",
    "HTTP 500",
    "{id}.com could not be reached",
    "Request timed out",
    "The page has no text",
    "network error: {text}",
)


@dataclass(frozen=True)
class Failure:
    result: str
    told: str


def with_trouble(scene: Scene, turn: Turn) -> Turn:
    """Now and then, another ending."""
    at = [number for number, step in enumerate(turn.rounds) if step.calls]
    if not at:
        return turn
    number = scene.rng.choice(at)
    x = scene.rng.random()
    if x < 0.055 and len(turn.rounds[number].calls) == 1:
        return _failing(scene, turn, number, error)
    if x < 0.1:
        return _denied(scene, turn, number)
    if x < 0.11:
        return _every_call(turn, number, IN_DOUBT, UNKNOWN_EFFECT, "It is not known whether the call took effect.")
    if x < 0.12 and len(turn.rounds[number].calls) == 1:
        return _failing(scene, turn, number, timeout)
    if x < 0.125:
        return _every_call(turn, number, "[cancelled]", "It was cancelled.", "The call was cancelled.")
    if x < 0.137:
        return _repeated(turn, number)
    if x < 0.17 and turn.rounds[number].calls[0].tool in ("python", "terminal", "javascript", "read_file", "fetch_url"):
        return _every_call(turn, number, _markup(scene), MARKUP_SEEN, "The result holds markup.")
    return turn


UNKNOWN_EFFECT = "The server stopped while it was running, so I do not know whether it took effect. Please check before repeating it."
MARKUP_SEEN = "The result holds the markup of a tool call, so I do not repeat it."
DENIED = "It was not run, because the call was denied. Tell me what to do instead."


def _failing(scene: Scene, turn: Turn, number: int, make: Callable[[Scene, Call], Failure]) -> Turn:
    call = turn.rounds[number].calls[0]
    failure = make(scene, call)
    said = answer(f"The {call.tool} tool failed: {failure.told}", "The tool call failed.")
    return turn.with_rounds((*turn.rounds[:number], _with_results(turn.rounds[number], failure.result), said))


def _denied(scene: Scene, turn: Turn, number: int) -> Turn:
    tool = turn.rounds[number].calls[0].tool
    text = scene.rng.choice(DENIALS).format(label=LABELS.get(tool, tool))
    if scene.chance(0.15):
        text = scene.words.sentence(3, 8) if scene.chance(0.3) else f"{text} {scene.words.sentence(2, 6)}"
        if not text.startswith(("The user", "Denied", "Approval")):
            text = "Denied: " + text
    return _every_call(turn, number, text, DENIED, "The call was denied.")


def _every_call(turn: Turn, number: int, result: str, said: str, thought: str) -> Turn:
    changed = _with_results(turn.rounds[number], result)
    return turn.with_rounds((*turn.rounds[:number], changed, answer(said, thought)))


def _with_results(step: Round, result: str) -> Round:
    return replace(step, calls=tuple(replace(call, result=result) for call in step.calls))


def _repeated(turn: Turn, number: int) -> Turn:
    step = turn.rounds[number]
    calls = tuple(replace(call, result=call.result.rstrip("\n") + REPEATED) for call in step.calls)
    return turn.with_rounds((*turn.rounds[:number], replace(step, calls=calls), *turn.rounds[number + 1 :]))


def _filled(scene: Scene, pattern: str) -> str:
    values = {
        "id": scene.words.identifier(),
        "text": scene.words.sentence(1, 6),
        "file": scene.words.file_name(("txt", "csv", "py")),
    }
    return pattern.format(**values)


def error(scene: Scene, call: Call) -> Failure:
    """What the tool reports, and the part of it that is worth telling."""
    rng = scene.rng
    match call.tool:
        case "python":
            return _python_error(scene, str(call.arguments.get("code", "")))
        case "javascript":
            told = _filled(scene, rng.choice(JAVASCRIPT_ERRORS))
            place = f"\n    at <javascript>:{rng.randint(1, 5)}:{rng.randint(1, 40)}" if scene.chance(0.7) else ""
            return Failure(told + place, told)
        case "terminal":
            pattern, status = rng.choice(SHELL_ERRORS)
            told = _filled(scene, pattern)
            return Failure(f"{told}\n[exit status {status}]", told)
        case "read_file":
            told = f'There is no file "{call.arguments["path"]}". Call list_files to see which there are.'
        case "write_file":
            told = rng.choice(
                (
                    "The disk is full. Write less, or replace a file that is no longer needed.",
                    _filled(scene, "{text}"),
                    _outside(call),
                )
            )
        case "web_search" | "fetch_url":
            told = _filled(scene, rng.choice(WEB_ERRORS))
        case _:
            told = rng.choice(
                (_filled(scene, "{text}"), "The arguments do not fit the tool. " + _filled(scene, "{id}: {text}"))
            )
    return Failure(f"Error: {told}", told)


def _python_error(scene: Scene, code: str) -> Failure:
    """As Python 3.11 reports it, with the source and marks below it."""
    rng = scene.rng
    lines = code.splitlines() or [""]
    number = rng.randint(1, len(lines))
    source = f"    {lines[number - 1].strip()}\n"
    marks = " " * rng.randint(4, 10) + rng.choice(("^", "^" * rng.randint(2, 9), "~~^~~")) + "\n"
    place = f'  File "<call {rng.randint(1, 9)}>", line {number}'
    if scene.chance(0.15):
        told = f"SyntaxError: {rng.choice(SYNTAX_PROBLEMS)}"
        return Failure(f"{place}\n{source}{marks}{told}", told)
    told = _filled(scene, rng.choice(PYTHON_ERRORS))
    frames = f"{place}, in <module>\n{source}{marks if scene.chance(0.6) else ''}"
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        name = scene.words.identifier()
        frames += f'  File "/usr/lib/python3/{name}.py", line {rng.randint(9, 999)}, in {scene.words.identifier()}\n'
        frames += f"    raise {scene.words.identifier()}({scene.words.sentence(1, 3)})\n" if scene.chance(0.7) else ""
    printed = scene.words.sentence() + "\n" if scene.chance(0.2) else ""
    return Failure(f"{printed}Traceback (most recent call last):\n{frames}{told}", told)


def _outside(call: Call) -> str:
    return f'"{call.arguments["path"]}" is not a path inside the working directory. Use a relative path such as "notes.txt" or "data/table.csv".'


def timeout(scene: Scene, call: Call) -> Failure:
    seconds = scene.rng.choice((10, 30, 60, 120, 300))
    if call.tool in ("python", "terminal"):
        told = f"timed out after {seconds} s"
        after = scene.rng.choice(("variables kept", "the interpreter was restarted; variables are gone"))
        return Failure(f"[{told}; {after}]", told)
    if call.tool == "javascript":
        told = f"Stopped after {seconds} s, the time limit."
        return Failure(f"[{told} {scene.rng.choice(('Variables are kept.', 'Variables are lost.'))}]", told)
    told = f"the tool did not end within {seconds} s."
    return Failure(f"Error: {told}", told)


def _markup(scene: Scene) -> str:
    tool = scene.rng.choice(("terminal", "python", "write_file"))
    inner = f'<tool_call>\n{{"name": "{tool}", "arguments": {{"code": "{scene.words.phrase(1, 4)}"}}}}\n</tool_call>'
    before = scene.words.lines(1, 3) + "\n" if scene.chance(0.7) else ""
    return before + inner + ("\n" + scene.words.sentence() if scene.chance(0.4) else "")
