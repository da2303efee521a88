// Shows new mail by itself, unless somebody is typing an address.
const script = document.currentScript;
setInterval(async () => {
  if (document.hidden || document.activeElement === document.getElementById("to")) return;
  const answer = await fetch("/api/count").catch(() => null);
  if (answer?.ok && String((await answer.json()).count) !== script.dataset.count) location.reload();
}, 2000);
