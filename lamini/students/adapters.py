"""What of a student is trained: all of it, or small low-rank matrices beside its frozen layers.

LoRA (arXiv:2106.09685) learns W + B A * alpha / r with B and A of rank r; QLoRA (arXiv:2305.14314) keeps the
frozen W in four bits. The matrices are put into the model in place and not around it, so that all that a
student asks of a model works as before, and they are added into the weights before the export: what comes out
is a plain model. peft and torch are imported only when an adapter is attached.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lamini.config import Init, Strategy, TrainConfig
from lamini.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ALL_LINEAR = ["all-linear"]


@dataclass
class NoAdapter:
    """Every weight is trained."""

    def check(self, config: TrainConfig) -> None:
        """Nothing can be missing."""

    def check_device(self, cuda: bool) -> None:
        """Every device will do."""

    def loading(self) -> dict[str, Any]:
        """What `from_pretrained` is told beside the source."""
        return {}

    def attach(self, model: PreTrainedModel) -> None:
        """Leave the model as it is."""


@dataclass
class Lora:
    """Low-rank matrices beside the frozen weights."""

    r: int  # rank of the matrices
    alpha: int  # their product counts alpha / r
    dropout: float  # of their input
    targets: list[str] | None  # names of layers; [all-linear]: all but the head; null: peft's for the model

    def check(self, config: TrainConfig) -> None:
        """Raise UserError where peft is not installed."""
        _need("peft", "adapter=lora", "lora")

    def check_device(self, cuda: bool) -> None:
        """Every device will do."""

    def loading(self) -> dict[str, Any]:
        """Nothing: the weights are loaded as they are."""
        return {}

    def attach(self, model: PreTrainedModel) -> None:
        """Put the matrices into `model` in place and freeze all else. At first they change nothing: B is 0.

        Raises:
            UserError: targets that the model lacks or that lie outside its blocks.
        """
        from peft import LoraConfig, inject_adapter_in_model
        from peft.tuners.lora import LoraLayer

        targets: Any = "all-linear" if self.targets == ALL_LINEAR else self.targets
        options = LoraConfig(
            r=self.r, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules=targets
        )
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="fan_in_fan_out")  # right by itself for GPT-2
                inject_adapter_in_model(options, model)
        except ValueError as error:
            raise UserError(f"adapter.targets={self.targets}: {str(error).splitlines()[0]}") from error
        # The head's weights are used without its forward, and may be those of the embeddings.
        for part in (model.get_input_embeddings(), model.get_output_embeddings()):
            if isinstance(part, LoraLayer):
                raise UserError(
                    f"adapter.targets={self.targets} names the embeddings or the head;"
                    " name layers of the blocks, or [all-linear]"
                )


@dataclass
class QLora(Lora):
    """The same beside published weights that are kept in four bits (NF4, the scales quantised too)."""

    def check(self, config: TrainConfig) -> None:
        """Raise UserError where a library is missing or the combination cannot work."""
        if config.init is not Init.pretrained:
            raise UserError(
                "adapter=qlora needs init=pretrained: it quantises published weights; or adapter=lora"
            )
        if config.trainer.strategy is Strategy.fsdp:
            raise UserError(
                "adapter=qlora cannot be sharded: set trainer.strategy=ddp, or adapter=lora with fsdp"
            )
        _need("peft", "adapter=qlora", "qlora")
        _need("bitsandbytes", "adapter=qlora", "qlora")

    def check_device(self, cuda: bool) -> None:
        """Raise UserError unless the student trains on a CUDA device."""
        if not cuda:
            raise UserError("adapter=qlora needs a CUDA device; adapter=lora works on every device")

    def loading(self) -> dict[str, Any]:
        """Four bits, computed in bf16, straight onto this rank's device."""
        import torch
        from transformers import BitsAndBytesConfig

        quantised = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
        return {"quantization_config": quantised, "device_map": {"": int(os.environ.get("LOCAL_RANK", 0))}}


def merge(model: PreTrainedModel) -> None:
    """Add the matrices into the weights beside them, in place: a plain model of the same outputs.

    Weights in four bits are first turned into what they stand for: quantising the sum again would round
    away what was learned.
    """
    if not hasattr(model, "peft_config"):
        return
    from peft.tuners.lora import LoraLayer

    turned = _turned(model)
    if getattr(model, "is_quantized", False):
        model.dequantize()
    layers = [(name, module) for name, module in model.named_modules() if isinstance(module, LoraLayer)]
    for name, found in layers:
        layer: Any = found
        base = layer.get_base_layer()
        (adapter,) = layer.active_adapters
        base.weight.data += layer.get_delta_weight(adapter).to(base.weight)
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, base)
    for name in turned:
        _turn_back(model, name.removesuffix(".base_layer"))
    del model.peft_config
    model.requires_grad_(True)


def _turned(model: PreTrainedModel) -> list[str]:
    """Names of the layers in four bits that were GPT-2's Conv1D, whose weights lie the other way round."""
    from transformers.pytorch_utils import Conv1D

    return [name for name, module in model.named_modules() if getattr(module, "source_cls", None) is Conv1D]


def _turn_back(model: PreTrainedModel, name: str) -> None:
    import torch
    from transformers.pytorch_utils import Conv1D

    linear: Any = model.get_submodule(name)
    layer = Conv1D(linear.out_features, linear.in_features)
    layer.weight = torch.nn.Parameter(linear.weight.T.contiguous())
    layer.bias = linear.bias
    model.set_submodule(name, layer)


def _need(library: str, key: str, extra: str) -> None:
    if find_spec(library) is None:
        raise UserError(f"{key} needs {library}: pip install 'lamini-herd[{extra}]', or adapter=none")
