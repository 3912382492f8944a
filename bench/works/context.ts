import { type Options } from '../options.ts'
import { type Check, type Curve } from '../report/result.ts'
import { type Certificates } from '../servers/certificates.ts'
import { type Peers } from '../servers/peers.ts'

/** What every work is given. */
export interface Context {
  readonly options: Options
  readonly peers: Peers
  readonly certificates: Certificates
  /** For this work alone. */
  readonly folder: string
  /** Over Chartroom's defaults, for all works alike. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface Measured {
  readonly checks: readonly Check[]
  readonly curves?: readonly Curve[]
}

export type Work = (context: Context) => Promise<Measured>
