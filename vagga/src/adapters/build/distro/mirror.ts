// Which of several mirrors carries a release.
import type { Asking } from '../../download/fetch-bytes.ts';
import { request } from '../../download/http.ts';

export const MIRROR_HINT =
  'if a mirror is out of order, name another one with the setting ubuntu-mirror or debian-mirror';

/** `true`: it does. `false`: it answered that it does not. A text: nobody answered. */
async function carries(mirror: string, suite: string, asking: Asking): Promise<boolean | string> {
  for (const name of ['InRelease', 'Release']) {
    try {
      const answer = await request(`${mirror.replace(/\/+$/, '')}/dists/${suite}/${name}`, asking);
      answer.destroy();
      if (answer.statusCode === 200) return true;
    } catch (error) {
      return (error as Error).message;
    }
  }
  return false;
}

export type Choice =
  | { readonly ok: true; readonly mirror: string }
  | { readonly ok: false; readonly message: string };

/**
 * The first of `mirrors` that has `suite`. An address that is neither http nor https (`mirror://`, `file:`) is taken as
 * it is: only apt can ask there.
 */
export async function chooseMirror(
  mirrors: readonly string[],
  suite: string,
  asking: Asking,
): Promise<Choice> {
  const without: string[] = [];
  const silent: string[] = [];
  for (const mirror of mirrors) {
    if (!/^https?:/.test(mirror)) return { ok: true, mirror };
    const answer = await carries(mirror, suite, asking);
    if (answer === true) return { ok: true, mirror };
    if (answer === false) without.push(mirror);
    else silent.push(`${mirror}: ${answer}`);
  }
  const absent = without.length > 0 ? [`the release ${suite} is not on ${without.join(', ')}`] : [];
  const mute = silent.length > 0 ? [`no answer of ${silent.join('; ')}`] : [];
  return { ok: false, message: [...absent, ...mute].join('; ') };
}
