// Changes of a container as text.
import type { StepChange } from './changes.ts';

/** More of one step do not help to see why. */
const DETAILS_SHOWN = 8;

const VERBS = { changed: 'changed', added: 'is new', removed: 'is gone' } as const;

function headOf({ kind, title }: StepChange): string {
  return title === 'container' ? 'the container itself changed' : `step ${title} ${VERBS[kind]}`;
}

/** All of it, indented by depth. */
export function changeLines(changes: readonly StepChange[], indent = ''): string[] {
  return changes.flatMap(change => {
    const { details, within, at } = change;
    const more = details.length - DETAILS_SHOWN;
    return [
      `${indent}${headOf(change)}${at === '' ? '' : ` (${at})`}`,
      ...details.slice(0, DETAILS_SHOWN).map(({ text }) => `${indent}  ${text}`),
      ...(more > 0 ? [`${indent}  and ${more} more`] : []),
      ...changeLines(within, `${indent}  `),
    ];
  });
}

/** The first change in one line: it decides from where a container is built again. */
export function firstChange([change, ...others]: readonly StepChange[]): string | undefined {
  if (change === undefined) return undefined;
  const { details, within } = change;
  const [detail] = details;
  const inner = firstChange(within);
  const reason = inner ?? (detail === undefined ? undefined : detail.text);
  const more = Math.max(0, details.length - 1) + others.length;
  const rest = inner !== undefined || more === 0 ? '' : ` (and ${more} more)`;
  return `${headOf(change)}${reason === undefined ? '' : `: ${reason}`}${rest}`;
}
