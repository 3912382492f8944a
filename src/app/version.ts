import { readFile } from 'node:fs/promises'

/** The program's version, from the package it is part of: `src/app` and `dist/app` are equally deep in it. */
export async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { readonly version: string }
  return version
}
