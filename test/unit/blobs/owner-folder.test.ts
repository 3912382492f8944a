import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { nameOwnFolder, sweepAbandoned } from '../../../src/blobs/owner-folder.ts'
import { skipLoudly } from '../../support/optional-tool.ts'

describe('owner folders', () => {
  let parent: string

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'chartroom-owner-'))
  })

  afterEach(() => rm(parent, { recursive: true }))

  /** A folder with one upload in it. */
  async function leave(name: string, age: { hoursAgo?: number; fileHoursAgo?: number } = {}): Promise<void> {
    const { hoursAgo = 0 } = age
    const { fileHoursAgo = hoursAgo } = age
    const folder = join(parent, name)
    await mkdir(folder)
    await writeFile(join(folder, '1'), 'an upload')
    await touch(join(folder, '1'), fileHoursAgo)
    await touch(folder, hoursAgo)
  }

  async function touch(path: string, hoursAgo: number): Promise<void> {
    const time = new Date(Date.now() - hoursAgo * 3_600_000)
    await utimes(path, time, time)
  }

  async function isSwept(name: string): Promise<boolean> {
    await sweepAbandoned(parent)
    return !(await readdir(parent)).includes(name)
  }

  /** This process's folder with some parts of its name changed: host, namespace, pid, start, random. */
  async function nameWith(changes: Readonly<Record<number, string>>): Promise<string> {
    const parts = (await nameOwnFolder()).split('+')
    return parts.map((part, place) => changes[place] ?? part).join('+')
  }

  async function pidOfEndedProcess(): Promise<string> {
    const child = spawn('true')
    await once(child, 'exit')
    return String(child.pid)
  }

  it('name the host and the process, and differ within one process', async () => {
    const name = await nameOwnFolder()
    match(name, new RegExp(`\\+${process.pid}\\+`))
    equal(name.split('+')[0], encodeURIComponent(hostname()))
    notEqual(await nameOwnFolder(), name)
  })

  it('of a living process are never swept, however old', async () => {
    const name = await nameOwnFolder()
    await leave(name, { hoursAgo: 1000 })
    equal(await isSwept(name), false)
  })

  it('of a process that is gone are swept at once, with what is in them', async () => {
    const name = await nameWith({ 2: await pidOfEndedProcess() })
    await leave(name)
    equal(await isSwept(name), true)
  })

  it('of a process whose pid another one has now are swept', async function () {
    if (process.platform !== 'linux') skipLoudly(this, 'a start time is known on Linux only')
    const name = await nameWith({ 3: '1' })
    await leave(name)
    equal(await isSwept(name), true)
  })

  it('of a running process whose start time is not known are left', async () => {
    const name = await nameWith({ 3: '-' })
    await leave(name, { hoursAgo: 1000 })
    equal(await isSwept(name), false)
  })

  for (const [title, change] of Object.entries({
    'of another host': { 0: 'elsewhere' },
    'of another pid namespace': { 1: '1' },
  })) {
    it(`${title} are swept only when nothing in them was touched for a day`, async () => {
      const gone = { ...change, 2: await pidOfEndedProcess() }
      const names = {
        fresh: await nameWith(gone),
        writing: await nameWith(gone),
        idle: await nameWith(gone),
      }
      await leave(names.fresh, { hoursAgo: 23 })
      await leave(names.writing, { hoursAgo: 25, fileHoursAgo: 1 })
      await leave(names.idle, { hoursAgo: 25 })
      await sweepAbandoned(parent)
      deepEqual((await readdir(parent)).toSorted(), [names.fresh, names.writing].toSorted())
    })
  }

  it('with a name of no known form are treated as those of another host', async () => {
    await leave('recent')
    await leave('old', { hoursAgo: 25 })
    await writeFile(join(parent, 'a file'), '')
    await touch(join(parent, 'a file'), 1000)
    await sweepAbandoned(parent)
    deepEqual((await readdir(parent)).toSorted(), ['a file', 'recent'])
  })
})
