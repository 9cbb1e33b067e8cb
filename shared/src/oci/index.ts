export { writeBundle } from './bundle.ts';
export { toOciConfig } from './config.ts';
export {
  createMonitored,
  type ExitStatus,
  type MonitorOptions,
  type MonitorResult,
  readExit,
  startMonitored,
} from './monitor.ts';
export { checkMountPoints, type MountPointProblem } from './mount-points.ts';
export {
  findProgram,
  probeRuntime,
  type RuntimeChoice,
  type RuntimeKind,
  type RuntimeUnavailable,
  runtimeChoice,
  type SavedRuntime,
} from './probe.ts';
export {
  type ContainerState,
  type ContainerStatus,
  type ForegroundRun,
  OciRuntime,
  type RuntimeFailure,
} from './runtime.ts';
export * from './sandbox.ts';
export { hostImage } from './trial.ts';
