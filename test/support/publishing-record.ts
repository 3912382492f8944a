import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type Agent } from 'node:https'
import { exchange, jsonOf } from './exchange.ts'

interface Attempted {
  readonly name: string
  readonly version: string
  /** Every content that somebody has tried to publish, by digest. */
  readonly contents: Map<string, Buffer>
  /** The digest that a 201 has named. */
  acknowledged: string | undefined
  /** Whether a 201 was for a provenance file as well. */
  signed: boolean
}

interface Index {
  readonly entries: Readonly<Record<string, readonly { version: string; digest: string }[]>>
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** What has been tried and what has been acknowledged: what a server must show after any crash, and all that it may. */
export class PublishingRecord {
  readonly #versions = new Map<string, Attempted>()

  /** To be called before the request is sent. */
  attempt(name: string, version: string, archive: Buffer): void {
    const key = `${name} ${version}`
    const known = this.#versions.get(key)
    const attempted = known ?? { name, version, contents: new Map(), acknowledged: undefined, signed: false }
    attempted.contents.set(sha256(archive), archive)
    this.#versions.set(key, attempted)
  }

  acknowledge(name: string, version: string, archive: Buffer, provenance: 'signed' | 'unsigned'): void {
    const attempted = this.#get(name, version)
    const digest = sha256(archive)
    assert.equal(attempted.acknowledged ?? digest, digest, `${name} ${version} was acknowledged twice`)
    attempted.acknowledged = digest
    attempted.signed ||= provenance === 'signed'
  }

  /** Whether a 201 has been for just this content. */
  isAcknowledged(name: string, version: string, archive: Buffer): boolean {
    return this.#get(name, version).acknowledged === sha256(archive)
  }

  get acknowledged(): readonly Readonly<Attempted>[] {
    return [...this.#versions.values()].filter((attempted) => attempted.acknowledged !== undefined)
  }

  /** Every version that has been tried, of the charts whose names the function picks. */
  attempted(picks: (name: string) => boolean): readonly Readonly<Attempted>[] {
    return [...this.#versions.values()].filter(({ name }) => picks(name))
  }

  /** The index has all that was acknowledged before it was asked for, and nothing that nobody has tried. */
  async checkIndex(agent: Agent, url: string): Promise<ReadonlyMap<string, string>> {
    const before = this.acknowledged.map(({ name, version, acknowledged }) => ({
      name,
      version,
      acknowledged,
    }))
    const reply = await exchange(agent, 'GET', `${url}/index.yaml`)
    assert.equal(reply.status, 200, reply.reason)
    const index = new Map<string, string>()
    for (const [name, entries] of Object.entries((jsonOf(reply) as Index).entries)) {
      for (const { version, digest } of entries) {
        assert.ok(
          this.#get(name, version).contents.has(digest),
          `${name} ${version} has a content nobody sent`,
        )
        index.set(`${name} ${version}`, digest)
      }
    }
    for (const { name, version, acknowledged } of before) {
      assert.equal(index.get(`${name} ${version}`), acknowledged, `${name} ${version} in the index`)
    }
    return index
  }

  /** What is in the index can be had, archive and provenance; of what is not there is neither. */
  async checkFiles(
    agent: Agent,
    url: string,
    index: ReadonlyMap<string, string>,
    versions: readonly Readonly<Attempted>[],
  ): Promise<void> {
    for (const { name, version, contents } of versions) {
      const digest = index.get(`${name} ${version}`)
      const file = `${url}/charts/${name}-${version}.tgz`
      const archive = await exchange(agent, 'GET', file)
      const provenance = await exchange(agent, 'GET', `${file}.prov`)
      if (digest === undefined) {
        assert.deepEqual([archive.status, provenance.status], [404, 404], `${name} ${version}`)
        continue
      }
      assert.deepEqual([archive.status, provenance.status], [200, 200], `${name} ${version}`)
      assert.deepEqual(archive.bytes, contents.get(digest))
      assert.ok(provenance.bytes.includes(`${name}-${version}.tgz: sha256:${digest}`))
    }
  }

  #get(name: string, version: string): Attempted {
    const attempted = this.#versions.get(`${name} ${version}`)
    assert.ok(attempted !== undefined, `nobody has tried to publish ${name} ${version}`)
    return attempted
  }
}
