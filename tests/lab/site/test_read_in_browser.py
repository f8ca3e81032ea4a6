"""The site as a reader meets it: a real browser, opened from a folder."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from browser import Browser, Page
from PIL import Image

import lab
from lab.workspace import Workspace


@pytest.fixture
def site(lab_workspace: Workspace) -> Path:
    return lab.site.build(workspace=lab_workspace).index.parent


def shown(tab: Page, selector: str) -> list[str]:
    """Texts of the elements that can be seen."""
    found: list[str] = tab.evaluate(
        f"[...document.querySelectorAll({selector!r})].filter(e => e.offsetParent)"
        ".map(e => e.textContent.trim())"
    )
    return found


def brightness(tab: Page, path: Path) -> float:
    """Mean of a screenshot, 0 black to 255 white."""
    tab.screenshot(path)
    data = Image.open(io.BytesIO(path.read_bytes())).convert("L").resize((64, 64)).tobytes()
    return sum(data) / len(data)


def test_light_and_dark(browser: Browser, site: Path, tmp_path: Path) -> None:
    index = (site / "index.html").as_uri()
    light, dark = browser.page(index), browser.page(index, dark=True)
    assert brightness(light, tmp_path / "light.png") > 220
    assert brightness(dark, tmp_path / "dark.png") < 50
    # The reader's word is above the system's, and stays on the next page.
    dark.evaluate("document.getElementById('theme').click()")
    assert brightness(dark, tmp_path / "chosen.png") > 220
    dark.go((site / "runs.html").as_uri())
    assert brightness(dark, tmp_path / "kept.png") > 220
    dark.evaluate("localStorage.clear()")


def test_the_notebook_is_shown_in_a_frame_without_rights(browser: Browser, site: Path) -> None:
    tab = browser.page((site / "runs" / "20260120_100000.html").as_uri(), height=3000)
    tab.until("document.querySelector('iframe').contentDocument === null")  # another origin
    assert tab.evaluate("document.querySelector('iframe').sandbox.value") == "allow-popups"
    assert (site / "notebooks" / "20260120_100000.html").as_uri() in browser.requested()


def test_search_finds_entries_and_runs(browser: Browser, site: Path) -> None:
    tab = browser.page((site / "actions.html").as_uri())
    tab.press("/")
    tab.type("BANANAS")
    tab.until("document.querySelector('#results mark')")
    assert tab.evaluate("document.activeElement.id") == "search"
    assert shown(tab, "#results a b") == ["A later entry"]
    assert shown(tab, "#results mark") == ["bananas"]
    tab.evaluate("document.getElementById('search').value = ''")
    tab.type("pooling=mean")
    tab.until("document.querySelector('#results .run')")
    assert shown(tab, "#results a b") == ["20260120_100100"]
    tab.press("Enter")
    tab.until("location.pathname.endsWith('/runs/20260120_100100.html')")


def test_runs_are_sorted_and_filtered(browser: Browser, site: Path) -> None:
    tab = browser.page((site / "runs.html").as_uri())
    ids = "tbody tr .id"
    newest_first = ["20260120_100100", "20260120_100000"]
    assert shown(tab, ids) == newest_first
    value = "[...document.querySelectorAll('th button')].find(b => b.textContent === 'Value')"
    tab.evaluate(f"{value}.click()")
    assert shown(tab, ids) == ["20260120_100000", "20260120_100100"]  # 81% above 79%
    tab.evaluate(f"{value}.click()")
    assert shown(tab, ids) == newest_first
    tab.evaluate("document.getElementById('filter').focus()")
    tab.type("pooling=mean lr=0.001")
    assert shown(tab, ids) == ["20260120_100100"]
    assert shown(tab, "#count") == ["1 of 2"]
    # What was asked for is in the address, and so can be sent.
    again = browser.page(tab.evaluate("location.href"))
    assert shown(again, ids) == ["20260120_100100"]


def test_a_curve_tells_its_values_under_the_pointer(browser: Browser, site: Path) -> None:
    tab = browser.page((site / "runs" / "20260120_100000.html").as_uri(), height=2000)
    box = tab.evaluate(
        "(({x, y, width, height}) => [x, y, width, height])"
        "(document.querySelector('svg[aria-label^=loss]').getBoundingClientRect())"
    )
    tab.move_to(box[0] + box[2] * 0.56, box[1] + box[3] / 2)
    tab.until("document.querySelector('.readout .key')")
    assert shown(tab, ".readout b") == ["epoch 2"]
    assert shown(tab, ".readout .key") == ["train 1", "val 1.2"]


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_the_window(browser: Browser, site: Path, width: int) -> None:
    tab = browser.page("about:blank", width=width)
    for page in sorted(site.rglob("*.html")):
        tab.go(page.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, page.name


def test_pages_work_without_script(browser: Browser, site: Path) -> None:
    tab = browser.page("about:blank")
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    tab.go((site / "runs.html").as_uri())
    assert shown(tab, "tbody tr .id") == ["20260120_100100", "20260120_100000"]
    assert shown(tab, "#search, #filter, #theme, select") == []
