"""A checkpoint's exact size from the headers of its safetensors files; no tensor is read.

A safetensors file begins with eight bytes (little endian length) and a JSON header; the sizes are the differences of
``data_offsets``. The bytes come from :func:`tui.agent.read_checkpoint`, here or on the machine that has the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tui.agent import read_checkpoint as read_folder
from tui.lmdeploy.config import read_config
from tui.model.checkpoint import Checkpoint, ModelConfig, WeightFormat
from tui.model.problem import Problem, ProblemError

_FORMATS: dict[str, WeightFormat] = {
    "awq": "awq",
    "gptq": "gptq",
    "fp8": "fp8",
    "mxfp4": "mxfp4",
    "compressed-tensors": "compressed-tensors",
}
_DTYPES: dict[str, WeightFormat] = {
    "BF16": "bf16",
    "F16": "fp16",
    "F32": "fp32",
    "F8_E4M3": "fp8",
    "F8_E5M2": "fp8",
}
_EMBEDDINGS = (
    "tok_embeddings.weight",
    "embed_tokens.weight",
    "word_embeddings.weight",
    "wte.weight",
    "lm_head.weight",
    "output_layer.weight",
)
_HEADS = ("output.weight", "language_model.output.weight", "model.output.weight")
_VISION = ("vision_model.", "visual.", "vision_tower.", "mlp1.", "multi_modal_projector.", "vision.", "vit.")
_PACKED = (
    ".qweight",
    ".qzeros",
    ".scales",
    ".g_idx",
    ".weight_packed",
    ".weight_scale",
    ".weight_scale_inv",
    "_blocks",
)
_PACKED_WEIGHTS = (".qweight", ".weight_packed")
_HOLES = 0.98


def load_checkpoint(folder: str | Path) -> tuple[ModelConfig, Checkpoint]:
    """Config and size of a checkpoint on this machine.

    Raises ProblemError with a ``checkpoint.…`` code when the folder, its config or a shard cannot be used."""
    return parse_checkpoint(read_folder(str(folder)))


def parse_checkpoint(raw: Mapping[str, Any]) -> tuple[ModelConfig, Checkpoint]:
    """The same from what the agent read. Raises ProblemError as :func:`load_checkpoint` does."""
    folder = str(raw.get("folder", ""))
    if raw.get("error"):
        raise ProblemError(Problem("checkpoint.folder", {"folder": folder}, str(raw["error"])))
    if raw.get("config") is None:
        raise ProblemError(Problem("checkpoint.no-config", {"folder": folder}))
    config = read_config(str(raw["config"]), folder)
    name = Path(folder).name or folder
    files = cast("list[dict[str, Any]]", raw.get("files") or [])
    wanted = _index_files(raw.get("index"), folder)
    if not files:
        raise ProblemError(Problem(_why_empty(raw), {"folder": folder}))
    return config, _sum_up(name, config, _choose(files, wanted, folder))


def weights_per_card(config: ModelConfig, checkpoint: Checkpoint, tp: int = 1) -> int:
    """Bytes of weights on one card: linear layers, embedding and head are split among ``tp`` cards, norms and a vision
    tower are on each. A 32-bit checkpoint is loaded as 16-bit (lmdeploy knows float16 and bfloat16)."""
    whole = checkpoint.replicated + checkpoint.vision
    split = -(-(checkpoint.total - whole) // tp) + whole
    return split // 2 if checkpoint.weight_format == "fp32" and config.dtype != "float32" else split


def _why_empty(raw: Mapping[str, Any]) -> str:
    return "checkpoint.not-safetensors" if raw.get("others") else "checkpoint.no-weights"


def _index_files(text: object, folder: str) -> list[str] | None:
    """File names the index lists, or None without an index."""
    if not isinstance(text, str):
        return None
    try:
        weight_map = json.loads(text)["weight_map"]
        names = sorted({str(name) for name in cast("dict[str, object]", weight_map).values()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProblemError(Problem("checkpoint.index", {"folder": folder}, str(error))) from error
    if not names or any("/" in name or "\\" in name or name in ("", ".", "..") for name in names):
        raise ProblemError(Problem("checkpoint.index", {"folder": folder}, "impossible file name"))
    return names


def _choose(files: list[dict[str, Any]], wanted: list[str] | None, folder: str) -> list[dict[str, Any]]:
    by_name = {str(entry["name"]): entry for entry in files}
    if wanted is None:
        plain = [entry for name, entry in by_name.items() if not name.startswith("consolidated")]
        return plain or files
    missing = [name for name in wanted if name not in by_name]
    if missing:
        data = {"folder": folder, "file": missing[0], "count": len(missing), "of": len(wanted)}
        raise ProblemError(Problem("checkpoint.missing-shard", data))
    return [by_name[name] for name in wanted]


@dataclass(slots=True)
class _Sum:
    total: int = 0
    tensors: int = 0
    by_dtype: dict[str, int] = field(default_factory=dict[str, int])
    packed: int = 0
    packed_elements: int = 0
    groups: int = 0
    embedding: int = 0
    vision: int = 0
    replicated: int = 0

    def add(self, name: str, tensor: _Tensor, bits: int) -> None:
        self.total += tensor.size
        self.tensors += 1
        self.by_dtype[tensor.dtype] = self.by_dtype.get(tensor.dtype, 0) + tensor.size
        if name.startswith(_VISION) or ".visual." in name or ".vision_tower." in name:
            self.vision += tensor.size
        elif name.endswith(_EMBEDDINGS) or name in _HEADS:
            self.embedding += tensor.size
        elif name.endswith(_PACKED) or tensor.dtype.startswith("F8"):
            self.packed += tensor.size
            if name.endswith(_PACKED_WEIGHTS):
                self.packed_elements += tensor.size * 8 // bits
            elif tensor.dtype.startswith("F8"):
                self.packed_elements += tensor.size
            if name.endswith(".scales"):
                self.groups += tensor.elements
        elif tensor.dimensions < 2:
            self.replicated += tensor.size


@dataclass(frozen=True, slots=True)
class _Tensor:
    dtype: str
    size: int
    dimensions: int
    elements: int
    end: int


def _sum_up(name: str, config: ModelConfig, files: list[dict[str, Any]]) -> Checkpoint:
    bits = config.quant_bits if config.quant_bits in (2, 3, 4, 8) else 4
    total = _Sum()
    holes: list[tuple[int, int]] = []
    for entry in files:
        end = 0
        for tensor_name, tensor in _tensors(entry):
            total.add(tensor_name, tensor, bits)
            end = max(end, tensor.end)
        _check_length(entry, end)
        if 0 <= entry.get("stored", -1) < entry["size"] * _HOLES - (1 << 20):
            holes.append((int(entry["stored"]), int(entry["size"])))
    problems = (_sparse(name, holes),) if holes else ()
    return Checkpoint(
        name=name,
        total=total.total,
        files=len(files),
        tensors=total.tensors,
        by_dtype=total.by_dtype,
        weight_format=_format(config, total.by_dtype),
        packed=total.packed,
        packed_elements=total.packed_elements,
        groups=total.groups,
        embedding=total.embedding,
        vision=total.vision,
        replicated=total.replicated,
        problems=problems,
    )


def _sparse(name: str, holes: list[tuple[int, int]]) -> Problem:
    stored, size = sum(hole[0] for hole in holes), sum(hole[1] for hole in holes)
    return Problem("checkpoint.sparse", {"name": name, "files": len(holes), "percent": stored * 100 // max(size, 1)})


def _check_length(entry: Mapping[str, Any], end: int) -> None:
    header = len(str(entry["header"]).encode("utf-8", "replace"))
    missing = 8 + header + end - int(entry["size"])
    if missing > 0:
        data = {"file": str(entry["name"]), "missing": missing}
        raise ProblemError(Problem("checkpoint.truncated", data))


def _tensors(entry: Mapping[str, Any]) -> list[tuple[str, _Tensor]]:
    file = str(entry["name"])
    if entry.get("error"):
        code = f"checkpoint.{entry['error']}"
        raise ProblemError(Problem(code, {"file": file, "missing": 0}, str(entry.get("detail", ""))))
    try:
        header = cast("dict[str, Any]", json.loads(str(entry["header"])))
        return [(name, _tensor(facts)) for name, facts in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProblemError(Problem("checkpoint.header", {"file": file}, str(error)[:200])) from error


def _tensor(facts: dict[str, Any]) -> _Tensor:
    begin, end = facts["data_offsets"]
    shape = facts["shape"]
    if not (isinstance(begin, int) and isinstance(end, int) and 0 <= begin <= end):
        raise ValueError(facts["data_offsets"])
    elements = 1
    for side in shape:
        elements *= side
    return _Tensor(str(facts["dtype"]), end - begin, len(shape), elements, end)


def _format(config: ModelConfig, by_dtype: Mapping[str, int]) -> WeightFormat:
    method = config.quant_method.lower()
    if method:
        return _FORMATS.get(method, "other")
    if not by_dtype:
        return "other"
    largest = max(by_dtype, key=lambda dtype: by_dtype[dtype])
    return _DTYPES.get(largest, "other")
