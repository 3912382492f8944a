import { type Logger } from 'pino'
import { type Config } from '../config/load.ts'
import { openSigning, signingSections } from './signing-keys.ts'

/** Says at start which signing keys expire: then, Helm 4 refuses all that they have signed, whenever that was. */
export async function warnOfExpiringKeys(config: Config, log: Logger): Promise<void> {
  for (const section of signingSections(config)) {
    const { fingerprint, expiresAt } = (await openSigning(section)).signingKey
    if (expiresAt === undefined) continue
    log.warn(
      { signs: section.owner, fingerprint, expiresAt },
      'the signing key expires: put its expiry off, or rotate and re-sign before',
    )
  }
}
