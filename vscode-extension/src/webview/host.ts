// The way to the extension.

interface Host {
  postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): Host;

const api = acquireVsCodeApi();

/** Sends to the extension; each page says which messages it sends. */
export const post = (message: unknown): void => api.postMessage(message);

/** Listens to the extension. Only the extension can post to this window. */
export function listen(listener: (message: unknown) => void): void {
  window.addEventListener('message', (event: MessageEvent<unknown>) => listener(event.data));
}
