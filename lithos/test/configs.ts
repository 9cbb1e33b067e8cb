// Config files as texts in a test: decoded, checked and resolved as the reader of files does it, without any file.
import { decode, type Schema, s } from '@suite/shared/schema/index.ts';
import { strayTags } from '@suite/shared/schema/stray-tags.ts';
import { parseYaml, type YamlNode } from '@suite/shared/yaml/index.ts';
import { containerSchema } from '../src/config/container.ts';
import { processEntrySchema } from '../src/config/process.ts';
import { sandboxSchema } from '../src/config/sandbox.ts';
import { checkEntries } from '../src/core/desired/checks/entry.ts';
import { checkSandbox } from '../src/core/desired/checks/sandbox.ts';
import { desiredSandbox } from '../src/core/desired/instances.ts';
import type { Parsed, SandboxSources } from '../src/core/desired/sources.ts';
import type { DesiredSandbox } from '../src/core/desired/types.ts';

export const processesSchema = s.map(processEntrySchema);

export function parse(text: string, file = 'x.yaml'): YamlNode {
  const parsed = parseYaml(text, { file });
  if (!parsed.ok) throw new Error(parsed.errors.map(({ message }) => message).join('; '));
  if (parsed.value.kind !== 'null') return parsed.value;
  return { kind: 'mapping', entries: [], file, line: 1, column: 1 } as YamlNode;
}

/** `LINE:COLUMN message` of each error; syntax errors too. */
export function errors(schema: Schema<unknown>, text: string): string[] {
  const parsed = parseYaml(text, { file: 'x.yaml' });
  const decoded = parsed.ok ? decode(schema, parsed.value) : parsed;
  const stray = parsed.ok ? strayTags(schema, parsed.value) : [];
  const found = decoded.ok ? stray : [...decoded.errors, ...stray];
  return found.map(
    ({ line, column, message, hint }) => `${line}:${column} ${message}${hint ? ` (${hint})` : ''}`,
  );
}

/** The value; throws with the errors. */
export function value<T>(schema: Schema<T>, text: string): T {
  return parsed(schema, text, 'x.yaml').value;
}

function parsed<T>(schema: Schema<T>, text: string, file: string): Parsed<T> {
  const node = parse(text, file);
  const decoded = decode(schema, node);
  if (!decoded.ok) throw new Error(`${file}: ${decoded.errors.map(({ message }) => message).join('; ')}`);
  return { value: decoded.value, node };
}

export interface Files {
  readonly sandbox?: string;
  readonly process?: string;
  /** By path in the image; the default process file names /config/web.yaml. */
  readonly container?: string;
  readonly containers?: Readonly<Record<string, string>>;
  readonly name?: string;
}

export interface Checked {
  readonly sources: SandboxSources;
  /** Of all entries: meaningful without errors. */
  readonly desired: DesiredSandbox;
  /** `CODE FILE:LINE message`, warnings too. */
  readonly found: readonly string[];
}

const SANDBOX = 'allow-users: [1000-1999]\nallow-groups: [0, 1000-1999]\ndefault-user: 1000\n';
const PROCESS = 'web: {image: app.1, config: /config/web.yaml}';
const CONTAINER = 'executable: /bin/app\n';

/** Lines are added to a container, a sandbox that allows little, and one entry `web`; `process` replaces that entry. */
export function check(files: Files): Checked {
  const sandbox = parsed(sandboxSchema, SANDBOX + (files.sandbox ?? ''), 'box.yaml');
  const processes = parsed(processesSchema, files.process ?? PROCESS, 'processes.yaml');
  const texts = { '/config/web.yaml': files.container ?? '', ...files.containers };
  const containers = new Map(
    Object.entries(texts).map(([path, text]) => [path, parsed(containerSchema, CONTAINER + text, path)]),
  );
  const sources: SandboxSources = {
    name: files.name ?? 'box',
    sandbox,
    processes,
    hasProcesses: true,
    entries: Object.entries(processes.value).map(([process, entry]) => ({
      process,
      entry,
      imageRoot: `/images/${entry.image}`,
      container: containers.get(entry.config),
    })),
  };
  const found = [...checkSandbox(sandbox), ...checkEntries(sources).flatMap(({ problems }) => problems)].map(
    ({ code, file, line, message }) => `${code} ${file}:${line} ${message}`,
  );
  return {
    sources,
    get desired() {
      return desiredSandbox(sources, sources.entries);
    },
    found,
  };
}
