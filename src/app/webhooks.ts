import { readFile } from 'node:fs/promises'
import { type Catalog } from '../catalog/catalog.ts'
import { type Config } from '../config/load.ts'
import { AppError } from '../errors.ts'
import { type Closers } from '../ops/close.ts'
import { Courier, type CourierDeps } from '../webhooks/courier.ts'
import { type Webhook } from '../webhooks/webhook.ts'
import { readSecret } from './read-secret.ts'

export interface KeepWebhooksDeps extends Pick<CourierDeps, 'metrics' | 'log' | 'now'> {
  readonly catalog: Catalog
  readonly config: () => Config
}

/** Tells the webhooks of changes, as long as the server runs. */
export function keepWebhooks({ catalog, config, ...deps }: KeepWebhooksDeps, closers: Closers): void {
  closers.add(
    new Courier({
      ...deps,
      outbox: catalog.outbox,
      webhooks: () => webhooksOf(config()),
      serverUrl: () => config().url,
      random: Math.random,
    }),
  )
}

export function webhooksOf({ webhooks }: Config): readonly Webhook[] {
  return webhooks.map(({ url, repositories, events, timeout, ca, secret, secretFile }) => ({
    url: new URL(url),
    repositories,
    events,
    timeoutMs: timeout,
    readSecret: async () => (await readSecret(secret, secretFile)) ?? '',
    readCa: () => readCa(ca),
  }))
}

async function readCa(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new AppError('config-invalid', `${file}: cannot be read`, { cause: error })
  })
}
