// Instances as the configuration might ask for them, for tests of the pure core.
import type { DesiredInstance } from '../src/core/desired/types.ts';

export function restart(
  timeoutMs: number,
  change: Partial<DesiredInstance['restart']> = {},
): DesiredInstance['restart'] {
  return { timeoutMs, backoffMaxMs: 60_000, healthyAfterMs: 10_000, maxFailures: null, ...change };
}

export function desired(change: Partial<DesiredInstance> = {}): DesiredInstance {
  return {
    name: 'box/web.0',
    sandbox: 'box',
    process: 'web',
    index: 0,
    identity: 'one',
    imageRoot: '/images/app',
    configPath: '/config/web.yaml',
    command: ['/bin/app'],
    environ: {},
    workdir: '/',
    userId: 1,
    groupId: 0,
    memoryLimitBytes: null,
    cpuShares: 1024,
    fileLimit: 1024,
    additionalGroups: [],
    uidMap: [],
    gidMap: [],
    swapLimitBytes: 0,
    cpuQuotaPercent: null,
    pidsLimit: 4096,
    ioWeight: null,
    ioLimits: [],
    rlimits: {},
    seccomp: 'default',
    newPrivileges: false,
    devices: [],
    restart: restart(1000),
    stop: { signal: 'SIGTERM', timeoutMs: 5000, hook: [] },
    processOnly: false,
    readiness: null,
    startTimeoutMs: 60_000,
    liveness: null,
    watchdogMs: null,
    after: [],
    stdio: { kind: 'log' },
    sockets: [],
    network: { kind: 'host' },
    secrets: null,
    normalExitCodes: [],
    volumes: [],
    etc: {
      resolvConf: { mount: null, copyFrom: null },
      hosts: { mount: null, copyFrom: null, localhost: true, publicHostname: false, additional: {} },
    },
    sharePid: false,
    needsPid: false,
    capabilities: [],
    ...change,
  };
}
