"""Every committed notebook keeps the notebook contract, and its parameters are real options."""

from __future__ import annotations

import json
import re
import subprocess
import types
import typing
from pathlib import Path
from typing import Any

import pytest

import cvkan
from lab.schema import Schema, read_notebook_schema

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(
    path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)

# The domains a notebook trains in, and its parameters that are no options of them.
DOMAINS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "domains/image.ipynb": (("image",), set()),
    "domains/audio.ipynb": (("audio",), set()),
    "domains/timeseries.ipynb": (("timeseries",), set()),
    "domains/synthetic.ipynb": (("synthetic",), set()),
    "domains/text.ipynb": (("text",), set()),
    "domains/grid.ipynb": (("grid",), set()),
    "domains/scanline.ipynb": (("scanline",), set()),
    "ablations/pooling.ipynb": (("image", "audio", "synthetic"), {"domain"}),
}
EVERY_NOTEBOOK = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT / "notebooks"))
)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def trained(path: Path) -> tuple[tuple[str, ...], set[str]]:
    """The domains of a notebook; one that is new here has to be added to DOMAINS."""
    return DOMAINS[path.relative_to(ROOT / "notebooks").as_posix()]


def options(domain: str) -> dict[str, Any]:
    return dict(type(cvkan.config_for(domain)).model_fields)


def choices(annotation: Any) -> set[Any] | None:
    """The values a Literal allows, None in a union among them; None for other annotations."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        parts = typing.get_args(annotation)
        found = [{None} if part is type(None) else choices(part) for part in parts]
        return None if None in found else set().union(*found)  # type: ignore[arg-type]
    if typing.get_origin(annotation) is typing.Literal:
        return set(typing.get_args(annotation))
    return None


def test_the_notebooks_of_the_design_are_there() -> None:
    names = {path.relative_to(ROOT / "notebooks").as_posix() for path in NOTEBOOKS}
    assert names >= set(DOMAINS)


@EVERY_NOTEBOOK
def test_the_first_code_cell_holds_the_parameters(path: Path) -> None:
    assert code_cells(path)[0]["metadata"]["tags"] == ["parameters"]
    schema = read_notebook_schema(path)
    assert "seed" in schema.names
    assert all(parameter.comment for parameter in schema.parameters)


@EVERY_NOTEBOOK
def test_no_outputs_are_committed(path: Path) -> None:
    for cell in code_cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@EVERY_NOTEBOOK
def test_the_format_is_4_5_with_kernel_python3(path: Path) -> None:
    notebook = read(path)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert not {"widgets", "papermill"} & set(notebook["metadata"])


@EVERY_NOTEBOOK
def test_cell_ids_are_names_a_reader_can_use(path: Path) -> None:
    ids = [cell["id"] for cell in read(path)["cells"]]
    assert len(ids) == len(set(ids))
    assert all(name.replace("-", "").isalpha() for name in ids), ids


@EVERY_NOTEBOOK
def test_prose_stands_between_the_cells(path: Path) -> None:
    cells = read(path)["cells"]
    assert cells[0]["cell_type"] == "markdown"
    assert "".join(cells[0]["source"]).startswith("# ")
    prose = [cell for cell in cells if cell["cell_type"] == "markdown"]
    assert len(prose) >= len(code_cells(path)) / 2
    assert all("".join(cell["source"]).strip() for cell in cells)


@EVERY_NOTEBOOK
def test_nothing_names_a_place_of_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)


@EVERY_NOTEBOOK
def test_every_parameter_is_an_option_of_its_domains(path: Path) -> None:
    domains, others = trained(path)
    names = set(read_notebook_schema(path).names)
    for domain in domains:
        assert names - others <= set(options(domain))


@EVERY_NOTEBOOK
def test_defaults_are_the_pilot(path: Path) -> None:
    """Equal to the configuration's, or None where the configuration's own holds."""
    domains, others = trained(path)
    for parameter in read_notebook_schema(path).parameters:
        if parameter.name in others or (len(domains) > 1 and parameter.default is None):
            continue
        for domain in domains:
            option = options(domain)[parameter.name]
            assert parameter.default == option.default, f"{parameter.name} of {domain}"


@EVERY_NOTEBOOK
def test_a_parameter_offers_the_choices_of_its_option(path: Path) -> None:
    domains, others = trained(path)
    if len(domains) > 1:
        pytest.skip("its choices are what its domains have in common")
    fields = options(domains[0])
    namespace: dict[str, Any] = vars(typing).copy()
    for parameter in read_notebook_schema(path).parameters:
        offered = choices(eval(parameter.annotation, namespace))
        if parameter.name not in others and offered is not None:
            assert offered == choices(fields[parameter.name].annotation), parameter.name


@pytest.mark.parametrize("name", [name for name in DOMAINS if name.startswith("domains/")])
def test_a_domain_notebook_offers_every_option(name: str) -> None:
    path = ROOT / "notebooks" / name
    (domain,), _ = trained(path)
    # models that exist in one form only are no choice
    missing = set(options(domain)) - set(read_notebook_schema(path).names)
    assert missing <= ({"model"} if domain != "image" else set())


def test_the_pooling_notebook_makes_a_configuration_of_each_domain() -> None:
    schema: Schema = read_notebook_schema(ROOT / "notebooks/ablations/pooling.ipynb")
    for domain in ("image", "audio", "synthetic"):
        for pooling in ("mean", "max", "attention", "last"):
            values = schema.coerce({"domain": domain, "pooling": pooling})
            given = {name: value for name, value in values.items() if value is not None}
            config = cvkan.config_for(given.pop("domain"), **given)
            assert (config.domain, config.pooling) == (domain, pooling)


def test_the_repository_holds_them_without_outputs() -> None:
    """What git would commit, not only what lies here: no notebook is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "notebooks"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    assert {str(path.relative_to(ROOT)) for path in NOTEBOOKS} <= set(listed.stdout.split("\n"))
