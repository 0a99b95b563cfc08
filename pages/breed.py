"""Breed: two covers, what lies between them, their children, and the way back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from html import escape

import streamlit as st

from albumjudge.domain import breeding
from albumjudge.domain import seeds as hanging
from albumjudge.domain.breeding import Birth, BreedingError, Lineage, Pair, Stranger
from albumjudge.domain.cover import LAST_SEED, CoverIdentity, CoverLinkError
from albumjudge.ui import morph_slider as morph
from albumjudge.ui import prints
from albumjudge.ui import shell as room

room.need_frame()

OFFERED = 12
MUTATIONS = {"none": 0, "a little": 8, "some": 18, "a lot": 35}
"""How far a child goes its own way, and how many percent of the way to a stranger that is."""
KEPT = "breed"
"""Where the link is kept while the visitor is in another room."""


def go(left: str = "", right: str = "", line: str = "") -> None:
    """Show these parents; whatever is empty is left out of the link."""
    query = {name: value for name, value in (("a", left), ("b", right), ("line", line)) if value}
    st.session_state[KEPT] = query
    st.session_state.pop("litter", None)
    st.query_params.from_dict(query)
    st.rerun()


def follow(lineage: Lineage) -> None:
    """Show where a line leads."""
    go(str(lineage.first.left), str(lineage.first.right), lineage.line)


def pick(first: str) -> None:
    """A small wall from which to choose the first or the second parent."""
    room.heading(
        "Breed",
        "Now choose a second one."
        if first
        else "Choose two covers. You will see everything between them, and their children.",
    )
    painter = room.exhibit().painter.revision
    if first:
        chosen = room.exhibit().show_identity(CoverIdentity.parse(first))
        painter = chosen.cover.identity.generator
        with st.container(key="chosen", horizontal=True, vertical_alignment="center"):
            st.html(
                prints.framed(chosen.cover, size="small", short=True, note="the left parent"), width="content"
            )
            if st.button("Take another one", key="drop", type="tertiary"):
                go()
    if "breed-wall" not in st.session_state:
        st.session_state["breed-wall"] = room.exhibit().fresh_wall()
    number: int = st.session_state["breed-wall"]
    offered = [CoverIdentity(painter, seed) for seed in hanging.wall(number, OFFERED)]
    with st.container(key="wall-breed"):
        for judged in room.exhibit().show_each([one for one in offered if str(one) != first]):
            identity = judged.cover.identity
            with st.container(key=f"print-breed-{identity.seed}"):
                st.html(prints.framed(judged.cover, size="wall", feeling=judged.verdict.words))
                taken = st.button(
                    f"Take cover {identity.seed}, {judged.verdict.words}", key=f"take-{identity.seed}"
                )
            if taken:
                go(first, str(identity)) if first else go(str(identity))
    if st.button("Show me others", key="others"):
        st.session_state["breed-wall"] = room.exhibit().fresh_wall()
        st.rerun()


def between(pair: Pair, size: int) -> None:
    """The slider from one parent to the other."""
    with st.spinner("Painting the way from one to the other ..."):
        way = room.exhibit().show_each(breeding.way(pair, size))
    with st.container(key="between"):
        place = morph.slide(way)
    if pair.left.conditions != pair.right.conditions:
        orders = " to ".join(one.conditions or "any sleeve" for one in (pair.left, pair.right))
        st.html(f'<p class="quiet">Half-way the order changes from {escape(orders)}.</p>')
    if place is not None:
        st.switch_page(room.STAGE, query_params={"cover": str(way[place].cover.identity)})


def next_litter() -> None:
    st.session_state["litter"] = (st.session_state.get("litter", 0) + 1) % (breeding.LAST_LITTER + 1)


@st.fragment
def children(lineage: Lineage, pair: Pair, size: int) -> None:
    """Six children, one of which may become the next parent."""
    generation = len(lineage.steps)
    with st.container(key="litter-head", horizontal=True, vertical_alignment="bottom"):
        st.html('<h2 class="row-title">Six children</h2>', width="content")
        chance = str(st.select_slider("Mutation", list(MUTATIONS), value="a little", key="mutation"))
        st.button("Six others", key="six-others", on_click=next_litter)
    number: int = st.session_state.get("litter", 0)
    litter = breeding.litter(pair, size, number=number, mutation=MUTATIONS[chance])
    shown = room.exhibit().show_each([child.identity for child in litter])
    with st.container(key="wall-litter"):
        for place, (child, judged) in enumerate(zip(litter, shown, strict=True)):
            # Parents and litter are part of each key: a late press must never raise another child.
            key = f"{generation}-{number}-{MUTATIONS[chance]}-{place}"
            with st.container(key=f"child-{key}"):
                with st.container(key=f"print-child-{key}"):
                    st.html(
                        prints.framed(
                            judged.cover,
                            size="wall",
                            feeling=judged.verdict.words,
                            note=morph.where(child.place),
                            name=f"Child {place + 1}",
                        )
                    )
                    raised = st.button(f"Raise child {place + 1}, {judged.verdict.words}", key=f"raise-{key}")
                st.page_link(
                    room.STAGE,
                    label=f"Child {place + 1} on the stage",
                    query_params={"cover": str(child.identity)},
                )
            if raised:
                grow(lineage, Birth(place, MUTATIONS[chance], number))
    st.html(
        '<p class="quiet">Choose a child, and it becomes the left parent; the one that it takes less after '
        "stays beside it. Mutation leads each child some of the way to a cover that nobody knows. "
        "Seed, genre and decade it has from the parent that it takes more after.</p>"
    )
    if st.button("Bring in a stranger as the right parent", key="stranger"):
        grow(lineage, Stranger(secrets.randbelow(LAST_SEED + 1)))


def grow(lineage: Lineage, step: Birth | Stranger) -> None:
    """Let the line go on, if it can."""
    try:
        longer = lineage.and_then(step)
    except BreedingError as error:
        st.html(f'<p class="sentence" role="alert">{escape(str(error))}</p>')
        return
    follow(longer)


def ancestors(lineage: Lineage, pairs: Sequence[Pair]) -> None:
    """How the present pair came to be, and the way back to any earlier one."""
    st.html('<h2 class="row-title">The way here</h2>')
    new: list[tuple[CoverIdentity, str]] = [(pairs[0].right, "the first two")]
    for step, pair in zip(lineage.steps, pairs[1:], strict=True):
        new.append((pair.right, "a stranger") if isinstance(step, Stranger) else (pair.left, "a child"))
    shown = room.exhibit().show_each([pairs[0].left, *(cover for cover, _ in new)])
    with st.container(key="ancestors"):
        st.html(
            prints.framed(shown[0].cover, size="small", short=True, note="the first two", name="At first")
        )
        for number, ((_, words), judged) in enumerate(zip(new, shown[1:], strict=True)):
            name = f"Generation {number}" if number else "At first"
            html = prints.framed(judged.cover, size="small", short=True, note=words, name=name)
            if number == len(lineage.steps):
                st.html(html)
                continue
            with st.container(key=f"print-back-{number}"):
                st.html(html)
                back = st.button(f"Back to generation {number}", key=f"back-{number}")
            if back:
                follow(lineage.back_to(number))
    if st.button("One step back", key="one-step-back"):
        follow(lineage.back_to(len(lineage.steps) - 1))


def family(lineage: Lineage) -> None:
    size = room.exhibit().latent_size(lineage.first.left.generator)
    pairs = lineage.pairs(size)
    room.from_the_top(f"breed-{len(lineage.steps)}")
    with st.container(key="breed-head", horizontal=True, vertical_alignment="bottom"):
        with st.container(key="breed-words"):
            room.heading(
                "Breed",
                "Everything between two covers: slide from one to the other. Then look at their children.",
            )
        if st.button("Another pair", key="another-pair"):
            go()
    between(pairs[-1], size)
    children(lineage, pairs[-1], size)
    if lineage.steps:
        ancestors(lineage, pairs)
    st.html('<p class="quiet">The address above leads back to this pair, with all its ancestors.</p>')


def main() -> None:
    asked = st.query_params
    if not asked.keys() & {"a", "b"} and st.session_state.get(KEPT):
        asked.from_dict(st.session_state[KEPT])
    left, right, line = (asked.get(name, "") for name in ("a", "b", "line"))
    try:
        if left and right:
            lineage = Lineage.read(left, right, line)
            st.session_state[KEPT] = asked.to_dict()
            family(lineage)
        else:
            pick(left or right)
    except (CoverLinkError, BreedingError) as error:
        st.session_state.pop(KEPT, None)
        room.heading("These two cannot have children", str(error))
        if st.button("Choose two others", type="primary", key="start-anew"):
            go()


main()
