"""Fine-tune VGG16 on people's feelings about abstract paintings.

    python -m training.train_judge --data ../shared/data/abstract --preset distribution \\
        --out runs/judge --features ../shared/data/weights/vgg16_imagenet_features.safetensors

Without ``--features`` torchvision downloads the ImageNet weights. First k-fold cross-validation: every
painting is judged by a network that never saw it. Then the final fit on all paintings. A killed run is
continued by the same command, fold by fold. ``runs/judge`` then holds ``folds/`` and ``checkpoint/``, which
is what the exhibit loads.

Training goes in three steps. The head alone is a convex problem, solved to the end on the trunk as ImageNet
left it. From there the last blocks of the trunk are fine-tuned together with the head, at small learning
rates, on mirrored and slightly cropped views (hue is left alone: it carries feeling). Then the head is solved
for anew. The frozen blocks see every view just once.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, one_hot
from tqdm import tqdm

from albumjudge.domain.emotions import NAMES
from albumjudge.models.vgg16 import VGG16EmotionClassifier
from training.data.abstract import PaintingSet, load_paintings
from training.data.covers import DataError
from training.engine.state import save_checkpoint, write_json
from training.metrics import distributions as judge_metrics
from training.metrics.imagenet import vgg16_features


@dataclass(frozen=True)
class JudgeConfig:
    """Everything that decides a fit, together with the data.

    Attributes:
        labels: ``distribution`` learns the shares of all votes; ``argmax`` only the emotion with most votes.
            Ties (51 of the 280 paintings) then go to the emotion that stands first in the data set's order,
            which is what ``argmax`` returns.
        size: side in pixels at which the trunk sees a picture.
        thaw: first of the five blocks that is fine-tuned; those before it stay as ImageNet left them.
        epochs: passes through the paintings in fine-tuning.
        batch: paintings per step.
        trunk_rate, head_rate: peaks of Adam's learning rates, which rise and fall over the run; the trunk's
            is small, since it has much to forget, the head's smaller, since it starts at its optimum.
        ridge: weight of the head's sum of squares in the loss.
        views: different views of each painting, the first two being itself and its mirror image.
        crop: smallest side of a random crop, as a share of the whole.
        folds: of the cross-validation.
        seed: of the split, the crops, the mirroring and the order.
    """

    labels: str = "distribution"
    size: int = 64
    thaw: int = 5
    epochs: int = 3
    batch: int = 16
    trunk_rate: float = 1e-5
    head_rate: float = 1e-6
    ridge: float = 1.0
    views: int = 4
    crop: float = 0.85
    folds: int = 5
    seed: int = 2010

    def __post_init__(self) -> None:
        if self.labels not in ("distribution", "argmax"):
            raise ValueError(f"Labels are 'distribution' or 'argmax', not {self.labels!r}.")
        if not 1 <= self.thaw <= 5 or self.views < 2 or self.folds < 2:
            raise ValueError("thaw is 1 to 5, views at least 2, folds at least 2.")


PRESETS: dict[str, JudgeConfig] = {
    "distribution": JudgeConfig(),
    "seed": JudgeConfig(labels="argmax"),
    "tiny": JudgeConfig(size=32, epochs=1, views=2, folds=2, batch=4),
}


@dataclass(frozen=True)
class Views:
    """What the frozen blocks make of all views: the rest of the network goes on from here.

    Attributes:
        maps: input of the first thawed block, float, shape ``(n, views, channels, h, w)``.
        reports: reports of the frozen blocks, float, shape ``(n, views, ...)``; width 0 if none is frozen.
    """

    maps: Tensor
    reports: Tensor


def split(count: int, folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of each of ``count`` paintings, shape ``(count,)``, 0 to ``folds - 1``, as even as can be."""
    places: NDArray[np.int64] = np.empty(count, np.int64)
    places[np.random.default_rng(seed).permutation(count)] = np.arange(count) % folds
    return places


def targets(paintings: PaintingSet, labels: str) -> Tensor:
    """What is to be learnt: float32 shares of shape ``(n, 8)``; for ``argmax`` all on one emotion."""
    shares = torch.from_numpy(paintings.shares).float()
    return one_hot(shares.argmax(1), len(NAMES)).float() if labels == "argmax" else shares


def make_views(images: Tensor, config: JudgeConfig) -> Tensor:
    """Views of each image: itself, its mirror image, then random crops, every second one mirrored.

    Args:
        images: float, shape ``(n, 3, h, w)``.

    Returns:
        float, shape ``(n, views, 3, size, size)``.
    """
    chance = np.random.default_rng([config.seed, 7])
    side = images.shape[-1]
    whole = interpolate(images, (config.size, config.size), mode="bilinear", antialias=True)
    views = [whole, whole.flip(3)]
    for number in range(2, config.views):
        crops = []
        for image in images:
            kept = int(chance.integers(round(config.crop * side), side + 1))
            top, left = chance.integers(0, side - kept + 1, 2)
            crop = image[None, :, top : top + kept, left : left + kept]
            crops.append(interpolate(crop, (config.size, config.size), mode="bilinear", antialias=True))
        view = torch.cat(crops)
        views.append(view.flip(3) if number % 2 else view)
    return torch.stack(views, 1)


@torch.no_grad()
def see(network: VGG16EmotionClassifier, paintings: PaintingSet, config: JudgeConfig) -> Views:
    """Run the frozen blocks over all views, once for the whole run."""
    images = torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2).float() / 255
    flat = make_views(images, config).flatten(0, 1)
    maps, reports = [], []
    for part in tqdm(torch.split(flat, 32), desc="frozen blocks", mininterval=10):
        onward, said = network.normalise(part), [torch.empty(len(part), 0)]
        for number in range(1, config.thaw):
            onward, report = network.block(number, onward)
            said.append(report)
        maps.append(onward)
        reports.append(torch.cat(said, 1))
    return Views(_by_painting(torch.cat(maps), config), _by_painting(torch.cat(reports), config))


def _by_painting(flat: Tensor, config: JudgeConfig) -> Tensor:
    return flat.reshape(-1, config.views, *flat.shape[1:])


def feel(
    network: VGG16EmotionClassifier, views: Views, rows: Tensor, view: Tensor | int, config: JudgeConfig
) -> Tensor:
    """Logits, shape ``(len(rows), 8)``, of the given paintings, each in the given view."""
    thawed = network.pooled_features(views.maps[rows, view], first=config.thaw)
    return network.logits(torch.cat([views.reports[rows, view], thawed], 1))


def loss_of(network: VGG16EmotionClassifier, logits: Tensor, wanted: Tensor, ridge: float) -> Tensor:
    """Cross-entropy with the wanted shares (KL divergence up to a constant), plus the ridge on the head."""
    cross_entropy = -(wanted * logits.log_softmax(1)).sum(1).mean()
    return cross_entropy + ridge * network.head.weight.square().sum()


def fit_head(
    network: VGG16EmotionClassifier, views: Views, rows: Tensor, wanted: Tensor, config: JudgeConfig
) -> None:
    """Standardise the reports of the paintings in ``rows`` and solve for the head on the trunk as it is."""
    with torch.no_grad():
        reports = torch.cat(
            [
                torch.cat(
                    [views.reports[part, v], network.pooled_features(views.maps[part, v], config.thaw)], 1
                )
                for v in range(2)
                for part in torch.split(rows, 32)
            ]
        )
        network.feature_mean.copy_(reports.mean(0))
        network.feature_sd.copy_(reports.std(0) + 1e-3)
        network.head.weight.zero_()
        network.head.bias.zero_()
    both = wanted[rows].repeat(2, 1)
    solver = torch.optim.LBFGS(
        network.head.parameters(), max_iter=60, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        solver.zero_grad()
        loss = loss_of(network, network.logits(reports), both, config.ridge)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    solver.step(closure)  # type: ignore[no-untyped-call]


@torch.no_grad()
def shares_of(
    network: VGG16EmotionClassifier, views: Views, rows: Tensor, config: JudgeConfig
) -> NDArray[np.float64]:
    """The network's distributions for whole, unmirrored paintings, shape ``(len(rows), 8)``."""
    network.eval()
    logits = [feel(network, views, part, 0, config) for part in torch.split(rows, 32)]
    shares: NDArray[np.float64] = torch.cat(logits).double().softmax(1).numpy()
    return shares


def fit(
    start: VGG16EmotionClassifier,
    views: Views,
    paintings: PaintingSet,
    config: JudgeConfig,
    rows: Tensor,
    held_out: Tensor,
    title: str,
) -> tuple[VGG16EmotionClassifier, list[dict[str, float]], NDArray[np.float64]]:
    """Fit one network.

    Args:
        start: ImageNet's trunk under any head; left as it was.
        rows, held_out: paintings to learn from, and to judge afterwards (may be empty).

    Returns:
        the network; a line per epoch (0: the head alone) with training loss and held-out KL, that of the last
        with the head solved anew; the shares of the held-out paintings, shape ``(len(held_out), 8)``.
    """
    network = copy.deepcopy(start)
    wanted = targets(paintings, config.labels)
    fit_head(network, views, rows, wanted, config)
    thawed = [
        parameter
        for number in range(config.thaw, 6)
        for parameter in network.block_layers(number).parameters()
    ]
    network.requires_grad_(False)
    for parameter in (*thawed, *network.head.parameters()):
        parameter.requires_grad_(True)
    steps = torch.optim.Adam(
        [
            {"params": thawed, "lr": config.trunk_rate},
            {"params": network.head.parameters(), "lr": config.head_rate},
        ]
    )
    per_epoch = -(-len(rows) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        steps, [config.trunk_rate, config.head_rate], epochs=config.epochs, steps_per_epoch=per_epoch
    )
    chance = torch.Generator().manual_seed(config.seed)
    true = paintings.shares[held_out.numpy()]
    history: list[dict[str, float]] = []
    shares = np.empty((0, len(NAMES)))
    with tqdm(total=config.epochs * per_epoch, desc=title, unit="step", mininterval=10) as bar:
        for epoch in range(config.epochs + 1):
            line = {"epoch": float(epoch)}
            if epoch:
                network.train()
                order = rows[torch.randperm(len(rows), generator=chance)]
                losses = []
                for part in torch.split(order, config.batch):
                    view = torch.randint(config.views, (len(part),), generator=chance)
                    loss = loss_of(
                        network, feel(network, views, part, view, config), wanted[part], config.ridge
                    )
                    steps.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                    steps.step()
                    schedule.step()
                    losses.append(loss.item())
                    bar.update()
                line["loss"] = round(float(np.mean(losses)), 5)
            if epoch == config.epochs:
                fit_head(network, views, rows, wanted, config)
            if len(held_out):
                shares = shares_of(network, views, held_out, config)
                line["held_out_KL"] = round(float(judge_metrics.kl(true, shares).mean()), 5)
            history.append(line)
    return network.eval(), history, shares


def cross_validate(
    start: VGG16EmotionClassifier, views: Views, paintings: PaintingSet, config: JudgeConfig, out: Path
) -> tuple[NDArray[np.float64], list[dict[str, float]]]:
    """Judge every painting by a network that never saw it; finished folds are read from ``out/folds``.

    Returns:
        shares, shape ``(n, 8)``, and the curves averaged over the folds.
    """
    places = split(len(paintings), config.folds, config.seed)
    shares = np.empty((len(paintings), len(NAMES)))
    curves: list[list[dict[str, float]]] = []
    for fold in range(config.folds):
        file = out / "folds" / f"{fold}.json"
        rows, held_out = (torch.from_numpy(np.flatnonzero(places != fold)), np.flatnonzero(places == fold))
        if file.is_file():
            kept = json.loads(file.read_text(encoding="utf-8"))
            shares[held_out], curve = np.array(kept["shares"]), kept["history"]
        else:
            title = f"fold {fold + 1} of {config.folds}"
            _, curve, said = fit(start, views, paintings, config, rows, torch.from_numpy(held_out), title)
            shares[held_out] = said
            write_json(file, {"shares": said.tolist(), "history": curve})
        print(f"fold {fold + 1}: held-out KL {curve[0]['held_out_KL']:.3f} -> {curve[-1]['held_out_KL']:.3f}")
        curves.append(curve)
    names = [name for name in curves[0][-1] if name != "epoch"]
    mean_curve = [
        {"epoch": lines[0]["epoch"]}
        | {
            name: round(float(np.mean([line[name] for line in lines])), 5)
            for name in names
            if name in lines[0]
        }
        for lines in zip(*curves, strict=True)
    ]
    return shares, mean_curve


def train(
    config: JudgeConfig, paintings: PaintingSet, features: Path | None, out: Path, *, preset: str = "custom"
) -> Path:
    """Cross-validate, fit on everything, and write ``out/checkpoint``.

    Raises:
        DataError: if ``out`` holds another run, or there are fewer paintings than folds.
    """
    if len(paintings) < config.folds:
        raise DataError(f"{len(paintings)} paintings cannot be split into {config.folds} folds.")
    settings = out / "config.json"
    if settings.is_file() and json.loads(settings.read_text(encoding="utf-8")) != asdict(config):
        raise DataError(f"{out} holds a run with other settings. Give another --out, or delete the old run.")
    write_json(settings, asdict(config))
    torch.manual_seed(config.seed)
    start = VGG16EmotionClassifier(size=config.size).eval()
    start.features.load_state_dict(vgg16_features(features).state_dict())
    views = see(start, paintings, config)
    shares, curve = cross_validate(start, views, paintings, config, out)
    everything, nothing = torch.arange(len(paintings)), torch.empty(0, dtype=torch.long)
    network, _, _ = fit(start, views, paintings, config, everything, nothing, "all paintings")
    folder = out / "checkpoint"
    record: dict[str, object] = {
        "kind": "judge",
        "name": f"vgg16-{preset}",
        "preset": preset,
        "config": asdict(config),
        "paintings": len(paintings),
        "images_seen": len(paintings) * config.epochs,
        "epochs_done": config.epochs,
        "planned_epochs": PRESETS[preset].epochs if preset in PRESETS else config.epochs,
    }
    save_checkpoint(network, folder, record)
    write_json(folder / "history.json", curve)
    named = zip(paintings.file_names, shares.round(5).tolist(), strict=True)
    write_json(folder / "out_of_fold.json", {"emotions": NAMES, "shares": dict(named)})
    return folder


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_judge", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument(
        "--features", type=Path, help="ImageNet's VGG16 trunk as safetensors; default: download"
    )
    parser.add_argument("--preset", choices=sorted(PRESETS), default="distribution")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the run; an old run there is continued"
    )
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    for field in fields(JudgeConfig):
        parser.add_argument("--" + field.name.replace("_", "-"), type=type(field.default))
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    names = [field.name for field in fields(JudgeConfig)]
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if given.threads:
        torch.set_num_threads(given.threads)
    try:
        config = replace(PRESETS[given.preset], **changes)
        paintings = load_paintings(given.data)
        folder = train(config, paintings, given.features, given.out, preset=given.preset)
    except (DataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Wrote {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
