import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { type ImportPackage } from '../../../src/repository/import-package.ts'
import { openDirectorySource } from '../../../src/transfer/directory-source.ts'

describe('openDirectorySource', () => {
  let directory: string

  async function packages(): Promise<readonly ImportPackage[]> {
    const repository = parseRepositoryName('stable')
    const source = await openDirectorySource({ directory, repository, tenants: 'none' })
    const found: ImportPackage[] = []
    for await (const pack of source.packages()) found.push(pack)
    return found
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chartroom-source-'))
  })

  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  it('opens small packages and large ones, in order of name', async () => {
    const contents = [Buffer.from('small'), Buffer.alloc(200_000, 'x'), Buffer.alloc(0)]
    for (const [index, content] of contents.entries()) {
      await writeFile(join(directory, `${index}-1.0.0.tgz`), content)
    }
    const read = await Promise.all((await packages()).map(async ({ open }) => buffer(await open())))
    assert.deepEqual(read, contents)
  })

  it('reads the provenance file of a package that has one', async () => {
    await writeFile(join(directory, 'a-1.0.0.tgz'), 'a')
    await writeFile(join(directory, 'b-1.0.0.tgz'), 'b')
    await writeFile(join(directory, 'b-1.0.0.tgz.prov'), 'signed')
    const read = await Promise.all((await packages()).map(({ readProvenance }) => readProvenance()))
    assert.deepEqual(read, [undefined, Buffer.from('signed')])
  })

  it('says which package is there no more, small or large', async () => {
    await writeFile(join(directory, 'a-1.0.0.tgz'), 'a')
    await writeFile(join(directory, 'b-1.0.0.tgz'), Buffer.alloc(200_000))
    for (const { source, open } of await packages()) {
      await rm(source)
      await assert.rejects(open(), { code: 'request-invalid', message: `${source} cannot be read` })
    }
  })
})
