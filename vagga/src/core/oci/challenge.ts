// The header in which a registry says how it wants to be asked (RFC 9110 §11.6.1, Docker's token protocol).

export type Challenge =
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly realm: string; readonly service?: string; readonly scope?: string };

/** Undefined when neither Basic nor Bearer is wanted. */
export function parseChallenge(header: string): Challenge | undefined {
  const bearer = /\bbearer\s+(.*)/i.exec(header)?.[1];
  if (bearer === undefined) return /\bbasic\b/i.test(header) ? { kind: 'basic' } : undefined;
  const fields = new Map(
    [...bearer.matchAll(/(\w+)="([^"]*)"/g)].map(match => [(match[1] ?? '').toLowerCase(), match[2] ?? '']),
  );
  const realm = fields.get('realm');
  if (realm === undefined) return undefined;
  const service = fields.get('service');
  const scope = fields.get('scope');
  return {
    kind: 'bearer',
    realm,
    ...(service !== undefined && { service }),
    ...(scope !== undefined && { scope }),
  };
}
