"""Batch norm over the whole batch when each process holds a part of it.

What torch's own ``SyncBatchNorm`` does, but on any device: that one runs on GPUs only, so two processes on a
CPU would train another network than one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce

from training.engine.distributed import Processes


class SharedBatchNorm2d(nn.BatchNorm2d):
    """A batch norm whose means and variances in training are those of all processes' maps.

    Every process must give it as many maps as the others, of the same size, and as often.

    Args:
        norm: the batch norm to stand in for; parameters and statistics are the same objects.
        crew: the processes.
    """

    def __init__(self, norm: nn.BatchNorm2d, crew: Processes) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine)
        self.weight, self.bias = norm.weight, norm.bias
        self.running_mean, self.running_var = norm.running_mean, norm.running_var
        self.num_batches_tracked = norm.num_batches_tracked
        self.train(norm.training)
        self.crew = crew

    def forward(self, maps: Tensor) -> Tensor:
        """``(n, c, h, w)`` to the same shape and dtype."""
        if not self.training:
            return super().forward(maps)
        with torch.autocast(maps.device.type, enabled=False):
            wide = maps.float()
            variance, mean = self._of_all(wide)
            scale = (variance + self.eps).rsqrt()
            offset = -mean * scale
            if self.affine:
                scale, offset = self.weight * scale, self.bias + self.weight * offset
            self._remember(mean, variance, maps.numel() // len(mean) * self.crew.size)
            return (wide * scale[:, None, None] + offset[:, None, None]).to(maps.dtype)

    def _of_all(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Variance and mean of each channel over all processes, each of shape ``(c,)``."""
        here = torch.stack(torch.var_mean(maps, (0, 2, 3), correction=0))
        # A sum in which every process fills in its own row gathers them, and its gradient finds the way back.
        rows = [here if rank == self.crew.rank else torch.zeros_like(here) for rank in range(self.crew.size)]
        variances, means = all_reduce(torch.stack(rows)).unbind(1)  # type: ignore[no-untyped-call]
        mean = means.mean(0)
        return variances.mean(0) + (means - mean).square().mean(0), mean

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)


def share_norms(network: nn.Module, crew: Processes) -> None:
    """Let every batch norm of a network normalise over all processes. A crew of one leaves all as it is."""
    if crew.size == 1:
        return
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, SharedBatchNorm2d(child, crew))
