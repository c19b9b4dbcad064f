// SPDX-License-Identifier: Apache-2.0
// The board: pages of one node, for its own people. This file logs in, finds the page that the
// address names and draws what is around it.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, login, post, whenLost } from "./api.js";
import { Field, Page, Problem, html, link, useLoad, useRepeat } from "./parts.js";
import { currentLanguage, languages, setLanguage, t } from "./words.js";
import { AskedList, Question } from "./asked.js";
import { CodeList, Source } from "./code.js";
import { Compose } from "./compose.js";
import { Datasets, Nodes } from "./nodes.js";
import { Ledger, Policy, Record } from "./owner.js";
import { Task } from "./task.js";
import { Tasks } from "./tasks.js";

// Pages in the order of the menu; roles: who may see one, besides admin.
const PAGES = [
  { name: "tasks", roles: ["ask", "read"], view: Tasks },
  { name: "task", roles: ["ask", "read"], view: Task, isHidden: true },
  { name: "compose", roles: ["ask"], view: Compose },
  { name: "asked", roles: ["approve"], view: AskedList },
  { name: "question", roles: ["approve"], view: Question, isHidden: true },
  { name: "code", roles: ["approve"], view: CodeList },
  { name: "source", roles: ["approve"], view: Source, isHidden: true },
  { name: "ledger", roles: ["approve"], view: Ledger },
  { name: "datasets", roles: ["ask"], view: Datasets },
  { name: "nodes", roles: ["ask", "read", "approve", "watch"], view: Nodes },
  { name: "policy", roles: ["approve"], view: Policy },
  { name: "record", roles: ["approve"], view: Record },
];

// As the node calls the token that it began with; no other one can have a blank in its name.
const FIRST_TOKEN = "the first one";
const may = (me, page) => me.role === "admin" || page.roles.includes(me.role);

function readAddress() {
  const [name, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { name, query: Object.fromEntries(new URLSearchParams(query || "")) };
}

function Login({ onLogin, isLost }) {
  const [token, setToken] = useState("");
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      onLogin(await login(token.trim()));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return html`<${Page} title=${t("log_in")}>
    ${isLost && html`<p role="status">${t("login_over")}</p>`}
    <form onSubmit=${submit} class="narrow">
      <${Field} label=${t("token")} id="token" hint=${t("token_hint")}>
        <input id="token" type="password" autocomplete="off" required aria-describedby="token-hint"
          value=${token} onInput=${(event) => setToken(event.target.value)} />
      <//>
      <button type="submit" disabled=${isBusy}>${t("log_in")}</button>
      <${Problem} error=${error} />
    </form>
  <//>`;
}

function Language({ onChange }) {
  return html`<div class="languages" role="group" aria-label=${t("language")}>${Object.entries(languages).map(([code, name]) => html`
    <button type="button" class="link" lang=${code} aria-pressed=${code === currentLanguage()} onClick=${() => onChange(code)}>${name}</button>`)}</div>`;
}

/* How many questions wait for who may decide, beside the page that has them. */
function Menu({ me, name }) {
  const decides = may(me, PAGES.find((page) => page.name === "asked"));
  const [waiting, , reload] = useLoad((signal) => decides ? get("/v1/asked", { waiting: 1 }, signal) : Promise.resolve({ asked: [] }), []);
  useRepeat(reload, decides, 10000);
  const count = (page) => page.name === "asked" && waiting?.asked.length > 0 ? ` (${waiting.asked.length})` : "";
  return html`<nav aria-label=${t("menu")}><ul>${PAGES.filter((page) => !page.isHidden && may(me, page)).map((page) => html`
    <li><a href=${link(page.name)} aria-current=${page.name === name ? "page" : undefined}>${t("page_" + page.name)}${count(page)}</a></li>`)}</ul></nav>`;
}

function Board() {
  const [me, setMe] = useState(undefined); // null: nobody is logged in
  const [isLost, setLost] = useState(false);
  const [address, setAddress] = useState(readAddress());
  const [, setCode] = useState(currentLanguage());
  useEffect(() => {
    whenLost(() => { setLost(true); setMe(null); });
    get("/v1/me").then(setMe, () => setMe(null));
    const onMove = () => setAddress(readAddress());
    addEventListener("hashchange", onMove);
    return () => removeEventListener("hashchange", onMove);
  }, []);
  const leave = () => post("/v1/logout").finally(() => { setLost(false); setMe(null); });
  const change = (code) => { setLanguage(code); setCode(code); };
  const page = me && (PAGES.find((entry) => entry.name === address.name && may(me, entry)) ||
    PAGES.find((entry) => may(me, entry)));
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.querySelector("h1")?.focus(); }}>${t("skip")}</a>
    <header>
      <span class="brand"><img src="/icon.svg" alt="" width="24" height="24" /> Sotto${me && html` <b class="node"><bdi>${me.node}</bdi></b>`}</span>
      ${me && html`<${Menu} me=${me} name=${page.name} />`}
      <${Language} onChange=${change} />
      ${me && html`<span class="who"><bdi>${me.name === FIRST_TOKEN ? t("first_token") : me.name}</bdi> (${t("role_" + me.role)}) <button type="button" id="logout" onClick=${leave}>${t("log_out")}</button></span>`}
    </header>
    <main id="main" key=${currentLanguage()}>
      ${me === null && html`<${Login} isLost=${isLost} onLogin=${(who) => { setLost(false); setMe(who); }} />`}
      ${page && html`<${page.view} key=${page.name + JSON.stringify(address.query)} me=${me} query=${address.query} />`}
    </main>
    <footer><a href="/licences.txt">${t("licences")}</a>${me && html` · Sotto ${me.version}`}</footer>`;
}

render(html`<${Board} />`, document.getElementById("app"));
