import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { freePorts } from './nginx.ts'

/** The registry of the distribution project, over plain HTTP. */
export class DockerRegistry {
  readonly url: string
  readonly #process: ChildProcess
  readonly #folder: string

  private constructor(url: string, process: ChildProcess, folder: string) {
    this.url = url
    this.#process = process
    this.#folder = folder
  }

  static async start(): Promise<DockerRegistry> {
    const folder = await mkdtemp(join(tmpdir(), 'chartroom-registry-'))
    const [port = 0] = await freePorts(1)
    const config = join(folder, 'config.yml')
    await writeFile(
      config,
      JSON.stringify({
        version: 0.1,
        log: { level: 'error' },
        storage: { filesystem: { rootdirectory: folder } },
        http: { addr: `127.0.0.1:${port}` },
      }),
    )
    const process = spawn('docker-registry', ['serve', config], { stdio: 'ignore' })
    const registry = new DockerRegistry(`http://127.0.0.1:${port}`, process, folder)
    await eventually(async () => {
      await fetch(`${registry.url}/v2/`)
    })
    return registry
  }

  /** As `helm push` leaves it. Gives the manifest's digest. */
  async push(
    repository: string,
    tag: string,
    { config, archive, provenance }: { config: string; archive: Buffer; provenance?: Buffer },
  ): Promise<string> {
    const type = 'application/vnd.cncf.helm'
    const layers = [
      { mediaType: `${type}.chart.content.v1.tar+gzip`, ...(await this.#upload(repository, archive)) },
    ]
    if (provenance !== undefined)
      layers.push({
        mediaType: `${type}.chart.provenance.v1.prov`,
        ...(await this.#upload(repository, provenance)),
      })
    const manifest = JSON.stringify({
      schemaVersion: 2,
      config: {
        mediaType: `${type}.config.v1+json`,
        ...(await this.#upload(repository, Buffer.from(config))),
      },
      layers,
      annotations: { 'org.opencontainers.image.created': '2024-05-06T07:08:09Z' },
    })
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
    await this.#send(`/v2/${repository}/manifests/${tag}`, { method: 'PUT', headers, body: manifest })
    return sha256(Buffer.from(manifest))
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await ended
    }
    await rm(this.#folder, { recursive: true })
  }

  async #upload(
    repository: string,
    bytes: Buffer,
  ): Promise<{ readonly digest: string; readonly size: number }> {
    const digest = `sha256:${sha256(bytes)}`
    const begun = await this.#send(`/v2/${repository}/blobs/uploads/`, { method: 'POST' })
    const place = new URL(begun.headers.get('location') ?? '', this.url)
    place.searchParams.set('digest', digest)
    const headers = { 'content-type': 'application/octet-stream' }
    await this.#send(place.href, { method: 'PUT', headers, body: new Uint8Array(bytes) })
    return { digest, size: bytes.length }
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(new URL(path, this.url), init)
    if (!response.ok) throw new Error(`the registry answered ${response.status}: ${await response.text()}`)
    return response
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
