import { createHash } from 'node:crypto';
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import type { PlacedRenderFile, TemplateSet } from './template-set.ts';

/** A render file with its templates rendered: what will be done, before anything is done. */
export interface PlannedFile {
  readonly renderFile: PlacedRenderFile;
  /** Template name → rendered text. */
  readonly rendered: ReadonlyMap<string, string>;
}

export interface RolePlan {
  readonly files: readonly PlannedFile[];
  /** Changes when a rendered text or a command changes: an equal one need not be applied again. */
  readonly fingerprint: string;
}

function fingerprintOf(files: readonly PlannedFile[]): string {
  const hash = createHash('sha256');
  for (const { renderFile, rendered } of files) {
    hash.update(JSON.stringify([renderFile.path, renderFile.file, [...rendered]]));
  }
  return hash.digest('hex');
}

/** Renders every template of every render file. All problems come together; then nothing may be applied. */
export function planRole(
  set: TemplateSet,
  variables: Readonly<Record<string, unknown>>,
): { readonly plan: RolePlan } | { readonly problems: readonly Diagnostic[] } {
  const problems: Diagnostic[] = [];
  const files: PlannedFile[] = [];
  for (const renderFile of set.renderFiles) {
    const rendered = new Map<string, string>();
    for (const [name, path] of Object.entries(renderFile.file.templates)) {
      const result = set.templates.render(path, variables);
      if ('text' in result) rendered.set(name, result.text);
      else problems.push(result.problem);
    }
    files.push({ renderFile, rendered });
  }
  return problems.length > 0 ? { problems } : { plan: { files, fingerprint: fingerprintOf(files) } };
}
