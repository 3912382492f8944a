import { openStores, type Stores } from '../app/stores.ts'
import { type Config } from '../config/load.ts'
import { Closers } from '../ops/close.ts'

/** Opens the configured stores for one command, also while a server has them open, and closes them after it. */
export async function withStores<T>(config: Config, use: (stores: Stores) => Promise<T>): Promise<T> {
  const closers = new Closers()
  try {
    return await use(await openStores(config.storage, closers))
  } finally {
    await closers.close()
  }
}
