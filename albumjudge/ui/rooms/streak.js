// How many days in a row, kept in this browser alone: {last: "2026-11-28", days: 3}. Nothing is sent anywhere.
const KEY = "albumjudge-days";

function dayBefore(day) {
  const before = new Date(`${day}T00:00:00Z`);
  before.setUTCDate(before.getUTCDate() - 1);
  return before.toISOString().slice(0, 10);
}

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return typeof kept?.last === "string" && Number.isInteger(kept.days) ? kept : { last: "", days: 0 };
  } catch {
    return { last: "", days: 0 };
  }
}

export default function ({ data, parentElement }) {
  let kept = read();
  if (data.done && kept.last < data.day) {
    kept = { last: data.day, days: kept.last === dayBefore(data.day) ? kept.days + 1 : 1 };
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // A browser that keeps nothing has no streak.
    }
  }
  const lasts = kept.last === data.today || kept.last === dayBefore(data.today);
  const words = !lasts || !kept.days ? "" : kept.last !== data.today && !data.done && kept.days > 1 ? data.waits
    : !data.done ? "" : kept.days > 1 ? data.many : data.first;
  const line = parentElement.querySelector(".streak") ?? document.createElement("p");
  line.className = "streak";
  line.textContent = words.replace("#", kept.days);
  parentElement.append(line);
}
