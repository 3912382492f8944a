import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { type Config } from '../config/load.ts'
import { type MirrorConfig } from '../config/mirror.ts'
import { AppError } from '../errors.ts'

export interface ConfiguredMirror {
  readonly repository: RepositoryName
  readonly config: MirrorConfig
}

/** Every mirror of the configuration. */
export function configuredMirrors({ repositories }: Config): readonly ConfiguredMirror[] {
  return repositories.flatMap(({ name, mirror }) =>
    typeof name === 'string' && mirror !== undefined ? [{ repository: name, config: mirror }] : [],
  )
}

/** Those that are named, or all. Throws `request-invalid` for what is none. */
export function selectMirrors(config: Config, named: readonly RepositoryName[]): readonly ConfiguredMirror[] {
  const mirrors = configuredMirrors(config)
  if (named.length === 0 && mirrors.length > 0) return mirrors
  if (mirrors.length === 0)
    throw new AppError('request-invalid', 'no repository has "mirror" in the configuration')
  return named.map((name) => requireMirror(mirrors, name))
}

export function requireMirror(mirrors: readonly ConfiguredMirror[], name: RepositoryName): ConfiguredMirror {
  const found = mirrors.find(({ repository }) => repository === name)
  if (found !== undefined) return found
  throw new AppError('request-invalid', `${describeRepository(name)} is no mirror by the configuration`)
}
