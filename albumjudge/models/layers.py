"""Layers of the autoencoder and of the velocity network."""

from __future__ import annotations

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu, scaled_dot_product_attention, silu

LEAKY_SLOPE = 0.2
EMBEDDING, GROUPS, HEADS = 256, 8, 4
"""Width of the conditioning embedding, groups of a group norm, heads of self-attention."""


class HubModule(nn.Module, PyTorchModelHubMixin, library_name="albumjudge", license="mit"):
    """A network that can be saved to and loaded from a folder or the Hub, with its constructor's arguments."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a skip connection; the identity at initialisation.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.kaiming_normal_(self.conv1.weight, LEAKY_SLOPE)
        nn.init.zeros_(self.conv2.weight)
        zero_bias(self.conv1, self.conv2)

    def forward(self, maps: Tensor) -> Tensor:
        """``(n, channels, h, w)`` to the same."""
        residual: Tensor = self.conv2(leaky_relu(self.conv1(maps), LEAKY_SLOPE))
        return maps + residual


class ConditionalResidualBlock(nn.Module):
    """A pre-activation residual block modulated by an embedding; the skip connection alone at initialisation.

    FiLM (Perez et al. 2018, https://arxiv.org/abs/1709.07871): the embedding gives scale and shift of the second
    group norm.

    Args:
        in_channels, out_channels: where they differ, the skip connection is a 1x1 convolution.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, 1, 1)
        self.norm2 = nn.GroupNorm(GROUPS, out_channels, affine=False)
        self.film = nn.Linear(EMBEDDING, 2 * out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)
        nn.init.zeros_(self.conv2.weight)
        zero_bias(self.conv2)

    def forward(self, maps: Tensor, embedding: Tensor) -> Tensor:
        """``(n, in_channels, h, w)`` and ``(n, EMBEDDING)`` to ``(n, out_channels, h, w)``."""
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, 1)
        residual = self.norm2(self.conv1(silu(self.norm1(maps))))
        residual = self.conv2(silu(residual * (1 + scale) + shift))
        out: Tensor = self.skip(maps) + residual
        return out


class SelfAttention(nn.Module):
    """Multi-head self-attention over all positions with a skip connection; the identity at initialisation.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.proj.weight)
        zero_bias(self.proj)

    def forward(self, maps: Tensor) -> Tensor:
        """``(n, channels, h, w)`` to the same."""
        count, channels, height, width = maps.shape
        qkv = self.qkv(self.norm(maps)).reshape(count, 3, HEADS, channels // HEADS, height * width)
        queries, keys, values = qkv.permute(1, 0, 2, 4, 3)
        attended = scaled_dot_product_attention(queries, keys, values)
        attended = attended.transpose(2, 3).reshape(count, channels, height, width)
        out: Tensor = maps + self.proj(attended)
        return out


def blur(maps: Tensor) -> Tensor:
    """Smooth maps with the binomial kernel 1, 2, 1 in both directions, zero beyond the border.

    After upsampling it removes checkerboard artefacts (Karras et al. 2020, https://arxiv.org/abs/1912.04958).

    Args:
        maps: ``(n, channels, h, w)``.
    """
    if maps.device.type != "cpu":
        # With channels last, gradients of padded pools were wrong on CUDA (https://github.com/pytorch/pytorch/issues/188344)
        # and those of any pool on Apple silicon (https://github.com/pytorch/pytorch/pull/189233).
        maps = maps.contiguous()
    return avg_pool2d(avg_pool2d(maps, 2, 1, 1), 2, 1)


def zero_bias(*layers: nn.Module) -> None:
    """Set the biases of layers to zero."""
    for layer in layers:
        assert isinstance(layer.bias, torch.Tensor)
        nn.init.zeros_(layer.bias)
