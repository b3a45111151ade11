"""The commands of the pages: their targets, packages, paths and flags exist."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import subprocess
from collections.abc import Callable

import pytest
from pages import REPOSITORY, Block, every_block, read

BLOCKS = [block for block in every_block() if block.language in ("sh", "indented")]
CARGO = (REPOSITORY / "Cargo.toml").read_text(encoding="utf-8")
NODE = json.loads(read("bindings-node/package.json"))
PYTHON = (REPOSITORY / "bindings-python/pyproject.toml").read_text(encoding="utf-8")


def commands(block: Block) -> list[list[str]]:
    """The words of each command. What a shell would put in the place of a variable stays as it is."""
    lines = block.text.replace("\\\n", " ").splitlines()
    simple = [part for line in lines for part in line.split("&&")]
    return [words for words in (shlex.split(part, comments=True) for part in simple) if words]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_commands_name_what_exists(block: Block) -> None:
    for words in commands(block):
        assert words[0] in CHECKS, f"{words[0]}: nobody checks this command"
        CHECKS[words[0]](words[1:], block)


def make(words: list[str], _: Block) -> None:
    if words[:2] == ["-C", "scopegate"]:  # a clone
        words = words[2:]
    done = subprocess.run(["make", "-n", *words], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def pip_install(words: list[str], block: Block) -> None:
    assert words[0] == "install"
    optional = set(re.findall(r"^(\w+) = \[\"", PYTHON.partition("[project.optional-dependencies]")[2], re.M))
    asked_for = read("bindings-python/requirements-test.txt") + read("bindings-python/demo/requirements.txt")
    ours = {"scopegate", "./scopegate/bindings-python", "./bindings-python", "."}
    for word in words[1:]:
        name, extra = re.fullmatch(r"([^\[]+)(?:\[(\w+)\])?", word).groups()  # type: ignore[union-attr]
        assert name in ours or f"\n{name}==" in f"\n{asked_for}", f"{block}: {word}"
        assert extra is None or extra in optional, f"{block}: {word}"


def git(words: list[str], _: Block) -> None:
    assert words[0] == "clone"
    assert f'repository = "{words[1]}"' in CARGO


CLONED_PACKAGE = "./scopegate/bindings-node"


def npm(words: list[str], block: Block) -> None:
    assert words[0] == "install"
    packages = NODE["devDependencies"].keys() | {"scopegate", CLONED_PACKAGE}
    # A link to the clone would not find what is installed beside it.
    assert ("--install-links" in words) == (CLONED_PACKAGE in words), f"{block}: {words}"
    for word in filter(lambda word: word != "--install-links", words[1:]):
        braces = re.fullmatch(r"(.*)\{(.*)\}", word)
        names = {braces[1] + name for name in braces[2].split(",")} if braces else {word}
        assert names <= packages, f"{block}: {names}"


def npx(words: list[str], _: Block) -> None:
    """That the bundle runs is tested where it is made."""
    if words[0] == "scopegate":
        usage = read("bindings-node/lib/command-line.js")
        assert words[1] == "explain"
        assert all(f"  {flag} " in usage for flag in words[2:] if flag.startswith("-"))
        return
    assert words[0] == "esbuild"
    assert f'"npx {words[0]} {words[1]} ' in read("bindings-node/test/documentation.test.mjs")


GO_MODULES = ("bindings-go/go.mod", "bindings-go/mcp/go.mod")


def go(words: list[str], _: Block) -> None:
    modules = {re.findall(r"^module (.+)$", read(path), re.MULTILINE)[0]: path for path in GO_MODULES}
    match words:
        case ["get", module]:
            assert module in modules
        case ["mod", "edit", *replacements]:
            for replacement in replacements:
                module, folder = replacement.removeprefix("-replace=").split("=")
                assert f"{folder.removeprefix('./scopegate/')}/go.mod" == modules[module]
        case _:
            assert words == ["mod", "tidy"]


VARIABLES = ("PKG_CONFIG_PATH", "LD_LIBRARY_PATH", "RESOURCE", "ISSUER", "PORT")


def export(words: list[str], _: Block) -> None:
    for word in words:
        assert word.partition("=")[0] in VARIABLES, word


def cargo(words: list[str], _: Block) -> None:
    match words:
        case ["run", "-p", package, "--", path] | ["run", "--release", "-p", package, "--", path]:
            assert package in crates()
            assert (REPOSITORY / path).is_file()
        case ["add", package, "--path", path, "--features", feature]:
            manifest = read(path.replace("scopegate/", "") + "/Cargo.toml")
            assert f'name = "{package}"' in manifest
            assert re.search(rf"^{feature} = ", manifest, re.MULTILINE)
        case ["add", package, "--features", feature]:
            assert re.search(rf'^{package} = .*"{feature}"', read("core/examples/rmcp/Cargo.toml"), re.MULTILINE)
        case ["add", *packages]:
            used = read("core/examples/rmcp/Cargo.toml")
            assert all(f"\n{package} = " in used for package in packages), packages
        case _:
            raise AssertionError(words)


def crates() -> set[str]:
    (members,) = re.findall(r"^members = \[(.*?)\]", CARGO, re.DOTALL | re.MULTILINE)
    manifests = [read(f"{folder}/Cargo.toml") for folder in re.findall(r'"([^"]+)"', members)]
    return {re.findall(r'^name = "(.+)"$', manifest, re.MULTILINE)[0] for manifest in manifests}


def python(words: list[str], _: Block) -> None:
    match words:
        case ["-m", "venv", _folder]:
            pass
        case ["-m", "scopegate", "explain", *options]:
            flags = [word for word in options if word.startswith("-")]
            assert all(f'"{flag}"' in read("bindings-python/python/scopegate/_command_line.py") for flag in flags)
        case [path, *flags]:
            program = read(path)
            assert all(flag in program for flag in flags if flag.startswith("-")), words


def in_venv(words: list[str], block: Block) -> None:
    """``pip`` of an environment that the command before made."""
    assert words[0] == "install"
    for flag, value in zip(words[1::2], words[2::2], strict=True):
        assert flag == "-r"
        assert (REPOSITORY / value).is_file(), f"{block}: {value}"


def gunicorn(words: list[str], _: Block) -> None:
    """That it serves is tested by test_deployment.py."""
    config = importlib.import_module("gunicorn.config")  # which has no types
    config.Config().parser().parse_args(words)


def uvicorn(words: list[str], _: Block) -> None:
    from uvicorn.main import main

    main.make_context("uvicorn", words)


CHECKS: dict[str, Callable[[list[str], Block], None]] = {
    "make": make,
    "pip": pip_install,
    "git": git,
    "npm": npm,
    "npx": npx,
    "go": go,
    "export": export,
    "gunicorn": gunicorn,
    "uvicorn": uvicorn,
    "cargo": cargo,
    "python": python,
    "python3": python,
    "build/vectors/bin/pip": in_venv,
    "build/vectors/bin/python": python,
}
