"""Breed: two covers, what lies between them, their children, and the way back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import streamlit as st

from albumjudge.domain import breeding, seeds
from albumjudge.domain.breeding import Birth, BreedingError, Lineage, Pair, Stranger
from albumjudge.domain.cover import LAST_SEED, CoverIdentity, CoverLinkError
from albumjudge.ui import markup, prints, shell
from albumjudge.ui import morph_slider as morph
from albumjudge.ui.words import N_, _, translate

shell.need_frame()

OFFERED = 12
MUTATIONS = {N_("no mutation"): 0, N_("a little"): 8, N_("some"): 18, N_("a lot"): 35}
"""How far a child goes its own way, and how many percent of the way to a stranger that is."""
KEPT = "breed"
"""Where the link is kept while the visitor is in another room."""


def go(left: str = "", right: str = "", line: str = "") -> None:
    """Show these parents; whatever is empty is left out of the link."""
    query = {name: value for name, value in (("a", left), ("b", right), ("line", line)) if value}
    st.session_state[KEPT] = query
    st.session_state.pop("litter", None)
    shell.go(**query)
    st.rerun()


def follow(lineage: Lineage) -> None:
    """Show where a line leads."""
    go(str(lineage.first.left), str(lineage.first.right), lineage.line)


def pick(first: str) -> None:
    """A small wall from which to choose the first or the second parent."""
    shell.heading(
        _("Breed"),
        _("Now choose a second one.")
        if first
        else _("Choose two covers. You will see everything between them, and their children."),
    )
    painter = shell.exhibit().painter.revision
    if first:
        chosen = shell.exhibit().show_identity(CoverIdentity.parse(first))
        painter = chosen.cover.identity.generator
        with st.container(key="chosen", horizontal=True, vertical_alignment="center"):
            st.html(
                prints.framed(chosen.cover, size="small", short=True, note=_("the left parent")),
                width="content",
            )
            if st.button(_("Take another one"), key="drop", type="tertiary"):
                go()
    if "breed-wall" not in st.session_state:
        st.session_state["breed-wall"] = shell.exhibit().fresh_wall()
    number: int = st.session_state["breed-wall"]
    offered = [CoverIdentity(painter, seed) for seed in seeds.wall(number, OFFERED)]
    with st.container(key="wall-breed"):
        for judged in shell.exhibit().show_each([one for one in offered if str(one) != first]):
            identity, feeling = judged.cover.identity, translate(judged.verdict.words)
            with st.container(key=f"print-breed-{identity.seed}"):
                st.html(prints.framed(judged.cover, size="wall", feeling=feeling))
                taken = st.button(
                    _("Take cover {number}, {feeling}", number=identity.seed, feeling=feeling),
                    key=f"take-{identity.seed}",
                )
            if taken:
                go(first, str(identity)) if first else go(str(identity))
    if st.button(_("Show me others"), key="others"):
        st.session_state["breed-wall"] = shell.exhibit().fresh_wall(besides=number)
        st.rerun()


def between(pair: Pair, size: int) -> None:
    """The slider from one parent to the other."""
    with st.spinner(_("Painting the way from one to the other …")):
        way = shell.exhibit().show_each(breeding.way(pair, size))
    with st.container(key="between"):
        place = morph.slide(way)
    if pair.left.conditions != pair.right.conditions:
        left, right = (prints.asked_for(one) or _("any sleeve") for one in (pair.left, pair.right))
        markup.say(_("Half-way the order changes from {left} to {right}.", left=left, right=right))
    if place is not None:
        st.switch_page(shell.STAGE, query_params={"cover": str(way[place].cover.identity)})


def next_litter() -> None:
    st.session_state["litter"] = (st.session_state.get("litter", 0) + 1) % (breeding.LAST_LITTER + 1)


@st.fragment
def children(lineage: Lineage, pair: Pair, size: int) -> None:
    """Six children, one of which may become the next parent."""
    generation = len(lineage.steps)
    with st.container(key="litter-head", horizontal=True, vertical_alignment="bottom"):
        st.html(markup.row_title(_("Six children")), width="content")
        chance = str(st.select_slider(_("Mutation"), list(MUTATIONS), "a little", _, key="mutation"))
        st.button(_("Six others"), key="six-others", on_click=next_litter)
    number: int = st.session_state.get("litter", 0)
    litter = breeding.litter(pair, size, number=number, mutation=MUTATIONS[chance])
    shown = shell.exhibit().show_each([child.identity for child in litter])
    with st.container(key="wall-litter"):
        for place, (child, judged) in enumerate(zip(litter, shown, strict=True)):
            # Parents and litter are part of each key: a late press must never raise another child.
            key = f"{generation}-{number}-{MUTATIONS[chance]}-{place}"
            feeling, which = translate(judged.verdict.words), {"n": place + 1}
            with st.container(key=f"child-{key}"):
                with st.container(key=f"print-child-{key}"):
                    st.html(
                        prints.framed(
                            judged.cover,
                            size="wall",
                            feeling=feeling,
                            note=morph.where(child.place),
                            name=_("Child {n}", **which),
                        )
                    )
                    label = _("Raise child {n}, {feeling}", feeling=feeling, **which)
                    raised = st.button(label, key=f"raise-{key}")
                on_the_stage = _("Child {n} on the stage", **which)
                shell.link_to(shell.STAGE, on_the_stage, cover=str(child.identity))
            if raised:
                grow(lineage, Birth(place, MUTATIONS[chance], number))
    markup.say(
        _(
            "Choose a child, and it becomes the left parent; the one that it takes less after stays beside it. "
            "Mutation leads each child some of the way to a cover that nobody knows. Seed, genre and decade it "
            "has from the parent that it takes more after."
        )
    )
    if st.button(_("Bring in a stranger as the right parent"), key="stranger"):
        grow(lineage, Stranger(secrets.randbelow(LAST_SEED + 1)))


def grow(lineage: Lineage, step: Birth | Stranger) -> None:
    """Let the line go on, if it can."""
    try:
        longer = lineage.and_then(step)
    except BreedingError as error:
        markup.say(translate(str(error)), kind="sentence", role="alert")
        return
    follow(longer)


def ancestors(lineage: Lineage, pairs: Sequence[Pair]) -> None:
    """How the present pair came to be, and the way back to any earlier one."""
    st.html(markup.row_title(_("The way here")))
    new: list[tuple[CoverIdentity, str]] = [(pairs[0].right, _("the first two"))]
    for step, pair in zip(lineage.steps, pairs[1:], strict=True):
        new.append((pair.right, _("a stranger")) if isinstance(step, Stranger) else (pair.left, _("a child")))
    shown = shell.exhibit().show_each([pairs[0].left, *(cover for cover, _words in new)])
    with st.container(key="ancestors"):
        st.html(
            prints.framed(
                shown[0].cover, size="small", short=True, note=_("the first two"), name=_("At first")
            )
        )
        for number, ((_cover, words), judged) in enumerate(zip(new, shown[1:], strict=True)):
            name = _("Generation {n}", n=number) if number else _("At first")
            html = prints.framed(judged.cover, size="small", short=True, note=words, name=name)
            if number == len(lineage.steps):
                st.html(html)
                continue
            with st.container(key=f"print-back-{number}"):
                st.html(html)
                back = st.button(_("Back to generation {n}", n=number), key=f"back-{number}")
            if back:
                follow(lineage.back_to(number))
    if st.button(_("One step back"), key="one-step-back"):
        follow(lineage.back_to(len(lineage.steps) - 1))


def family(lineage: Lineage) -> None:
    size = shell.exhibit().latent_size(lineage.first.left.generator)
    pairs = lineage.pairs(size)
    shell.from_the_top(f"breed-{len(lineage.steps)}")
    with st.container(key="breed-head", horizontal=True, vertical_alignment="bottom"):
        with st.container(key="breed-words"):
            shell.heading(
                _("Breed"),
                _("Everything between two covers: slide from one to the other. Then look at their children."),
            )
        if st.button(_("Another pair"), key="another-pair"):
            go()
    between(pairs[-1], size)
    children(lineage, pairs[-1], size)
    if lineage.steps:
        ancestors(lineage, pairs)
    markup.say(_("A link to this pair, with all its ancestors:"))
    markup.to_share(shell.address(**st.session_state[KEPT]))


def main() -> None:
    asked = st.query_params
    if not asked.keys() & {"a", "b"} and st.session_state.get(KEPT):
        shell.go(**st.session_state[KEPT])
    left, right, line = (asked.get(name, "") for name in ("a", "b", "line"))
    try:
        if left and right:
            lineage = Lineage.read(left, right, line)
            st.session_state[KEPT] = {name: asked[name] for name in ("a", "b", "line") if name in asked}
            family(lineage)
        else:
            pick(left or right)
    except (CoverLinkError, BreedingError) as error:
        st.session_state.pop(KEPT, None)
        shell.heading(_("These two cannot have children"), translate(str(error)))
        if st.button(_("Choose two others"), type="primary", key="start-anew"):
            go()


main()
