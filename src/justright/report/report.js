// Redraws the curves of a report as its reader chooses. The page is complete without it.
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

  const SVG = "http://www.w3.org/2000/svg";
  const BOX = 1000; // units of a path along and up, as in charts.py
  const ROWS = { train: "training", fixed: "training, fixed subset", val: "validation" };
  const NEAR = 60; // pixels from the pointer to the point that it means

  const place = (axis, value) => {
    const scaled = axis.scale === "log1p" ? Math.log1p : Number;
    return (scaled(value) - scaled(axis.low)) / (scaled(axis.high) - scaled(axis.low));
  };
  const within = (value) => Math.max(-100, Math.min(100, value));
  const element = (name, css, text = "") => {
    const made = document.createElement(name);
    made.className = css;
    made.textContent = text;
    return made;
  };
  const path = (d, css, colour) => {
    const made = document.createElementNS(SVG, "path");
    made.setAttribute("d", d);
    made.setAttribute("class", css);
    if (colour) made.style.setProperty("--colour", colour);
    return made;
  };
  const shownValue = (value, isShare) => (isShare ? `${(100 * value).toFixed(1)} %` : Number(value.toPrecision(4)).toString());

  // What a figure shows, from what is pressed in its controls.
  const draw = (figure, chart, state) => {
    const curves = data.curves[state.kind];
    const x = data.axes[state.axis];
    const y = chart.ranges[state.kind][state.range];
    const shown = new Set(state.shown);
    // Smoothed means have a `z`, by how many epochs; what was measured then stays behind them.
    const isSmooth = state.smoothing !== "none";
    const isDrawn = (line) => line.z === undefined || String(line.z) === state.smoothing;
    const lines = curves.lines.filter((line) => shown.has(line.v) && isDrawn(line) && (line.k === "val" || line.k === state.training));
    const at = (right, up) => [BOX * place(x, right), BOX * (1 - within(place(y, up)))];
    const svg = figure.querySelector(".area svg");
    svg.replaceChildren(path(y.ticks.map(([up]) => `M0 ${BOX - 10 * up}H${BOX}`).join(""), "grid"));
    const means = [];
    for (const line of lines) {
      const epochs = data.epochs[line.x];
      const points = epochs.map((epoch, index) => at(epoch, line.y[index]));
      const d = "M" + points.map((point) => point.map((part) => part.toFixed(1)).join(" ")).join("L");
      const isMean = isSmooth ? line.z !== undefined : !line.s;
      const css = isMean ? "mean" : isSmooth ? "seed behind" : "seed";
      svg.append(path(points.length > 1 ? d : `${d}h0`, `${line.k} ${css}`, data.colours[line.v]));
      if (isMean) means.push({ line, epochs, points });
    }
    const area = figure.querySelector(".area");
    for (const old of area.querySelectorAll(".dot, .tick")) old.remove();
    for (const one of curves.best) {
      if (!shown.has(one.v) || one.y < y.low || one.y > y.high) continue;
      const dot = element("i", "dot");
      const [right, down] = at(one.x, one.y);
      dot.style.cssText = `left: ${right / 10}%; top: ${down / 10}%`;
      dot.style.setProperty("--colour", data.colours[one.v]);
      dot.title = one.words;
      area.append(dot);
    }
    for (const [right, text, css] of x.ticks) {
      const tick = element("span", `tick ${css}`, text);
      tick.style.left = `${right}%`;
      area.append(tick);
    }
    const left = figure.querySelector(".left");
    const widest = y.ticks.reduce((most, [, text]) => (text.length > most.length ? text : most), "");
    left.replaceChildren(element("span", "widest", widest));
    for (const [up, text] of y.ticks) {
      const tick = element("span", "tick", text);
      tick.style.top = `${100 - up}%`;
      left.append(tick);
    }
    figure.querySelector(".y-title").textContent = y.title;
    figure.querySelector(".x-title").textContent = x.title;
    return { means, curves };
  };

  const start = (figure, chart) => {
    const area = figure.querySelector(".area");
    const [kind] = Object.keys(chart.ranges);
    const state = { kind, axis: "log", range: "opening", training: "train", smoothing: "none", shown: [...chart.shown] };
    let drawn = draw(figure, chart, state);
    const hover = { mark: element("i", "dot hover"), words: element("div", "hover words") };
    const hide = () => Object.values(hover).forEach((each) => each.remove());
    const redraw = () => {
      hide();
      drawn = draw(figure, chart, state);
    };

    // The point of a mean line that is nearest to the pointer says what it is.
    area.addEventListener("pointermove", (event) => {
      const box = area.getBoundingClientRect();
      let nearest = { distance: NEAR };
      for (const { line, epochs, points } of drawn.means) {
        points.forEach(([right, down], index) => {
          const distance = Math.hypot((right / BOX) * box.width + box.left - event.clientX, (down / BOX) * box.height + box.top - event.clientY);
          if (down >= 0 && down <= BOX && distance < nearest.distance) nearest = { distance, line, epoch: epochs[index], value: line.y[index], right, down };
        });
      }
      hide();
      if (!nearest.line) return;
      const { line, epoch, value, right, down } = nearest;
      hover.mark.style.cssText = `left: ${right / 10}%; top: ${down / 10}%`;
      hover.mark.style.setProperty("--colour", data.colours[line.v]);
      hover.words.textContent =
        `${line.v}, ${ROWS[line.k]}, mean of seeds${line.z ? `, over ${line.z} epochs` : ""}\nepoch ${epoch.toLocaleString("en")}: ${shownValue(value, drawn.curves.share)}`;
      hover.words.style.cssText = `top: ${down / 10}%; ${right < BOX / 2 ? `left: ${right / 10}%` : `right: ${100 - right / 10}%`}`;
      area.append(hover.mark, hover.words);
    });
    area.addEventListener("pointerleave", hide);

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
  };

  for (const figure of document.querySelectorAll("figure[data-curves]")) start(figure, data.figures[figure.dataset.curves]);

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
