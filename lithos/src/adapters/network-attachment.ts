// Network and sockets of a run as one attachment: sockets inside a container's network need that first.
import type { DesiredInstance } from '../core/desired/types.ts';
import type { Attachment, BundlePart, RunPart } from './attachment.ts';
import type { Networks } from './networks.ts';
import type { Sockets } from './sockets.ts';

export function networkAttachment(networks: Networks, sockets: Sockets): Attachment {
  return {
    concern: 'network',
    async prepare(desired: DesiredInstance, run: number): Promise<BundlePart> {
      const networkPath = networks.pathOf(desired, run);
      return networkPath === undefined ? {} : { networkPath };
    },
    async attach(desired, run, standing): Promise<RunPart> {
      const network = standing === undefined ? await networks.make(desired, run) : undefined;
      return { fds: sockets.open(desired, run, network) };
    },
    async created({ name }, run) {
      networks.close(name, run);
      sockets.handedOver(name, run);
    },
    async detach(name, run) {
      networks.close(name, run);
      sockets.release(name, run);
    },
  };
}
