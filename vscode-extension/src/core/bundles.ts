// What `model list --json` prints, as far as it is shown.

/** A bundle to pick. */
export interface Bundle {
  name: string;
  description: string;
}

/** Reads the list; what is not of the expected form is left out. */
export function bundleEntries(json: string): Bundle[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return [];
  }
  const list = Array.isArray(value) ? value : ((value as { models?: unknown } | null)?.models ?? []);
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null || !('name' in item) || typeof item.name !== 'string') return [];
    const facts = ['id', 'origin', 'path'].map(k => (item as Record<string, unknown>)[k]).filter(v => typeof v === 'string');
    return [{ name: item.name, description: facts.join(' · ') }];
  });
}
