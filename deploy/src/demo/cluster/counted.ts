// What the workers themselves have counted: the sum of their mmap metrics, as the cantal of every host has read them.
import type { Condition, Dataset, QueryReply, QueryRequest } from '@suite/shared/wire/cantal.ts';
import { PORTS } from '../defaults.ts';
import { askJson } from './http.ts';

const REQUESTS: Condition = ['And', ['Eq', 'group', 'django'], ['Eq', 'metric', 'requests']];

/** Also of workers that have ended: a total that never falls while no host is lost. */
const QUESTION: QueryRequest = {
  rules: {
    requests: { series: { source: 'Fine', condition: REQUESTS }, extract: ['Tip'], functions: [] },
  },
};

/** Requests since the hosts came up; a host whose cantal does not answer counts nothing. */
export async function countedRequests(addresses: readonly string[]): Promise<number> {
  const answers = await Promise.all(
    addresses.map(address =>
      askJson<QueryReply>(`http://${address}:${PORTS.cantal}/query.json`, { post: QUESTION }),
    ),
  );
  return answers.reduce((sum, answer) => sum + total(answer?.values.requests), 0);
}

function total(dataset: Dataset | undefined): number {
  if (dataset?.type === 'SingleTip') return value(dataset.tip.value);
  if (dataset?.type !== 'MultiTip') return 0;
  return dataset.tips.reduce((sum, tip) => sum + value(tip.value), 0);
}

function value(found: unknown): number {
  return typeof found === 'number' ? found : 0;
}
