// `!Sh`, `!Cmd`, `!Env`.
import { done, type PlanStep, refuse, runAction } from './state.ts';

export const planSh: PlanStep = (value, state) =>
  done(state, runAction(state, ['/bin/sh', '-exc', value as string]));

export const planCmd: PlanStep = (value, state) => {
  const argv = value as string[];
  return argv.length === 0 ? refuse('command must not be empty') : done(state, runAction(state, argv));
};

/** For the following steps only, not for the processes run in the image later. */
export const planEnv: PlanStep = (value, state) =>
  done({ ...state, env: { ...state.env, ...(value as Record<string, string>) } });
