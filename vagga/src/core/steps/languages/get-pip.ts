// Where pip comes from: the interpreter's own when it has one, else its installer, which is no part of the image either.
import type { BuildAction, BuildState } from '../state.ts';

/** Emptied with /tmp at the end of the build. */
export const PIP_INSTALL = '/tmp/pip-install';
const INSTALLER = '/tmp/get-pip.py';

/** For Python 2 and 3. The installer for this very version first: the general one needs a recent Python. */
const FETCH = `
import sys
try:
    from urllib.request import urlopen
except ImportError:
    from urllib2 import urlopen
version = '%d.%d' % sys.version_info[:2]
base = 'https://bootstrap.pypa.io/'
tried = [base + 'pip/' + version + '/get-pip.py', base + 'get-pip.py']
for url in tried:
    try:
        body = urlopen(url, timeout=60).read()
    except Exception as error:
        sys.stderr.write('%s: %s\\n' % (url, error))
        continue
    open(sys.argv[1], 'wb').write(body)
    sys.exit(0)
sys.exit('pip cannot be had from ' + ' or '.join(tried))
`;

/** `get-pip-args` ask for a pip of their own; a packaged one is not what is meant then. */
const SCRIPT = `
python=$1; shift
if [ $# -eq 0 ] && "$python" -m pip --version; then exit 0; fi
"$python" -c "$FETCH_GET_PIP" ${INSTALLER}
exec "$python" ${INSTALLER} --target=${PIP_INSTALL} "$@"
`;

/** The interpreter must be there already. */
export function getPip(state: BuildState, python: string): readonly BuildAction[] {
  const { getPipArgs } = state.languages.pip;
  return [
    {
      kind: 'run',
      argv: ['/bin/sh', '-exc', SCRIPT, 'get-pip', python, ...getPipArgs],
      env: { ...state.env, FETCH_GET_PIP: FETCH },
      caches: state.caches,
    },
  ];
}
