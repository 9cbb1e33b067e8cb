import type { Disk } from '@suite/shared/ports/index.ts';
import type { Diagnostic, Result } from '@suite/shared/schema/index.ts';
import type { YamlNode } from '@suite/shared/yaml/index.ts';
import { warnWithoutEffect } from '../config/locate.ts';
import { MASTER_WITHOUT_EFFECT, type MasterKeys, masterSchema } from '../config/master.ts';
import { type HostPaths, hostPaths } from './paths.ts';
import { readConfig, type Texts } from './read-yaml.ts';

export interface Master {
  readonly keys: MasterKeys;
  readonly node: YamlNode;
  readonly paths: HostPaths;
  readonly warnings: readonly Diagnostic[];
}

export async function loadMaster(disk: Disk, file: string, texts: Texts): Promise<Result<Master>> {
  const read = await readConfig(disk, masterSchema, file, texts);
  if (!read.ok) return read;
  const { value: keys, node } = read.value;
  const warnings = [...read.warnings, ...warnWithoutEffect(node, MASTER_WITHOUT_EFFECT)];
  return { ok: true, value: { keys, node, paths: hostPaths(file, keys), warnings }, warnings };
}
