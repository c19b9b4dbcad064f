// SPDX-License-Identifier: Apache-2.0
// All tasks of this node, by pages, filtered by state and name.

import { get } from "./api.js";
import { Field, Foreign, Page, Problem, State, Table, Time, html, link, useLoad, useRepeat } from "./parts.js";
import { t } from "./words.js";

const STATES = ["PENDING", "RUNNING", "FINISHED", "CONFIRMED", "ERROR", "CANCELLED"];

function Pager({ page, pages, query }) {
  const at = (number, text) => number >= 1 && number <= pages
    ? html`<a href=${link("tasks", { ...query, page: number })}>${text}</a>`
    : html`<span aria-disabled="true">${text}</span>`;
  return html`<nav class="pager" aria-label=${t("pages")}>${at(page - 1, t("newer"))} <span>${t("page_of", { page, pages: Math.max(pages, 1) })}</span> ${at(page + 1, t("older"))}</nav>`;
}

function Filter({ query }) {
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    location.hash = link("tasks", { status: form.get("status"), name: form.get("name") });
  };
  return html`<form class="row" onSubmit=${submit}>
    <${Field} label=${t("state")} id="status"><select id="status" name="status">
      <option value="">${t("all")}</option>
      ${STATES.map((state) => html`<option value=${state} selected=${state === query.status}>${t("state_" + state)}</option>`)}
    </select><//>
    <${Field} label=${t("name_has")} id="name"><input id="name" name="name" maxlength="256" defaultValue=${query.name || ""} /><//>
    <button type="submit">${t("filter")}</button>
  </form>`;
}

export function Tasks({ query }) {
  const page = Number(query.page) || 1;
  const [data, error, reload] = useLoad(
    (signal) => get("/v1/tasks", { page, page_size: 20, status: query.status, name: query.name }, signal), []);
  useRepeat(reload, true, 3000);
  const columns = [
    { head: t("number"), number: true, cell: (task) => html`<a href=${link("task", { id: task.id })}>${task.id}</a>` },
    { head: t("name"), isHead: true, cell: (task) => html`<${Foreign} text=${task.name} />` },
    { head: t("state"), cell: (task) => html`<${State} state=${task.status} />` },
    { head: t("created"), cell: (task) => html`<${Time} ms=${task.created_at} />` },
  ];
  return html`<${Page} title=${t("page_tasks")}>
    <${Filter} query=${query} />
    <${Problem} error=${error} />
    ${data && html`<${Table} caption=${t("page_tasks")} columns=${columns} rows=${data.tasks} empty=${t("no_tasks")} rowKey=${(task) => task.id} />
      <${Pager} page=${page} pages=${data.total_pages} query=${query} />`}
  <//>`;
}
