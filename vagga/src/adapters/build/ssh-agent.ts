// The caller's ssh-agent in build steps: keys can be used there, not read, and nothing of them stays in the image.
import { statSync } from 'node:fs';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import { bindMount } from '../oci/sandbox.ts';
import type { BuildContext } from './context.ts';

/** Below the tmpfs of the step. */
const SOCKET = '/run/ssh-agent';

export interface SshAgent {
  readonly mounts: readonly SandboxMount[];
  readonly env: Readonly<Record<string, string>>;
}

const NONE: SshAgent = { mounts: [], env: {} };

/** Only where the user's settings allow it and an agent is there. */
export function sshAgentOf({ settings }: BuildContext, caller: NodeJS.ProcessEnv): SshAgent {
  const socket = caller.SSH_AUTH_SOCK;
  if (!settings.sshAgent || socket === undefined) return NONE;
  if (statSync(socket, { throwIfNoEntry: false })?.isSocket() !== true) return NONE;
  return { mounts: [bindMount(socket, SOCKET)], env: { SSH_AUTH_SOCK: SOCKET } };
}
