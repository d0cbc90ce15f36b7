// Looks at the pages in the frames of this document, and leaves what it saw as JSON.
"use strict";
const channels = color => color.match(/[\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)]; return (Math.max(x, y) + .05) / (Math.min(x, y) + .05); };
const background = (element, view) => {
  for (; element; element = element.parentElement) {
    const color = channels(view.getComputedStyle(element).backgroundColor);
    if (color.length < 4 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
const look = frame => {
  const page = frame.contentDocument, view = frame.contentWindow;
  const texts = [...page.querySelectorAll("main *")].filter(element =>
    [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && element.getClientRects().length);
  const pale = texts.filter(element =>
    contrast(channels(view.getComputedStyle(element).color), background(element, view)) < 4.5);
  const rows = () => page.querySelectorAll("#functions tbody tr").length;
  const firsts = place => [...page.querySelectorAll(`#functions tbody tr td:nth-child(${place})`)].map(cell => cell.textContent);
  const before = rows();
  const head = page.querySelector('#functions [data-key="index"]');
  head.click();
  const indices = firsts(1).map(Number), sorted = indices.every((value, i) => i === 0 || indices[i - 1] <= value);
  const sort = head.parentElement.getAttribute("aria-sort");
  const search = page.getElementById("search");
  const found = text => {
    search.value = text;
    search.dispatchEvent(new view.Event("input"));
    return rows();
  };
  const foundNothing = found("no such function"), foundIndex = found(String(indices[0])), foundAll = found("");
  const map = page.querySelector(".map"), readout = page.querySelector(".readout");
  if (map) map.dispatchEvent(new view.KeyboardEvent("keydown", { key: "ArrowRight" }));
  const focusable = [...page.querySelectorAll("button, input, select, summary, [tabindex]")];
  return {
    width: view.innerWidth, overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
    page: channels(view.getComputedStyle(page.body).backgroundColor),
    texts: texts.length, pale: pale.map(element => element.className + " " + element.textContent.slice(0, 40)),
    before, sorted, sort, foundNothing, foundIndex, foundAll, names: firsts(2), injected: "injected" in view || "injected" in window,
    images: page.images.length, readout: readout && readout.textContent,
    nameless: focusable.filter(element => !(element.textContent.trim() || element.labels?.length || element.getAttribute("aria-label"))).length,
  };
};
addEventListener("load", () => {
  const result = document.getElementById("result");
  try { result.textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(look)); }
  catch (error) { result.textContent = JSON.stringify(String(error.stack)); }
});
