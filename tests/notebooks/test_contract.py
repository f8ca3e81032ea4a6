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

# Parameters of notebooks that are no options of a configuration, beside `domain`.
OWN_PARAMETERS = {
    "ablations/depth_width.ipynb": {"budget"},
    "ablations/hierarchy.ipynb": {"arm"},
}
OF_THE_DESIGN = {
    *(f"domains/{name}" for name in ("image", "audio", "timeseries", "text", "synthetic")),
    *("domains/scanline", "domains/grid", "ablations/pooling", "ablations/normalization"),
    *("ablations/aggregation", "ablations/hierarchy", "ablations/precision", "ablations/optimizer"),
    *("ablations/depth_width", "studies/phase_semantics", "studies/gradient_flow"),
}
EVERY_NOTEBOOK = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT / "notebooks"))
)
EVERY_DOMAIN = pytest.mark.parametrize(
    "path",
    [path for path in NOTEBOOKS if path.parent.name == "domains"],
    ids=lambda path: path.stem,
)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def trained(path: Path) -> tuple[tuple[str, ...], set[str]]:
    """The domains a notebook trains in, and its parameters that are no options of theirs."""
    name = path.relative_to(ROOT / "notebooks").as_posix()
    if name.startswith("domains/"):
        return (path.stem,), {"resume"}
    (domain,) = (p for p in read_notebook_schema(path).parameters if p.name == "domain")
    domains = choices(eval(domain.annotation, vars(typing).copy())) or set()
    return tuple(sorted(domains)), {"domain"} | OWN_PARAMETERS.get(name, set())


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
    names = {path.relative_to(ROOT / "notebooks").with_suffix("").as_posix() for path in NOTEBOOKS}
    assert names >= OF_THE_DESIGN


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


@EVERY_DOMAIN
def test_defaults_of_a_domain_are_the_pilot(path: Path) -> None:
    fields = options(path.stem)
    for parameter in read_notebook_schema(path).parameters:
        if parameter.name == "resume":
            assert parameter.default is None
            continue
        assert parameter.default == fields[parameter.name].default, parameter.name


@EVERY_NOTEBOOK
def test_defaults_make_a_configuration_of_each_domain(path: Path) -> None:
    domains, others = trained(path)
    given = {
        parameter.name: parameter.default
        for parameter in read_notebook_schema(path).parameters
        if parameter.name not in others and parameter.default is not None
    }
    for domain in domains:
        assert cvkan.config_for(domain, **given).domain == domain


@EVERY_NOTEBOOK
def test_a_parameter_offers_choices_that_its_option_has(path: Path) -> None:
    """All of them in a notebook of a domain; others may offer those that they ask about."""
    domains, others = trained(path)
    for parameter in read_notebook_schema(path).parameters:
        offered = choices(eval(parameter.annotation, vars(typing).copy()))
        if parameter.name in others or offered is None:
            continue
        for domain in domains:
            known = choices(options(domain)[parameter.name].annotation)
            assert known is not None
            if path.parent.name == "domains":
                assert offered == known, parameter.name
            assert offered - {None} <= known, parameter.name


@EVERY_DOMAIN
def test_a_domain_notebook_offers_every_option(path: Path) -> None:
    assert set(read_notebook_schema(path).names) == {*options(path.stem), "resume"}


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
