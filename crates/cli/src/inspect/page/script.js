"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const bytes = count => {
    if (count < 1024) return count + " B";
    const units = ["KiB", "MiB", "GiB"];
    let unit = 0;
    for (count /= 1024; count >= 999.95 && unit < 2; count /= 1024) unit += 1;
    return count.toFixed(count < 9.995 ? 2 : 1) + " " + units[unit];
  };
  const time = us => us < 1000 ? us + " us" : us < 1e6 ? (us / 1e3).toFixed(1) + " ms" : (us / 1e6).toFixed(2) + " s";
  // Names are foreign: they only ever become text.
  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // The table of functions.
  const places = { index: 0, name: 1, tier: 2, code: 3, body: 4, time: 5 };
  const PAGE = 100;
  const hasCode = data.functions.some(row => row[places.code] > 0);
  const order = { key: hasCode ? "code" : "body", descending: true };
  let shown = PAGE;
  const body = document.querySelector("#functions tbody");
  const search = document.getElementById("search");
  const tier = document.getElementById("tier");
  const more = document.getElementById("more");

  const row = fields => {
    const [index, name, tierName, code, size, spent] = fields;
    const line = element("tr");
    const tierCell = element("td", "tier");
    if (tierName !== "none") tierCell.append(element("i", "swatch " + tierName));
    tierCell.append(tierName);
    const nameCell = element("td", "name", name);
    if (!name) nameCell.append(element("span", "none", "no name"));
    line.append(
      element("td", "number", index), nameCell, tierCell,
      element("td", "number", code ? bytes(code) : ""), element("td", "number", bytes(size)),
      element("td", "number", spent ? time(spent) : ""));
    return line;
  };
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    const place = places[order.key], sign = order.descending ? -1 : 1;
    const rows = data.functions.filter(fields =>
      (!tier.value || fields[places.tier] === tier.value) &&
      (!wanted || String(fields[places.index]) === wanted || fields[places.name].toLowerCase().includes(wanted)));
    rows.sort((a, b) => {
      const [x, y] = [a[place], b[place]];
      return (x < y ? -sign : x > y ? sign : 0) || a[0] - b[0];
    });
    body.replaceChildren(...rows.slice(0, shown).map(row));
    more.hidden = rows.length <= shown;
    document.getElementById("count").textContent =
      rows.length === data.functions.length ? rows.length + " functions" : rows.length + " of " + data.functions.length + " functions";
    for (const button of document.querySelectorAll("#functions th button")) {
      const sort = button.dataset.key !== order.key ? "none" : order.descending ? "descending" : "ascending";
      button.parentElement.setAttribute("aria-sort", sort);
    }
  };
  for (const button of document.querySelectorAll("#functions th button")) {
    button.addEventListener("click", () => {
      const key = button.dataset.key;
      order.descending = key === order.key ? !order.descending : !["index", "name", "tier"].includes(key);
      order.key = key;
      show();
    });
  }
  for (const input of [search, tier]) {
    input.addEventListener("input", () => { shown = PAGE; show(); });
    input.form.addEventListener("submit", event => event.preventDefault());
  }
  more.addEventListener("click", () => { shown += 5 * PAGE; show(); });
  show();

  // The maps: what lies under the pointer, or where the arrow keys have gone.
  for (const map of document.querySelectorAll(".map")) {
    const objects = data.arenas[Number(map.dataset.arena)];
    const cell = Number(map.dataset.cell), columns = Number(map.dataset.columns);
    const chosen = map.querySelector(".chosen");
    const readout = map.parentElement.querySelector(".readout");
    let current = -1;
    const choose = index => {
      current = index;
      const object = objects[index];
      if (!object) { chosen.setAttribute("d", ""); readout.textContent = "free"; return; }
      const [start, size, kind, title] = object;
      let path = "";
      const first = Math.floor(start / cell), last = Math.max(first, Math.ceil((start + size) / cell) - 1);
      for (let y = Math.floor(first / columns); y <= Math.floor(last / columns); y += 1) {
        const left = Math.max(first, y * columns) % columns, right = Math.min(last, y * columns + columns - 1) % columns;
        path += `M${left} ${y}h${right - left + .84}v.84h-${right - left + .84}z`;
      }
      chosen.setAttribute("d", path);
      readout.textContent = `${title}: ${bytes(size)}, ${kind === "other" ? "not of a tier" : kind}, at offset ${start.toLocaleString("en")}`;
    };
    map.addEventListener("pointermove", event => {
      const box = map.getBoundingClientRect();
      const side = box.width / columns;
      const place = Math.floor((event.clientY - box.top) / side) * columns + Math.floor((event.clientX - box.left) / side);
      const start = place * cell, end = start + cell;
      choose(objects.findIndex(object => object[0] < end && start < object[0] + object[1]));
    });
    map.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step === undefined || objects.length === 0) return;
      event.preventDefault();
      choose(Math.min(Math.max(current + step, 0), objects.length - 1));
    });
  }
})();
