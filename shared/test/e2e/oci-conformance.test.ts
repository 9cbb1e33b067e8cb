// Ideas of the runtime-spec's own validation programs (opencontainers/runtime-tools, validation/), as tests of the bundles
// we generate: each goes through every runtime that works here, and the container says what it got. The ideas are in
// test/helpers/conformance, named as there.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ownCgroupMounts, removeCgroup } from '../../src/linux/cgroup-files.ts';
import { probeRuntime, type RuntimeChoice } from '../../src/oci/probe.ts';
import { OciRuntime } from '../../src/oci/runtime.ts';
import { realProc } from '../../src/ports/real.ts';
import { type Case, CGROUPS, type Idea } from '../helpers/conformance/case.ts';
import { FILES } from '../helpers/conformance/files.ts';
import { LIFE } from '../helpers/conformance/life.ts';
import { NAMESPACES } from '../helpers/conformance/namespaces.ts';
import { PROCESS } from '../helpers/conformance/process.ts';
import { RESOURCES } from '../helpers/conformance/resources.ts';
import { laboratory, output, shell, spec } from '../helpers/sandbox.ts';

/** Ideas that say nothing about us, with the reason. */
const SKIPPED: Readonly<Record<string, string>> = {
  hooks: 'bundles of instances have none; the one of lithos_cmd is tried by its escape test',
  linux_sysctl: 'our bundles set none; a container gets the defaults of its own namespaces',
  linux_process_apparmor_profile: 'AppArmor is left to the host; no profile is named',
  linux_mount_label: 'SELinux labels are left to the host',
  linux_rootfs_propagation: 'always private, which is the default of the specification',
  linux_cgroups_hugetlb: 'no such limit in our configuration',
  linux_cgroups_network: 'net_cls and net_prio are gone from v2; no such limit in our configuration',
  linux_cgroups_relative: 'our cgroup paths are always absolute, so that they outlive a re-exec',
  linux_ns_path_type: 'a path of the wrong kind cannot be written: paths are of namespaces we made',
  process_oom_score_adj: 'not set, so that of the supervisor is inherited',
  delete_only_create_resources: 'we pass no resources of others to a container',
};

const IDEAS: Readonly<Record<string, Idea>> = { ...PROCESS, ...FILES, ...NAMESPACES, ...RESOURCES, ...LIFE };

async function usable(): Promise<RuntimeChoice[]> {
  const found: RuntimeChoice[] = [];
  for (const SUITE_RUNTIME of ['crun', 'crun-private-mount', 'runc']) {
    const choice = await probeRuntime(realProc, { env: { ...process.env, SUITE_RUNTIME } });
    if (choice.kind !== 'none') found.push(choice);
  }
  return found;
}

t.test('our bundles through every runtime', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
  chmodSync(directory, 0o755);
  t.teardown(() => {
    // Where containers go by default, and where those do that look for their limits.
    for (const path of [`/test-oci-${process.pid}`, CGROUPS]) removeCgroup(ownCgroupMounts(), path);
    rmSync(directory, { recursive: true, force: true });
  });
  const lab = await laboratory(directory);
  const choices = await usable();
  t.ok(choices.length > 0);
  t.ok(Object.keys(IDEAS).length >= 25, `${Object.keys(IDEAS).length} ideas`);
  for (const [idea, reason] of Object.entries(SKIPPED)) t.comment(`not here: ${idea}: ${reason}`);
  for (const choice of choices) {
    const runtime = new OciRuntime(choice, { stateRoot: join(directory, `state-${choice.kind}`) });
    const attempt: Case['attempt'] = (program, changes = {}) => {
      const argv = typeof program === 'string' ? shell(program) : program;
      return output(runtime, lab, spec(lab, argv, { cgroupPath: `${CGROUPS}/run`, ...changes }));
    };
    const run: Case['run'] = async (t, program, changes) => {
      const { code, stdout, stderr } = await attempt(program, changes);
      t.equal(code, 0, stderr);
      return stdout;
    };
    for (const [name, idea] of Object.entries(IDEAS))
      await t.test(`${choice.kind}: ${name}`, t => idea(t, { runtime, lab, run, attempt }));
    t.same(await runtime.list(), [], `${choice.kind}: no container is left`);
  }
});
