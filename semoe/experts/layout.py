"""Where each number of an expert lies: one flat vector, layer-major, A before B at each site.

    E experts   N numbers of one expert   R rank   I, O inputs and outputs of a site

An expert is a row of `[E, N]`; training, storing and serving all move whole rows. PEFT's tensors are views of it.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from semoe.errors import CorruptError
from semoe.experts.settings import LoraSettings
from semoe.models.config import ModelConfig
from semoe.models.sites import PROJECTIONS, Site, projection_shapes, weight_name


@dataclass(frozen=True)
class ExpertLayout:
    """The places of an expert's tensors in its flat vector."""

    config: ModelConfig
    lora: LoraSettings

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """The linear layers that hold an expert, in order."""
        return tuple(Site(layer, name) for layer in range(self.config.num_hidden_layers) for name in self.modules)

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Those of PROJECTIONS that hold an expert in every layer, in order."""
        return tuple(name for name in PROJECTIONS if name in self.lora.target_modules)

    @cached_property
    def offsets(self) -> dict[Site, tuple[int, int, int, int]]:
        """(start of A, start of B, inputs, outputs) of each site."""
        shapes = projection_shapes(self.config)
        places: dict[Site, tuple[int, int, int, int]] = {}
        at = 0
        for site in self.sites:
            outputs, inputs = shapes[site.module]
            places[site] = (at, at + self.lora.rank * inputs, inputs, outputs)
            at += self.lora.rank * (inputs + outputs)
        return places

    @cached_property
    def size(self) -> int:
        """N, the numbers of one expert."""
        shapes = projection_shapes(self.config)
        return sum(self.lora.rank * sum(shapes[site.module]) for site in self.sites)

    def pair(self, stack_EN: Tensor, site: Site) -> tuple[Tensor, Tensor]:
        """Returns views A [E, R, I] and B [E, O, R] of a site for all experts of a stack."""
        a, b, inputs, outputs = self.offsets[site]
        rank = self.lora.rank
        return (
            stack_EN[:, a : a + rank * inputs].unflatten(1, (rank, inputs)),
            stack_EN[:, b : b + rank * outputs].unflatten(1, (outputs, rank)),
        )

    def in_all_layers(self, flat_N: Tensor, module: str) -> tuple[Tensor, Tensor]:
        """Returns views A [layers, R, I] and B [layers, O, R] of one expert, at a module's sites."""
        layers_LN = flat_N.view(self.config.num_hidden_layers, -1)
        return self.pair(layers_LN, Site(0, module))

    def split(self, flat_N: Tensor) -> dict[str, Tensor]:
        """Returns views of one expert under PEFT's tensor names."""
        tensors = {}
        for site in self.sites:
            a_ERI, b_EOR = self.pair(flat_N[None], site)
            tensors[tensor_name(site, "A")] = a_ERI[0]
            tensors[tensor_name(site, "B")] = b_EOR[0]
        return tensors

    def join(self, tensors: dict[str, Tensor]) -> Tensor:
        """Builds the flat vector (float32) from PEFT's tensors.

        Raises:
            CorruptError: a tensor is missing, unknown, or of another shape; the message names the first one.
        """
        flat_N = torch.empty(self.size)
        places = self.split(flat_N)
        # Sorted, so that the same file is always refused with the same words.
        for name in sorted(places.keys() ^ tensors.keys()):
            state = "missing" if name in places else "not expected"
            raise CorruptError(f"Tensor {name} is {state}: another rank, model or target made it.", kind="expert-keys")
        for name, place in places.items():
            if place.shape != tensors[name].shape:
                found = tuple(tensors[name].shape)
                wanted = tuple(place.shape)
                raise CorruptError(f"Tensor {name} has shape {found}, expected {wanted}.", kind="expert-shape")
            place.copy_(tensors[name])
        return flat_N


def tensor_name(site: Site, part: str) -> str:
    """Returns PEFT's name of a site's A or B."""
    return f"base_model.model.{weight_name(site)}.lora_{part}.weight"
