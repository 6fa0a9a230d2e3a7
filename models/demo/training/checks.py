"""`python3 -m training.checks`: all modules load, kernels do as plain PyTorch, rendering does as the real template, and
no sentence stands in two sections.

The template's check wants python3-jinja2 and is left out without it.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import random

import torch
import torch.nn.functional as F

import training

from .dialogue.lexicon import Lexicon
from .dialogue.render import call_text, text_of, thought_of
from .dialogue.schema import Dialogue
from .dialogue.wording import Wording
from .network import Network, Rotation, attend, fused
from .optimizer import Optimizer
from .requests import Rarely
from .sessions import Sessions
from .settings import TEMPLATE, WORD_LIST, Schedule, Shape
from .tokenizer import Tokenizer
from .wordings.meanings import ambiguous

# bf16 has eight bits of precision.
_TOLERANCE = 0.01


def _distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.float() - b.float()).norm() / b.float().norm())


def _expect_close(what: str, a: torch.Tensor, b: torch.Tensor) -> None:
    distance = _distance(a, b)
    assert distance < _TOLERANCE, f"{what} is off by {distance:.4f}"
    print(f"{what}: off by {distance:.4f}")


def check_attention() -> None:
    for batch, time, heads, size in ((2, 64, 3, 64), (1, 96, 2, 32), (1, 2048, 1, 64)):
        plain = torch.randn(batch, time, 3, heads, size)
        cosines, sines = Rotation(Shape(head=size)).upto(time)
        gradient = torch.randn(batch, time, heads, size)
        first = plain.clone().requires_grad_()
        attend(first, cosines, sines).backward(gradient)
        second = plain.bfloat16().requires_grad_()
        mixed = fused.Attention.apply(second, cosines, sines)
        mixed.backward(gradient.bfloat16())
        _expect_close(f"attention over {time}", mixed, attend(plain, cosines, sines))
        _expect_close(f"its gradient over {time}", second.grad, first.grad)


def check_swiglu() -> None:
    plain, gradient = torch.randn(30, 256, requires_grad=True), torch.randn(30, 128)
    gate, up = plain.chunk(2, -1)
    expected = F.silu(gate) * up
    expected.backward(gradient)
    second = plain.detach().bfloat16().requires_grad_()
    made = fused.Swiglu.apply(second)
    made.backward(gradient.bfloat16())
    _expect_close("swiglu", made, expected)
    _expect_close("its gradient", second.grad, plain.grad)


def check_norm() -> None:
    x, added, weight = torch.randn(70, 192), torch.randn(70, 192).bfloat16(), torch.randn(192)
    of_sum, of_norm = torch.randn(70, 192), torch.randn(70, 192)
    expected = [x.clone().requires_grad_(), added.float().requires_grad_(), weight.clone().requires_grad_()]
    total = expected[0] + expected[1]
    normed = total * torch.rsqrt((total**2).mean(-1, keepdim=True) + 1e-5) * expected[2]
    torch.autograd.backward((total, normed), (of_sum, of_norm))
    made = [x.clone().requires_grad_(), added.clone().requires_grad_(), weight.clone().requires_grad_()]
    outputs = fused.Norm.apply(*made, 1e-5)
    torch.autograd.backward(outputs, (of_sum, of_norm.bfloat16()))
    _expect_close("sum", outputs[0], total)
    _expect_close("norm", outputs[1], normed)
    for what, mine, other in zip(("x", "the addend", "the weight"), made, expected):
        _expect_close(f"its gradient of {what}", mine.grad, other.grad)


def check_network() -> None:
    """All kernels at once, as the training uses them."""
    with_kernels = Network(Shape())
    without = Network(Shape(), allow_fused=False)
    without.load_state_dict(with_kernels.state_dict())
    ids = torch.randint(0, 1024, (3, 64))
    targets = torch.where(torch.rand(3, 64) < 0.5, ids, -1)
    weights = 1 + torch.rand(3, 64)
    for network in (with_kernels, without):
        network.loss(ids, targets, weights)[0].backward()
    for (name, mine), (_, other) in zip(with_kernels.named_parameters(), without.named_parameters()):
        distance = _distance(mine.grad, other.grad)
        assert distance < 5 * _TOLERANCE, f"the gradient of {name} is off by {distance:.4f}"
    print("the whole network's gradients are those of plain PyTorch")
    before = with_kernels.blocks[0].qkv.weight.detach().clone()
    Optimizer(with_kernels, Schedule()).step(1.0)
    assert not torch.equal(with_kernels.blocks[0].qkv.weight, before), "the optimizer's step changed nothing"


def template_input(dialogue: Dialogue) -> dict[str, object]:
    """The dialogue as an OpenAI-style request. Its last message is the one that is being made."""
    messages: list[dict[str, object]] = []
    if dialogue.system is not None:
        messages.append({"role": "system", "content": dialogue.system})
    for turn in dialogue.turns:
        messages.append({"role": "user", "content": turn.user})
        for step in turn.rounds:
            calls = [{"function": {"name": call.tool, "arguments": dict(call.arguments)}} for call in step.calls]
            messages.append(
                {
                    "role": "assistant",
                    "content": step.text,
                    "reasoning_content": thought_of(step, dialogue.tools) if dialogue.thinking else "",
                    "tool_calls": calls,
                }
            )
            messages += [{"role": "tool", "content": call.result} for call in step.calls]
    while messages[-1]["role"] != "assistant":
        messages.pop()
    messages.pop()
    tools = [
        {
            "function": {
                "name": tool.name,
                "parameters": {"properties": {parameter: {} for parameter in tool.parameters}},
            }
        }
        for tool in dialogue.tools
    ]
    return {"messages": messages, "tools": tools, "enable_thinking": dialogue.thinking, "add_generation_prompt": True}


def check_template() -> None:
    try:
        import jinja2  # noqa: PLC0415 -- may be missing
    except ImportError:
        print("template: not checked, there is no jinja2")
        return
    environment = jinja2.Environment()
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": False}
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = environment.from_string(TEMPLATE.read_text())
    sessions = Sessions(3, Lexicon(random.Random(3), WORD_LIST, held_out=False), held_out_wordings=False)
    for _ in range(400):
        dialogue = sessions.dialogue()
        prompt, whole = template.render(**template_input(dialogue)), text_of(dialogue)
        newest = dialogue.turns[-1].rounds[-1]
        end = (
            newest.text
            + ("\n" if newest.text and newest.calls else "")
            + "\n".join(map(call_text, newest.calls))
            + "<|im_end|>"
        )
        thought = f"<think>\n{thought_of(newest, dialogue.tools)}\n</think>\n\n" if dialogue.thinking else ""
        assert prompt + thought + end == whole, f"rendered {whole!r},\nthe template makes {prompt + thought + end!r}"
    print("template: 400 dialogues are rendered as it renders them")


def check_tokenizer() -> None:
    tokenizer = Tokenizer([("a", "b"), ("ab", "c")])
    text = 'abc <tool_call> "ab\\n" é🙂 <|im_end|>'
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode(tokenizer.encode_content(text)) == text
    assert tokenizer.ids["<|im_end|>"] in tokenizer.encode(text)
    assert tokenizer.ids["<|im_end|>"] not in tokenizer.encode_content(text)
    print("tokenizer: there and back")


def check_meanings() -> None:
    twice = ambiguous()
    assert not twice, "sentences that stand in two sections:\n" + "\n".join(twice)
    print("wordings: no sentence stands in two sections")


def check_rarely() -> None:
    rarely = Rarely()
    wording = Wording(random.Random(1), held_out=False, emphasis=rarely)
    patterns = [f"pattern {number}" for number in range(50)]
    asked_for = [rarely.took(wording.take([*patterns, "~held out"])) for _ in range(4 * len(patterns))]
    assert set(wording.taken[: len(patterns) + 10]) == set(patterns), "not each was taken before any was often"
    assert sum(asked_for) == 2 * len(patterns), "each is asked for twice"
    print("requests: each way to ask is taken before others are taken again")


def check_modules() -> None:
    """Some are run once in a training only, after hours. The curve wants python3-matplotlib, where there is one."""
    names = [module.name for module in pkgutil.walk_packages(training.__path__, "training.")]
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as missing:
            if missing.name != "matplotlib":
                raise
    print(f"{len(names)} modules can be loaded")


def main() -> None:
    torch.manual_seed(0)
    check_modules()
    check_meanings()
    check_rarely()
    check_tokenizer()
    check_template()
    if fused is None:
        print("kernels: not checked, there are none on this machine")
        return
    check_attention()
    check_swiglu()
    check_norm()
    check_network()


if __name__ == "__main__":
    main()
