// The feedback store as the tests read it.

import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Rows of a query on the store below `data`; none while there is no store. */
export function rows(data, sql, ...values) {
  const file = path.join(data, 'feedback.db');
  if (!fs.existsSync(file)) return [];
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).all(...values);
  } catch (error) {
    // The sidecar is about to make the tables.
    if (/no such table/.test(error.message)) return [];
    throw error;
  } finally {
    database.close();
  }
}

/** Outcomes with the tactic that they are about, oldest first. */
export function outcomes(data) {
  return rows(
    data,
    `SELECT o.kind, o.reason, o.shown, o.evidence, c.tactic, r.uri FROM outcomes o
     LEFT JOIN candidates c ON c.suggestion = o.suggestion
     LEFT JOIN rounds r ON r.id = coalesce(o.round, c.round) ORDER BY o.id`,
  );
}

/** How many rounds there are. */
export function rounds(data) {
  return rows(data, 'SELECT count(*) AS n FROM rounds')[0]?.n ?? 0;
}
