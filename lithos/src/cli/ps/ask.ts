// One question to a tree over its public socket. No answer is no error: the status file says nearly the same.
import { LITHOS_LIMITS } from '@suite/shared/wire/lithos.ts';
import { SHOWN } from '../../config/defaults.ts';

/** Undefined when there is no socket, no (good) answer, or not in time: a stopped tree still takes connections. */
export function ask<T>(socketPath: string, path: string): Promise<T | undefined> {
  const { get } = require('node:http') as typeof import('node:http');
  return new Promise(resolve => {
    const call = get({ socketPath, path, agent: false, timeout: SHOWN.askMs }, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', chunk => {
        text += chunk;
        if (text.length > LITHOS_LIMITS.answerBytes) call.destroy();
      });
      response.on('end', () => resolve(response.statusCode === 200 ? parse<T>(text) : undefined));
      response.on('error', () => resolve(undefined));
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(undefined));
  });
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
