"""Layers: against the library's own, against plain formulas, and the identity at initialisation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu

from albumjudge.models.autoencoder import Decoder, Encoder
from albumjudge.models.layers import (
    EMBEDDING,
    LEAKY_SLOPE,
    ConditionalResidualBlock,
    ResidualBlock,
    SelfAttention,
    blur,
)
from tests.models.networks import differ, randomised


def maps_of(*shape: int, seed: int = 2) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def test_blocks_are_the_identity_at_first_and_learn_all_the_same() -> None:
    block, maps = ResidualBlock(3), torch.randn(2, 3, 5, 5)
    out = block(maps)
    assert torch.equal(out, maps)
    out.square().sum().backward()
    assert block.conv2.weight.grad is not None and block.conv2.weight.grad.any()
    block, maps = ResidualBlock(3).double(), maps_of(2, 3, 5, 5)
    with torch.no_grad():
        for layer, gain in ((block.conv1, 2.0), (block.conv2, 3.0)):
            layer.weight.zero_()
            layer.weight[range(3), range(3), 1, 1] = gain
    assert torch.allclose(block(maps), maps + 3 * leaky_relu(2 * maps, LEAKY_SLOPE), atol=1e-12)


def test_a_conditional_block_is_the_identity_at_first_and_later_depends_on_maps_and_embedding() -> None:
    maps, embedding = maps_of(2, 8, 4, 4), maps_of(2, EMBEDDING)
    assert torch.equal(ConditionalResidualBlock(8, 8).double()(maps, embedding), maps)
    block = randomised(ConditionalResidualBlock(8, 16))
    out = block(maps, embedding)
    assert out.shape == (2, 16, 4, 4)
    assert differ(out, block(maps, embedding.flip(0))) and differ(out, block(maps.flip(0), embedding))


def test_self_attention_is_that_of_the_library() -> None:
    attention, maps = randomised(SelfAttention(16)), maps_of(2, 16, 3, 5)
    library = nn.MultiheadAttention(16, 4, batch_first=True).double()
    with torch.no_grad():
        library.in_proj_weight.copy_(attention.qkv.weight[:, :, 0, 0])
        library.out_proj.weight.copy_(attention.proj.weight[:, :, 0, 0])
        assert attention.qkv.bias is not None and attention.proj.bias is not None
        library.in_proj_bias.copy_(attention.qkv.bias)
        library.out_proj.bias.copy_(attention.proj.bias)
    tokens = attention.norm(maps).flatten(2).transpose(1, 2)
    attended, _ = library(tokens, tokens, tokens)
    assert torch.allclose(attention(maps), maps + attended.transpose(1, 2).reshape(maps.shape), atol=1e-10)


def test_blur_is_the_binomial_kernel_and_removes_the_checkerboard() -> None:
    maps = maps_of(2, 3, 6, 8)
    weights = torch.tensor([1.0, 2, 1]).double() / 4
    kernel = torch.outer(weights, weights).expand(3, 1, 3, 3)
    assert torch.allclose(blur(maps), conv2d(maps, kernel, padding=1, groups=3), atol=1e-12)
    stripes = torch.tensor([1.0, -1]).double().repeat(4).expand(1, 1, 8, 8)
    for pattern in (stripes, stripes.mT, stripes * stripes.mT):
        assert not blur(pattern)[:, :, 1:-1, 1:-1].any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_gradients_of_blur_are_the_same_on_a_gpu() -> None:
    """They were not, with channels last."""
    given = maps_of(2, 3, 6, 8).contiguous(memory_format=torch.channels_last)
    gradients = []
    for device in ("cpu", "cuda"):
        maps = given.to(device).requires_grad_()
        total = (blur(maps) * maps_of(2, 3, 6, 8, seed=3).to(device)).sum()
        gradients += [gradient.cpu() for gradient in torch.autograd.grad(total, maps)]
    assert torch.allclose(gradients[0], gradients[1], atol=1e-9)


def test_the_decoder_widens_where_maps_are_smaller_and_the_encoder_makes_standard_latents() -> None:
    with torch.device("meta"):
        decoder = Decoder(12, 64)
    widths = [layer.in_channels for layer in decoder.upsample if isinstance(layer, nn.ConvTranspose2d)]
    assert widths == [192, 128, 64]
    assert (decoder.conv_in.in_channels, decoder.conv_out.in_channels) == (12, 32)
    latent_images = Encoder(3, 4).train()(torch.rand(16, 3, 64, 64))
    assert latent_images.shape == (16, 3, 8, 8)
    assert latent_images.mean((0, 2, 3)).abs().max() < 1e-4
    assert (latent_images.std((0, 2, 3)) - 1).abs().max() < 1e-2


def test_the_decoder_has_no_batch_statistics_and_may_blur_its_last_upsampling() -> None:
    decoder = randomised(Decoder(3, 2)).train()
    images = maps_of(3, 3, 8, 8)
    alone = torch.cat([decoder(image[None]) for image in images])
    assert torch.allclose(decoder(images), alone, atol=1e-12) and differ(alone[0], alone[1])
    smooth = Decoder(3, 2, blur_last=True).double()
    smooth.load_state_dict(decoder.state_dict())
    assert differ(smooth(images), alone)
