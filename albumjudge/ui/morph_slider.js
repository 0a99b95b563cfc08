// The way between two covers. All places are here from the start, so that the slider answers at once.
export default function ({ data, parentElement, setTriggerValue }) {
  const told = JSON.stringify([data.left, data.right, data.words]);
  if (parentElement.dataset.told === told) return;
  parentElement.dataset.told = told;
  parentElement.replaceChildren();

  const add = (parent, kind, name, more = {}) => {
    const element = Object.assign(document.createElement(kind), more);
    if (name) element.className = name;
    parent.append(element);
    return element;
  };

  const whole = add(parentElement, "div", "morph");
  const print = add(whole, "figure", "print large");
  const picture = add(print, "img", "");
  const caption = add(add(print, "figcaption", ""), "span", "note");
  const words = add(whole, "div", "morph-words");
  const feeling = add(words, "p", "machine morph-feeling");
  const sides = add(words, "p", "sides");
  add(sides, "span", "", { textContent: data.words.unpleasant });
  add(sides, "span", "", { textContent: data.words.pleasant });
  const bars = add(words, "div", "morph-bars");
  bars.setAttribute("aria-hidden", "true");
  const rows = data.emotions.map((emotion) => {
    const row = add(bars, "div", `morph-bar ${emotion.positive ? "right" : "left"}`);
    row.style.setProperty("--hue", emotion.colour);
    const word = add(row, "span", "");
    add(add(row, "div", "morph-track"), "div", "morph-fill");
    return { row, word, emotion };
  });
  const line = add(whole, "div", "morph-line");
  add(line, "img", "morph-end", { src: data.frames[0].source, alt: "" });
  const range = add(line, "input", "morph-range", {
    type: "range", min: 0, max: data.frames.length - 1, step: 1, value: Math.floor(data.frames.length / 2),
  });
  range.setAttribute("aria-label", data.words.slider);
  add(line, "img", "morph-end", { src: data.frames.at(-1).source, alt: "" });
  const on = add(whole, "button", "morph-on", { type: "button", textContent: data.words.stage });

  const show = () => {
    const frame = data.frames[Number(range.value)];
    picture.src = frame.source;
    picture.alt = frame.alt;
    caption.textContent = frame.where;
    feeling.textContent = frame.feeling;
    range.setAttribute("aria-valuetext", `${frame.where}: ${frame.feeling}`);
    rows.forEach(({ row, word, emotion }, place) => {
      row.style.setProperty("--share", frame.shares[place]);
      word.textContent = emotion.positive
        ? `${emotion.sign} ${emotion.name}  ${frame.said[place]}`
        : `${frame.said[place]}  ${emotion.name} ${emotion.sign}`;
    });
  };
  range.addEventListener("input", show);
  on.addEventListener("click", () => setTriggerValue("chosen", Number(range.value)));
  show();
}
