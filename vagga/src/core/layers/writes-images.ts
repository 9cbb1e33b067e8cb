// Volumes through which commands write into an image itself.
import type { Project, Volume } from '../../config/model.ts';

/** Where volumes see the image. */
const IMAGE = /^\/vagga\/root(?:\/|$)/;

const writesImage = ({ tag, value }: Volume): boolean =>
  tag === 'BindRW' && typeof value === 'string' && IMAGE.test(value);

export function writesImages({ containers, commands }: Project): boolean {
  const runs = Object.values(commands).flatMap(command =>
    command.kind === 'supervise' ? Object.values(command.children) : [command],
  );
  return [...Object.values(containers), ...runs].some(
    one => 'volumes' in one && Object.values(one.volumes).some(writesImage),
  );
}
