// Records of identities beside images, and what they tell about a container now.
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IDENTITY_RECORD_BYTES_MAX } from '../../config/defaults.ts';
import type { Project } from '../../config/model.ts';
import { recordChanges, type StepChange } from '../../core/image/changes.ts';
import { type Digest, type IdentityRecord, RECORD_FORMAT, Recorder } from '../../core/image/record.ts';
import { hashContainer } from './identity.ts';
import type { Layout } from './layout.ts';
import { builtState, currentVersion } from './store.ts';

const FILE = 'identity.json';

/** 48 bits tell two versions of one file apart. */
function newDigest(): Digest {
  const hash = createHash('sha256');
  return { update: data => void hash.update(data), short: () => hash.digest('hex').slice(0, 12) };
}

export const newRecorder = (): Recorder => new Recorder(newDigest);

/** `directory`: of the image. Best effort: only `_why` reads it. */
export function writeRecord(directory: string, record: IdentityRecord): void {
  const text = JSON.stringify(record);
  if (text.length <= IDENTITY_RECORD_BYTES_MAX) writeFileSync(join(directory, FILE), `${text}\n`);
}

function readRecord(directory: string): IdentityRecord | undefined {
  try {
    const file = join(directory, FILE);
    if (statSync(file).size > IDENTITY_RECORD_BYTES_MAX) return undefined;
    const record = JSON.parse(readFileSync(file, 'utf8')) as IdentityRecord;
    return record.format === RECORD_FORMAT ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * `other-version`: this very version exists, though another is the current one. `unknown`: the current image has no record
 * (built by another program, or got from a cache). Hashes are short.
 */
export type Explanation =
  | {
      readonly kind: 'up-to-date' | 'other-version' | 'never-built' | 'other-ids' | 'lost';
      readonly hash: string;
    }
  | {
      readonly kind: 'changed';
      readonly hash: string;
      readonly built: string;
      readonly changes: readonly StepChange[];
    }
  | { readonly kind: 'unknown'; readonly hash: string; readonly built: string }
  | { readonly kind: 'not-ready' | 'failed'; readonly message: string };

/** What differs from the current image; undefined when nothing is known about that. */
export function changesSinceBuilt(
  layout: Layout,
  project: Project,
  name: string,
): readonly StepChange[] | undefined {
  const built = currentVersion(layout, name);
  const before = built === undefined ? undefined : readRecord(layout.image(name, built));
  if (before === undefined) return undefined;
  const recorder = newRecorder();
  const hashed = hashContainer(layout, project, name, { part: recorder.part });
  return hashed.kind === 'hashed' ? recordChanges(before, recorder.record(hashed.hash)) : undefined;
}

/** Why the container would be built again, or that it would not. Reads every file that counts. */
export function explain(layout: Layout, project: Project, name: string): Explanation {
  const hashed = hashContainer(layout, project, name);
  if (hashed.kind !== 'hashed') return { kind: hashed.kind, message: hashed.message };
  const hash = hashed.hash.slice(0, 8);
  const container = project.containers[name];
  const state = container === undefined ? 'absent' : builtState(layout, name, hash, container);
  const built = currentVersion(layout, name);
  if (state === 'other-ids' || state === 'lost') return { kind: state, hash };
  if (state !== 'absent') return { kind: built === hash ? 'up-to-date' : 'other-version', hash };
  if (built === undefined) return { kind: 'never-built', hash };
  const changes = changesSinceBuilt(layout, project, name);
  return changes === undefined ? { kind: 'unknown', hash, built } : { kind: 'changed', hash, built, changes };
}
