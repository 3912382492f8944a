import { renderClearSigned } from './clear-signed.ts'
import { parseProvenance } from './message.ts'
import { hashNames, keyIdOf, readSignatures, writeSignatures } from './signatures.ts'

/**
 * The provenance file, over the same text, byte for byte, with the signatures that are not by keys with these IDs
 * (`Keyring.keyIds`); `undefined` when there is none. Throws `provenance-invalid` or `too-large`.
 */
export async function keepOtherSignatures(
  provenance: Buffer | string,
  keyIds: ReadonlySet<string>,
): Promise<string | undefined> {
  const { escapedText, signatures } = parseProvenance(provenance)
  const others = (await readSignatures(signatures)).filter((signature) => !keyIds.has(keyIdOf(signature)))
  if (others.length === 0) return undefined
  return renderClearSigned(escapedText, hashNames(others), writeSignatures(others))
}
