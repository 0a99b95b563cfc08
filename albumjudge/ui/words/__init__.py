"""What visitors read, in their language: message catalogues, numbers and dates.

English msgids stand in the code; translations in ``albumjudge/ui/locales``. ``catalogue.py`` keeps them in step.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache
from pathlib import Path

import streamlit as st
from babel import Locale, dates, numbers
from babel.messages import mofile, pofile
from streamlit.runtime.scriptrunner import get_script_run_ctx

from albumjudge.domain.emotions import NAMES

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""Code to the language's own name; the first is that of the msgids."""
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
ENGLISH = "en"
PARAMETER = "lang"
LOCALES = Path(__file__).parents[1] / "locales"
DOMAIN = "albumjudge"
_KEY, _CHOSEN = "language", "language-chosen"
_LANGUAGE: ContextVar[str | None] = ContextVar("language", default=None)


def catalogue_file(code: str) -> Path:
    """The translations into a language."""
    return LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.po"


@cache
def translations(code: str) -> gettext.NullTranslations:
    """Messages of a language, compiled when first asked for."""
    if code == ENGLISH:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with catalogue_file(code).open(encoding="utf-8") as file:
        mofile.write_mo(compiled, pofile.read_po(file, locale=code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def known(code: object) -> str | None:
    """The language that a code such as ``de-AT`` asks for, if it is one of ours."""
    short = str(code or "")[:2].lower()
    return short if short in LANGUAGES else None


def choose() -> str:
    """Settle the language of a run: the one in the link, else the one chosen before, else the browser's."""
    asked, before = known(st.query_params.get(PARAMETER)), known(st.session_state.get(_KEY))
    if asked and asked != before:
        st.session_state[_CHOSEN] = True
    code = asked or before or known(st.context.locale) or ENGLISH
    st.session_state[_KEY] = code
    if st.session_state.get(_CHOSEN) and asked != code:
        st.query_params[PARAMETER] = code
    _LANGUAGE.set(code)
    return code


def switch(code: str) -> None:
    """Choose another language, for all pages of this visit."""
    st.session_state[_KEY], st.session_state[_CHOSEN] = code, True
    st.query_params[PARAMETER] = code


def in_link() -> dict[str, str]:
    """What a link within the exhibit says of the language: nothing unless somebody chose it."""
    chosen = get_script_run_ctx() is not None and st.session_state.get(_CHOSEN)
    return {PARAMETER: language()} if chosen else {}


def language() -> str:
    """Code of the visitor's language."""
    code = _LANGUAGE.get()
    if code is None and get_script_run_ctx() is not None:
        # A fragment runs without the page around it, perhaps in another thread.
        code = known(st.session_state.get(_KEY))
        _LANGUAGE.set(code)
    return code or ENGLISH


@contextmanager
def spoken_in(code: str | None) -> Iterator[None]:
    """Speak a language for a while, outside of pages; None speaks that of the msgids."""
    before = _LANGUAGE.set(code or ENGLISH)
    try:
        yield
    finally:
        _LANGUAGE.reset(before)


def N_(msgid: str) -> str:  # noqa: N802
    """Mark a message that is translated where it is shown."""
    return msgid


def _(msgid: str, /, **values: object) -> str:
    """A message in the visitor's language, with ``{names}`` replaced."""
    message = translations(language()).gettext(msgid) if msgid else ""
    return message.format(**values) if values else message


def ngettext(one: str, many: str, count: int, /, **values: object) -> str:
    """The form of a message that goes with a number, which stands in it as ``{n}``."""
    message = translations(language()).ngettext(one, many, count)
    return message.format(**{"n": number(count), **values})


def translate(sentence: str) -> str:
    """What another room says in English, an error for instance, in the visitor's language.

    Sentences are looked up as they are, then one by one, then among the patterns of ``locales/sentences.txt``;
    what is not known stays English.
    """
    code = language()
    if code == ENGLISH or not sentence:
        return sentence
    found = translations(code).gettext(sentence)
    if found != sentence:
        return found
    pieces = re.split(r"(?<=[.?!])(?<!No\.) ", sentence)
    if len(pieces) > 1:
        return " ".join(map(translate, pieces))
    for pattern, msgid in _patterns():
        if match := pattern.fullmatch(sentence):
            values = {name: translate(value) for name, value in match.groupdict().items()}
            return translations(code).gettext(msgid).format(**values)
    return sentence


@cache
def messages_elsewhere() -> tuple[str, ...]:
    """Messages that other rooms speak, with ``{names}`` where they put something in."""
    lines = (LOCALES / "sentences.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Messages with placeholders as patterns, those with most fixed letters first."""
    templates = sorted(
        (one for one in messages_elsewhere() if "{" in one), key=lambda one: -len(re.sub(r"{\w+}", "", one))
    )
    return [(re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(one))), one) for one in templates]


def number(value: float, decimals: int = 0) -> str:
    """A number with the language's separators and a real minus sign."""
    pattern = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
    said: str = numbers.format_decimal(value, pattern, locale=language())
    return said.replace("-", "−") if float(f"{value:.{decimals}f}") else said.replace("-", "")


def percent(share: float) -> str:
    """A share as people read it: ``"12 %"``, ``"< 1 %"`` for what is little but not nothing."""
    return "< 1 %" if 0 < share < 0.005 else f"{round(100 * share):d} %"


def spoken(probabilities: Sequence[float]) -> str:
    """The eight shares as a sentence, largest first; what a screen reader says in place of a chart."""
    ranked = sorted(range(len(NAMES)), key=lambda i: (-probabilities[i], i))
    return ", ".join(f"{_(NAMES[i])} {percent(probabilities[i])}" for i in ranked) + "."


def in_letters(count: int) -> str:
    """A small number as a word, a large one in digits."""
    return _(NUMBERS[count]) if count < len(NUMBERS) else number(count)


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return (
        parts[0] if len(parts) == 1 else _("{first} and {last}", first=", ".join(parts[:-1]), last=parts[-1])
    )


def day(when: date) -> str:
    """``27 November 2026``."""
    return str(dates.format_date(when, _("d MMMM y"), locale=language()))


def date_time(when: datetime) -> str:
    """``27 Nov 2026, 14:05 UTC``."""
    return str(dates.format_datetime(when, _("d MMM y, HH:mm 'UTC'"), tzinfo=dates.UTC, locale=language()))


def vega_locale() -> dict[str, object]:
    """How charts write numbers."""
    symbols = Locale.parse(language()).number_symbols["latn"]
    return {
        "number": {
            "decimal": symbols["decimal"],
            "thousands": symbols["group"],
            "grouping": [3],
            "currency": ["", ""],
        }
    }
