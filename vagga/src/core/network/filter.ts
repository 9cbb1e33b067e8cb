// The packet filter of one node, for nft(8) and for iptables-restore(8). Each replaces the whole filter at once.
import type { Reach } from './partition.ts';
import { BRIDGE_IP } from './plan.ts';

/** `field` is saddr or daddr; a node always reaches itself. */
function nftChain(hook: 'input' | 'output', reach: Reach): string {
  const [field, device] = hook === 'input' ? ['saddr', 'iifname'] : ['daddr', 'oifname'];
  const policy = reach.kind === 'isolated' ? 'drop' : 'accept';
  const rules = [`${device} "lo" accept`];
  if (reach.kind === 'isolated') rules.push(`ip ${field} ${BRIDGE_IP} accept`);
  // The addresses that interfaces give themselves would be a way around.
  if (reach.kind !== 'all') rules.push('meta nfproto ipv6 drop');
  if (reach.kind === 'without' && hook === 'input')
    rules.push(...reach.ips.map(ip => `ip ${field} ${ip} drop`));
  return `  chain ${hook} { type filter hook ${hook} priority 0; policy ${policy}; ${rules.join('; ')}; }`;
}

export function nftScript(reach: Reach): string {
  return [
    'add table inet vagga',
    'delete table inet vagga',
    'table inet vagga {',
    nftChain('input', reach),
    nftChain('output', reach),
    '  chain forward { type filter hook forward priority 0; policy drop; }',
    '}',
    '',
  ].join('\n');
}

export function iptablesScript(reach: Reach): string {
  const policy = reach.kind === 'isolated' ? 'DROP' : 'ACCEPT';
  const rules = ['-A INPUT -i lo -j ACCEPT', '-A OUTPUT -o lo -j ACCEPT'];
  if (reach.kind === 'isolated')
    rules.push(`-A INPUT -s ${BRIDGE_IP} -j ACCEPT`, `-A OUTPUT -d ${BRIDGE_IP} -j ACCEPT`);
  if (reach.kind === 'without') rules.push(...reach.ips.map(ip => `-A INPUT -s ${ip} -j DROP`));
  const chains = [`:INPUT ${policy} [0:0]`, ':FORWARD DROP [0:0]', `:OUTPUT ${policy} [0:0]`];
  return ['*filter', ...chains, ...rules, 'COMMIT', ''].join('\n');
}
