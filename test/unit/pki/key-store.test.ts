import assert from 'node:assert/strict'
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { readKeyFile, writeCertificateFile, writeKeyFile } from '../../../src/pki/key-store.ts'

describe('key files', () => {
  let dir: string
  let path: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'chartroom-key-store-'))
    path = join(dir, 'a.key')
  })

  afterEach(async () => {
    await rm(dir, { recursive: true })
  })

  async function modeOf(file: string): Promise<number> {
    return (await stat(file)).mode & 0o7777
  }

  for (const [umask, title] of [
    [0o000, 'an open'],
    [0o077, 'a strict'],
  ] as const) {
    it(`gives keys 0600 and certificates 0644 under ${title} umask`, async () => {
      const before = process.umask(umask)
      try {
        await writeKeyFile(path, 'key')
        await writeCertificateFile(join(dir, 'a.crt'), 'certificate')
      } finally {
        process.umask(before)
      }
      assert.equal(await modeOf(path), 0o600)
      assert.equal(await modeOf(join(dir, 'a.crt')), 0o644)
    })
  }

  it('writes text and bytes, makes the folder and leaves nothing beside the file', async () => {
    const folder = join(dir, 'clients')
    await writeKeyFile(join(folder, 'a.key'), 'text')
    await writeKeyFile(join(folder, 'a.p12'), new Uint8Array([0, 255]))
    assert.equal(await readKeyFile(join(folder, 'a.key')), 'text')
    assert.deepEqual(await readFile(join(folder, 'a.p12')), Buffer.from([0, 255]))
    assert.deepEqual(await readdir(folder), ['a.key', 'a.p12'])
  })

  for (const [title, write] of Object.entries({ writeKeyFile, writeCertificateFile })) {
    it(`${title} overwrites only when told`, async () => {
      await write(path, 'old')
      await assert.rejects(write(path, 'new'), { code: 'request-invalid', message: /a\.key" exists already/ })
      assert.equal(await readFile(path, 'utf8'), 'old')
      await write(path, 'new', 'replace')
      assert.equal(await readFile(path, 'utf8'), 'new')
      assert.deepEqual(await readdir(dir), ['a.key'])
    })
  }

  it('gives a replaced key file the safe mode', async () => {
    await writeFile(path, 'old', { mode: 0o666 })
    await writeKeyFile(path, 'new', 'replace')
    assert.equal(await modeOf(path), 0o600)
  })

  it('replaces the name, not the file that another name shares', async () => {
    await writeKeyFile(path, 'old')
    await link(path, join(dir, 'b.key'))
    await writeKeyFile(path, 'new', 'replace')
    assert.equal(await readFile(join(dir, 'b.key'), 'utf8'), 'old')
  })

  it('lets exactly one of several writers have the name', async () => {
    const writers = ['1', '2', '3', '4'].map(async (content) => writeKeyFile(path, content))
    const outcomes = await Promise.allSettled(writers)
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.deepEqual(await readdir(dir), ['a.key'])
  })

  it('leaves nothing behind when the disk says no', async () => {
    const tooLong = join(dir, 'x'.repeat(256))
    await assert.rejects(writeKeyFile(tooLong, 'key'), { code: 'ENAMETOOLONG' })
    await mkdir(path)
    await assert.rejects(writeKeyFile(path, 'key', 'replace'), { code: 'EISDIR' })
    assert.deepEqual(await readdir(dir), ['a.key'])
  })

  for (const mode of [0o400, 0o600, 0o640, 0o660]) {
    it(`reads a key file of mode ${mode.toString(8)}`, async () => {
      await writeFile(path, 'key')
      await chmod(path, mode)
      assert.equal(await readKeyFile(path), 'key')
    })
  }

  for (const mode of [0o604, 0o602, 0o601, 0o644, 0o666]) {
    it(`refuses a key file of mode ${mode.toString(8)} and says how to close it`, async () => {
      await writeFile(path, 'very secret')
      await chmod(path, mode)
      await assert.rejects(readKeyFile(path), (error) => {
        assert.match(inspect(error), /code: 'key-unusable'/)
        assert.ok(inspect(error).includes(`chmod o-rwx "${path}"`))
        assert.ok(!inspect(error).includes('secret'))
        return true
      })
    })
  }

  it('follows links, as Kubernetes mounts a Secret by them, and judges the file', async () => {
    await writeFile(path, 'key', { mode: 0o640 })
    await symlink('a.key', join(dir, 'link'))
    assert.equal(await readKeyFile(join(dir, 'link')), 'key')
    await chmod(path, 0o644)
    await assert.rejects(readKeyFile(join(dir, 'link')), { code: 'key-unusable', message: /chmod/ })
  })

  it('refuses a missing file by its path', async () => {
    await assert.rejects(readKeyFile(path), {
      code: 'key-unusable',
      message: `the key file "${path}" does not exist`,
    })
  })

  it('refuses a file that it cannot open', async () => {
    await writeFile(path, 'key')
    await assert.rejects(readKeyFile(join(path, 'below')), {
      code: 'key-unusable',
      message: /cannot be read/,
    })
  })

  it('refuses what is no key file: a folder, or something huge', async () => {
    await writeKeyFile(path, '')
    await truncate(path, 1024 * 1024 + 1)
    for (const place of [dir, path]) {
      await assert.rejects(readKeyFile(place), { code: 'key-unusable', message: /is not a key file/ })
    }
  })
})
