// Reads one YAML file against a schema; every text read is remembered, because the printer of errors shows its lines.
import { type Disk, FileTooLarge } from '@suite/shared/ports/index.ts';
import { type Diagnostic, decode, type Result, type Schema } from '@suite/shared/schema/index.ts';
import { strayTags } from '@suite/shared/schema/stray-tags.ts';
import { parseYaml, type YamlNode } from '@suite/shared/yaml/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { Parsed } from '../core/desired/sources.ts';

export type Texts = Map<string, string>;

export function problem(
  code: string,
  file: string,
  message: string,
  severity: Diagnostic['severity'] = 'error',
): Diagnostic {
  return { code, severity, message, file, line: 1, column: 1 };
}

function failed<T>(...errors: Diagnostic[]): Result<T> {
  return { ok: false, errors };
}

async function readText(disk: Disk, path: string, shown: string): Promise<Result<string>> {
  try {
    const text = await disk.readText(path, LIMITS.configBytes);
    if (text !== undefined) return { ok: true, value: text, warnings: [] };
    return failed(problem('file-missing', shown, `${shown} does not exist`));
  } catch (error) {
    const message =
      error instanceof FileTooLarge ? `longer than ${LIMITS.configBytes} bytes` : (error as Error).message;
    return failed(problem('file-unreadable', shown, message));
  }
}

/** `shown` is the name in messages: a file of an image is shown with its host path. */
export async function readYaml(
  disk: Disk,
  path: string,
  texts: Texts,
  shown = path,
): Promise<Result<YamlNode>> {
  const text = await readText(disk, path, shown);
  if (!text.ok) return text;
  texts.set(shown, text.value);
  const bad = text.value.indexOf(REPLACEMENT);
  return bad < 0 ? parseYaml(text.value, { file: shown }) : failed(notUtf8(text.value, bad, shown));
}

/** What decoding puts in place of bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

function notUtf8(text: string, index: number, file: string): Diagnostic {
  const before = text.slice(0, index).split('\n');
  const place = { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  return { code: 'encoding', severity: 'error', message: 'the file is not in UTF-8 here', ...place };
}

/** An empty file is an empty mapping. */
function orEmpty(node: YamlNode): YamlNode {
  if (node.kind !== 'null' || node.explicit) return node;
  return { kind: 'mapping', entries: [], file: node.file, line: node.line, column: node.column } as YamlNode;
}

/** A tag where none is read is an error too: it would look as if it did something. */
export function decodeNode<T>(schema: Schema<T>, node: YamlNode): Result<Parsed<T>> {
  const whole = orEmpty(node);
  const decoded = decode(schema, whole);
  const stray = strayTags(schema, whole);
  if (!decoded.ok) return { ok: false, errors: [...decoded.errors, ...stray] };
  if (stray.length > 0) return { ok: false, errors: stray };
  return { ...decoded, value: { value: decoded.value, node: whole } };
}

export async function readConfig<T>(
  disk: Disk,
  schema: Schema<T>,
  path: string,
  texts: Texts,
): Promise<Result<Parsed<T>>> {
  const parsed = await readYaml(disk, path, texts);
  return parsed.ok ? decodeNode(schema, parsed.value) : parsed;
}
