/** The end of a room's storage: everything that it holds, its alarm included, and whether it still holds anything. */

/** True where the object has tables or an alarm; the platform's own tables do not count. Reads only. */
export async function holdsStorage(storage: DurableObjectStorage): Promise<boolean> {
  const tables = storage.sql.exec(
    "SELECT 1 FROM sqlite_master WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' LIMIT 1",
  );
  return tables.toArray().length > 0 || (await storage.getAlarm()) !== null;
}

/** For good. Returns whether there was anything. */
export async function eraseStorage(storage: DurableObjectStorage): Promise<boolean> {
  if (!(await holdsStorage(storage))) return false;
  await storage.deleteAlarm();
  await storage.deleteAll();
  return true;
}
