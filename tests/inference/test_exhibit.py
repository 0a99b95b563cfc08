"""The exhibit: where its two networks come from, and that it shows the same to everyone."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from albumjudge.domain import seeds
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError
from albumjudge.domain.settings import Settings
from albumjudge.inference import exhibit as exhibit_module
from albumjudge.inference import loading
from albumjudge.inference import pool as pool_module
from albumjudge.inference.checkpoints import read_checkpoint
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.folders import KINDS, CheckpointError, Kind
from albumjudge.inference.painter import Painter
from albumjudge.inference.pool import COVERS, CoverPool, Show
from albumjudge.inference.steering import SteeringTarget
from albumjudge.voting.ready import ReadyWalls
from albumjudge.voting.votes import VoteStore
from tests.checkpoint_fixtures import (
    COMMIT,
    PROMPT,
    Answer,
    Request,
    local_hub,
    make_generator,
    make_judge,
    random_jury,
    serving,
)
from tests.vote_fixtures import race
from training.engine.state import save_checkpoint


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """All defaults, apart from a folder of our own and a Hub that nobody may ask."""
    return Settings(data_directory=tmp_path / "data", hub_endpoint="http://127.0.0.1:9")


@pytest.fixture(scope="module")
def exhibit(bundled: dict[Kind, Path]) -> Exhibit:
    return Exhibit.open(Settings(), bundled=bundled)


def test_covers_come_judged_and_in_order_from_the_bundled_networks(exhibit: Exhibit) -> None:
    assert exhibit.status() == ()
    assert exhibit.wait_for_hub(0)
    assert exhibit.painter.revision == exhibit.checkpoints["generator"].revision
    assert exhibit.judge.revision == exhibit.checkpoints["judge"].revision
    assert {c.source for c in exhibit.checkpoints.values()} == {"bundled"}
    shown = exhibit.show([5, 3, 5])
    assert [str(j.cover.identity) for j in shown] == [f"{exhibit.painter.revision}.{s}" for s in (5, 3, 5)]
    assert shown[0].cover.pixels.shape == (64, 64, 3)
    assert np.array_equal(shown[0].cover.pixels, shown[2].cover.pixels)
    assert not np.array_equal(shown[0].cover.pixels, shown[1].cover.pixels)
    assert {j.verdict.top for j in shown} == {"awe"}
    assert {j.verdict.revision for j in shown} == {exhibit.judge.revision}
    assert exhibit.show([]) == []
    with pytest.raises(CoverLinkError):
        exhibit.show([1, 1_000_000])
    with pytest.raises(CoverLinkError, match=r"No\. 000007 was painted by dcgan-other-0badcafe"):
        exhibit.show_identity(CoverIdentity("dcgan-other-0badcafe", 7))
    assert exhibit.latent_size(exhibit.painter.revision) == exhibit.painter.network.latent_size == 8
    with pytest.raises(CoverLinkError, match="gone-12345678 does not paint here any more"):
        exhibit.latent_size("gone-12345678")


def test_a_cover_is_the_same_by_link_in_a_crowd_and_in_another_exhibit(
    exhibit: Exhibit, bundled: dict[Kind, Path]
) -> None:
    alone = Exhibit.open(Settings(), bundled=bundled).show_identity(
        CoverIdentity(exhibit.painter.revision, 17)
    )
    in_a_crowd = exhibit.show(range(14, 20))[3]
    assert alone.cover.identity == in_a_crowd.cover.identity
    assert np.array_equal(alone.cover.pixels, in_a_crowd.cover.pixels)
    assert alone.verdict.probabilities == pytest.approx(in_a_crowd.verdict.probabilities, abs=1e-5)


def test_guests_paint_when_they_are_asked_by_name(bundled: dict[Kind, Path], tmp_path: Path) -> None:
    guest = make_generator(tmp_path / "guest", name="guest-painter", seed=8)
    exhibit = Exhibit.open(Settings(), bundled=bundled, guests=[guest, tmp_path / "nowhere"])
    assert [painter.revision.rsplit("-", 1)[0] for painter in exhibit.painters] == [
        "bundled-painter",
        "guest-painter",
    ]
    other = exhibit.painters[1].revision
    assert exhibit.painter_of(other) is exhibit.painters[1] and exhibit.painter_of("nobody-12345678") is None
    mixed = [
        CoverIdentity(other, 5),
        CoverIdentity(exhibit.painter.revision, 5),
        CoverIdentity(other, 6, wildness=50),
    ]
    shown = exhibit.show_each(mixed)
    assert [judged.cover.identity for judged in shown] == mixed
    assert not np.array_equal(shown[0].cover.pixels, shown[1].cover.pixels)
    assert np.array_equal(shown[0].cover.pixels, exhibit.painters[1].paint([5])[0].pixels)
    assert exhibit.status() == ()


def test_a_painter_takes_no_conditions_where_it_was_measured_to_follow_none(
    bundled: dict[Kind, Path], tmp_path: Path
) -> None:
    folder = make_generator(tmp_path / "own", name="own-painter", seed=4)
    revision = read_checkpoint(folder, "generator").revision
    rows = {
        revision: {"genre_accuracy": 0.3, "genre_chance": 0.1},
        "guest": {"genre_accuracy": 0.11, "genre_chance": 0.1},
    }
    (folder / "metrics.json").write_text(json.dumps({"painter_conditioning": {"rows": rows}}))
    exhibit = Exhibit.open(Settings(generator_directory=folder), bundled=bundled, guests=())
    assert all(exhibit.follows_conditions(asked) for asked in (None, revision, "not-measured"))
    assert not exhibit.follows_conditions("guest")


def test_the_bundled_generator_is_a_guest_where_another_is_at_work(
    bundled: dict[Kind, Path], tmp_path: Path
) -> None:
    folder = make_generator(tmp_path / "own", name="own-painter", seed=4)
    exhibit = Exhibit.open(Settings(generator_directory=folder), bundled=bundled, guests=())
    assert [painter.revision.rsplit("-", 1)[0] for painter in exhibit.painters] == [
        "own-painter",
        "bundled-painter",
    ]
    with pytest.raises(CoverLinkError, match="own-painter paints what comes, not 1970s"):
        exhibit.show_each([CoverIdentity(exhibit.painter.revision, 1, decade="1970s")])


def test_what_was_shown_is_remembered_but_not_without_bound(
    bundled: dict[Kind, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exhibit_module, "CACHED_COVERS", 3)
    exhibit = Exhibit.open(Settings(), bundled=bundled)
    asked: list[int] = []
    paint = exhibit.painter.paint_each

    def note(identities: Sequence[CoverIdentity]) -> list[Cover]:
        asked.extend(identity.seed for identity in identities)
        return paint(identities)

    monkeypatch.setattr(exhibit.painter, "paint_each", note)
    first = exhibit.show([1, 2, 3])
    assert exhibit.show([3, 1, 2]) == [first[2], first[0], first[1]]
    exhibit.show([4])  # 3 was asked for longest ago.
    exhibit.show([1, 2, 3, 4])
    assert sorted(asked[:3]) == [1, 2, 3] and asked[3:] == [4, 3]


def test_many_visitors_at_once_see_the_same(exhibit: Exhibit) -> None:
    def visit(first: int) -> list[bytes]:
        return [judged.cover.pixels.tobytes() for judged in exhibit.show([100, 101, 102 + first])][:2]

    seen = race(visit, range(4))
    assert all(one == seen[0] for one in seen)


def test_folders_go_before_the_hub_and_serve_even_if_what_is_bundled_is_gone(
    settings: Settings, tmp_path: Path
) -> None:
    own = replace(
        settings,
        generator_directory=make_generator(tmp_path / "painter", name="own-painter", seed=4),
        judge_directory=make_judge(tmp_path / "judge", name="own-judge", favourite=7),
        generator_hub=f"museum/painter@{COMMIT}",
    )
    exhibit = Exhibit.open(own, bundled=dict.fromkeys(KINDS, tmp_path / "gone"))
    assert {checkpoint.source for checkpoint in exhibit.checkpoints.values()} == {"directory"}
    (shown,) = exhibit.show([1])
    assert shown.cover.identity.painter == "own-painter" and shown.verdict.top == "sadness"
    assert exhibit.status() == () and exhibit.wait_for_hub(0)


def test_a_broken_folder_gives_way_to_the_bundled_one_with_a_sentence_and_without_any_it_says_what_to_do(
    bundled: dict[Kind, Path], settings: Settings, tmp_path: Path
) -> None:
    small = make_generator(tmp_path / "small", size=16)
    exhibit = Exhibit.open(
        replace(settings, generator_directory=small, judge_directory=tmp_path / "nowhere"), bundled=bundled
    )
    painting, judging = exhibit.status()
    assert "16x16 pixels; here they are 64x64." in painting
    assert judging == f"There is no folder {tmp_path / 'nowhere'}. The exhibit goes on with bundled-judge."
    assert exhibit.show([1])[0].cover.identity.painter == "bundled-painter"
    with pytest.raises(CheckpointError) as caught:
        Exhibit.open(
            replace(settings, judge_directory=tmp_path / "a"), bundled={**bundled, "judge": tmp_path / "b"}
        )
    said = str(caught.value)
    assert f"There is no folder {tmp_path / 'a'}." in said and f"no folder {tmp_path / 'b'}." in said
    assert said.endswith("Restore it, or name a good one in ALBUMJUDGE_JUDGE_DIR.")


@pytest.fixture
def with_two_jurors(bundled: dict[Kind, Path], tmp_path: Path) -> Exhibit:
    """An exhibit whose jury feels something else before each cover."""
    jury = random_jury("one", "other")
    save_checkpoint(jury, tmp_path / "jury", {"kind": "judge", "network": "MultitaskJury", "name": "two"})
    return Exhibit.open(Settings(judge_directory=tmp_path / "jury"), bundled=bundled)


def test_where_a_walk_led_is_not_painted_and_judged_again(
    with_two_jurors: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    exhibit = with_two_jurors
    start = exhibit.show([4])[0].cover.identity
    frames = list(exhibit.steer(start, SteeringTarget("awe")))
    assert frames
    again = exhibit.judge.judge([frames[-1].cover])[0]
    monkeypatch.setattr(exhibit.painter, "paint_each", None)
    monkeypatch.setattr(exhibit.judge, "judge", lambda covers: [None for _ in covers])
    (shown,) = exhibit.show_each([frames[-1].cover.identity])
    assert shown is frames[-1] and shown.verdict.probabilities == pytest.approx(again.probabilities, abs=1e-6)


def test_every_juror_shows_where_it_looked(with_two_jurors: Exhibit) -> None:
    exhibit = with_two_jurors
    judged = exhibit.show([4])[0]
    lit = exhibit.saliency_pngs(judged, enlarge=2)
    assert len(lit) == 2
    for png in lit:
        pixels = np.asarray(Image.open(io.BytesIO(png)))
        assert pixels.shape == (128, 128, 3)
        assert (pixels <= judged.cover.pixels.repeat(2, 0).repeat(2, 1)).all()
    with pytest.raises(ValueError, match="Show them the cover again"):
        exhibit.saliency_pngs(replace(judged, verdict=replace(judged.verdict, jurors=())))


def test_both_networks_are_switched_to_the_hubs_while_visitors_look(
    bundled: dict[Kind, Path], settings: Settings, tmp_path: Path
) -> None:
    painter = serving(make_generator(tmp_path / "p", name="hub-painter", seed=9))
    judge = serving(make_judge(tmp_path / "j", name="hub-judge", favourite=6))
    opened = threading.Event()

    def answer(request: Request) -> Answer:
        opened.wait(PROMPT)
        return painter(request) if "museum/painter" in request.path else judge(request)

    with local_hub(answer) as local:
        hub = replace(
            settings,
            generator_hub=f"museum/painter@{COMMIT}",
            judge_hub=f"museum/judge@{COMMIT}",
            hub_endpoint=local.endpoint,
        )
        exhibit = Exhibit.open(hub, bundled=bundled)
        before = exhibit.show([1])[0]
        opened.set()
        assert exhibit.wait_for_hub(PROMPT)
    after = exhibit.show([1])[0]
    assert exhibit.status() == ()
    assert before.cover.identity.painter == "bundled-painter" and before.verdict.top == "awe"
    assert after.cover.identity.painter == "hub-painter" and after.verdict.top == "fear"
    assert {c.source for c in exhibit.checkpoints.values()} == {"hub"}
    # The bundled painter stays as a guest, so links to its covers live on.
    assert np.array_equal(exhibit.show_identity(before.cover.identity).cover.pixels, before.cover.pixels)

    # The cached copies serve at the next start, without the Hub and without a word.
    again = Exhibit.open(replace(hub, hub_endpoint="http://127.0.0.1:9"), bundled=bundled)
    assert again.painter.revision == exhibit.painter.revision
    assert again.judge.revision == exhibit.judge.revision
    assert again.status() == () and again.wait_for_hub(0)


def test_an_unforeseen_error_while_fetching_is_reported_not_lost(
    bundled: dict[Kind, Path], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(checkpoint: object) -> Painter:
        raise RuntimeError("paint spilled")

    files, opened = serving(make_generator(tmp_path / "p", name="hub-painter")), threading.Event()

    def answer(request: Request) -> Answer:
        opened.wait(PROMPT)
        return files(request)

    with local_hub(answer) as local:
        exhibit = Exhibit.open(
            replace(settings, generator_hub=f"museum/painter@{COMMIT}", hub_endpoint=local.endpoint),
            bundled=bundled,
        )
        monkeypatch.setattr(loading, "open_painter", explode)
        opened.set()
        assert exhibit.wait_for_hub(PROMPT)
    (line,) = exhibit.status()
    assert "RuntimeError('paint spilled')" in line and line.endswith("goes on with bundled-painter.")
    assert exhibit.show([1])


@pytest.mark.slow
def test_a_fresh_wall_is_painted_and_judged_in_advance_and_shown_before_the_networks_are_loaded(
    bundled: dict[Kind, Path], vote_store: VoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "WALLS", 2)
    shelf = partial(ReadyWalls, vote_store.engine)
    exhibit = Exhibit.open(Settings(), bundled=bundled, guests=(), shelf=shelf)
    assert exhibit.fresh_wall() != exhibit.fresh_wall()  # Nothing is ready: walls by chance.
    filled, fill = threading.Event(), CoverPool.fill

    def noted(pool: CoverPool, show: Show) -> bool:
        more = fill(pool, show)
        if not more:
            filled.set()
        return more

    monkeypatch.setattr(CoverPool, "fill", noted)
    exhibit.fill_pool()
    assert filled.wait(PROMPT)
    exhibit.close()

    load, loading_begins = Exhibit._load, threading.Event()

    def late(exhibit: Exhibit) -> None:
        assert loading_begins.wait(PROMPT)
        load(exhibit)

    monkeypatch.setattr(Exhibit, "_load", late)
    again = Exhibit.open(Settings(), bundled=bundled, guests=(), shelf=shelf)
    ballots, wall = seeds.ballot_pool(again.painter_revision), seeds.wall(again.fresh_wall(), COVERS)
    for numbers in (ballots, wall):
        assert [judged.cover.identity.seed for judged in again.show(numbers)] == list(numbers)
    assert again.status() == () and {j.verdict.revision for j in again.show(wall)} == {again.judge_revision}
    monkeypatch.setattr(ReadyWalls, "take", lambda _: None)  # The database is away.
    assert seeds.wall(again.fresh_wall(), COVERS) == wall == seeds.wall(again.fresh_wall(), COVERS)
    loading_begins.set()
    again.wait()
    assert (again.painter.revision, again.judge.revision) == (again.painter_revision, again.judge_revision)
    for seed in (ballots[0], wall[0]):
        assert np.array_equal(again.painter.paint([seed])[0].pixels, again.show([seed])[0].cover.pixels)


def test_the_wall_that_hangs_is_not_given_again(exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch) -> None:
    only = (7, exhibit.show([1]))
    monkeypatch.setattr(exhibit, "_pool", SimpleNamespace(take=lambda: only, fill=lambda show: False))
    assert exhibit.fresh_wall() == 7 != exhibit.fresh_wall(besides=7)


def test_networks_work_in_threads_of_their_own(exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()

    def noting(function: Callable[..., object]) -> Callable[..., object]:
        def noted(*arguments: object) -> object:
            threads.add(threading.current_thread().name)
            return function(*arguments)

        return noted

    for worker, names in (
        (exhibit.painter, ("paint_each", "differentiable")),
        (exhibit.judge, ("judge", "differentiable")),
    ):
        for name in names:
            monkeypatch.setattr(worker, name, noting(getattr(worker, name)))
    shown = exhibit.show([901, 902])[0]
    list(exhibit.steer(shown.cover.identity, SteeringTarget("awe")))
    exhibit.judge_picture(shown.cover)
    assert threads <= {"networks", "networks_0"}  # The second one helps.
