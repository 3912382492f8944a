import { access } from 'node:fs/promises'
import { catalogFileOf, openStores, type Stores } from '../app/stores.ts'
import { type Config } from '../config/load.ts'
import { AppError } from '../errors.ts'
import { Closers } from '../ops/close.ts'

/**
 * Opens the configured stores for one command, also while a server has them open, and closes them after it. They must
 * be there: a check of a folder that was mistyped or not mounted must not pass. Throws `config-invalid`.
 */
export async function withStores<T>(config: Config, use: (stores: Stores) => Promise<T>): Promise<T> {
  await access(catalogFileOf(config.storage)).catch((error: unknown) => {
    const hint = '"chartroom init" makes one, --storage names another folder'
    throw new AppError('config-invalid', `there is no catalog in ${config.storage}; ${hint}`, {
      cause: error,
    })
  })
  return withNewStores(config, use)
}

/** As `withStores`, for commands that may be the first: what is missing is made. */
export async function withNewStores<T>({ storage }: Config, use: (stores: Stores) => Promise<T>): Promise<T> {
  const closers = new Closers()
  try {
    return await use(await openStores(storage, closers))
  } finally {
    await closers.close()
  }
}
