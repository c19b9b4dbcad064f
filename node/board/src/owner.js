// SPDX-License-Identifier: Apache-2.0
// For the owner of the node's data: what was told of it, what is in force, what was asked.

import { useState } from "preact/hooks";
import { get } from "./api.js";
import { Foreign, Lines, Page, Problem, State, Table, Time, html, useLoad } from "./parts.js";
import { formatNumber, t } from "./words.js";

export function Ledger() {
  const [data, error] = useLoad((signal) => get("/v1/ledger", { limit: 200 }, signal), []);
  const budget = [
    { head: t("dataset"), isHead: true, cell: (row) => html`<${Foreign} text=${row.file} />` },
    { head: t("column"), cell: (row) => html`<${Foreign} text=${row.column} />` },
    { head: t("told"), number: true, cell: (row) => formatNumber(row.told) },
    { head: t("left"), number: true, cell: (row) => formatNumber(row.left) },
    { head: t("share"), cell: (row) => html`<meter aria-label=${t("share")} min="0" max=${Math.max(row.told + row.left, 1)} value=${row.told}></meter>` },
  ];
  const entries = [
    { head: t("number"), number: true, cell: (entry) => entry.number },
    { head: t("when"), cell: (entry) => html`<${Time} ms=${entry.created_at} />` },
    { head: t("kind"), cell: (entry) => entry.kind },
    { head: t("what"), isHead: true, cell: (entry) => html`<${Foreign} text=${entry.text} />` },
  ];
  return html`<${Page} title=${t("page_ledger")}><${Problem} error=${error} />
    ${data && html`<h2>${t("budget")}</h2><${Table} caption=${t("budget")} columns=${budget} rows=${data.columns} empty=${t("no_budget")} />
      <h2>${t("entries")}</h2><p class="exact">${t("head_of_chain", data.head)}</p>
      <${Table} caption=${t("entries")} columns=${entries} rows=${data.entries.toReversed()} empty=${t("no_entries")} rowKey=${(entry) => entry.number} />`}<//>`;
}

const showSetting = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

export function Policy() {
  const [data, error] = useLoad((signal) => get("/v1/policy", {}, signal), []);
  const columns = [
    { head: t("setting"), isHead: true, cell: ([name]) => name },
    { head: t("value"), cell: ([, value]) => html`<${Foreign} text=${showSetting(value)} limit=${2000} />` },
  ];
  return html`<${Page} title=${t("page_policy")}><p>${t("policy_text")}</p><${Problem} error=${error} />
    ${data && html`<${Table} caption=${t("page_policy")} columns=${columns} rows=${Object.entries(data)} empty="" />`}<//>`;
}

function Recorded({ number }) {
  const [plan, setPlan] = useState(null);
  const show = () => get("/v1/record/one", { number }).then((entry) => setPlan(entry.plan || "–"), (error) => setPlan(error.message));
  return plan === null ? html`<button type="button" class="link" aria-label=${`${t("plan")} ${number}`} onClick=${show}>${t("plan")}</button>` : html`<${Lines} text=${plan} />`;
}

export function Record() {
  const [data, error] = useLoad((signal) => get("/v1/record", { limit: 200 }, signal), []);
  const columns = [
    { head: t("number"), number: true, cell: (entry) => entry.number },
    { head: t("when"), cell: (entry) => html`<${Time} ms=${entry.created_at} />` },
    { head: t("event"), cell: (entry) => html`<${State} state=${entry.event} />` },
    { head: t("creator"), cell: (entry) => html`<${Foreign} text=${entry.creator} />` },
    { head: t("name"), isHead: true, cell: (entry) => html`<${Foreign} text=${entry.name} />` },
    { head: t("reason"), cell: (entry) => html`<${Foreign} text=${[entry.reason, entry.text].filter((text) => text).join(": ")} />` },
    { head: t("times"), number: true, cell: (entry) => formatNumber(entry.times) },
    { head: t("plan"), cell: (entry) => html`<${Recorded} number=${entry.number} />` },
  ];
  return html`<${Page} title=${t("page_record")}><${Problem} error=${error} />
    ${data && html`<${Table} caption=${t("page_record")} columns=${columns} rows=${data.record} empty=${t("no_record")} rowKey=${(entry) => entry.number} />`}<//>`;
}
