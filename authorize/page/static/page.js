// The pages work without this. It groups what is typed, finds mistakes before they are sent, counts time down, and asks
// how a payment stands.
"use strict";
(() => {
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const digits = text => text.replace(/\D/g, "");
const page = document.body.dataset;
document.documentElement.classList.add("scripted");

// say tells screen readers, and everybody when it is urgent.
const say = (text, urgent = false) => {
  const place = one("#say");
  if (!place || place.textContent === text) return;
  place.className = urgent ? "toast" : "hidden";
  place.textContent = text;
};
const leave = () => { if (page.session) location.replace(page.session); };

// Cards.

const schemes = [
  ["Mir", /^220[0-4]/], ["Visa", /^4/], ["Mastercard", /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/], ["Belkart", /^9112/],
  ["American Express", /^3[47]/], ["JCB", /^35/], ["Diners Club", /^3[068]/], ["UnionPay", /^(62|81)/], ["Maestro", /^(50|5[6-8]|63|67)/],
];
const amex = "American Express";
const schemeOf = number => (schemes.find(([, prefix]) => prefix.test(number)) || [""])[0];

const group = number => schemeOf(number) === amex
  ? [number.slice(0, 4), number.slice(4, 10), number.slice(10)].filter(Boolean).join(" ")
  : number.replace(/(.{4})(?=.)/g, "$1 ");

const luhn = number => {
  let sum = 0;
  [...number].reverse().forEach((c, i) => { const d = +c << (i & 1); sum += d > 9 ? d - 9 : d; });
  return sum % 10 === 0;
};

const lastDay = text => { // the first moment after an expiry; undefined for what is none
  const found = text.replace(/\s/g, "").match(/^(0?[1-9]|1[0-2])\/?(?:20)?(\d\d)$/);
  return found && new Date(2000 + +found[2], +found[1], 1);
};

// retype shows other characters for the same digits and leaves the caret behind the digit it was behind.
function retype(input, text) {
  const before = digits(input.value.slice(0, input.selectionStart)).length;
  const atEnd = input.selectionStart === input.value.length;
  if (input.value === text) return;
  input.value = text;
  let at = atEnd ? text.length : 0;
  if (!atEnd) for (let n = 0; n < before && at < text.length; at++) if (/\d/.test(text[at])) n++;
  if (input === document.activeElement) input.setSelectionRange(at, at);
}

const number = one("#Cardnumber"), expiry = one("#Expiry"), code = one("#Cvc2");
const chosen = () => one(".stored:checked");
const scheme = () => {
  const stored = chosen();
  return stored ? one("b", stored.parentNode).textContent : schemeOf(digits(number.value));
};

const markOf = name => all(".scheme").find(mark => mark.dataset.scheme === name);
// refused tells that the brand of a number is known and not among those that are taken.
const refused = number => schemeOf(number) && one(".scheme") && !markOf(schemeOf(number));

function showScheme() {
  const name = scheme(), shown = one(".schemes");
  const four = name === amex, hint = one("#Cvc2-hint");
  code.maxLength = !name || four ? 4 : 3;
  hint.dataset.three ??= hint.textContent;
  hint.textContent = four ? hint.dataset.four : hint.dataset.three;
  if (!shown || chosen()) return;
  const on = markOf(name);
  all(".on", shown).forEach(s => s.classList.remove("on"));
  if (on) on.classList.add("on");
  if (on && number.value) say(name);
}

const problems = {
  Cardnumber: v => { const n = digits(v); return n.length < 12 || n.length > 19 || !luhn(n) ? "format" : refused(n) ? "scheme" : ""; },
  Expiry: v => { const end = lastDay(v); return !end ? "format" : end < Date.now() ? "expired" : ""; },
  Cvc2: v => v.length === (scheme() === amex ? 4 : 3) || !scheme() && v.length === 4 ? "" : "format",
  Cardholder: v => /^[\x20-\x7e]{2,}$/.test(v) ? "" : "format",
  Email: v => /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(v) ? "" : "format",
  HomePhone: v => digits(v).length < 5 ? "format" : "",
};
problems.WorkPhone = problems.MobilePhone = problems.HomePhone;

// judge shows what is wrong with a field and reports whether anything is.
function judge(input) {
  const value = input.value.trim(), test = problems[input.name];
  const problem = value ? test && test(value) : input.getAttribute("aria-required") === "true" && "required";
  one(`#${input.name}-error`).textContent = problem ? input.dataset[problem] : "";
  if (problem) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  return !!problem;
}

function setUpForm(form) {
  const inputs = all(".field input", form), button = one(".main", form), label = one("span", button);
  const check = one("#check"), text = label.textContent;
  let sent = false;
  inputs.forEach(input => {
    input.addEventListener("blur", () => { if (input.value.trim()) judge(input); });
    input.addEventListener("input", () => { if (input.hasAttribute("aria-invalid")) judge(input); });
  });
  form.addEventListener("submit", event => {
    const wrong = inputs.filter(input => input.offsetParent && judge(input));
    if (sent || wrong.length) event.preventDefault();
    check.hidden = !wrong.length;
    check.textContent = wrong.length ? check.dataset.text : "";
    if (wrong.length) return wrong[0].focus();
    if (sent) return;
    sent = true;
    all("input", form).forEach(input => { if (input.name === "BrowserInfo") input.value = browser(); });
    button.setAttribute("aria-disabled", "true");
    label.textContent = button.dataset.busy;
    say(button.dataset.busy);
  });
  addEventListener("pageshow", event => { // back from the next page: it can be sent again
    if (!event.persisted) return;
    sent = false;
    button.removeAttribute("aria-disabled");
    label.textContent = text;
  });
  const first = one("[aria-invalid]", form);
  if (first) first.focus();
}

const browser = () => [screen.width, screen.height, screen.colorDepth, new Date().getTimezoneOffset(), navigator.language].join(";");

function setUpCard() {
  number.addEventListener("input", () => { retype(number, group(digits(number.value).slice(0, 19))); showScheme(); });
  expiry.addEventListener("input", event => {
    if (/delete/.test(event.inputType)) return;
    let typed = expiry.value;
    if (/^\s*[2-9]$/.test(typed) || /^\s*\d\s*\//.test(typed)) typed = "0" + typed.trim();
    const d = digits(typed).replace(/^(\d\d)20(\d\d)$/, "$1$2").slice(0, /^\d\d20/.test(digits(typed)) ? 6 : 4);
    retype(expiry, d.length < 2 ? d : d.slice(0, 2) + " / " + d.slice(2));
  });
  code.addEventListener("input", () => retype(code, digits(code.value)));
  all("[name=SavedCard]").forEach(radio => radio.addEventListener("change", showScheme));
  all("[data-fill]").forEach(button => button.addEventListener("click", () => {
    const another = one("[name=SavedCard][value='']"), means = one("[name=Means][value=card]");
    if (another) another.checked = true;
    if (means && means.type === "radio") means.checked = true;
    number.value = group(digits(button.dataset.fill));
    expiry.value = button.dataset.expiry.replace("/", " / ");
    showScheme();
    code.value = button.dataset.cvc;
    [number, expiry, code].forEach(judge);
  }));
  showScheme();
}

// Time.

function setUpTimer(timer) {
  const end = Date.now() + timer.dataset.left * 1000;
  const clock = left => {
    const two = n => String(n).padStart(2, "0"), minutes = Math.floor(left / 60);
    return (minutes < 60 ? minutes : Math.floor(minutes / 60) + ":" + two(minutes % 60)) + ":" + two(left % 60);
  };
  const tick = () => {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    timer.textContent = clock(left);
    if (left <= 120 && left > 0) say(timer.dataset.soon);
    if (left > 0) return;
    clearInterval(ticking);
    say(timer.dataset.over);
    setTimeout(leave, 1500);
  };
  const ticking = setInterval(tick, 1000);
}

// The state of the payment.

function setUpPolling() {
  let pause = 1500, failures = 0, timer = 0;
  const ask = async () => {
    clearTimeout(timer);
    try {
      const answer = await fetch(page.status, {cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout?.(10000)});
      if (!answer.ok) throw new Error(answer.status);
      const state = await answer.json();
      if (state.page !== page.page) return leave();
      if (failures > 1) say("");
      failures = 0;
    } catch {
      if (++failures === 2) say(page.offline, true);
    }
    pause = Math.min(pause * 1.2, 6000);
    timer = setTimeout(ask, pause);
  };
  timer = setTimeout(ask, pause);
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { pause = 1500; ask(); } });
}

function setUpBanks(find) {
  const banks = all(".banks li");
  find.addEventListener("input", () => {
    const word = find.value.trim().toLowerCase();
    banks.forEach(bank => { bank.hidden = !bank.textContent.toLowerCase().includes(word); });
  });
}

// 3-D Secure.

const message = "3ds-method-done";

function setUpMethod(form) {
  const next = one("#continue");
  let gone = false;
  const go = () => { if (!gone) { gone = true; next.submit(); } };
  addEventListener("message", event => { if (event.origin === location.origin && event.data === message) go(); });
  setTimeout(go, 10000);
  form.submit();
}

if (number) setUpCard();
if (one("#pay")) setUpForm(one("#pay"));
if (one("[data-left]")) setUpTimer(one("[data-left]"));
if (page.status) setUpPolling();
if (one("#find")) setUpBanks(one("#find"));
if (one("#method")) setUpMethod(one("#method"));
if (one("#challenge")) one("#challenge").submit();
if (page.page === "method-done" && parent !== window) parent.postMessage(message, location.origin);
const remove = one("#delete");
if (remove) remove.addEventListener("submit", event => { if (!confirm(remove.dataset.ask)) event.preventDefault(); });
})();
