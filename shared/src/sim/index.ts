export { forEachSeed, reproLine, simSeeds } from '../ports/sim-seeds.ts';
export { SimDisk } from './disk.ts';
export * from './faults.ts';
export { mutate } from './mutate.ts';
export { SimNode } from './node.ts';
export { chance, exponential, pick, seededRandom, shuffled } from './random.ts';
export { CALM_NET, type NetFaults, SimWorld } from './world.ts';
