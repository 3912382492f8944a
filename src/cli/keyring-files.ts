import { readKeyring } from '../app/signing-keys.ts'
import { writeCertificateFile } from '../pki/key-store.ts'
import { type Keyring } from '../provenance/keyring.ts'

/**
 * Writes the public keyring in both forms, binary for `helm --keyring` and armored for people, side by side; gives back
 * the paths. The server reads the one that is configured, so that comes first. Replaces nothing but public keyrings: a
 * private key may well be called `team-a.asc` beside `team-a.gpg`. Throws `key-unusable`.
 */
export async function writeKeyring(file: string, keyring: Keyring): Promise<readonly string[]> {
  const binary = { content: keyring.toBinary(), extension: '.gpg' }
  const armored = { content: keyring.toArmored(), extension: '.asc' }
  const [wanted, other] = file.endsWith('.asc') ? [armored, binary] : [binary, armored]
  const otherFile = `${file.replace(/\.(gpg|asc)$/, '')}${other.extension}`
  for (const existing of [file, otherFile]) await readKeyring(existing, 'optional')
  await writeCertificateFile(file, wanted.content, 'replace')
  await writeCertificateFile(otherFile, other.content, 'replace')
  return [file, otherFile]
}
