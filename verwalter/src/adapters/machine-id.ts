import { readFile } from 'node:fs/promises';

/** The 32 hex digits of a machine id file (a final newline is allowed), lower case; or a sentence saying what is wrong. */
export async function readMachineId(
  path: string,
): Promise<{ readonly id: string } | { readonly error: string }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return { error: `${path}: ${(error as Error).message}` };
  }
  if (!/^[0-9a-fA-F]{32}\n?$/.test(text)) return { error: `${path}: not a machine id of 32 hex digits` };
  return { id: text.trim().toLowerCase() };
}
