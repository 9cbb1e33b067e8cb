// How steps are named to people.
import type { Json, Step } from '../config/model.ts';

function valueText(value: Json): string {
  if (value === null || typeof value !== 'object') return String(value ?? '');
  if (Array.isArray(value)) return value.map(valueText).join(' ');
  const given = Object.entries(value).filter(([, item]) => typeof item === 'string');
  return given.map(([key, item]) => `${key}: ${item as string}`).join(', ');
}

/** One line for progress, logs and messages; long scripts are cut. */
export function stepTitle(step: Step): string {
  const line = valueText(step.value).trim().replace(/\s+/g, ' ');
  return `!${step.tag} ${line.length > 60 ? `${line.slice(0, 59)}…` : line}`.trimEnd();
}
