// Which of several mirrors carries a release.
import type { Asking } from '../../download/fetch-bytes.ts';
import { request } from '../../download/http.ts';

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
  const silent: string[] = [];
  for (const mirror of mirrors) {
    if (!/^https?:/.test(mirror)) return { ok: true, mirror };
    const answer = await carries(mirror, suite, asking);
    if (answer === true) return { ok: true, mirror };
    if (answer !== false) silent.push(`${mirror}: ${answer}`);
  }
  const message =
    silent.length > 0
      ? `no mirror answers for ${suite}: ${silent.join('; ')}`
      : `the release ${suite} is on none of ${mirrors.join(', ')}`;
  return { ok: false, message };
}
