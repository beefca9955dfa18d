// What `model list --json` prints, as far as it is shown. Pure.

/** A bundle to pick. */
export interface Bundle {
  name: string;
  /** Its id, its size, whether it is in use; what is wrong with it where it cannot be used. */
  description: string;
  /** Its folder. */
  path: string;
}

/** Reads the list; undefined where it is not of the expected form. */
export function bundleEntries(json: string): Bundle[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const list = (value as { bundles?: unknown } | null)?.bundles;
  if (!Array.isArray(list)) return undefined;
  return list.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return [];
    const { name, id, path, parameters, in_use, problem } = item as Record<string, unknown>;
    if (typeof name !== 'string' || typeof path !== 'string') return [];
    const size = typeof parameters === 'number' ? `${(parameters / 1e6).toFixed(1)} M parameters` : undefined;
    const facts = typeof problem === 'string' ? [`cannot be used: ${problem}`] : [id, size, in_use === true ? 'in use' : undefined];
    return [{ name, path, description: facts.filter(f => typeof f === 'string').join(' · ') }];
  });
}
