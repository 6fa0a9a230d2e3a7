"""Runs code for the evaluation, one JSON request a line, with the variables kept; answers with one JSON line."""

import ast
import contextlib
import io
import json
import linecache
import os
import sys
import traceback

os.environ["MPLBACKEND"] = "Agg"
namespace = {"__name__": "__main__"}
answers = sys.stdout


def open_figures():
    plotting = sys.modules.get("matplotlib.pyplot")
    if plotting is None:
        return 0
    count = len(plotting.get_fignums())
    plotting.close("all")
    return count


def run(code, name):
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    value = eval(compile(ast.Expression(last.value), name, "eval"), namespace) if last else None
    return None if value is None else repr(value)


def report(error):
    # Our own two frames say nothing about the user's code.
    trace = error.__traceback__
    while trace and not trace.tb_frame.f_code.co_filename.startswith("<call "):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip("\n")


for number, line in enumerate(sys.stdin, 1):
    out, err = io.StringIO(), io.StringIO()
    answer = {}
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            answer["value"] = run(json.loads(line)["code"], f"<call {number}>")
        except BaseException as error:
            answer["exception"] = report(error)
        answer["figures"] = open_figures()
    answer.update(stdout=out.getvalue(), stderr=err.getvalue())
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
