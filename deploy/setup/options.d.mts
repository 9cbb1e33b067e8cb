export interface Options {
  readonly kind: 'run';
  readonly once: boolean;
  readonly chaos: boolean;
  readonly json: boolean;
}
export const USAGE: string;
export function readOptions(
  argv: readonly string[],
): Options | { readonly kind: 'help' } | { readonly kind: 'wrong'; readonly message: string };
