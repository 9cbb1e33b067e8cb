// What must be built before a container, also through configs of other projects in this one.
import type { Container, Project } from '../../config/model.ts';
import { containerDependencies } from '../../config/references.ts';
import type { HashWorld } from '../../core/image/emit.ts';

/** Steps of a `!SubConfig` name containers of the main config. One in an image is not known before that is built. */
export function dependenciesIn(project: Project, world: Pick<HashWorld, 'otherContainer'>) {
  return (container: Container): string[] => {
    const seen = new Set<string>();
    const of = ({ setup }: Container): string[] =>
      setup.flatMap(step => (step.tag === 'SubConfig' ? sub(step.value) : []));
    const sub = (value: Container['setup'][number]['value']): string[] => {
      if ((value as { source: { tag: string } }).source.tag === 'Container') return [];
      const other = world.otherContainer(value);
      if (other.kind !== 'found' || seen.has(other.title)) return [];
      seen.add(other.title);
      return [...containerDependencies(other.container), ...of(other.container)];
    };
    const known = [...containerDependencies(container), ...of(container)];
    return known.filter(name => project.containers[name] !== container);
  };
}
