"""Keeps the message catalogues in step with the code: ``python -m albumjudge.ui.words.catalogue``.

It collects all messages, adds the new ones to each language's file, drops those that are gone, and says how many
wait for a translator. With ``--check`` it writes nothing and fails if a file is behind.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from albumjudge import metrics
from albumjudge.export.tables import DATA_DICTIONARY
from albumjudge.ui.words import ENGLISH, LANGUAGES, catalogue_file, messages_elsewhere

ROOT = Path(__file__).parents[3]
PLACES = ("albumjudge/ui", "albumjudge/server", "pages")
KEYWORDS = {"_": 1, "N_": 1, "ngettext": 2}
"""Functions whose first argument is a message, or whose first two are one, in the code."""


def of_metrics() -> Iterator[str]:
    """Labels and meanings of all that is measured."""
    for metric in metrics.METRICS:
        yield from filter(None, (metric.label, metric.meaning))
    yield from (table.title for table in metrics.TABLES)
    yield from metrics.ROWS.values()


def of_code(file: Path) -> Iterator[str | tuple[str, ...]]:
    """Messages in a Python file, those within f-strings too, which Babel finds in newer Pythons only."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            first = node.args[: KEYWORDS[node.func.id]]
            ids = [str(one.value) for one in first if isinstance(one, ast.Constant)]
            if len(ids) == KEYWORDS[node.func.id]:
                yield ids[0] if len(ids) == 1 else tuple(ids)


def collected() -> Catalog:
    """All messages of the exhibit."""
    found = Catalog(project="Album judge", charset="utf-8", fuzzy=False)
    sources: list[tuple[str, Iterable[str | tuple[str, ...]]]] = [
        (str(file.relative_to(ROOT)), of_code(file))
        for place in PLACES
        for file in sorted((ROOT / place).rglob("*.py"))
    ]
    sources += [
        ("albumjudge/ui/locales/sentences.txt", messages_elsewhere()),
        ("albumjudge/metrics.csv", of_metrics()),
        ("albumjudge/export/tables.py", DATA_DICTIONARY.values()),
    ]
    for origin, messages in sources:
        for msgid in messages:
            found.add(msgid, locations=[(origin, 0)])
    return found


def read(code: str) -> Catalog:
    """The catalogue of a language, empty where there is none yet."""
    file = catalogue_file(code)
    if not file.exists():
        return Catalog(locale=code, project="Album judge", charset="utf-8", fuzzy=False)
    with file.open(encoding="utf-8") as opened:
        return read_po(opened, locale=code)


def key(message: Message) -> tuple[str, ...]:
    """Singular and plural, or the message alone."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def missing(catalog: Catalog) -> list[str]:
    """Messages without a full translation."""
    return [
        key(message)[0]
        for message in catalog
        if message.id
        and not all([message.string] if isinstance(message.string, str) else message.string or [""])
    ]


def main(arguments: list[str] | None = None) -> int:
    """Bring the catalogues up to date, or check whether they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is behind")
    options = parser.parse_args(arguments)
    messages, behind = collected(), False
    for code in LANGUAGES:
        if code == ENGLISH:
            continue
        catalog = read(code)
        before = {key(message) for message in catalog if message.id}
        catalog.update(messages, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        now = {key(message) for message in catalog if message.id}
        waiting = missing(catalog)
        behind = behind or before != now or bool(waiting)
        new, gone = len(now - before), len(before - now)
        print(f"{code}: {len(now)} messages, {new} new, {gone} gone, {len(waiting)} to do")
        if not options.check:
            with catalogue_file(code).open("wb") as file:
                write_po(file, catalog, width=110, sort_by_file=True, include_lineno=False)
    return int(options.check and behind)


if __name__ == "__main__":
    raise SystemExit(main())
