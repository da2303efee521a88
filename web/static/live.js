// Refreshes the page by itself, and shows what changed: no reload, no lost focus or typing.
"use strict";
const every = Number(document.body.dataset.live || 0) * 1000;
let failures = 0;

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "follow" });
  if (answer.status === 401) { location.assign(answer.url); return; }
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const there of document.querySelectorAll("[data-part]")) {
    const now = fresh.querySelector(`[data-part="${there.dataset.part}"]`);
    if (!now) continue;
    // Where someone is typing or has opened something, nothing moves under their hands.
    if (there.contains(document.activeElement) || there.querySelector("details[open]")) continue;
    if (there.innerHTML !== now.innerHTML) there.innerHTML = now.innerHTML;
  }
  failures = 0;
  if (!fresh.body.dataset.live) clearTimeout(timer), (stopped = true);
}

let stopped = false;
let timer = 0;
function scheduleRefresh() {
  if (stopped) return;
  timer = setTimeout(() => refresh().catch(() => { failures += 1; }).finally(scheduleRefresh), every * Math.min(10, 1 + failures));
}
if (every) scheduleRefresh();

// One click is enough: a second one on the same button does nothing while the first is on its way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  // A download leaves the page as it is, so its button stays.
  if ("download" in form.dataset) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
// Back at a page that was kept: its orders were given already, so new ones need ids of their own.
addEventListener("pageshow", (event) => { if (event.persisted && document.querySelector("input[name=order_id]")) location.reload(); });
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    text.select();
    try { await navigator.clipboard.writeText(text.value); } catch { document.execCommand("copy"); }
    button.textContent = "Copied";
  });
}
