import { type Logger } from 'pino'
import { changedFixedSettings, type FixedSettings } from '../app/reloading.ts'
import { type Config } from '../config/load.ts'

export interface HeldSettings {
  readonly settings: FixedSettings
  /** The one that all listen on. */
  readonly port: number
}

/**
 * Loads the configuration as ever, with the supervisor's settings in place of what the file says of them by now:
 * workers that started at different times serve the same storage in the same way. Probes are the supervisor's business.
 */
export function holdSettings(
  load: () => Promise<Config>,
  { settings: held, port }: HeldSettings,
  log: Pick<Logger, 'warn'>,
): () => Promise<Config> {
  let told = ''
  return async () => {
    const config = await load()
    const settings = changedFixedSettings(held, config)
    const changed = settings.join()
    if (changed !== told && changed !== '') log.warn({ settings }, 'changed settings that take a restart')
    told = changed
    return { ...config, ...held, listen: { ...held.listen, port }, ops: 'off' }
  }
}
