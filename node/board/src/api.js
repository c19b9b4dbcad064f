// SPDX-License-Identifier: Apache-2.0
// The node's API, for a browser that is logged in. A failure is an Error with the node's own text.

export class Failure extends Error {
  constructor(status, answer) {
    super(answer.detail || `HTTP ${status}`);
    this.status = status;
    this.code = answer.code || "";
    this.rule = answer.rule || "";
  }
}

let onLost = () => {};

/** What is called when the login is over. */
export function whenLost(call) {
  onLost = call;
}

async function ask(method, path, { query, body, headers, signal } = {}) {
  const parameters = Object.entries(query || {}).filter(([, value]) => value !== "" && value !== undefined);
  const url = path + (parameters.length ? "?" + new URLSearchParams(parameters) : "");
  const response = await fetch(url, {
    method,
    body,
    signal,
    headers: { ...(method === "POST" ? { "X-Sotto-Board": "1" } : {}), ...headers },
  });
  const text = await response.text();
  let answer = {};
  try {
    answer = JSON.parse(text);
  } catch {
    answer = { detail: text.slice(0, 200) };
  }
  if (!response.ok) {
    if (response.status === 401 && path !== "/v1/login" && path !== "/v1/me") {
      onLost();
    }
    throw new Failure(response.status, answer);
  }
  return answer;
}

export const get = (path, query, signal) => ask("GET", path, { query, signal });
export const post = (path, query, body) => ask("POST", path, { query, body });
export const login = (token) => ask("POST", "/v1/login", { headers: { Authorization: "Bearer " + token } });
