import assert from 'node:assert/strict'
import { keepOtherSignatures } from '../../../src/provenance/keep-other-signatures.ts'
import { carriesSignaturesOf } from '../../../src/provenance/verify.ts'
import { SigningKey } from '../../../src/provenance/signing-key.ts'
import { chart } from '../../support/chart-builder.ts'
import { makeKey } from '../../support/openpgp-keys.ts'
import { signChart } from '../../support/use-cases.ts'

describe('keepOtherSignatures', () => {
  let ours: SigningKey
  let theirs: SigningKey
  let sent: string

  before(async () => {
    ours = await SigningKey.open({ armored: await makeKey() })
    theirs = await SigningKey.open({ armored: await makeKey() })
    sent = await signChart(theirs, await chart())
  })

  it('gives back the file that was countersigned, byte for byte', async () => {
    const served = await ours.countersign(sent)
    assert.equal(await keepOtherSignatures(served, ours.publicKeyring.keyIds), sent)
    assert.equal(await carriesSignaturesOf(served, sent), true)
  })

  it('leaves a file without such a signature as it is', async () => {
    assert.equal(await keepOtherSignatures(sent, ours.publicKeyring.keyIds), sent)
  })

  it('gives nothing when nobody else has signed', async () => {
    assert.equal(await keepOtherSignatures(sent, theirs.publicKeyring.keyIds), undefined)
  })

  it('refuses what is no provenance file', async () => {
    await assert.rejects(keepOtherSignatures('hello', new Set()), { code: 'provenance-invalid' })
  })
})
