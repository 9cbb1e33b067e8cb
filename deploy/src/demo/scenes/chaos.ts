// `--script chaos`: the scenes of the issue, one after the other, each on a healthy cluster.

import { Load } from '../cluster/load.ts';
import { type ClusterView, placeOf } from '../cluster/view.ts';
import type { Demo } from '../demo.ts';
import { DemoError } from '../run.ts';
import type { Screen } from '../screen/screen.ts';
import { raiseLoad } from './busy.ts';
import { killLeaderHost } from './host-lost.ts';
import { splitNetwork } from './partition.ts';
import type { SceneResult, Stage } from './scene.ts';
import { reexecSupervisor } from './supervisor.ts';
import { killWorkers } from './worker.ts';

const SCENES: readonly { id: string; name: string; play: (stage: Stage) => Promise<SceneResult> }[] = [
  { id: 'b', name: 'SIGKILL a Django worker', play: killWorkers },
  { id: 'c', name: 'lithos_tree re-executes as PID 1', play: reexecSupervisor },
  { id: 'd', name: 'the whole leader host is killed', play: killLeaderHost },
  { id: 'e', name: 'load above 10,000 requests per minute', play: raiseLoad },
  { id: 'f', name: 'one host cut off from two, then healed', play: splitNetwork },
];

export async function playChaos(demo: Demo, screen: Screen): Promise<SceneResult[]> {
  let nginx: string | undefined;
  const follow = (view: ClusterView): void => {
    nginx = placeOf(view.schedule, 'nginx') ?? nginx;
  };
  const load = new Load(() => (nginx === undefined ? undefined : demo.addressOf(nginx)));
  const results: SceneResult[] = [];
  try {
    for (const { id, name, play } of SCENES) {
      screen.status([`${id}  ${name} …`]);
      const result = await calmFirst({ demo, screen, load, follow }, play).catch(error =>
        failedScene(id, name, error),
      );
      results.push(result);
      screen.say(sceneLine(result));
    }
    return results;
  } finally {
    load.close();
  }
}

/** Also the wait before a scene may fail: what an earlier one has broken must not hide its results. */
async function calmFirst(stage: Stage, play: (stage: Stage) => Promise<SceneResult>): Promise<SceneResult> {
  stage.follow(await stage.demo.waitCalm());
  return await play(stage);
}

/** A scene that does not end is a failed scene; anything but that is not for the report. */
function failedScene(id: string, name: string, error: unknown): SceneResult {
  if (!(error instanceof DemoError)) throw error;
  return { id, name, ok: false, seconds: 0, barSeconds: 0, details: { error: error.message } };
}

function sceneLine(result: SceneResult): string {
  const verdict = result.ok ? 'ok    ' : 'FAILED';
  const details = Object.entries(result.details).map(([key, value]) => `${words(key)} ${plain(value)}`);
  const bar = result.barSeconds > 0 ? `${result.seconds.toFixed(2)} s (bar ${result.barSeconds} s)` : '';
  return `${verdict} ${result.id}  ${result.name}: ${bar} ${details.join(', ')}`;
}

/** `backAfter` → `back after`. */
function words(key: string): string {
  return key.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
