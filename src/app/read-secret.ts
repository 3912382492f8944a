import { type Secret } from '../config/secret.ts'
import { readKeyFile } from '../pki/key-store.ts'

/** A secret, wherever it is kept: in a file, else in the configuration or the environment. Throws `key-unusable`. */
export async function readSecret(
  value: Secret | undefined,
  file: string | undefined,
): Promise<string | undefined> {
  if (file === undefined) return value?.reveal()
  // An editor's or `echo`'s line end is no part of the secret.
  return (await readKeyFile(file)).replace(/\r?\n$/, '')
}
