// SPDX-License-Identifier: Apache-2.0
// What changed between two questions, line by line of their words.

import { Foreign, html, link } from "./parts.js";
import { t } from "./words.js";

/** The lines of two texts, each with " ", "-" or "+": the longest common subsequence stays. */
export function compareLines(before, after) {
  const a = before.split("\n"), b = after.split("\n");
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const lines = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push([" ", a[i++]]);
      j++;
    } else if (j >= b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      lines.push(["-", a[i++]]);
    } else {
      lines.push(["+", b[j++]]);
    }
  }
  return lines;
}

const LINES_MAX = 1000; // so that a comparison stays quick

/** What is asked, against an earlier text. head: of what; the link's page and query lead to it. */
export function Difference({ head, page, query, before, words }) {
  const both = [before, words].map((text) => text.split("\n").slice(0, LINES_MAX).join("\n"));
  const lines = compareLines(...both).filter(([mark]) => mark !== " ");
  const title = html`<h3>${head} <a href=${link(page, query)}>${Object.values(query)[0]}</a></h3>`;
  if (lines.length === 0) {
    return html`${title}<p>${t("no_difference")}</p>`;
  }
  return html`${title}<ul class="difference">${lines.map(([mark, line]) => html`<li class=${mark === "+" ? "added" : "removed"}>
    <span class="quiet">${t(mark === "+" ? "added" : "removed")}: </span><span aria-hidden="true">${mark} </span><${Foreign} text=${line} limit=${2000} /></li>`)}</ul>`;
}
