// Draws the charts of a report and lets the reader choose what they show. The page is complete without it.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const root = document.documentElement;
  root.classList.add("js");

  // Theme: the system's, until the reader chooses; remembered where the browser allows it.
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  try {
    const stored = localStorage.getItem("justright-theme");
    if (stored === "dark" || stored === "light") root.dataset.theme = stored;
  } catch { /* storage is refused to some local files */ }
  const wish = new URLSearchParams(location.search).get("theme") ?? location.hash.match(/^#theme=(dark|light)$/)?.[1];
  if (wish === "dark" || wish === "light") root.dataset.theme = wish;
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("justright-theme", root.dataset.theme); } catch { /* as above */ }
  });

  // One record a point, which is what Vega-Lite reads.
  const asRows = (lines) =>
    lines.flatMap(({ x, y, ...line }) => x.map((value, index) => ({ ...line, x: value, y: y[index] })));
  const rows = {};
  for (const [kind, { lines, best }] of Object.entries(data.curves)) rows[kind] = { lines: asRows(lines), best };

  const setParam = (spec, name, value) => {
    for (const param of spec.params ?? []) if (param.name === name) param.value = value;
  };

  // The chart a figure shows, from what is pressed in its controls.
  const specOf = (chart, state) => {
    if (chart.rows) return { ...chart.view, width: "container", datasets: { ...chart.view.datasets, lines: chart.rows } };
    const spec = structuredClone(data.views[`${state.kind} ${state.axis}`]);
    const [low, high] = chart.zoom[state.kind][state.range];
    const values = { low, high, training: state.training };
    for (const [name, value] of Object.entries(values)) setParam(spec, name, value);
    const shown = new Set(state.shown);
    const chosen = Object.entries(rows[state.kind]).map(([name, all]) => [name, all.filter((row) => shown.has(row.v))]);
    return { ...spec, width: "container", datasets: Object.fromEntries(chosen) };
  };

  const options = {
    actions: false,
    ast: true, // expressions are interpreted: the page's security policy forbids code made from text
    defaultStyle: false,
    mode: "vega-lite",
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  };

  const start = async (figure, chart) => {
    const target = figure.querySelector(".chart");
    const state = { kind: "loss", axis: "log", range: "opening", training: "train", shown: [...chart.shown] };
    let drawn = null;
    const draw = async () => {
      const old = drawn;
      const box = document.createElement("div");
      box.className = "live";
      target.append(box);
      drawn = await vegaEmbed(box, specOf(chart, state), options);
      old?.finalize();
      target.replaceChildren(box);
    };
    let turn = Promise.resolve(); // one drawing after the other: an older one must not end last
    const redraw = () => { turn = turn.then(draw); };
    const press = (button, isPressed) => button.setAttribute("aria-pressed", String(isPressed));
    for (const button of figure.querySelectorAll("[data-set]")) {
      button.addEventListener("click", () => {
        state[button.dataset.set] = button.dataset.to;
        for (const other of button.parentElement.children) press(other, other === button);
        redraw();
      });
    }
    for (const button of figure.querySelectorAll("[data-variant]")) {
      button.addEventListener("click", () => {
        const name = button.dataset.variant;
        const isShown = state.shown.includes(name);
        state.shown = isShown ? state.shown.filter((each) => each !== name) : [...state.shown, name];
        press(button, !isShown);
        redraw();
      });
    }
    redraw();
    await turn;
  };

  // A chart in a closed section has no width yet: it is drawn when it is opened.
  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const chart = data.charts[figure.dataset.chart];
    const closed = figure.closest("details:not([open])");
    if (closed) closed.addEventListener("toggle", () => start(figure, chart), { once: true });
    else start(figure, chart);
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(source);
      }
    });
  }

  // Paper shows what is folded away on the screen.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      details.dataset.opened = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const details of document.querySelectorAll("details[data-opened]")) {
      details.open = false;
      delete details.dataset.opened;
    }
  });
})();
