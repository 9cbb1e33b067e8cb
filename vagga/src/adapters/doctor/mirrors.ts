// Whether the servers answer from which the project's distributions come.
import { ALPINE_MIRROR, DOCTOR_MIRROR_WAIT_MS, UBUNTU_MIRROR } from '../../config/defaults.ts';
import type { Project } from '../../config/model.ts';
import type { Settings } from '../../config/settings-model.ts';
import type { MirrorFacts } from '../../core/doctor/judge.ts';
import { hostMirror } from '../build/distro/debian.ts';
import { request } from '../download/http.ts';
import { proxyVariables } from '../run/proxies.ts';

const isHttp = (url: string | undefined): url is string => url !== undefined && /^https?:/.test(url);

/** The one that a build would ask first; undefined: mmdebstrap's own. */
function mirrorsOf(settings: Settings): Readonly<Record<string, string | undefined>> {
  const ubuntu = isHttp(settings.ubuntuMirror) ? settings.ubuntuMirror : UBUNTU_MIRROR;
  return {
    debian: settings.debianMirror ?? hostMirror(),
    ubuntu,
    alpine: settings.alpineMirror ?? ALPINE_MIRROR,
  };
}

function isUsed(name: string, project: Project | undefined): boolean {
  const steps = Object.values(project?.containers ?? {}).flatMap(({ setup }) => setup);
  return steps.some(({ tag }) => tag.toLowerCase().startsWith(name));
}

/** Any answer will do: what it says is between it and the builds. */
async function ask(name: string, url: string, settings: Settings): Promise<MirrorFacts> {
  const signal = AbortSignal.timeout(DOCTOR_MIRROR_WAIT_MS);
  try {
    const answer = await request(url, { method: 'HEAD', proxies: proxyVariables({ settings }), signal });
    answer.destroy();
    return { name, url };
  } catch (error) {
    const failure = signal.aborted
      ? `no answer in ${DOCTOR_MIRROR_WAIT_MS / 1000} s`
      : (error as Error).message;
    return { name, url, failure };
  }
}

/** Without a project: Debian, which most will use. */
export function mirrorFacts(settings: Settings, project: Project | undefined): Promise<MirrorFacts[]> {
  const used = Object.entries(mirrorsOf(settings)).filter(([name]) =>
    project === undefined ? name === 'debian' : isUsed(name, project),
  );
  return Promise.all(used.flatMap(([name, url]) => (url === undefined ? [] : [ask(name, url, settings)])));
}
