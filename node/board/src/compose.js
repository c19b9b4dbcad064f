// SPDX-License-Identifier: Apache-2.0
// The composer: a plan from a form. What is asked stands in one text, a question a line, which the
// form adds to and which can be written by hand. Before it is asked, the node shows the plan in
// words and what its own policy would say.

import { useEffect, useState } from "preact/hooks";
import { get, post } from "./api.js";
import { Field, Foreign, Lines, Page, Problem, Table, html, link } from "./parts.js";
import { t } from "./words.js";

// What the form knows to write. needs: what it takes beside columns.
const STATISTICS = {
  mean: {}, sum: {}, count: {}, std: {}, var: {}, median: {}, describe: {},
  hist: { needs: "values", isNumber: true }, value_counts: { needs: "values" }, quantile: { needs: "values", isNumber: true },
  corr: { isPair: true }, ols: { isModel: true }, ttest_one: {}, missing: {},
};

const isPlain = (name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
const quoteColumn = (name) => (isPlain(name) ? name : "`" + name + "`");
const splitList = (text) => text.split(",").map((part) => part.trim()).filter((part) => part !== "");
const quoteValue = (text) => (/^-?\d+(\.\d+)?$/.test(text) ? text : JSON.stringify(text.replace(/^"(.*)"$/, "$1")));
const clean = (name) => name.replace(/[=\n]/g, " ");

/** The lines that a statistic makes of the chosen columns, the outcome first. */
export function writeLines({ statistic, columns, outcome, values }) {
  const { needs, isPair, isModel } = STATISTICS[statistic];
  const names = columns.map(quoteColumn);
  const line = (of, ...inside) => `${clean([statistic, ...of].join("_"))} = ${statistic}(${inside.join(", ")})`;
  if (isModel) {
    return outcome && names.length ? [line([outcome], quoteColumn(outcome), ...names.filter((_, i) => columns[i] !== outcome))] : [];
  }
  if (isPair) {
    return columns.flatMap((one, i) => columns.slice(i + 1).map((other) => line([one, other], quoteColumn(one), quoteColumn(other))));
  }
  const list = needs ? splitList(values).map(quoteValue) : [];
  return needs && list.length === 0 ? [] : columns.map((one, i) => line([one], names[i], ...list));
}

/** The outputs of a text: "name = expression", or an expression that is its own name. */
export function readQuestions(text) {
  const select = {};
  for (const line of text.split("\n").map((part) => part.trim()).filter((part) => part !== "")) {
    const at = line.search(/(?<![=!<>])=(?!=)/);
    const isNamed = at > 0 && !/[(]/.test(line.slice(0, at));
    select[isNamed ? line.slice(0, at).trim() : line] = isNamed ? line.slice(at + 1).trim() : line;
  }
  return select;
}

export function makePlan(form) {
  const plan = { version: 1, name: form.name.trim() || "board", type: "analytics", datasets: { data: form.dataset.trim() }, select: readQuestions(form.questions) };
  if (form.where.trim()) {
    plan.where = form.where.trim();
  }
  if (form.group) {
    plan.group_by = [{ column: form.group, levels: splitList(form.levels).map((text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text)), other: true }];
  }
  plan.strategy = { min_clients: Number(form.min) || 3 };
  return plan;
}

/** The form of a plan that was asked before, as far as the form can have it. */
function readPlan(plan) {
  const group = (plan.group_by || [])[0];
  return {
    name: plan.name,
    dataset: Object.values(plan.datasets)[0],
    questions: Object.entries(plan.select).map(([name, text]) => (name === text ? text : `${name} = ${text.replaceAll(Object.keys(plan.datasets)[0] + ".", "")}`)).join("\n"),
    where: plan.where || "",
    group: group?.column || "",
    levels: (group?.levels || []).join(", "),
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

function Adder({ columns, onAdd }) {
  const [form, setForm] = useState({ statistic: "mean", columns: [], outcome: "", values: "" });
  const { needs, isModel } = STATISTICS[form.statistic];
  const put = (name) => (event) => setForm({ ...form, [name]: event.target.value });
  const toggle = (name) => setForm({ ...form, columns: form.columns.includes(name) ? form.columns.filter((one) => one !== name) : [...form.columns, name] });
  const lines = writeLines(form);
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
    { head: t("rule"), isHead: true, cell: (rule) => rule.rule },
    { head: t("says"), cell: (rule) => html`<span class=${rule.passes ? "passes" : "refuses"}>${t(rule.passes ? "passes" : "refuses")}</span>` },
    { head: t("reason"), cell: (rule) => html`<${Foreign} text=${rule.text} limit=${2000} />` },
  ];
  return html`<${Table} caption=${t("rules")} columns=${columns} rows=${rules} empty="" rowKey=${(rule) => rule.rule} />`;
}

export function Compose({ query }) {
  const [form, setForm] = useState({ name: "", dataset: "", questions: "", where: "", group: "", levels: "", min: 3 });
  const [datasets, setDatasets] = useState([]);
  const [columns, setColumns] = useState([]);
  const [checked, setChecked] = useState(null);
  const [error, setError] = useState(null);
  const change = (next) => { setForm((was) => ({ ...was, ...next })); setChecked(null); };
  const put = (name) => (event) => change({ [name]: event.target.value });
  useEffect(() => { findDatasets().then(setDatasets, () => {}); }, []);
  useEffect(() => { query.from && get("/v1/task/plan", { task_id: query.from }).then((plan) => change(readPlan(plan)), setError); }, []);
  useEffect(() => {
    const dataset = form.dataset.trim();
    const timer = setTimeout(() => dataset && findColumns(dataset).then((found) => { setColumns(found); setError(null); }, (failure) => { setColumns([]); setError(failure); }), 300);
    return () => clearTimeout(timer);
  }, [form.dataset]);
  const act = async (call) => {
    setError(null);
    if (Object.keys(readQuestions(form.questions)).length === 0) {
      setError(new Error(t("compose_nothing")));
      return;
    }
    await call(JSON.stringify(makePlan(form))).catch(setError);
  };
  const show = () => act(async (plan) => setChecked(await post("/v1/task/check", {}, plan)));
  const ask = () => act(async (plan) => { location.hash = link("task", { id: (await post("/v1/task", {}, plan)).task_id }); });
  return html`<${Page} title=${t("page_compose")}>
    <form onSubmit=${(event) => { event.preventDefault(); show(); }}>
      <div class="row">
        <${Field} label=${t("compose_dataset")} id="dataset"><input id="dataset" list="datasets" required value=${form.dataset} onInput=${put("dataset")} /><datalist id="datasets">${datasets.map((name) => html`<option value=${name} />`)}</datalist><//>
        <${Field} label=${t("compose_name")} id="task-name"><input id="task-name" maxlength="200" value=${form.name} onInput=${put("name")} /><//>
        <${Field} label=${t("compose_min")} id="min"><input id="min" type="number" min="3" max="1000" value=${form.min} onInput=${put("min")} /><//>
      </div>
      ${columns.length > 0 && html`<${Adder} columns=${columns} onAdd=${(lines) => change({ questions: [form.questions.trim(), ...lines].filter((line) => line).join("\n") })} />`}
      <${Field} label=${t("compose_expression")} id="questions"><textarea id="questions" spellcheck=${false} value=${form.questions} onInput=${put("questions")}></textarea><//>
      <div class="row">
        <${Field} label=${t("compose_groups")} id="group"><select id="group" value=${form.group} onChange=${put("group")}><option value=""></option>${[...new Set([...(form.group ? [form.group] : []), ...columns.map((column) => column.name)])].map((name) => html`<option value=${name}>${name}</option>`)}</select><//>
        ${form.group && html`<${Field} label=${t("compose_levels")} id="levels" hint=${t("compose_levels_hint")}><input id="levels" aria-describedby="levels-hint" value=${form.levels} onInput=${put("levels")} /><//>`}
        <${Field} label=${t("compose_where")} id="where" hint=${t("compose_where_hint")}><input id="where" aria-describedby="where-hint" value=${form.where} onInput=${put("where")} /><//>
      </div>
      <p class="buttons"><button type="submit" id="check">${t("compose_check")}</button> <button type="button" id="ask" onClick=${ask}>${t("compose_run")}</button></p>
    </form>
    <${Problem} error=${error} />
    ${checked && html`<section aria-live="polite" id="checked"><h2>${t("plan_words")}</h2><${Lines} text=${checked.words} />
      <h2>${t("own_policy")}</h2><p>${checked.rules.every((rule) => rule.passes) && t("compose_ready")} ${t(checked.approve === "manual" ? "by_hand" : "automatic")}</p><${Rules} rules=${checked.rules} /></section>`}
  <//>`;
}
