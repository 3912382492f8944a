import { type z } from 'zod'
import { settingsOf } from './env.ts'
import { nearest } from './nearest.ts'
import { configSchema, type ConfigFile } from './schema.ts'

/** Something wrong with the configuration, at a path such as `tls.clientCAs.0.name`. */
export interface Problem {
  readonly path: string
  readonly message: string
}

/** One of zod's issues; an unknown setting is told with the nearest known name. */
export function describeIssue(issue: z.core.$ZodIssue): readonly Problem[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key].join('.'),
      message: `no such setting${nearest(key, namesAt(path))}`,
    }))
  }
  return [{ path: path.join('.') || 'file', message: issue.message }]
}

/** What each setting alone allows and all together forbid. */
export function contradictions({ tls, repositories }: ConfigFile): readonly Problem[] {
  return [
    ...repeated((tls.clientCAs ?? []).map(({ name }) => name)).map((name) => ({
      path: 'tls.clientCAs',
      message: `two trust anchors are named ${name}`,
    })),
    ...repeated(repositories.map(({ name }) => name)).map((name) => ({
      path: 'repositories',
      message: `${name || '/'} is listed twice`,
    })),
  ]
}

function namesAt(path: readonly string[]): readonly string[] {
  return settingsOf(configSchema)
    .filter((setting) => path.every((part, place) => setting.path[place] === part))
    .flatMap((setting) => setting.path[path.length] ?? [])
}

function repeated(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, place) => names.indexOf(name) !== place))]
}
