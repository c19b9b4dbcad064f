// SPDX-License-Identifier: Apache-2.0
// Plots of HTML and SVG: bars, bins, points with intervals, a line. All numbers stand in the tables
// too, so a screen reader is told what a plot is of, and no more.

import { html, showHidden } from "./parts.js";
import { numberOf, showValue } from "./result.js";
import { t } from "./words.js";

const BARS_MAX = 40;
const GROUPS_MAX = 8;
const isBin = (label) => /^[[(].*, .*[\])]$/.test(label);
const percent = (share) => `${(100 * share).toFixed(3)}%`;

function Bars({ labels, cells, low, high }) {
  const left = Math.min(0, low), span = Math.max(high, 0) - left || 1;
  return html`<div class=${"bars" + (labels.every(isBin) ? " bins" : "")}>${labels.map((label, i) => {
    const value = numberOf(cells[i]);
    const from = value === null ? 0 : (Math.min(value, 0) - left) / span;
    const width = value === null ? 0 : Math.abs(value) / span;
    return html`<div class="bar-label"><bdi>${showHidden(label)}</bdi></div>
      <div class="track"><div class="bar" style=${{ marginLeft: percent(from), width: percent(width) }}></div></div>
      <div class="bar-value">${showValue(cells[i])}</div>`;
  })}</div>`;
}

function Line({ cells, low, high }) {
  const span = high - low || 1;
  const points = cells.map((cell, i) => [i, numberOf(cell)]).filter(([, value]) => value !== null)
    .map(([i, value]) => `${(1000 * i) / Math.max(cells.length - 1, 1)},${(300 * (high - value)) / span}`);
  return html`<svg class="line" viewBox="-5 -5 1010 310" preserveAspectRatio="none" aria-hidden="true"><polyline points=${points.join(" ")} /></svg>`;
}

function Series({ title, labels, cells }) {
  const values = cells.map(numberOf).filter((value) => value !== null);
  if (values.length === 0) {
    return null;
  }
  const low = Math.min(...values), high = Math.max(...values);
  const view = labels.length > BARS_MAX
    ? html`<${Line} cells=${cells} low=${low} high=${high} /><div class="ends"><bdi>${showHidden(labels[0])}</bdi><span>${low} – ${high}</span><bdi>${showHidden(labels.at(-1))}</bdi></div>`
    : html`<${Bars} labels=${labels} cells=${cells} low=${low} high=${high} />`;
  return html`<figure role="img" aria-label=${t("plot_of", { name: showHidden(title) })}><figcaption><bdi>${showHidden(title)}</bdi></figcaption>${view}</figure>`;
}

/** Points with their intervals, as coefficients have them, but the intercept: it is of another size. */
function Intervals({ title, labels: all, fields }) {
  const shown = all.map((_, i) => i).filter((i) => all[i] !== "const" || all.length === 1);
  const [labels, cells, lows, highs] = [all, ...fields].map((list) => shown.map((i) => list[i]));
  const ends = [...lows, ...highs].map(numberOf).filter((value) => value !== null);
  if (ends.length === 0) {
    return null;
  }
  const low = Math.min(0, ...ends), span = Math.max(0, ...ends) - low || 1;
  const place = (cell) => percent((numberOf(cell) - low) / span);
  return html`<figure role="img" aria-label=${t("plot_of", { name: showHidden(title) })}><figcaption><bdi>${showHidden(title)}</bdi></figcaption>
    <div class="bars">${labels.map((label, i) => html`<div class="bar-label"><bdi>${showHidden(label)}</bdi></div>
      <div class="track interval"><div class="zero" style=${{ left: percent(-low / span) }}></div>${numberOf(lows[i]) !== null && numberOf(cells[i]) !== null && html`
        <div class="range" style=${{ left: place(lows[i]), width: percent((numberOf(highs[i]) - numberOf(lows[i])) / span) }}></div>
        <div class="point" style=${{ left: place(cells[i]) }}></div>`}</div>
      <div class="bar-value">${showValue(cells[i])}</div>`)}</div></figure>`;
}

/** The plot that fits an output, or none. */
export function Plot({ name, one }) {
  const { axes, cells } = one;
  if (axes.length === 1) {
    return html`<${Series} title=${name} labels=${axes[0]} cells=${cells} />`;
  }
  if (axes.length === 2 && axes[0].length <= GROUPS_MAX) {
    return html`<div class="plots">${axes[0].map((label, i) => html`<${Series} title=${`${name}: ${label}`} labels=${axes[1]} cells=${cells[i]} />`)}</div>`;
  }
  return null;
}

export function FitPlot({ name, one }) {
  const at = Object.fromEntries(one.fields);
  if (!at.coefficients || !at.low || !at.high) {
    return null;
  }
  const fields = [at.coefficients, at.low, at.high].map((field) => field.cells);
  if (one.axes.length === 1) {
    return html`<${Intervals} title=${name} labels=${one.axes[0]} fields=${fields} />`;
  }
  if (one.axes.length === 2 && one.axes[0].length <= GROUPS_MAX) {
    return html`<div class="plots">${one.axes[0].map((label, i) => html`<${Intervals} title=${`${name}: ${label}`} labels=${one.axes[1]} fields=${fields.map((cells) => cells[i])} />`)}</div>`;
  }
  return null;
}
