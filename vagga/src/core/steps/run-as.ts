// `!RunAs`: a script of the build as another user of the container.
import { done, type PlanStep, runAction } from './state.ts';

interface RunAsValue {
  readonly userId: number;
  readonly groupId: number;
  readonly externalUserId?: number;
  readonly supplementaryGids: readonly number[];
  readonly workDir: string;
  readonly isolateNetwork: boolean;
  readonly script: string;
}

export const planRunAs: PlanStep = (value, state) => {
  const { workDir, isolateNetwork, script, ...user } = value as unknown as RunAsValue;
  const cwd = workDir.startsWith('/') ? workDir : `/work/${workDir}`;
  const action = runAction(state, ['/bin/sh', '-exc', script]);
  return done(state, { ...action, cwd, isolateNetwork, user } as typeof action);
};
