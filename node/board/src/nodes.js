// SPDX-License-Identifier: Apache-2.0
// Who there is, who is connected, and what they publish of their files.

import { useState } from "preact/hooks";
import { get } from "./api.js";
import { Field, Foreign, Page, Problem, Table, html, useLoad, useRepeat } from "./parts.js";
import { t } from "./words.js";

export function Nodes() {
  const [data, error, reload] = useLoad((signal) => get("/v1/nodes", { page_size: 1000 }, signal), []);
  useRepeat(reload, true, 5000);
  const columns = [
    { head: t("name"), isHead: true, cell: (node) => html`<${Foreign} text=${node.name} />` },
    { head: t("connected"), cell: (node) => html`<span class=${node.connected ? "passes" : "refuses"}>${node.id === 1 ? t("this_node") : t(node.connected ? "yes" : "no")}</span>` },
    { head: t("url"), cell: (node) => html`<${Foreign} text=${node.url} />` },
    { head: t("key"), cell: (node) => html`<code><${Foreign} text=${node.key} /></code>` },
  ];
  return html`<${Page} title=${t("page_nodes")}><${Problem} error=${error} />
    ${data && html`<${Table} caption=${t("page_nodes")} columns=${columns} rows=${data.nodes} empty=${t("no_nodes")} rowKey=${(node) => node.id} />`}<//>`;
}

const COLUMNS = () => [
  { head: t("column"), isHead: true, cell: (column) => html`<${Foreign} text=${column.name} />` },
  { head: t("type"), cell: (column) => column.type },
  { head: t("unit"), cell: (column) => html`<${Foreign} text=${column.unit} />` },
  { head: t("description"), cell: (column) => html`<${Foreign} text=${column.description} />` },
  { head: t("levels"), cell: (column) => html`<${Foreign} text=${(column.levels || []).join(", ")} />` },
  { head: t("range"), cell: (column) => html`<${Foreign} text=${(column.range || []).join(" – ")} />` },
];

function Own() {
  const [columns, setColumns] = useState(null);
  const [error, setError] = useState(null);
  const submit = (event) => {
    event.preventDefault();
    const dataset = new FormData(event.target).get("dataset");
    setError(null);
    setColumns(null);
    get("/v1/columns", { dataset }).then((answer) => setColumns(answer.columns), setError);
  };
  return html`<h2>${t("own_datasets")}</h2>
    <form class="row" onSubmit=${submit}><${Field} label=${t("compose_dataset")} id="own"><input id="own" name="dataset" required /><//><button type="submit">${t("show_columns")}</button></form>
    <${Problem} error=${error} />
    ${columns && html`<${Table} caption=${t("own_datasets")} columns=${COLUMNS().slice(0, 2)} rows=${columns} empty=${t("nothing")} />`}`;
}

export function Datasets() {
  const [data, error] = useLoad((signal) => get("/v1/datasets", {}, signal), []);
  return html`<${Page} title=${t("page_datasets")}><${Own} /><h2>${t("published")}</h2><${Problem} error=${error} />
    ${!data && !error && html`<p role="status">…</p>`}
    ${data && data.nodes.map((node) => html`<h3><${Foreign} text=${node.name} /> (${t("node_" + node.state)})</h3>
      ${(node.datasets || []).length === 0 && html`<p class="empty">${t("no_datasets")}</p>`}
      ${(node.datasets || []).map((dataset) => html`<p><strong><${Foreign} text=${dataset.dataset} /></strong> <${Foreign} text=${dataset.description} /> ${dataset.rows !== undefined && html`${t("rows")}: <${Foreign} text=${dataset.rows} />`}</p>
        ${dataset.columns && html`<${Table} caption=${`${node.name}: ${dataset.dataset}`} columns=${COLUMNS()} rows=${dataset.columns} empty=${t("nothing")} />`}`)}`)}<//>`;
}
