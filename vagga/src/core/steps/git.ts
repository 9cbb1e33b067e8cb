// `!Git`, `!GitInstall`, `!GitDescribe`.
import type { Checkout, GitAction } from './git-actions.ts';
import { done, type PlanStep, refuse } from './state.ts';

type Values<K extends GitAction['kind']> = Omit<Extract<GitAction, { kind: K }>, 'kind'>;

/** Nothing of the config may become an option of a program, or a directory beside the cache. */
export function checkoutProblem({ url, revision, branch }: Checkout): string | undefined {
  const [name, value] =
    Object.entries({ url, revision, branch }).find(([, text]) => text?.startsWith('-') || text === '') ??
    Object.entries({ url }).find(([, text]) => /^\.\.?$/.test(text)) ??
    [];
  return name === undefined ? undefined : `${name} cannot be ${JSON.stringify(value)}`;
}

export const planGit: PlanStep = (value, state) => {
  const checkout = value as unknown as Values<'git-checkout'>;
  const problem = checkoutProblem(checkout);
  return problem === undefined ? done(state, { kind: 'git-checkout', ...checkout }) : refuse(problem);
};

export const planGitInstall: PlanStep = (value, state) => {
  const install = value as unknown as Omit<Values<'git-install'>, 'env' | 'caches'>;
  const problem = checkoutProblem(install);
  const { env, caches } = state;
  return problem === undefined
    ? done(state, { kind: 'git-install', ...install, env, caches })
    : refuse(problem);
};

export const planGitDescribe: PlanStep = (value, state) =>
  done(state, { kind: 'git-describe', ...(value as unknown as Values<'git-describe'>) });
