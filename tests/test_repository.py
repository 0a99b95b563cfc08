"""The repository keeps its promises: pins, no large files, and a README and docs that are true."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from urllib.parse import unquote

import pytest

from albumjudge.domain.settings import SETTINGS
from tests.test_limits import modules

ROOT = Path(__file__).parent.parent
OURS = {"albumjudge", "benchmarks", "pages", "streamlit_app", "tests", "training"}
TEXT = {".py", ".md", ".toml", ".txt", ".json", ".css", ".ini", ".mako", ".sh", ".yml", ".yaml", ""}
MEGABYTE = 1_000_000
LARGEST_FILE = 45 * MEGABYTE
PICKLES = {".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt", ".joblib"}

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))}
PROSE = "\n".join([README, *DOCS.values()])
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file that git tracks and that is still there."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git clone, so there is no list of tracked files")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listing.decode().split("\0") if name]
    return [path for path in files if path.is_file()]


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top_levels(paths: Iterable[Path]) -> dict[str, Path]:
    """Top-level package -> one file that imports it."""
    return {name.split(".")[0]: path for path in paths for name in imported(path)}


def normal(distribution: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def required(name: str) -> dict[str, str]:
    """Distribution -> version specifier, of one requirements file without those that it includes."""
    wanted: dict[str, str] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text and not text.startswith("-r "):
            found = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?(.*)", text)
            assert found, f"{name}: {text!r} is no requirement"
            wanted[normal(found[1])] = found[2].strip()
    return wanted


providers = cache(packages_distributions)


def not_required(paths: Iterable[Path], wanted: Iterable[str]) -> list[str]:
    """Imports of third-party packages that no requirement provides."""
    provided, wanted = providers(), set(wanted)
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for name, path in sorted(top_levels(paths).items())
        if name not in sys.stdlib_module_names
        and name not in OURS
        and not wanted & {normal(distribution) for distribution in provided.get(name, ())}
    ]


def commands(prose: str = PROSE) -> list[str]:
    """Lines of shell blocks, continued lines joined, without comments."""
    blocks = re.findall(r"```(?:sh|bash|shell)\n(.*?)```", prose, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def anchor(heading: str) -> str:
    """The fragment by which GitHub links to a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(name: str) -> None:
    wanted = required(name)
    assert wanted
    loose = {
        package: version for package, version in wanted.items() if not re.fullmatch(r"==[\w.]+", version)
    }
    assert not loose


@pytest.mark.parametrize(
    ("places", "requirements"),
    [
        (("albumjudge", "pages", "streamlit_app.py"), ["requirements.txt"]),
        (("tests", "training", "benchmarks"), ["requirements.txt", "requirements-dev.txt"]),
    ],
    ids=["exhibit", "tests and training"],
)
def test_only_what_requirements_name_is_imported(places: tuple[str, ...], requirements: list[str]) -> None:
    files = modules(*places)
    assert {"albumjudge", "torch"} <= top_levels(files).keys()
    assert not not_required(files, [package for name in requirements for package in required(name)])


def test_no_requirement_is_named_twice() -> None:
    assert not required("requirements.txt").keys() & required("requirements-dev.txt").keys()


def test_nothing_large_pickled_or_of_a_developers_machine_is_tracked(tracked: list[Path]) -> None:
    assert not [path for path in tracked if path.stat().st_size > LARGEST_FILE or path.suffix in PICKLES]
    elsewhere = re.compile(r"(?<![\w.])/(?:work|root|Users)/")
    texts = (path for path in tracked if path.suffix in TEXT)
    assert not [path for path in texts if elsewhere.search(path.read_text(encoding="utf-8"))]


def test_every_relative_link_in_the_readme_leads_somewhere() -> None:
    assert "shared/" not in PROSE  # Nobody has that who has only this repository.
    targets = re.findall(r"\]\(([^)\s]+)\)", README)
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", README, re.MULTILINE)}
    local = [target for target in targets if "://" not in target]
    assert local
    broken = [
        target
        for target in local
        if (
            target[1:] not in headings
            if target.startswith("#")
            else not (ROOT / unquote(target.split("#")[0])).exists()
        )
    ]
    assert not broken


def test_every_path_and_module_that_the_docs_name_exists() -> None:
    places = "albumjudge|benchmarks|checkpoints|docs|pages|tests|training"
    paths = set(re.findall(rf"`((?:{places})/[\w/.-]+)`", PROSE))
    modules = set(re.findall(r"(?:`|-m )((?:benchmarks|training)(?:\.(?!json)[a-z_]+)+)", PROSE))
    assert "albumjudge/models/dcgan.py" in paths and "training.train_flow" in modules
    assert not {path for path in paths if "NAME" not in path and not (ROOT / path).exists()}
    assert not {name for name in modules if not (ROOT / Path(*name.split("."))).with_suffix(".py").is_file()}


def test_make_commands_of_docs_and_ci_are_in_the_makefile_and_explained() -> None:
    used = set(re.findall(r"^make ([a-z-]+)", "\n".join(commands()), re.MULTILINE))
    used |= set(re.findall(r"`make ([a-z-]+)", PROSE))
    assert {"run", "test", "retrain"} <= used
    assert used <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony and targets == set(phony[1].split())
    explained = set(re.findall(r"^#   make ([a-z-]+)", MAKEFILE, re.MULTILINE))
    assert targets - explained == {"browser"}
    assert explained <= set(re.findall(r"`make ([a-z-]+)", DOCS[ROOT / "docs" / "contributing.md"]))
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert set(re.findall(r"^(?:timeout [0-9]+ )?make ([a-z-]+)", script, re.MULTILINE)) == {
        "audit",
        "docs",
        "test",
        "test-slow",
    }
    assert {"make run", "make test"} <= set(commands(README))


def test_every_python_command_in_the_docs_exists_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [words for line in commands() if "-m" in (words := shlex.split(line))]
    modules = {words[words.index("-m") + 1] for words in lines}
    assert any(name.startswith("albumjudge.") for name in modules)
    assert any(name.startswith("training.") for name in modules)
    unknown = []
    for words in lines:
        name, *arguments = words[words.index("-m") + 1 :]
        if name.split(".")[0] not in OURS:
            continue
        subcommand = [a for a in arguments[:1] if re.fullmatch("[a-z]+", a)]
        if (ROOT / Path(*name.split("."))).is_dir():
            name += ".__main__"
        with pytest.raises(SystemExit) as stopped:
            importlib.import_module(name).main([*subcommand, "--help"])
        assert stopped.value.code == 0, f"{name} {subcommand}"
        known = set(re.findall(r"(?<!\w)--[a-z][a-z-]*", capsys.readouterr().out))
        unknown += [f"{name} {a}" for a in arguments if a.startswith("--") and a.split("=")[0] not in known]
    assert not unknown


def test_the_docs_explain_every_setting_and_no_other() -> None:
    hosting = DOCS[ROOT / "docs" / "hosting.md"]
    assert set(SETTINGS) == set(re.findall(r"^\| `([A-Z_]+)` \|", hosting, re.MULTILINE))
    assert set(re.findall(r"\bALBUMJUDGE_[A-Z_]+", PROSE)) <= set(SETTINGS)


def test_every_page_is_in_the_tour_and_under_visiting() -> None:
    pages = [path.name for path in modules("pages") if not path.stem.startswith("_")]
    visiting = DOCS[ROOT / "docs" / "visiting.md"]
    assert pages
    assert not [name for name in pages if f"](pages/{name})" not in README]
    assert not [name for name in pages if f"`pages/{name}`" not in visiting]


@pytest.mark.parametrize(
    ("branches", "said"),
    [
        ("--version) echo Python 3.9.6 ;;\n*version_info*) exit 1 ;;", "found here: Python 3.9.6"),
        ("--version) echo Python 3.11.2 ;;\n*ensurepip*) exit 1 ;;", "apt install python3-venv"),
        ("'-m venv'*) mkdir \"$3\"; exit 1 ;;", ""),
        (None, "Install one"),
    ],
    ids=["old", "without venv", "failing", "missing"],
)
def test_what_cannot_make_an_environment_is_refused_with_a_way_on(
    tmp_path: Path, branches: str | None, said: str
) -> None:
    outcome = make_environment(tmp_path / "new", tmp_path, branches)
    assert outcome.returncode == 1 and said in outcome.stderr
    assert not (tmp_path / "new").exists()


def make_environment(folder: Path, tmp_path: Path, branches: str | None) -> subprocess.CompletedProcess[str]:
    """Run ``.ci/venv.sh`` as the Makefile does, with a shell script of ``case "$*"`` branches for Python."""
    python = tmp_path / "python"
    if branches is not None:
        python.write_text(f'#!/bin/sh\ncase "$*" in\n{branches}\nesac\n', encoding="utf-8")
        python.chmod(0o755)
    command = ["sh", str(ROOT / ".ci" / "venv.sh"), str(folder), str(python)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "beach.jpg").write_bytes(b"sand")
    outcome = make_environment(folder, tmp_path, f"'-m venv'*) rm -r '{folder}' ;;")
    assert outcome.returncode == 1 and "nothing was touched" in outcome.stderr
    assert (folder / "beach.jpg").read_bytes() == b"sand"


@pytest.mark.parametrize(("outcome", "said"), [(0, "without CUDA is installed"), (1, "usual build is taken")])
def test_pytorch_without_cuda_falls_back_to_the_usual_build(tmp_path: Path, outcome: int, said: str) -> None:
    pip = tmp_path / "python"
    pip.write_text(f'#!/bin/sh\necho "$@"\nexit {outcome}\n', encoding="utf-8")
    pip.chmod(0o755)
    command = ["sh", str(ROOT / ".ci" / "torch-cpu.sh"), str(pip), str(ROOT / "requirements.txt"), "http://x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    if sys.platform == "linux":
        pins = [f"{name}{required('requirements.txt')[name]}+cpu" for name in ("torch", "torchvision")]
        assert " ".join(["--index-url http://x", *pins]) in done.stdout
        assert said in done.stdout
