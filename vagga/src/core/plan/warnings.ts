// What is allowed in a setup and hardly meant.
import type { Container, Json, Step } from '../../config/model.ts';
import { includesNothing } from '../image/rules.ts';

function withoutIncludes({ tag, value }: Step): string[] {
  const { rules } = (value ?? {}) as Readonly<Record<string, Json>>;
  if (!Array.isArray(rules) || !includesNothing(rules as string[])) return [];
  return [
    `You didn't add any include rules to !${tag}, so it takes no files: rules that include start with "/"`,
  ];
}

/** A run would hide the directory. The mount point itself is the usual way to make one. */
function belowVolumes({ tag, value }: Step, mountPoints: readonly string[]): string[] {
  if (tag !== 'EnsureDir') return [];
  const path = value as string;
  return mountPoints
    .filter(point => path.startsWith(`${point.replace(/\/$/, '')}/`) && path.replace(/\/$/, '') !== point)
    .map(point => `${JSON.stringify(path)} directory is in the volume: ${JSON.stringify(point)}`);
}

/** A sentence each. */
export function setupWarnings({ setup, volumes }: Container): string[] {
  const mountPoints = Object.keys(volumes);
  return setup.flatMap(step => [...withoutIncludes(step), ...belowVolumes(step, mountPoints)]);
}
