// `!AptTrust`: keys from a key server into a keyring of the image that apt trusts. Only keys that are really the ones
// asked for get in; the server needs no trust for that.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { KEY_SERVER, OPENPGP_BYTES_MAX } from '../../../config/defaults.ts';
import { armored, isKey, publicKeys } from '../../../core/openpgp/keys.ts';
import { type Asking, fetchBytes, fetchProblem } from '../../download/fetch-bytes.ts';
import type { BuildContext } from '../context.ts';
import { asking } from '../downloads.ts';
import { fileInRoot, makeDirectories } from '../in-root.ts';

const DIRECTORY = '/etc/apt/trusted.gpg.d';
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

/** `hkps:` is https, `hkp:` and a bare name are http on port 11371. */
export function lookupUrl(server: string, key: string): string {
  const withScheme = server.includes('://') ? server : `hkp://${server}`;
  const isHkp = withScheme.startsWith('hkp:');
  const url = new URL(withScheme.replace(/^hkps:/, 'https:').replace(/^hkp:/, 'http:'));
  // A written port 80 is the default of http and not kept by the parser.
  const port = isHkp && !/^hkp:\/\/[^/]*:\d+/.test(withScheme) ? ':11371' : '';
  const id = key.replace(/^0x/, '');
  return `${url.protocol}//${url.host}${port}/pks/lookup?op=get&options=mr&search=0x${id}`;
}

/** The bytes of the key `id`, or why there are none. */
async function fetchKey(server: string, id: string, asking: Asking): Promise<Uint8Array | string> {
  const url = lookupUrl(server, id);
  const fetched = await fetchBytes(url, OPENPGP_BYTES_MAX, asking);
  if (fetched.kind !== 'bytes') return fetchProblem(url, fetched);
  try {
    const blocks = armored(fetched.bytes.toString('latin1')).map(text => Buffer.from(text, 'base64'));
    const found = blocks.flatMap(block => publicKeys(block, sha1)).filter(key => isKey(key, id));
    if (found.length === 0) return `${server} sent no key ${id}`;
    return Buffer.concat(found.map(({ bytes }) => bytes));
  } catch (error) {
    return `${server}: ${(error as Error).message}`;
  }
}

/** Many servers that old files name are gone; who sends a key does not matter. */
async function fromAnywhere(context: BuildContext, server: string, id: string): Promise<Uint8Array | string> {
  const first = await fetchKey(server, id, asking(context));
  if (typeof first !== 'string' || server === KEY_SERVER || context.signal.aborted) return first;
  context.log.write(`${first}\nAsking ${KEY_SERVER} instead.\n`);
  const second = await fetchKey(KEY_SERVER, id, asking(context));
  return typeof second === 'string' ? `${first}; ${second}` : second;
}

/** One file per key: apt of every release reads the binary form. */
export async function trustKeys(
  context: BuildContext,
  server: string | undefined,
  ids: readonly string[],
): Promise<string | undefined> {
  makeDirectories(context.root, DIRECTORY, 0o755);
  for (const id of ids) {
    const key = await fromAnywhere(context, server ?? KEY_SERVER, id);
    if (typeof key === 'string') return `cannot get key ${id}: ${key}`;
    const name = id.replace(/^0x/, '').toLowerCase();
    writeFileSync(fileInRoot(context.root, `${DIRECTORY}/vagga-${name}.gpg`), key, { mode: 0o644 });
    context.log.write(`Trusting key ${id}\n`);
  }
  return undefined;
}
