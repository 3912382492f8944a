import { AppError } from '../../errors.ts'
import { type VerifiedHandler } from '../exchange.ts'

export interface GetCrlDeps {
  /** The built-in CA's revocation lists (PEM); `undefined` before anything was revoked. */
  readonly ownCrl: () => Promise<Buffer | undefined>
}

/** What the built-in CA has revoked, for others who trust it (RFC 5280, section 5; PEM). */
export function getCrl({ ownCrl }: GetCrlDeps): VerifiedHandler {
  return async () => {
    const pem = await ownCrl()
    if (pem === undefined)
      throw new AppError('route-unknown', 'this server has no revocation list of its own')
    return {
      status: 200,
      headers: { 'content-type': 'application/x-pem-file', 'cache-control': 'private, no-cache' },
      body: { kind: 'bytes', bytes: () => [pem] },
    }
  }
}
