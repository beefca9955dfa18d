// Elements of plain data. Text becomes text nodes, never markup: nothing from Lean or a model is parsed as HTML.

import type { Node as Drawing } from '../core/plot';

type Child = globalThis.Node | string | null | undefined | false;

/** What `element` sets: attributes, and listeners under `on…`. */
export type Properties = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;

/** An HTML element. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? '' : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined && child !== false) made.append(child);
  return made;
}

/** A drawing as SVG. */
export function svg(drawing: Drawing): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', drawing.name);
  for (const [key, value] of Object.entries(drawing.attributes)) made.setAttribute(key, value);
  for (const child of drawing.children) made.append(typeof child === 'string' ? child : svg(child));
  return made;
}

/** The element of an id that the page always has. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`#${id} is missing`);
  return found;
}
