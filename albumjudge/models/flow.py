"""A painter in two steps: a small sketch is made from noise, then it is inked.

What a sketch is was learnt before, by an autoencoder (see ``training/train_autoencoder.py``): a picture an eighth
as large on each side, with ``depth`` numbers at each point instead of three. As in latent diffusion (Rombach et
al. 2022, https://arxiv.org/abs/2112.10752) the inker knows how strokes, letters and skin look, so whoever
makes sketches can mind what the cover shows. A sketch begins as noise, and a network that has learnt which
way real sketches lie moves it there in a few steps (flow matching, Lipman et al. 2022,
https://arxiv.org/abs/2210.02747; rectified flow, Liu et al. 2022, https://arxiv.org/abs/2209.03003).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, scaled_dot_product_attention, silu

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.models.dcgan import doublings

GRAIN = 8
"""Pixels of a cover to each side that one point of its sketch stands for."""
LEAST = 8 * GRAIN
SLOPE = 0.2
TOLD, GROUPS, HEADS, WAVES = 256, 8, 4, 32
"""Numbers that tell a layer of the sketcher moment and order; groups of its norms; heads of its attention; waves
that a moment is written as."""
TURNS = 3.0
"""How fast fine details change with the latent vector, in radians a usual length: so those of two covers are
strangers (correlated by exp(-9)), and those of a tenth of the way are not."""


CALM = 0.2
"""The power of a latent vector's length that the noise is as long as: noise a tenth too short already leads to
empty sketches, noise a tenth too long to gaudy ones."""


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added; nothing at first.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.kaiming_normal_(self.first.weight, SLOPE)
        nn.init.zeros_(self.second.weight)
        for layer in (self.first, self.second):
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """``(n, channels, h, w)`` to the same."""
        added: Tensor = self.second(nn.functional.leaky_relu(self.first(maps), SLOPE))
        return maps + added


def blur(maps: Tensor) -> Tensor:
    """Maps without the weave of two points' width that enlarging leaves; each side weighs 1, 2, 1.

    As after enlarging in Karras et al. 2020 (https://arxiv.org/abs/1912.04958).

    Args:
        maps: ``(n, channels, h, w)``.
    """
    if maps.device.type != "cpu":
        # With channels last, slopes of padded pools were wrong on CUDA (https://github.com/pytorch/pytorch/issues/188344)
        # and those of any pool on Apple silicon (https://github.com/pytorch/pytorch/pull/189233).
        maps = maps.contiguous()
    return avg_pool2d(avg_pool2d(maps, 2, 1, 1), 2, 1)


class Decoder(nn.Module):
    """Sketches to covers eight times as large on each side.

    Args:
        depth: numbers at each point of a sketch.
        width: feature maps at half the size of the cover; smaller maps are two and three times as many.
    """

    def __init__(self, depth: int = 12, width: int = 64) -> None:
        super().__init__()
        self.depth, self.width = depth, width
        wide = [3 * width, 2 * width, width, width // 2]
        self.enter = nn.Conv2d(depth, wide[0], 3, 1, 1)
        self.rework = nn.ModuleList(ResidualBlock(channels) for channels in wide[:3])
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in pairwise(wide))
        self.leave = nn.Conv2d(wide[-1], 3, 3, 1, 1)
        for layer in (self.enter, *self.enlarge, self.leave):
            fan = 9 * layer.in_channels if isinstance(layer, nn.Conv2d) else 4 * layer.in_channels
            nn.init.normal_(layer.weight, 0.0, (2 / (1 + SLOPE**2) / fan) ** 0.5)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.leave.weight.mul_(0.3)

    def forward(self, sketches: Tensor) -> Tensor:
        """Float, ``(n, depth, s, s)``, to ``(n, 3, 8 * s, 8 * s)``, RGB in [-1, 1]."""
        maps = self.enter(sketches)
        for rework, enlarge in zip(self.rework, self.enlarge, strict=True):
            maps = enlarge(nn.functional.leaky_relu(rework(maps), SLOPE))
            if enlarge is not self.enlarge[-1]:
                maps = blur(maps)
        covers: Tensor = self.leave(nn.functional.leaky_relu(maps, SLOPE)).tanh()
        return covers


class ConditionalResidualBlock(nn.Module):
    """Two convolutions that hear the moment and the order, and whose result is added; nothing at first.

    Args:
        entering, leaving: channels; where they differ, what is added to goes through a matrix first.
    """

    def __init__(self, entering: int, leaving: int) -> None:
        super().__init__()
        self.before = nn.GroupNorm(GROUPS, entering)
        self.first = nn.Conv2d(entering, leaving, 3, 1, 1)
        self.after = nn.GroupNorm(GROUPS, leaving, affine=False)
        self.gains = nn.Linear(TOLD, 2 * leaving)
        self.second = nn.Conv2d(leaving, leaving, 3, 1, 1)
        self.fit = nn.Identity() if entering == leaving else nn.Conv2d(entering, leaving, 1)
        nn.init.zeros_(self.second.weight)
        assert self.second.bias is not None
        nn.init.zeros_(self.second.bias)

    def forward(self, maps: Tensor, told: Tensor) -> Tensor:
        """``(n, entering, h, w)`` and ``(n, TOLD)`` to ``(n, leaving, h, w)``."""
        gain, offset = self.gains(told)[:, :, None, None].chunk(2, 1)
        added = self.after(self.first(silu(self.before(maps))))
        added = self.second(silu(added * (1 + gain) + offset))
        reworked: Tensor = self.fit(maps) + added
        return reworked


class SelfAttention(nn.Module):
    """Self-attention: every point hears every other; nothing at first.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before = nn.GroupNorm(GROUPS, channels)
        self.ask = nn.Conv2d(channels, 3 * channels, 1)
        self.leave = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """``(n, channels, h, w)`` to the same."""
        count, channels, height, width = maps.shape
        asked = self.ask(self.before(maps)).reshape(count, 3, HEADS, channels // HEADS, height * width)
        queries, keys, values = asked.permute(1, 0, 2, 4, 3)
        heard = scaled_dot_product_attention(queries, keys, values)
        heard = heard.transpose(2, 3).reshape(count, channels, height, width)
        seen: Tensor = maps + self.leave(heard)
        return seen


class VelocityUNet(nn.Module):
    """Half-finished sketches, moments, genres and decades to the direction in which real sketches lie.

    A small U-Net (Ho et al. 2020, https://arxiv.org/abs/2006.11239) at the size of a sketch and at half of it.

    Args:
        depth: numbers at each point of a sketch.
        width: feature maps at the size of a sketch, a multiple of ``GROUPS``; smaller maps are twice as many.
        side: of a sketch, even.

    Raises:
        ValueError: if width or side are not such numbers.
    """

    def __init__(self, depth: int = 12, width: int = 128, side: int = 8) -> None:
        super().__init__()
        if side < 2 or side % 2 or width < GROUPS or width % GROUPS:
            raise ValueError(
                f"A sketcher needs an even side and a width that {GROUPS} divides, not {side} and {width}."
            )
        self.genre = nn.Embedding(len(GENRES) + 1, TOLD)
        self.decade = nn.Embedding(len(DECADES) + 1, TOLD)
        self.moment = nn.Sequential(nn.Linear(2 * WAVES, TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD))
        # Waves of one radian up to a hundred from noise to sketch.
        self.register_buffer("waves", torch.logspace(0, 2, WAVES), persistent=False)
        self.waves: Tensor
        self.enter = nn.Conv2d(depth, width, 3, 1, 1)
        self.place = nn.Parameter(torch.zeros(1, width, side, side))
        self.down = nn.ModuleList(ConditionalResidualBlock(width, width) for _ in range(2))
        self.halve = nn.Conv2d(width, 2 * width, 2, 2)
        self.middle = nn.ModuleList(ConditionalResidualBlock(2 * width, 2 * width) for _ in range(3))
        self.around = nn.ModuleList(
            [SelfAttention(2 * width), SelfAttention(2 * width), SelfAttention(width)]
        )
        self.enlarge = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.up = nn.ModuleList(
            [ConditionalResidualBlock(3 * width, width), ConditionalResidualBlock(2 * width, width)]
        )
        self.level = nn.GroupNorm(GROUPS, width)
        self.leave = nn.Conv2d(width, depth, 3, 1, 1)
        for embedding in (self.genre, self.decade):
            nn.init.normal_(embedding.weight, 0.0, 0.3)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def forward(self, sketches: Tensor, moments: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """Which way to go from here.

        Args:
            sketches: float, ``(n, depth, side, side)``.
            moments: float, ``(n,)``: 0 where a sketch is all noise, 1 where it is finished.
            genre, decade: int64, ``(n,)``, as for :meth:`FlowGenerator.forward`.

        Returns:
            float, the shape of ``sketches``: how a sketch changes in a whole unit of time.
        """
        turns = moments[:, None] * self.waves
        told = silu(
            self.moment(torch.cat([turns.sin(), turns.cos()], 1)) + self.genre(genre) + self.decade(decade)
        )
        kept = [self.enter(sketches) + self.place]
        for rework in self.down:
            kept.append(rework(kept[-1], told))
        maps = self.halve(kept[-1])
        for rework, around in zip(self.middle, [*list(self.around)[:2], nn.Identity()], strict=True):
            maps = around(rework(maps, told))
        maps = self.up[0](torch.cat([self.enlarge(maps), kept[2], kept[1]], 1), told)
        maps = self.up[1](torch.cat([self.around[2](maps), kept[0]], 1), told)
        ways: Tensor = self.leave(silu(self.level(maps)))
        return ways


class FourierExpansion(nn.Module):
    """A short latent vector to the long one that a sketch begins as, smoothly; the long one looks normal, too.

    Some directions take the numbers of the latent vector as they are. All others take many waves across it
    (random Fourier features, Rahimi & Recht 2007) each: nearly normal, and new for every latent vector, yet
    hardly different for one close by. So a cover is told by as few numbers as one of any other painter.
    The longer the vector, the longer the noise, but hardly, see ``CALM``: so the length says how rich a cover is.

    Args:
        latent_size: numbers in a latent vector.
        noise_size: numbers in a sketch; at least as many.

    Raises:
        ValueError: if they are fewer.
    """

    def __init__(self, latent_size: int, noise_size: int) -> None:
        super().__init__()
        if not 0 < latent_size <= noise_size:
            raise ValueError(f"{latent_size} numbers cannot be unfolded to {noise_size}.")
        chance = torch.Generator().manual_seed(0)
        waves = noise_size
        self.register_buffer(
            "turns", torch.randn(waves, latent_size, generator=chance) * (TURNS / latent_size**0.5)
        )
        self.register_buffer("shifts", torch.rand(waves, generator=chance) * (2 * torch.pi))
        mixed = torch.linalg.qr(torch.randn(waves, noise_size - latent_size, generator=chance)).Q
        self.register_buffer("mixing", mixed.T.contiguous())
        self.register_buffer("directions", torch.eye(noise_size))
        self.turns: Tensor
        self.shifts: Tensor
        self.mixing: Tensor
        self.directions: Tensor

    @torch.no_grad()
    def face(self, sketches: Tensor) -> None:
        """Let the latent vector's numbers stand for the directions in which sketches vary most.

        Args:
            sketches: real ones, float, ``(m, noise_size)``.
        """
        rows = sketches.double()
        rows = rows - rows.mean(0)
        _, directions = torch.linalg.eigh(rows.T @ rows)
        self.directions.copy_(directions.flip(1))

    def forward(self, latents: Tensor) -> Tensor:
        """Float, ``(n, latent_size)``, to ``(n, noise_size)``."""
        lengths = (latents.norm(dim=1, keepdim=True) / latents.shape[1] ** 0.5).clamp(min=1e-9)
        usual = latents / lengths
        waves = 2**0.5 * torch.cos(usual @ self.turns.T + self.shifts)
        noise = torch.cat([usual, waves @ self.mixing.T], 1) @ self.directions.T
        calmed: Tensor = lengths**CALM * noise
        return calmed


class FlowGenerator(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="unconditional-image-generation",
    license="mit",
    tags=["flow-matching", "latent-diffusion", "album-covers"],
):
    """Latent vectors, genres and decades to covers, by a sketch.

    Args:
        latent_size: numbers in a latent vector.
        depth: numbers at each point of a sketch.
        width: feature maps of the sketcher at the size of a sketch.
        size: side of a cover in pixels, a power of two of at least ``LEAST``.
        ink: feature maps of the inker at half the size of a cover.
        steps: in which a sketch is made from noise; the sketcher is asked once in each.
        guidance: how far to go the sketcher's way, from the way that the novice would take: 1 is as learnt
            (autoguidance, Karras et al. 2024, https://arxiv.org/abs/2406.02507).
        insistence: how far to go the way of what was asked for, from the way of a sketch of any kind: 1 is as
            learnt (classifier-free guidance, Ho & Salimans 2022, https://arxiv.org/abs/2207.12598).
        patience: the moment, 0 to 1, from which on the novice is asked. Earlier it is open what a cover will be,
            and whoever is led away from the novice then ends in emptier ones (Kynkäänniemi et al. 2024,
            https://arxiv.org/abs/2404.07724).
        novice: feature maps of the novice at the size of a sketch: a sketcher that is smaller and has learnt
            less, so that what it lacks is what the sketcher could do with more of, too. 0 is none, and no
            guidance.

    Raises:
        ValueError: if ``size`` is not such a power of two, or there is no step to take.
    """

    def __init__(
        self,
        latent_size: int = 100,
        depth: int = 12,
        width: int = 128,
        size: int = 64,
        ink: int = 64,
        steps: int = 6,
        guidance: float = 3.0,
        insistence: float = 5.0,
        patience: float = 0.3,
        novice: int = 0,
    ) -> None:
        super().__init__()
        if size < LEAST or doublings(size) < 1:
            raise ValueError(f"A painter in two steps paints squares of {LEAST}, 128 ... pixels, not {size}.")
        if steps < 1:
            raise ValueError(f"A sketch takes at least one step, not {steps}.")
        self.depth, self.width, self.size = depth, width, size
        self.steps, self.guidance, self.insistence, self.patience = steps, guidance, insistence, patience
        self.latent_size, self.side = latent_size, size // GRAIN
        self.unfolding = FourierExpansion(latent_size, depth * self.side**2)
        self.sketcher = VelocityUNet(depth, width, self.side)
        self.inker = Decoder(depth, ink)
        self.novice = VelocityUNet(depth, novice, self.side) if novice else None

    def ways(self, sketches: Tensor, moment: float, genre: Tensor, decade: Tensor) -> Tensor:
        """What the sketcher says at one moment, led on from what it and the novice say of any kind.

        Args:
            sketches, genre, decade: as for :meth:`VelocityUNet.forward`, which also says what comes back.
            moment: of all of them.
        """
        moments = torch.full((len(sketches),), moment, dtype=sketches.dtype, device=sketches.device)
        unknown = torch.zeros_like(genre)
        anyhow: Tensor = self.sketcher(sketches, moments, unknown, unknown)
        ways = anyhow
        asked = ((genre > 0) | (decade > 0)).nonzero()[:, 0]
        if len(asked):
            told: Tensor = self.sketcher(sketches[asked], moments[asked], genre[asked], decade[asked])
            ways = ways.index_add(0, asked, self.insistence * (told - anyhow[asked]))
        if self.novice is not None and moment >= self.patience:
            ways = ways + (self.guidance - 1) * (anyhow - self.novice(sketches, moments, unknown, unknown))
        return ways

    def sketch(self, latents: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """Follow the sketcher from noise to sketches, ``(n, depth, side, side)``.

        By the two-step method of Adams and Bashforth, which begins with a step of Euler's: what was said a step
        ago tells how the way bends.
        """
        sketches: Tensor = self.unfolding(latents).view(-1, self.depth, self.side, self.side)
        before = None
        for step in range(self.steps):
            ways = self.ways(sketches, step / self.steps, genre, decade)
            straight = ways if before is None else 1.5 * ways - 0.5 * before
            sketches, before = sketches + straight / self.steps, ways
        return sketches

    def forward(self, latents: Tensor, genre: Tensor | None = None, decade: Tensor | None = None) -> Tensor:
        """Paint.

        Args:
            latents: float, shape ``(n, latent_size)``, standard normal.
            genre: int64, shape ``(n,)``; 0 is unknown, ``k`` is ``GENRES[k - 1]``. None: all unknown.
            decade: int64, shape ``(n,)``, likewise with ``DECADES``.

        Returns:
            float, shape ``(n, 3, size, size)``, RGB in [-1, 1].
        """
        unknown = torch.zeros(len(latents), dtype=torch.long, device=latents.device)
        sketches = self.sketch(
            latents, unknown if genre is None else genre, unknown if decade is None else decade
        )
        covers: Tensor = self.inker(sketches)
        return covers
