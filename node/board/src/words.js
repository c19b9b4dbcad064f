// SPDX-License-Identifier: Apache-2.0
// The language of the board: one table each in words_en.js and words_zh.js, with the same keys.

import en from "./words_en.js";
import zh from "./words_zh.js";

const tables = { en, zh };
let language = localStorage.getItem("sotto-language");
if (!(language in tables)) {
  language = navigator.language.startsWith("zh") ? "zh" : "en";
}

export const languages = { en: "English", zh: "中文" };
export const currentLanguage = () => language;

export function setLanguage(next) {
  language = next in tables ? next : "en";
  localStorage.setItem("sotto-language", language);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
}
setLanguage(language);

/** The text of a key, with {name} replaced by values. */
export function t(key, values) {
  const text = tables[language][key] ?? key;
  return values ? text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "") : text;
}

export const formatTime = (ms) =>
  new Date(ms).toLocaleString(language, { dateStyle: "medium", timeStyle: "medium" });
export const formatNumber = (value) => new Intl.NumberFormat(language).format(value);
