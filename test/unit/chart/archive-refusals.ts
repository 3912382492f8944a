import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { type ChartArchive, readChartArchive } from '../../../src/chart/archive.ts'
import { AppError } from '../../../src/errors.ts'
import { chartYaml, type TarMember } from '../../support/chart-builder.ts'

/** What an archive is, a distinctive part of the refusal, and the archive. */
export type HostileArchive = readonly [title: string, message: string, build: () => Buffer | Promise<Buffer>]

export const CHART_YAML: TarMember = { name: 'demo/Chart.yaml', content: chartYaml() }
export const MIB = 1024 * 1024

/** One test for each: refused with this message, and the source is let go. */
export function describeRefusals(title: string, archives: readonly HostileArchive[]): void {
  describe(`readChartArchive, ${title}`, () => {
    for (const [what, message, build] of archives) {
      it(`refuses ${what}`, async () => {
        const source = Readable.from([await build()])
        await assert.rejects(readChartArchive(source), refusal(message))
        assert.ok(source.destroyed)
      })
    }
  })
}

export function read(bytes: Buffer): Promise<ChartArchive> {
  return readChartArchive(Readable.from([bytes]))
}

export function refusal(message: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof AppError, String(error))
    assert.equal(error.code, 'chart-invalid')
    assert.ok(error.message.includes(message), error.message)
    return true
  }
}

export function isRefusal(error: unknown): boolean {
  return error instanceof AppError && error.code === 'chart-invalid'
}
