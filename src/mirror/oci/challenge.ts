/** What a registry asks for in `WWW-Authenticate` (distribution specification, "Token Authentication"). */
export type Challenge =
  | { readonly kind: 'bearer'; readonly realm: string; readonly service?: string; readonly scope?: string }
  | { readonly kind: 'basic' }

/** A limit of ours, so that no header takes long to read. */
const LONGEST_HEADER = 4096
const PARAMETER = /([a-z]+)="([^"]*)"/gi

/** `undefined` for a scheme that is not spoken here. */
export function parseChallenge(header = ''): Challenge | undefined {
  if (header.length > LONGEST_HEADER) return undefined
  if (/^basic\b/i.test(header)) return { kind: 'basic' }
  if (!/^bearer\s/i.test(header)) return undefined
  const parameters = new Map(
    Array.from(header.matchAll(PARAMETER), ([, key = '', value = '']) => [key, value]),
  )
  const realm = parameters.get('realm')
  const service = parameters.get('service')
  const scope = parameters.get('scope')
  if (realm === undefined || !URL.canParse(realm)) return undefined
  return {
    kind: 'bearer',
    realm,
    ...(service !== undefined && { service }),
    ...(scope !== undefined && { scope }),
  }
}
