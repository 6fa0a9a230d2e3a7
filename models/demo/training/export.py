"""The trained network as a GGUF of the architecture `llama`, with its tokenizer and its template."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .gguf import Entry, Kind, Precision, Weights, write_gguf
from .network import Network
from .settings import TEMPLATE, Shape
from .tokenizer import CONTROL, END_OF_TEXT, SPECIAL, TURN_END, Tokenizer

# How llama.cpp numbers file types, by the precision of the matrices.
_FILE_TYPES = {Precision.F32: 0, Precision.F16: 1, Precision.Q8_0: 7}
# ... and token types. User-defined ones are matched as a whole wherever they stand.
_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4


def export(path: Path, network: Network, tokenizer: Tokenizer, precision: Precision) -> int:
    """Returns the size in bytes."""
    entries = [*_architecture(network.shape, precision), *_tokenizer(tokenizer)]
    return write_gguf(path, entries, list(tensors(network, precision)))


def _architecture(shape: Shape, precision: Precision) -> list[Entry]:
    numbers = {
        "context_length": shape.context,
        "embedding_length": shape.width,
        "block_count": shape.layers,
        "feed_forward_length": shape.hidden,
        "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.heads,
        "attention.key_length": shape.head,
        "attention.value_length": shape.head,
        "rope.dimension_count": shape.head,
        "vocab_size": shape.vocabulary,
    }
    return [
        Entry("general.architecture", Kind.TEXT, "llama"),
        Entry("general.name", Kind.TEXT, "demo-agent"),
        Entry("general.type", Kind.TEXT, "model"),
        Entry("general.license", Kind.TEXT, "mit"),
        Entry("general.file_type", Kind.UNSIGNED, _FILE_TYPES[precision]),
        Entry("general.quantization_version", Kind.UNSIGNED, 2),
        *(Entry("llama." + key, Kind.UNSIGNED, value) for key, value in numbers.items()),
        Entry("llama.attention.layer_norm_rms_epsilon", Kind.FLOAT, shape.epsilon),
        Entry("llama.rope.freq_base", Kind.FLOAT, shape.rope_base),
    ]


def _tokenizer(tokenizer: Tokenizer) -> list[Entry]:
    special = [_CONTROL if token in CONTROL else _USER_DEFINED for token in SPECIAL]
    types = special + [_NORMAL] * (len(tokenizer) - len(SPECIAL))
    key = "tokenizer.ggml."
    return [
        Entry(key + "model", Kind.TEXT, "gpt2"),
        Entry(key + "pre", Kind.TEXT, "deepseek-coder"),
        Entry(key + "tokens", Kind.TEXT, tokenizer.tokens),
        Entry(key + "token_type", Kind.INTEGER, types),
        Entry(key + "merges", Kind.TEXT, [f"{left} {right}" for left, right in tokenizer.merges]),
        Entry(key + "bos_token_id", Kind.UNSIGNED, END_OF_TEXT),
        Entry(key + "eos_token_id", Kind.UNSIGNED, TURN_END),
        Entry(key + "eot_token_id", Kind.UNSIGNED, TURN_END),
        Entry(key + "padding_token_id", Kind.UNSIGNED, END_OF_TEXT),
        Entry(key + "add_bos_token", Kind.BOOLEAN, False),
        Entry(key + "add_space_prefix", Kind.BOOLEAN, False),
        Entry("tokenizer.chat_template", Kind.TEXT, TEMPLATE.read_text()),
    ]


def tensors(network: Network, precision: Precision) -> Iterator[Weights]:
    """Their values are views of the network's. Norms stay in F32. There is no output matrix: llama.cpp then takes the embedding."""

    def matrix(name: str, values) -> Weights:
        return Weights(name + ".weight", values.detach().numpy(), precision)

    def norm(name: str, values) -> Weights:
        return Weights(name + ".weight", values.detach().numpy(), Precision.F32)

    yield matrix("token_embd", network.embedding)
    for number, block in enumerate(network.blocks):
        name = f"blk.{number}."
        query, key, value = block.qkv.weight.chunk(3)
        gate, up = block.gate_up.weight.chunk(2)
        yield norm(name + "attn_norm", block.attention_norm.weight)
        yield matrix(name + "attn_q", query)
        yield matrix(name + "attn_k", key)
        yield matrix(name + "attn_v", value)
        yield matrix(name + "attn_output", block.output.weight)
        yield norm(name + "ffn_norm", block.feed_norm.weight)
        yield matrix(name + "ffn_gate", gate)
        yield matrix(name + "ffn_up", up)
        yield matrix(name + "ffn_down", block.down.weight)
    yield norm("output_norm", network.norm.weight)
