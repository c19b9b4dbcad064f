// SPDX-License-Identifier: Apache-2.0
// What all pages are made of. Every text of another organisation goes through Foreign: it is a text
// node (never HTML), of its own direction, and can't push anything off the page.

import { h } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import htm from "htm";
import { formatTime, t } from "./words.js";

export const html = htm.bind(h);

// Characters that have no look of their own, or change that of others, are shown as what they are.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\u{e0000}-\u{e007f}]/gu;

export function showHidden(text) {
  return String(text).replace(HIDDEN, (mark) => `<U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}>`);
}

/** A text of somebody else. limit: how many characters are shown at first. */
export function Foreign({ text, limit = 300 }) {
  const [isWhole, setWhole] = useState(false);
  const whole = showHidden(text ?? "");
  const isCut = whole.length > limit && !isWhole;
  return html`<bdi class="foreign">${isCut ? whole.slice(0, limit) + "…" : whole}</bdi>${isCut &&
    html` <button type="button" class="link" onClick=${() => setWhole(true)}>${t("all_of_it", { count: whole.length })}</button>`}`;
}

export function Lines({ text }) {
  return html`<pre tabindex="0" class="lines"><bdi>${showHidden(text).replace(/<U\+000A>/g, "\n")}</bdi></pre>`;
}

export const Time = ({ ms }) => html`<time datetime=${new Date(ms).toISOString()}>${formatTime(ms)}</time>`;
export const State = ({ state }) => html`<span class="state state-${state}">${t("state_" + state)}</span>`;

/** A rule by its code, and what it asks for. Its reasons, which the node gives, have that in full. */
export const Rule = ({ rule }) => html`${rule} <small>${t(`rule_${rule}`)}</small>`;

export function Problem({ error }) {
  if (!error) {
    return null;
  }
  return html`<div class="problem" role="alert">${error.rule && html`<strong><${Rule} rule=${error.rule} />: </strong>`}<${Foreign} text=${error.message} limit=${2000} /></div>`;
}

/** A table; of many columns on a narrow screen a list of rows, each cell behind its head (app.css), so
 * roles are said. columns: {head, cell(row), number}. */
export function Table({ caption, columns, rows, empty, rowKey }) {
  if (rows.length === 0) {
    return html`<p class="empty">${empty}</p>`;
  }
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table role="table" class=${columns.length > 3 ? "many" : ""}>
      <caption class="quiet">${caption}</caption>
      <thead role="rowgroup"><tr role="row">${columns.map((column) => html`<th scope="col" role="columnheader" class=${column.number ? "number" : ""}>${column.head}</th>`)}</tr></thead>
      <tbody role="rowgroup">${rows.map((row, i) => html`<tr role="row" key=${rowKey ? rowKey(row) : i}>${columns.map((column, j) =>
        column.isHead
          ? html`<th scope="row" role="rowheader" data-head=${column.head}>${column.cell(row, i)}</th>`
          : html`<td role="cell" class=${column.number ? "number" : ""} data-head=${column.head} key=${j}>${column.cell(row, i)}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;
}

export function Field({ label, id, hint, children }) {
  return html`<div class="field"><label for=${id}>${label}</label>${children}${hint && html`<small id=${id + "-hint"}>${hint}</small>`}</div>`;
}

/** Loads once, and again on reload(). Returns: [what came, error, reload]. */
export function useLoad(load, inputs) {
  const [state, setState] = useState({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const ending = new AbortController();
    load(ending.signal).then(
      (data) => !ending.signal.aborted && setState({ data }),
      (error) => !ending.signal.aborted && setState((was) => ({ data: was.data, error })),
    );
    return () => ending.abort();
  }, [...inputs, turn]);
  return [state.data, state.error, useCallback(() => setTurn((n) => n + 1), [])];
}

/** Loads again and again while isWanted. */
export function useRepeat(reload, isWanted, everyMs) {
  useEffect(() => {
    if (!isWanted) {
      return undefined;
    }
    const timer = setInterval(() => document.hidden || reload(), everyMs);
    return () => clearInterval(timer);
  }, [isWanted, everyMs]);
}

/** Moves to the head of a new page, so that a screen reader begins there. */
export function Page({ title, children }) {
  const head = useRef(null);
  useEffect(() => {
    document.title = `${title} · Sotto`;
    head.current?.focus();
  }, []);
  return html`<section><h1 tabindex="-1" ref=${head}>${title}</h1>${children}</section>`;
}

/** Gives a file to the browser. */
export function download(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export const link = (page, query) => {
  const parameters = Object.entries(query || {}).filter(([, value]) => value !== "" && value !== undefined);
  return `#/${page}` + (parameters.length ? "?" + new URLSearchParams(parameters) : "");
};
