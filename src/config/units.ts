import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { parseRepositoryName, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { Secret } from './secret.ts'

const BYTES = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
} as const
const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A number of bytes, or one with a unit: `20MiB`. */
export const bytes = quantity({ ...BYTES, '': 1 }, 'a size such as 20MiB')

/** In milliseconds: `30s`, `24h`, `7d`. A bare number is refused: nobody agrees on its unit. */
export const duration = quantity(MILLISECONDS, 'a duration such as 30s or 24h')

export const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value))

/** The environment has text only. */
export const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])

/** `HOST:PORT`; an IPv6 host in brackets. Port 0 lets the system choose. */
export const address = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const [, bracketed, bare, port] = match ?? []
  if (match === null || Number(port) > 65_535) {
    context.addIssue({ code: 'custom', message: 'expected HOST:PORT, such as 0.0.0.0:8443' })
    return z.NEVER
  }
  const host = bracketed ?? bare ?? ''
  return { host: host === '' ? '0.0.0.0' : host, port: Number(port) }
})

export type Address = z.infer<typeof address>

/** `example.org:8443`, `[::1]:8443`. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Where a server's paths begin: `''`, or segments behind a slash each, `/team/charts`. The slashes around are optional. */
export const pathPrefix = z.string().transform((text, context) => {
  const segments = text.split('/').filter((segment) => segment !== '')
  if (segments.every((segment) => /^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$/.test(segment))) {
    return segments.map((segment) => `/${segment}`).join('')
  }
  context.addIssue({ code: 'custom', message: 'expected a path such as /charts' })
  return z.NEVER
})

/** IP addresses: one, or those that share a prefix, `10.0.0.0/8`. */
export const network = z.string().transform((text, context) => {
  const [, host = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const bits = host.includes('%') ? 0 : ADDRESS_BITS[isIP(host)]
  const wanted = Number(prefix ?? bits)
  if (bits === undefined || bits === 0 || wanted > bits) {
    context.addIssue({ code: 'custom', message: 'expected an IP address or a network, such as 10.0.0.0/8' })
    return z.NEVER
  }
  if (wanted === 0) {
    context.addIssue({ code: 'custom', message: `${text} is everybody; name the networks that are meant` })
    return z.NEVER
  }
  return { address: host, prefix: wanted }
})

const ADDRESS_BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 }

/** `/` is the root repository. */
export const repositoryName = parsed((text): RepositoryName => parseRepositoryName(text === '/' ? '' : text))

/** A text that a parser takes; what the parser says of another is the problem. */
export function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof AppError ? error.message : String(error) })
      return z.NEVER
    }
  })
}

/** A number of processes, from 1; `auto` is as many as there are cores. */
export const processCount = z.union([z.string(), z.int()]).transform((value, context) => {
  if (value === 'auto') return availableParallelism()
  const count = /^\d+$/.test(String(value)) ? Number(value) : 0
  if (count >= 1 && count <= MOST_PROCESSES) return count
  context.addIssue({ code: 'custom', message: `expected a number from 1 to ${MOST_PROCESSES}, or auto` })
  return z.NEVER
})

/** Past this, a number is a mistake: each process takes more than 100 MB. */
const MOST_PROCESSES = 256

function quantity(units: Readonly<Record<string, number>>, expected: string) {
  return z.union([z.string(), z.int().min(0)]).transform((value, context) => {
    const [, amount = '', unit = ''] = /^(\d+)\s*([a-zA-Z]*)$/.exec(String(value).trim()) ?? []
    const factor = units[unit]
    if (amount === '' || factor === undefined) {
      context.addIssue({ code: 'custom', message: `expected ${expected}` })
      return z.NEVER
    }
    return Number(amount) * factor
  })
}
