import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesNamedIn, revisionOf, settingsRevision } from '../../../src/app/input-files.ts'
import { Secret } from '../../../src/config/secret.ts'

describe('revisionOf', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-inputs-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  it('changes with the settings, with a named file, and when one comes or goes', async () => {
    const file = join(folder, 'tls.crt')
    const revisions = [await revisionOf({ file }), await revisionOf({ file, name: 'x' })]
    await writeFile(file, 'one')
    revisions.push(await revisionOf({ file }))
    await writeFile(file, 'two')
    revisions.push(await revisionOf({ file }))
    assert.equal(new Set(revisions).size, 4)
    assert.equal(await revisionOf({ file }), revisions[3])
  })
})

describe('settingsRevision', () => {
  it('changes with a secret, which shows nowhere', () => {
    const revisions = ['a', 'b'].map((text) => settingsRevision({ passphrase: new Secret(text) }))
    assert.notEqual(revisions[0], revisions[1])
    assert.match(revisions[0] ?? '', /^[0-9a-f]{64}$/)
  })
})

describe('filesNamedIn', () => {
  it('finds absolute paths at any depth and nothing else', () => {
    assert.deepEqual(filesNamedIn({ a: '/x', b: ['y', { c: '/z' }], d: 1, e: null }), ['/x', '/z'])
  })
})
