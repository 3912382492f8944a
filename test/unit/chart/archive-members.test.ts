import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { readArchiveMembers, type MemberSelection } from '../../../src/chart/archive-members.ts'
import { AppError } from '../../../src/errors.ts'
import { archive, chart, tarball, type TarMember } from '../../support/chart-builder.ts'

const ALL: MemberSelection = { wants: () => true, maxBytes: 1_000_000 }

async function read(bytes: Buffer, selection = ALL): Promise<Readonly<Record<string, string>>> {
  const files = await readArchiveMembers(Readable.from([bytes]), selection)
  return Object.fromEntries(files.map(({ path, content }) => [path, content.toString()]))
}

const refusal = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === code && message.test(error.message)

describe('readArchiveMembers', () => {
  it('gives the wanted files by their path below the chart', async () => {
    const bytes = await chart({
      files: { 'values.yaml': 'a: 1\n', 'templates/a.yaml': 'A', 'big.bin': 'x'.repeat(99_999) },
    })
    const wants = (path: string) => path !== 'big.bin' && path !== 'Chart.yaml'
    assert.deepEqual(await read(bytes, { wants, maxBytes: 100 }), {
      'values.yaml': 'a: 1\n',
      'templates/a.yaml': 'A',
    })
  })

  it('keeps the order of the archive, and of two members with one name the last', async () => {
    const members = [
      { name: 'demo/b', content: 'first' },
      { name: 'demo/a', content: 'A' },
      { name: 'demo/b', content: 'last' },
    ]
    assert.deepEqual(Object.entries(await read(await archive(members))), [
      ['b', 'last'],
      ['a', 'A'],
    ])
  })

  it('gives nothing but files, wherever their directory is', async () => {
    const members: readonly TarMember[] = [
      { name: 'one/', type: '5' },
      { name: 'one/link', type: '2', linkname: '/etc/passwd' },
      { name: 'one/./x/../file', content: 'F' },
      { name: 'two/file2', content: 'G' },
      { name: 'one\\templates\\file3', content: 'H' },
    ]
    assert.deepEqual(await read(await archive(members)), {
      file: 'F',
      file2: 'G',
      'templates/file3': 'H',
    })
  })

  it('reads what strict reading would refuse', async () => {
    assert.deepEqual(await read(await archive([{ name: 'demo/a', content: 'A' }], { endBlocks: 0 })), {
      a: 'A',
    })
    const twice = Buffer.concat([
      gzipSync(tarball([{ name: 'demo/a', content: 'A' }])),
      gzipSync(Buffer.alloc(512)),
    ])
    assert.deepEqual(await read(twice), { a: 'A' })
  })

  it('refuses more than it may hold, of the wanted files only', async () => {
    const bytes = await chart({ files: { a: 'x'.repeat(60), b: 'x'.repeat(60) } })
    const wants = (path: string) => path !== 'Chart.yaml'
    await assert.rejects(
      read(bytes, { wants, maxBytes: 119 }),
      refusal('too-large', /larger than 119 bytes together/),
    )
    assert.equal(Object.keys(await read(bytes, { wants, maxBytes: 120 })).length, 2)
  })

  it('refuses a bomb without unpacking it', async () => {
    const bomb = gzipSync(Buffer.alloc(101 * 1024 * 1024))
    await assert.rejects(read(bomb), refusal('chart-invalid', /unpacks to 100 MiB or more/))
  })

  const damaged: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
    ['is cut off', (bytes) => bytes.subarray(0, bytes.length - 20)],
    ['is no gzip', () => Buffer.from('hello')],
    ['is no tar', () => gzipSync(Buffer.alloc(1024, 'x'))],
  ]
  for (const [what, damage] of damaged) {
    it(`refuses an archive that ${what}`, async () => {
      await assert.rejects(read(damage(await chart())), refusal('chart-invalid', /damaged or cut off/))
    })
  }

  it("keeps the source's own error", async () => {
    const missing = createReadStream('/nonexistent/archive.tgz')
    await assert.rejects(readArchiveMembers(missing, ALL), { code: 'ENOENT' })
  })
})
