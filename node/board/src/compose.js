// SPDX-License-Identifier: Apache-2.0
// The composer: a plan from a form. What is asked stands in one text, a question a line, which the
// form adds to and which can be written by hand. Before it is asked, the node shows the plan in
// words and what its own policy would say.

import { useEffect, useState } from "preact/hooks";
import { get, post } from "./api.js";
import { Field, Foreign, Lines, Page, Problem, Rule, Table, html, link } from "./parts.js";
import { t } from "./words.js";

// What the form knows to write. needs: what it takes beside columns.
const STATISTICS = {
  mean: {}, sum: {}, count: {}, std: {}, var: {}, median: {}, describe: {},
  hist: { needs: "values" }, value_counts: { needs: "values" }, quantile: { needs: "values" },
  corr: { isPair: true }, ols: { isModel: true }, ttest_one: {}, missing: {},
};

const isPlain = (name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
const quoteColumn = (name) => (isPlain(name) ? name : "`" + name + "`");
const splitList = (text) => text.split(",").map((part) => part.trim()).filter((part) => part !== "");
const clean = (name) => name.replace(/[=\n]/g, " ");

/** A level or an edge as the column's values are: a text, or a number that is written out. */
const readValue = (text, type) => (type !== "string" && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text.replace(/^"(.*)"$/, "$1"));
const writeValue = (text, type) => (typeof readValue(text, type) === "number" ? text : JSON.stringify(readValue(text, type)));

/** The lines that a statistic makes of the chosen columns, the outcome first. types: of columns by name. */
export function writeLines({ statistic, columns, outcome, values }, types) {
  const { needs, isPair, isModel } = STATISTICS[statistic];
  const names = columns.map(quoteColumn);
  const line = (of, ...inside) => `${clean([statistic, ...of].join("_"))} = ${statistic}(${inside.join(", ")})`;
  if (isModel) {
    const regressors = names.filter((_, i) => columns[i] !== outcome);
    return outcome && regressors.length ? [line([outcome], quoteColumn(outcome), ...regressors)] : [];
  }
  if (isPair) {
    return columns.flatMap((one, i) => columns.slice(i + 1).map((other) => line([one, other], quoteColumn(one), quoteColumn(other))));
  }
  const list = needs ? splitList(values) : [];
  return needs && list.length === 0 ? [] : columns.map((one, i) => line([one], names[i], ...list.map((text) => writeValue(text, types[one]))));
}

/** The outputs of a text: "name = expression", or an expression that is its own name. */
export function readQuestions(text) {
  const select = {};
  for (const line of text.split("\n").map((part) => part.trim()).filter((part) => part !== "")) {
    const at = line.search(/(?<![=!<>])=(?!=)/);
    const isNamed = at > 0 && !line.slice(0, at).includes("(");
    select[isNamed ? line.slice(0, at).trim() : line] = isNamed ? line.slice(at + 1).trim() : line;
  }
  return select;
}

export function makePlan(form, types) {
  if (form.json !== null) {
    return JSON.parse(form.json);
  }
  const plan = { version: 1, name: form.name.trim() || "board", type: "analytics", datasets: { [form.alias]: form.dataset.trim() }, select: readQuestions(form.questions) };
  if (form.where.trim()) {
    plan.where = form.where.trim();
  }
  if (form.group) {
    plan.group_by = [{ column: form.group, levels: splitList(form.levels).map((text) => readValue(text, types[form.group])), other: form.other }];
  }
  if (form.results) {
    plan.results = form.results;
  }
  plan.strategy = { ...form.strategy, min_clients: Number(form.min) || 3 };
  return plan;
}

const hasOnly = (object, keys) => Object.keys(object).every((key) => keys.includes(key));

/** Whether the form can hold all that a plan says. */
function fitsForm(plan) {
  const [group, ...more] = plan.group_by || [];
  return hasOnly(plan, ["version", "name", "type", "datasets", "select", "where", "group_by", "strategy", "results"]) &&
    Object.keys(plan.datasets).length === 1 && more.length === 0 &&
    (!group || (hasOnly(group, ["column", "levels", "other"]) && group.levels?.every((level) => !String(level).includes(",")))) &&
    Object.keys(plan.select).every((name) => !/[=\n(]/.test(name) || name === plan.select[name]);
}

/** The form of a plan that was asked before; its JSON where the form can't hold all of it. */
function readPlan(plan) {
  if (!fitsForm(plan)) {
    return { json: JSON.stringify(plan, null, 2) };
  }
  const group = (plan.group_by || [])[0];
  const [alias, dataset] = Object.entries(plan.datasets)[0];
  return {
    name: plan.name,
    alias,
    dataset,
    questions: Object.entries(plan.select).map(([name, text]) => (name === text ? text : `${name} = ${text}`)).join("\n"),
    where: plan.where || "",
    group: group?.column || "",
    levels: (group?.levels || []).join(", "),
    other: group?.other ?? true,
    results: plan.results || "",
    strategy: plan.strategy || {},
    min: plan.strategy?.min_clients || 3,
  };
}

/* --- What there is to ask --- */

async function findDatasets() {
  const { nodes } = await get("/v1/datasets");
  return [...new Set(nodes.flatMap((node) => (node.datasets || []).map((dataset) => dataset.dataset)))];
}

/** This node's own columns of a file, else those that others publish. */
async function findColumns(dataset) {
  try {
    return (await get("/v1/columns", { dataset })).columns;
  } catch (error) {
    const { nodes } = await get("/v1/datasets");
    const found = nodes.flatMap((node) => node.datasets || []).find((one) => one.dataset === dataset && one.columns);
    if (!found) {
      throw error;
    }
    return found.columns;
  }
}

/* --- The form --- */

function Adder({ columns, types, onAdd }) {
  const [form, setForm] = useState({ statistic: "mean", columns: [], outcome: "", values: "" });
  const { needs, isModel } = STATISTICS[form.statistic];
  const put = (name) => (event) => setForm({ ...form, [name]: event.target.value });
  const toggle = (name) => setForm({ ...form, columns: form.columns.includes(name) ? form.columns.filter((one) => one !== name) : [...form.columns, name] });
  const lines = writeLines(form, types);
  return html`<fieldset><legend>${t("compose_statistic")}</legend>
    <div class="row">
      <${Field} label=${t("compose_statistic")} id="statistic"><select id="statistic" value=${form.statistic} onChange=${put("statistic")}>${Object.keys(STATISTICS).map((name) => html`<option value=${name}>${name}</option>`)}</select><//>
      ${isModel && html`<${Field} label=${t("compose_outcome")} id="outcome"><select id="outcome" value=${form.outcome} onChange=${put("outcome")}><option value=""></option>${columns.map((column) => html`<option value=${column.name}>${column.name}</option>`)}</select><//>`}
      ${needs && html`<${Field} label=${t("compose_edges")} id="values"><input id="values" value=${form.values} onInput=${put("values")} /><//>`}
    </div>
    <div role="group" aria-label=${t("compose_columns")} class="choices">${columns.map((column) => html`<label key=${column.name}><input type="checkbox" checked=${form.columns.includes(column.name)} onChange=${() => toggle(column.name)} /> <${Foreign} text=${column.name} limit=${80} /> <small>${column.type}</small></label>`)}</div>
    <button type="button" id="add" disabled=${lines.length === 0} onClick=${() => onAdd(lines)}>${t("compose_add")}</button>
  </fieldset>`;
}

export function Rules({ rules }) {
  const columns = [
    { head: t("rule"), isHead: true, cell: (rule) => html`<${Rule} rule=${rule.rule} />` },
    { head: t("says"), cell: (rule) => html`<span class=${rule.passes ? "passes" : "refuses"}>${t(rule.passes ? "passes" : "refuses")}</span>` },
    { head: t("reason"), cell: (rule) => html`<${Foreign} text=${rule.text} limit=${2000} />` },
  ];
  return html`<${Table} caption=${t("rules")} columns=${columns} rows=${rules} empty="" rowKey=${(rule) => rule.rule} />`;
}

const EMPTY = { json: null, name: "", alias: "data", dataset: "", questions: "", where: "", group: "", levels: "", other: true, results: "", strategy: {}, min: 3 };

function Form({ form, datasets, columns, types, change }) {
  const put = (name) => (event) => change({ [name]: event.target.value });
  const groups = [...new Set([...(form.group ? [form.group] : []), ...columns.map((column) => column.name)])];
  return html`
    <div class="row">
      <${Field} label=${t("compose_dataset")} id="dataset"><input id="dataset" list="datasets" required value=${form.dataset} onInput=${put("dataset")} /><datalist id="datasets">${datasets.map((name) => html`<option value=${name} />`)}</datalist><//>
      <${Field} label=${t("compose_name")} id="task-name"><input id="task-name" maxlength="200" value=${form.name} onInput=${put("name")} /><//>
      <${Field} label=${t("compose_min")} id="min"><input id="min" type="number" min="3" max="1000" value=${form.min} onInput=${put("min")} /><//>
    </div>
    ${columns.length > 0 && html`<${Adder} columns=${columns} types=${types} onAdd=${(lines) => change({ questions: [form.questions.trim(), ...lines].filter((line) => line).join("\n") })} />`}
    <${Field} label=${t("compose_expression")} id="questions"><textarea id="questions" spellcheck=${false} value=${form.questions} onInput=${put("questions")}></textarea><//>
    <div class="row">
      <${Field} label=${t("compose_groups")} id="group"><select id="group" value=${form.group} onChange=${put("group")}><option value=""></option>${groups.map((name) => html`<option value=${name}>${name}</option>`)}</select><//>
      ${form.group && html`<${Field} label=${t("compose_levels")} id="levels" hint=${form.other && t("compose_levels_hint")}><input id="levels" aria-describedby=${form.other ? "levels-hint" : undefined} value=${form.levels} onInput=${put("levels")} /><//>`}
      <${Field} label=${t("compose_results")} id="results"><select id="results" value=${form.results} onChange=${put("results")}>${["", "initiator", "participants"].map((word) => html`<option value=${word}>${t("results_" + (word || "policy"))}</option>`)}</select><//>
      <${Field} label=${t("compose_where")} id="where" hint=${t("compose_where_hint")}><input id="where" aria-describedby="where-hint" value=${form.where} onInput=${put("where")} /><//>
    </div>`;
}

function Checked({ checked }) {
  return html`<section aria-live="polite" id="checked"><h2>${t("plan_words")}</h2><${Lines} text=${checked.words} />
    <h2>${t("own_policy")}</h2><p>${checked.rules.every((rule) => rule.passes) && t("compose_ready")} ${t(checked.approve === "manual" ? "by_hand" : "automatic")}</p><${Rules} rules=${checked.rules} /></section>`;
}

export function Compose({ query }) {
  const [form, setForm] = useState(EMPTY);
  const [datasets, setDatasets] = useState([]);
  const [columns, setColumns] = useState([]);
  const [checked, setChecked] = useState(null);
  const [error, setError] = useState(null);
  const types = Object.fromEntries(columns.map((column) => [column.name, column.type]));
  const change = (next) => { setForm((was) => ({ ...was, ...next })); setChecked(null); };
  useEffect(() => { findDatasets().then(setDatasets, () => {}); }, []);
  useEffect(() => { query.from && get("/v1/task/plan", { task_id: query.from }).then((plan) => change(readPlan(plan)), setError); }, []);
  useEffect(() => {
    const dataset = form.dataset.trim();
    const timer = setTimeout(() => dataset && findColumns(dataset).then((found) => { setColumns(found); setError(null); }, (failure) => { setColumns([]); setError(failure); }), 300);
    return () => clearTimeout(timer);
  }, [form.dataset]);
  const act = async (call) => {
    setError(null);
    if (form.json === null && Object.keys(readQuestions(form.questions)).length === 0) {
      setError(new Error(t("compose_nothing")));
      return;
    }
    try {
      await call(JSON.stringify(makePlan(form, types)));
    } catch (failure) {
      setError(failure);
    }
  };
  const show = () => act(async (plan) => setChecked(await post("/v1/task/check", {}, plan)));
  const ask = () => act(async (plan) => { location.hash = link("task", { id: (await post("/v1/task", {}, plan)).task_id }); });
  return html`<${Page} title=${t("page_compose")}>
    <form onSubmit=${(event) => { event.preventDefault(); show(); }}>
      ${form.json !== null
        ? html`<${Field} label=${t("plan_json")} id="json" hint=${t("compose_json_hint")}><textarea id="json" class="tall" aria-describedby="json-hint" spellcheck=${false} value=${form.json} onInput=${(event) => change({ json: event.target.value })}></textarea><//>`
        : html`<${Form} form=${form} datasets=${datasets} columns=${columns} types=${types} change=${change} />`}
      <p class="buttons"><button type="submit" id="check">${t("compose_check")}</button> <button type="button" id="ask" onClick=${ask}>${t("compose_run")}</button></p>
    </form>
    <${Problem} error=${error} />
    ${checked && html`<${Checked} checked=${checked} />`}
  <//>`;
}
