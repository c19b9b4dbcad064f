// SPDX-License-Identifier: Apache-2.0
// What others asked of this node's owner, and the decision.

import { useState } from "preact/hooks";
import { get, post } from "./api.js";
import { Rules } from "./compose.js";
import { Difference } from "./difference.js";
import { Foreign, Lines, Page, Problem, State, Table, Time, html, link, useLoad, useRepeat } from "./parts.js";
import { t } from "./words.js";

export function AskedList({ query }) {
  const [data, error, reload] = useLoad((signal) => get("/v1/asked", { waiting: query.waiting }, signal), []);
  useRepeat(reload, true, 3000);
  const columns = [
    { head: t("number"), number: true, cell: (asked) => html`<a href=${link("question", { number: asked.number })}>${asked.number}</a>` },
    { head: t("name"), isHead: true, cell: (asked) => html`<${Foreign} text=${asked.name} />` },
    { head: t("creator"), cell: (asked) => html`<${Foreign} text=${asked.creator} />` },
    { head: t("state"), cell: (asked) => html`<${State} state=${asked.state} />` },
    { head: t("created"), cell: (asked) => html`<${Time} ms=${asked.created_at} />` },
    { head: t("deadline"), cell: (asked) => asked.state === "WAITING" && html`<${Time} ms=${asked.deadline} />` },
  ];
  return html`<${Page} title=${t("page_asked")}>
    <p>${query.waiting ? html`<a href=${link("asked")}>${t("all")}</a>` : html`<a href=${link("asked", { waiting: 1 })}>${t("only_waiting")}</a>`}</p>
    <${Problem} error=${error} />
    ${data && html`<${Table} caption=${t("page_asked")} columns=${columns} rows=${data.asked} empty=${t("no_asked")} rowKey=${(asked) => asked.number} />`}
  <//>`;
}

/** The last question of the same name and creator before this one, or undefined. */
async function findBefore(asked, signal) {
  const all = (await get("/v1/asked", {}, signal)).asked;
  const found = all.find((other) => other.number < asked.number && other.name === asked.name && other.creator === asked.creator);
  return found && get("/v1/asked/one", { number: found.number }, signal);
}

export function Question({ query }) {
  const { number } = query;
  const [asked, error, reload] = useLoad((signal) => get("/v1/asked/one", { number }, signal), []);
  const [before] = useLoad(async (signal) => asked && findBefore(asked, signal), [asked !== undefined]);
  const [said, saidError] = useLoad((signal) => get("/v1/asked/rules", { number }, signal), []);
  const [failure, setFailure] = useState(null);
  const decide = (word) => post("/v1/asked/" + word, { number }).then(() => { setFailure(null); reload(); }, setFailure);
  return html`<${Page} title=${t("asked_number", { number })}>
    <${Problem} error=${error} />
    ${asked && html`
      <p class="facts"><strong><${Foreign} text=${asked.name} /></strong> <span role="status"><${State} state=${asked.state} /></span> ${t("creator")} <${Foreign} text=${asked.creator} />${asked.state === "WAITING" && html` · ${t("deadline")} <${Time} ms=${asked.deadline} />`}</p>
      ${asked.state === "WAITING" && html`<p class="buttons"><button type="button" id="approve" onClick=${() => decide("approve")}>${t("approve")}</button> <button type="button" id="reject" class="danger" onClick=${() => decide("reject")}>${t("reject")}</button></p>`}
      <${Problem} error=${failure} />
      <h2>${t("asks")}</h2><${Lines} text=${asked.words} />
      ${before && html`<${Difference} head=${t("difference_asked")} page="question" query=${{ number: before.number }} before=${before.words} words=${asked.words} />`}
      <details><summary>${t("plan_json")}</summary><${Lines} text=${JSON.stringify(asked.plan, null, 2)} /></details>
      <h2>${t("rules")}</h2><${Problem} error=${saidError} />${said && html`<${Rules} rules=${said.rules} />`}
      ${asked.result && html`<h2>${t("sent_result")}</h2><${Lines} text=${asked.result} />`}`}
  <//>`;
}
