// The page's language, for screen readers; and while the server is away, a sentence in place of Streamlit's own, which speaks to programmers.
(() => {
  const said = window.albumjudgeWords;
  document.documentElement.lang = said.language;
  if (window.albumjudgeAway) { window.albumjudgeAway.textContent = said.away; return; }
  const note = window.albumjudgeAway = document.createElement("p");
  note.className = "away";
  note.setAttribute("role", "status");
  note.hidden = true;
  note.textContent = said.away;
  document.body.append(note);
  const theirs = () =>
    [...document.querySelectorAll('[role="dialog"]')].find((it) => /streamlit run|Connection error/i.test(it.textContent));
  const health = new URL("_stcore/health", document.querySelector("base")?.href ?? location.origin + "/");
  let timer, back = 0;
  const watch = async () => {
    const dialog = theirs();
    note.hidden = !dialog;
    document.documentElement.classList.toggle("server-away", Boolean(dialog));
    clearTimeout(timer);
    if (!dialog) { back = 0; return; }
    try { back = (await fetch(health, { cache: "no-store" })).ok ? back + 1 : 0; } catch { back = 0; }
    // Streamlit finds its way back by itself, most of the time.
    if (back > 3) location.reload();
    timer = setTimeout(watch, 1500 + 1000 * Math.random());
  };
  new MutationObserver((changes) => {
    if (note.hidden === Boolean(theirs())) watch();
  }).observe(document.body, { childList: true, subtree: true });
})();
