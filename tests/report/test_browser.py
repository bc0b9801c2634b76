"""The page in a real browser, headless: it draws its charts, in both themes, without a word of complaint."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from tests.log_readings import make_run

from justright.report import render_html
from justright.report.logs.log_page import render_log_html

BROWSERS = ("chromium", "google-chrome", "chromium-browser", "google-chrome-stable")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    *("--enable-logging=stderr", "--virtual-time-budget=20000"),
)
SECONDS = 60  # a browser starts in two; a loaded machine may take long

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    """The path of a Chromium, or a skip that says how to get one."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(
            f"needs a browser: none of {', '.join(BROWSERS)} is on the PATH; install one to test the report's page"
        )
    return found


@pytest.fixture(scope="module")
def opened(browser, page, tmp_path_factory):
    """A function that opens the report and returns (the page after its scripts ran, what the console said)."""
    folder = tmp_path_factory.mktemp("browser")
    file = folder / "report.html"

    def open_page(query: str, *options: str, text: str = page) -> tuple[str, list[str]]:
        file.write_text(text, encoding="utf-8")
        profile = tmp_path_factory.mktemp("profile")
        command = [
            browser,
            *QUIET,
            f"--user-data-dir={profile}",
            "--dump-dom",
            *options,
            f"{file.as_uri()}{query}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
        return done.stdout, re.findall(r":CONSOLE[:(].*", done.stderr)

    return open_page


@pytest.fixture(scope="module")
def light(opened):
    """The page in the light theme at the width of a desktop."""
    return opened("?theme=light", "--window-size=1200,900")


# It would stop the tests' own scripts.
POLICY = re.compile(r"<meta http-equiv=.Content-Security-Policy[^>]*>")

# Presses every control of the first figure of curves, one after the other, and leaves all of them drawn.
PRESS_ALL = """
<script>setTimeout(async () => {
  const figure = document.querySelector('figure[data-curves="curves-0"]');
  for (const button of figure.querySelectorAll("button")) {
    button.click();
    await new Promise((done) => setTimeout(done, 200));
  }
  document.body.dataset.pressed = "all";
}, 1000)</script>
"""


def live_charts(dom):
    """Return the curves that the page's script drew: its paths have places with decimals."""
    figures = re.findall(r"<figure data-curves=.*?</figure>", dom, flags=re.DOTALL)
    return [figure for figure in figures if re.search(r'<path d="M\d+\.\d', figure)]


def test_charts_are_drawn_by_the_script(light):
    """Each figure of curves was drawn anew, with the lines and dots of its picture."""
    dom, _ = light
    charts = live_charts(dom)
    assert [(chart.count("mean"), chart.count("<i ")) for chart in charts] == [(8, 12), (8, 12)]


def test_console_is_silent(light):
    """No error, no warning: none from the security policy."""
    _, console = light
    assert console == []


def test_dark_theme_draws_the_same_charts(opened, light):
    """Colours come from the page's variables: nothing is drawn differently."""
    dom, console = opened("?theme=dark", "--window-size=1200,900")
    assert 'data-theme="dark"' in dom
    assert len(live_charts(dom)) == len(live_charts(light[0]))
    assert console == []


# Writes down what is wider than its place: the page itself, and every box that scrolls.
MEASURE = """
<script>setTimeout(() => {
  const wide = [...document.querySelectorAll(".scroll")].filter((box) => box.scrollWidth > box.clientWidth);
  const named = wide.map((box) => box.getAttribute("aria-label"));
  document.body.dataset.page = document.documentElement.scrollWidth <= innerWidth ? "fits" : "is cut";
  document.body.dataset.wide = named.join(";");
  document.body.dataset.keys = [...document.querySelectorAll(".scroll")].every((box) => box.tabIndex === 0);
  document.body.dataset.width = innerWidth;
}, 500)</script>
"""


@pytest.mark.parametrize("width", [1280, 1000, 768, 500])
def test_the_verdicts_fit_every_width(opened, page, width):
    """Nothing is cut at the right: the verdict table needs no scrolling, and what does has a box of its own for it."""
    text = POLICY.sub("", page) + MEASURE
    dom, _ = opened("?theme=light", f"--window-size={width},900", text=text)
    said = dict(re.findall(r'data-(page|wide|keys|width)="([^"]*)"', dom[dom.index("<body") :]))
    assert (said["page"], said["keys"], said["width"]) == ("fits", "true", str(width))
    assert "Verdicts" not in said["wide"].split(";")


def test_every_control_redraws_the_figure_without_error(opened, page):
    """The last choice of each control is what is drawn: accuracy, linear epochs, fixed subset, the other variants."""
    dom, console = opened("?theme=light", text=POLICY.sub("", page) + PRESS_ALL)
    assert console == []
    assert 'data-pressed="all"' in dom
    figure = re.search(r'<figure data-curves="curves-0">.*?</figure>', dom, flags=re.DOTALL).group(0)
    pressed = dict(re.findall(r'data-variant="([^"]+)" aria-pressed="(true|false)"', figure))
    assert [name for name, state in pressed.items() if state == "true"] == ["L2", "Dropout", "Combined"]
    (chart,) = live_charts(figure)
    assert '<div class="y-title">Accuracy</div>' in chart
    assert '<div class="x-title">Epoch</div>' in chart
    assert set(re.findall(r'class="fixed mean" style="--colour: var\(--(c\d)\)', chart)) == {"c5", "c6", "c7"}


# Claims with evidence of many words, as the tutorial's study has, on the width of a sheet of paper.
PRINT = """
<script>setTimeout(() => {
  const sheets = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  const paper = sheets.filter((rule) => rule.media?.mediaText === "print").flatMap((rule) => [...rule.cssRules]);
  const style = document.createElement("style");
  style.textContent = paper.map((rule) => rule.cssText).join("\\n");
  document.head.append(style);
  const cut = [...document.querySelectorAll("table")].filter((table) => table.offsetWidth > table.parentElement.clientWidth + 1);
  document.body.dataset.cut = cut.map((table) => table.parentElement.getAttribute("aria-label")).join(";");
}, 500)</script>
"""


def test_no_table_is_cut_on_paper(opened, summary):
    """Paper does not scroll: sentences break there, and only numbers stay on one line."""
    evidence = (
        "Test loss minus that of Combined, each at its best epoch: " + "0.0426 [0.0376, 0.0476] (Tiny), " * 6
    )
    claims = [{"quote": "The model is the best one so far.", "answer": "holds", "evidence": evidence}]
    text = POLICY.sub("", render_html(summary | {"claims": claims})) + PRINT
    dom, _ = opened("?theme=light", "--window-size=760,900", text=text)
    assert re.search(r'data-cut="([^"]*)"', dom).group(1) == ""


def test_the_page_of_a_log_opens_without_complaint(opened):
    """It has the report's script without its curves: the theme is switched, and every chart has its size."""
    text = render_log_html([make_run(sets=("a", "b")), make_run("diverged")])
    dom, console = opened("?theme=dark", "--window-size=390,900", text=text)
    assert console == []
    assert 'data-theme="dark"' in dom
    assert dom.count('class="chart"') == 6
    printed, _ = opened("", "--window-size=760,900", text=POLICY.sub("", text) + PRINT)
    assert re.search(r'data-cut="([^"]*)"', printed).group(1) == ""
