// SPDX-License-Identifier: Apache-2.0
// One task: what it asks, in words; who has done which step; its log; its result.

import { useEffect, useRef, useState } from "preact/hooks";
import { get, post } from "./api.js";
import { Difference } from "./difference.js";
import { Foreign, Lines, Page, Problem, State, Table, Time, download, html, link, useLoad, useRepeat } from "./parts.js";
import { FitPlot, Plot } from "./plot.js";
import { flatten, showValue, spread, tablesOfFields, tellProbabilities, toCsv } from "./result.js";
import { t } from "./words.js";

const hasEnded = (status) => !["PENDING", "RUNNING"].includes(status);
const mayAsk = (me) => ["ask", "admin"].includes(me.role);

/* --- What it asks --- */

function Asks({ id }) {
  const [words, error] = useLoad((signal) => get("/v1/task/words", { task_id: id }, signal), []);
  const [plan] = useLoad((signal) => get("/v1/task/plan", { task_id: id }, signal), []);
  return html`<section aria-labelledby="asks"><h2 id="asks">${t("asks")}</h2><${Problem} error=${error} />
    ${words && html`<${Lines} text=${words.words} />${words.previous && html`<${Difference} head=${t("difference")} page="task" query=${{ id: words.previous.task_id }} before=${words.previous.words} words=${words.words} />`}`}
    ${plan && html`<details><summary>${t("plan_json")}</summary><${Lines} text=${JSON.stringify(plan, null, 2)} /></details>`}</section>`;
}

/* --- Who has done what --- */

const STEPS = ["joined", "chosen", "dealt", "masked", "counted", "confirmed"];

/* A task whose result nobody was to confirm has no such step once it is over. */
function Steps({ data, isOver }) {
  const isConfirmed = data.parties.some((party) => party.steps.confirmed);
  const columns = [
    { head: t("party"), isHead: true, cell: (party) => html`<${Foreign} text=${party.name} />` },
    ...STEPS.filter((step) => step !== "confirmed" || isConfirmed || !isOver).map((step) => ({
      head: t("step_" + step),
      cell: (party) => {
        const at = party.steps[step];
        return at ? html`<span class="done" title=${new Date(at).toLocaleString()}>✓<span class="quiet"> ${t("done")}</span></span>` : html`<span class="open">·<span class="quiet"> ${t("not_done")}</span></span>`;
      },
    })),
    { head: t("remark"), cell: (party) => party.remark && html`<${Foreign} text=${party.remark} />` },
  ];
  return html`<section aria-labelledby="steps"><h2 id="steps">${t("steps")}</h2>
    <p>${t("round")} ${data.round}</p>
    <${Table} caption=${t("steps")} columns=${columns} rows=${data.parties} empty=${t("nobody_yet")} rowKey=${(party) => party.name} /></section>`;
}

/* --- Its log --- */

const SHOWN_MAX = 5000; // the last so many lines

function Log({ id, isOver, onNews }) {
  const [lines, setLines] = useState([]);
  const next = useRef(0);
  useEffect(() => {
    const ending = new AbortController();
    const follow = async () => {
      while (!ending.signal.aborted) {
        let more;
        try {
          more = await get("/v1/task/logs", { task_id: id, start: next.current, limit: 1000, wait: isOver ? 0 : 20 }, ending.signal);
        } catch {
          return;
        }
        if (more.length > 0) {
          next.current = more.at(-1).id + 1;
          setLines((was) => [...was, ...more].slice(-SHOWN_MAX));
        }
        if (more.length === 0 && isOver) {
          return;
        }
        onNews();
      }
    };
    follow();
    return () => ending.abort();
  }, [isOver]);
  return html`<section aria-labelledby="log"><h2 id="log">${t("log")}</h2>
    <div class="scroll tall" tabindex="0" role="log" aria-label=${t("log")}><ol class="log">${lines.map((line) => html`<li key=${line.id}><${Time} ms=${line.created_at} /> <${Foreign} text=${line.message} limit=${1000} /></li>`)}</ol></div></section>`;
}

/* --- Its result --- */

function Output({ result, name, output }) {
  const one = spread(result, output);
  const columns = one.axes.length < 2
    ? [{ head: t("value"), number: true, cell: (row) => showValue(row[1]) }]
    : one.axes.at(-1).map((label, i) => ({ head: html`<${Foreign} text=${label} />`, number: true, cell: (row) => showValue(row[1][i]) }));
  const rows = flatten({ axes: one.axes.length < 2 ? one.axes : one.axes.slice(0, -1), cells: one.cells });
  const head = { head: t("label"), isHead: true, cell: (row) => html`<${Foreign} text=${row[0].join(" · ") || name} />` };
  const exact = one.axes.length === 0 && one.cells.exact;
  return html`<h3><${Foreign} text=${name} /></h3>
    <div class="beside"><${Table} caption=${name} columns=${[head, ...columns]} rows=${rows} empty=${t("nothing")} />
      <${Plot} name=${name} one=${one} /></div>
    ${exact && html`<p class="exact">${t("exact")}: <${Foreign} text=${exact} limit=${120} /></p>`}`;
}

function Fit({ result, name, output }) {
  return html`<h3><${Foreign} text=${name} /></h3>${output.status && html`<p class="warning"><${Foreign} text=${[].concat(output.status).join("; ")} /></p>`}
    ${tablesOfFields(result, tellProbabilities(output)).map((table) => {
      const isWide = table.fields.length === 1 && table.axes.length > 1;
      if (isWide) {
        return html`<${Output} result=${{}} name=${`${name}: ${table.fields[0][0]}`} output=${{ labels: table.axes, values: table.fields[0][1].cells }} />`;
      }
      if (table.axes.length === 0) {
        const columns = [{ head: t("field"), isHead: true, cell: (row) => row[0] }, { head: t("value"), number: true, cell: (row) => showValue(row[1].cells) }];
        return html`<${Table} caption=${name} columns=${columns} rows=${table.fields} empty="" />`;
      }
      const flat = table.fields.map(([, one]) => flatten(one));
      const columns = [{ head: t("label"), isHead: true, cell: (row) => html`<${Foreign} text=${row[0].join(" · ")} />` },
        ...table.fields.map(([field], i) => ({ head: field, number: true, cell: (row, at) => showValue(flat[i][at][1]) }))];
      return html`<div class="beside"><${Table} caption=${name} columns=${columns} rows=${flat[0]} empty="" /><${FitPlot} name=${name} one=${table} /></div>`;
    })}`;
}

const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** What a learning task gives: the weights as a file, and how many rows each round had. */
function Learned({ id, result }) {
  const columns = [
    { head: t("round"), isHead: true, cell: (_, i) => i + 1 },
    { head: t("parties"), number: true, cell: (round) => round.parties },
    { head: t("rows"), number: true, cell: (round) => round.rows },
    { head: t("clipped"), number: true, cell: (round) => round.clipped },
  ];
  return html`<p><button type="button" onClick=${() => download(`task-${id}.safetensors`, "application/octet-stream", fromBase64(result.weight))}>${t("weights")}</button></p>
    <${Table} caption=${t("round")} columns=${columns} rows=${result.rounds || []} empty=${t("nothing")} />`;
}

async function downloadReceipt(id, onError) {
  try {
    const { receipt } = await get("/v1/task/receipt", { task_id: id });
    download(`task-${id}.sotto`, "application/octet-stream", fromBase64(receipt));
  } catch (error) {
    onError(error);
  }
}

function Result({ id }) {
  const [result, error] = useLoad((signal) => get("/v1/task/result", { task_id: id }, signal), []);
  const [failure, setFailure] = useState(null);
  if (!result) {
    return html`<${Problem} error=${error} />`;
  }
  const { parties } = result;
  return html`<section aria-labelledby="result" class="result"><h2 id="result">${t("result")}</h2>
    <p class="buttons">
      ${result.outputs && html`<button type="button" onClick=${() => download(`task-${id}.csv`, "text/csv", toCsv(result))}>CSV</button>`}
      <button type="button" onClick=${() => download(`task-${id}.json`, "application/json", JSON.stringify(result, null, 2))}>JSON</button>
      <button type="button" onClick=${() => downloadReceipt(id, setFailure)}>${t("receipt")}</button></p>
    <${Problem} error=${failure} />
    ${(result.warnings || []).map((text) => html`<p class="warning"><${Foreign} text=${text} limit=${1000} /></p>`)}
    ${result.weight && html`<${Learned} id=${id} result=${result} />`}
    ${Object.entries(result.outputs || {}).map(([name, output]) => output.fields
      ? html`<${Fit} key=${name} result=${result} name=${name} output=${output} />`
      : html`<${Output} key=${name} result=${result} name=${name} output=${output} />`)}
    <p>${t("of_parties", parties)}: <${Foreign} text=${(parties.names || []).join(", ")} limit=${1000} /></p></section>`;
}

/* --- All of it --- */

function Cancel({ id, onDone }) {
  const [error, setError] = useState(null);
  return html`<button type="button" class="danger" onClick=${() => post("/v1/task/cancel", { task_id: id }).then(onDone, setError)}>${t("cancel")}</button><${Problem} error=${error} />`;
}

export function Task({ me, query }) {
  const id = query.id;
  const [task, error, reload] = useLoad((signal) => get("/v1/task/metadata", { task_id: id }, signal), []);
  const [state, , reloadState] = useLoad((signal) => get("/v1/task/status", { task_id: id }, signal), []);
  const [steps, , reloadSteps] = useLoad((signal) => get("/v1/task/steps", { task_id: id }, signal), []);
  const isOver = state !== undefined && hasEnded(state.status) && state.confirmation !== "awaited";
  const onNews = () => { reloadState(); reloadSteps(); };
  useRepeat(onNews, state !== undefined && !isOver, 2000);
  return html`<${Page} title=${t("task_number", { id })}>
    <${Problem} error=${error} />
    ${task && state && html`
      <p class="facts"><strong><${Foreign} text=${task.name} /></strong> <span role="status"><${State} state=${state.status} /></span> ${t("created")} <${Time} ms=${task.created_at} />
        ${mayAsk(me) && html` <a class="button" href=${link("compose", { from: id })}>${t("ask_again")}</a>`}
        ${mayAsk(me) && !hasEnded(state.status) && html` <${Cancel} id=${id} onDone=${() => { reload(); onNews(); }} />`}</p>
      ${state.error && html`<p class="problem"><${Foreign} text=${state.error} limit=${2000} /></p>`}
      ${state.confirmation && html`<p>${t("confirmation")}: <${Foreign} text=${state.confirmation} limit=${1000} /></p>`}
      ${["FINISHED", "CONFIRMED"].includes(state.status) && html`<${Result} id=${id} />`}
      ${steps && html`<${Steps} data=${steps} isOver=${isOver} />`}
      <${Asks} id=${id} />
      <${Log} id=${id} isOver=${isOver} onNews=${onNews} />`}
  <//>`;
}
