// SPDX-License-Identifier: Apache-2.0
// Code that others offer for learning tasks: what it is, and whether it may run here.

import { useState } from "preact/hooks";
import { get, post } from "./api.js";
import { Field, Foreign, Lines, Page, Problem, State, Table, Time, html, link, useLoad } from "./parts.js";
import { formatNumber, t } from "./words.js";

export function CodeList() {
  const [data, error] = useLoad((signal) => get("/v1/code", {}, signal), []);
  const columns = [
    { head: t("words"), isHead: true, cell: (code) => html`<a href=${link("source", { digest: code.digest })}>${code.words}</a>` },
    { head: t("state"), cell: (code) => html`<${State} state=${code.state} />` },
    { head: t("creator"), cell: (code) => html`<${Foreign} text=${code.creator} />` },
    { head: t("created"), cell: (code) => html`<${Time} ms=${code.offered_at} />` },
    { head: t("rounds_left"), number: true, cell: (code) => formatNumber(code.rounds_left) },
  ];
  return html`<${Page} title=${t("page_code")}><${Problem} error=${error} />
    ${data && html`<${Table} caption=${t("page_code")} columns=${columns} rows=${data.code} empty=${t("no_code")} rowKey=${(code) => code.digest} />`}<//>`;
}

function Decide({ digest, onDone }) {
  const [error, setError] = useState(null);
  const decide = (word, query) => post("/v1/code/" + word, { digest, ...query }).then(() => { setError(null); onDone(); }, setError);
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    decide("approve", { rounds: form.get("rounds"), peer: form.get("peer") });
  };
  return html`<form class="row" onSubmit=${submit}>
    <${Field} label=${t("rounds_allowed")} id="rounds" hint=${t("rounds_hint")}><input id="rounds" name="rounds" type="number" min="1" aria-describedby="rounds-hint" /><//>
    <${Field} label=${t("only_peer")} id="peer"><input id="peer" name="peer" /><//>
    <p class="buttons"><button type="submit" id="approve">${t("approve")}</button> <button type="button" id="revoke" class="danger" onClick=${() => decide("revoke")}>${t("revoke")}</button></p></form>
    <${Problem} error=${error} />`;
}

export function Source({ query }) {
  const { digest } = query;
  const [code, error, reload] = useLoad((signal) => get("/v1/code/one", { digest }, signal), []);
  return html`<${Page} title=${t("code_of")}><${Problem} error=${error} />
    ${code && html`
      <p class="facts"><strong>${code.words}</strong> <span role="status"><${State} state=${code.state} /></span> ${t("creator")} <${Foreign} text=${code.creator} /> · ${t("rounds_left")} ${formatNumber(code.rounds_left)} ${code.peer && html`· ${t("only_peer")} <${Foreign} text=${code.peer} />`}</p>
      <p class="exact"><code>${code.digest}</code></p>
      <${Decide} digest=${digest} onDone=${reload} />
      ${code.compared_to && html`<p class="warning">${t("compared_to")} <code>${code.compared_to}</code></p>`}
      ${code.by_number > 0 && html`<p class="warning">${t("by_number", { count: code.by_number })}</p>`}
      <${Lines} text=${code.text} />`}<//>`;
}
