// A line to copy. Without https, or in a frame that forbids it, browsers copy by selection alone, or not at all.
export default function ({ data, parentElement }) {
  const told = JSON.stringify(data);
  if (parentElement.dataset.told === told) return;
  parentElement.dataset.told = told;
  parentElement.replaceChildren();

  const add = (parent, kind, more) => {
    const element = Object.assign(document.createElement(kind), more);
    parent.append(element);
    return element;
  };
  const whole = add(parentElement, "div", { className: "shared-link" });
  const rows = data.text.split("\n").length;
  const line = add(whole, rows > 1 ? "textarea" : "input", { readOnly: true, value: data.text, rows });
  line.setAttribute("aria-label", data.words.line);
  line.addEventListener("focus", () => line.select());
  const said = Object.assign(document.createElement("span"), { className: "heard" });
  said.setAttribute("role", "status");

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(data.text);
      return true;
    } catch {
      line.focus();
      line.select();
      return document.execCommand("copy");
    }
  };
  const button = add(whole, "button", { type: "button", textContent: data.words.copy });
  button.addEventListener("click", async () => {
    button.textContent = said.textContent = (await copy()) ? data.words.copied : data.words.selected;
    setTimeout(() => { button.textContent = data.words.copy; said.textContent = ""; }, 4000);
  });
  if (navigator.share) {
    add(whole, "button", { type: "button", textContent: data.words.share }).addEventListener("click", () => {
      navigator.share({ title: document.title, text: data.text }).catch(() => {}); // The visitor thought better of it.
    });
  }
  whole.append(said);
}
