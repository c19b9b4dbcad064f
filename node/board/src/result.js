// SPDX-License-Identifier: Apache-2.0
// A result (PLAN.md, "Results") as tables: every output, and every field of a fit, is cells over at
// most three axes, of which the first is the groups' where there are groups.

/** The value of a cell as it is shown. */
export function showValue(cell) {
  if (cell === undefined || cell === null) {
    return "";
  }
  if (cell.special === "interval") {
    return `[${cell.low}, ${cell.high}]`;
  }
  return cell.special ?? (typeof cell.value === "number" ? formatDigits(cell.value) : String(cell.value));
}

function formatDigits(value) {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(8)));
}

export const numberOf = (cell) => (typeof cell?.value === "number" ? cell.value : null);

const groupLabels = (result) => (result.groups ? result.groups.labels.map((labels) => labels.join(" · ")) : null);

/** The axes of an output or a field: lists of labels, the groups' first. */
function findAxes(result, output) {
  const groups = groupLabels(result);
  return [...(groups ? [groups] : []), ...(output.labels || [])];
}

/** Cells as {axes, cells}: cells is nested as deep as there are axes. */
export function spread(result, output) {
  const axes = findAxes(result, output);
  return { axes, cells: axes.length === 0 ? output : output.values };
}

/** All cells in order, each as [labels, cell]. */
export function flatten({ axes, cells }, labels = []) {
  if (axes.length === 0) {
    return [[labels, cells]];
  }
  return axes[0].flatMap((label, i) => flatten({ axes: axes.slice(1), cells: cells?.[i] }, [...labels, label]));
}

const isGroup = (result) => (result.groups ? 1 : 0);

/** The fields of a fit by their shape: rows share their labels. Returns: [{axes, fields}]. */
export function tablesOfFields(result, output) {
  const tables = new Map();
  for (const [name, field] of Object.entries(output.fields)) {
    const one = spread(result, field);
    const key = JSON.stringify(one.axes) + (one.axes.length > 1 + isGroup(result) ? name : "");
    if (!tables.has(key)) {
      tables.set(key, { axes: one.axes, fields: [] });
    }
    tables.get(key).fields.push([name, one]);
  }
  return [...tables.values()];
}

const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
// A spreadsheet takes a text that begins so for a formula.
const harmless = (text) => (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? "'" + text : text);

const LEAST_P = { special: "<1e-300" };
const PROBABILITIES = ["p", "f_p"];

function replaceZeros(cells) {
  if (Array.isArray(cells)) {
    return cells.map(replaceZeros);
  }
  if (cells?.values) {
    return { ...cells, values: replaceZeros(cells.values) };
  }
  return cells?.value === 0 ? LEAST_P : cells;
}

/** A fit for people, who are told no probability of 0: it is below all doubles. */
export function tellProbabilities(output) {
  const told = PROBABILITIES.filter((name) => output.fields[name]).map((name) => [name, replaceZeros(output.fields[name])]);
  return { ...output, fields: { ...output.fields, ...Object.fromEntries(told) } };
}

/** All values, a line each: output, field, up to three labels, value, exact. */
export function toCsv(result) {
  const lines = [["output", "field", "label_1", "label_2", "label_3", "value", "exact"]];
  const add = (name, field, one) => {
    for (const [labels, cell] of flatten(one)) {
      const value = cell?.special === "interval" ? showValue(cell) : (cell?.special ?? cell?.value ?? "");
      lines.push([name, field, labels[0] ?? "", labels[1] ?? "", labels[2] ?? "", String(value), cell?.exact ?? ""]);
    }
  };
  for (const [name, output] of Object.entries(result.outputs)) {
    if (output.fields) {
      Object.entries(output.fields).forEach(([field, of]) => add(name, field, spread(result, of)));
    } else {
      add(name, "", spread(result, output));
    }
  }
  return lines.map((line) => line.map((text) => quote(harmless(text))).join(",") + "\r\n").join("");
}
