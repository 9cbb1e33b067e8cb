// `_push_oci NAME REGISTRY/REPOSITORY:TAG`: a container into a registry.
import { pushOci } from '../../adapters/image/push-oci.ts';
import { credentialsFor } from '../../adapters/registry/credentials.ts';
import { RegistryPush } from '../../adapters/registry/push.ts';
import { proxyVariables } from '../../adapters/run/proxies.ts';
import { type ImageReference, parseReference } from '../../core/oci/reference.ts';
import { BUILD_MODES } from '../../core/options/build-modes.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { orInterrupted } from '../interrupts.ts';
import { type Session, say } from '../session.ts';
import { exportRequest, IMAGE_OPTIONS } from './export.ts';
import { entry } from './registry.ts';
import { print } from './usage.ts';

function registryOf(
  { cache }: Session,
  reference: ImageReference,
  insecure: boolean,
  signal: AbortSignal,
): RegistryPush {
  return new RegistryPush(reference, {
    proxies: proxyVariables(cache),
    signal,
    tlsVerify: !insecure,
    credentials: credentialsFor(reference.registry, reference.repository, process.env),
  });
}

export const pushOciEntry = entry(
  {
    name: 'vagga _push_oci',
    description: 'Push a container to a registry as an OCI image, print its digest',
    options: [
      flag('sbom', ['--sbom'], 'Push the list of its packages with it, as SPDX in JSON'),
      flag('insecure', ['--insecure'], 'Any certificate will do, and plain http when there is no TLS'),
      ...IMAGE_OPTIONS,
      ...BUILD_MODES,
    ],
    positionals: [
      { name: 'name', takes: 'required', completes: 'containers', help: 'The container' },
      { name: 'image', takes: 'required', help: 'REGISTRY/REPOSITORY:TAG; default tag: latest' },
    ],
    epilogue: 'Log in with: podman login REGISTRY. SOURCE_DATE_EPOCH as for _export.',
  },
  async (session, line) => {
    const [, image = ''] = line.words;
    const reference = parseReference(image);
    if (typeof reference === 'string') return say(122, `${image} is no name of an image: ${reference}`);
    const { tag } = reference;
    if (tag === undefined) return say(122, `${image}: what is pushed gets a tag, its digest comes out`);
    const exported = await exportRequest(session, line, image);
    if (typeof exported === 'number') return exported;
    const sbom = has(line.given, 'sbom');
    const note = (text: string) => void say(0, text);
    return await orInterrupted(
      async signal => {
        const registry = registryOf(session, reference, has(line.given, 'insecure'), signal);
        return print(await pushOci({ exported, registry, tag, sbom, signal, say: note }));
      },
      error => say(121, `Cannot push the image: ${error.message}`),
    );
  },
);
