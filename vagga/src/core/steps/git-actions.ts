// What steps with version control plan.
import type { Mounts } from './mounts.ts';

export interface Checkout {
  readonly url: string;
  /** Commit or tag; wins over `branch`. Neither: the default branch. */
  readonly revision?: string;
  readonly branch?: string;
}

export type GitAction =
  | (Checkout & { readonly kind: 'git-checkout'; readonly path: string })
  | (Checkout & {
      readonly kind: 'git-install';
      readonly subdir: string;
      readonly script: string;
      readonly env: Readonly<Record<string, string>>;
      readonly caches: Mounts;
    })
  | {
      readonly kind: 'git-describe';
      readonly repo: string;
      /** Only tags that match. */
      readonly pattern?: string;
      readonly outputFile?: string;
    };
