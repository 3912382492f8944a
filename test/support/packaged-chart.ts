import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDigest, type Digest } from '../../src/chart/digest.ts'
import { archiveFilename, type ArchiveFilename } from '../../src/chart/filename.ts'
import { parseChartMetadata, type ChartMetadata } from '../../src/chart/metadata.ts'
import { runHelm, type HelmBinary } from './helm-binaries.ts'

/** What is hard on a text format: trailing blanks, dashes, other scripts, numbers that are texts, several lines. */
export const DIFFICULT_CHART_YAML = `apiVersion: v2
name: demo
version: 1.2.3-rc.1+build.5
appVersion: "1.10"
description: "- Ünïcode 漢字 😀 with a trailing blank "
type: application
home: https://example.com/charts?a=b#c
keywords: ["- dash", "true", "1e3", "...", web]
maintainers: [{ name: "Jörg: the # one", email: j@example.com }]
annotations:
  artifacthub.io/changes: |
    - first  
    ...
    -----BEGIN PGP SIGNATURE-----
  example.com/date: "2024-01-01"
  example.com/long: "${'many words '.repeat(3000)}"
`

export const PLAIN_CHART_YAML = `apiVersion: v2
appVersion: 1.16.0
dependencies: []
description: A Helm chart for Kubernetes
home: https://example.com
keywords:
- http
- web
maintainers:
- email: ops@example.com
  name: Ops
name: demo
type: application
version: 0.1.0
`

export interface PackagedChart {
  readonly path: string
  readonly filename: ArchiveFilename
  readonly digest: Digest
  readonly metadata: ChartMetadata
}

/** A chart of this `Chart.yaml` alone, in the folder. */
export async function packageChart(
  helm: HelmBinary,
  home: string,
  { chartYaml = DIFFICULT_CHART_YAML, flags = [] }: { chartYaml?: string; flags?: readonly string[] } = {},
): Promise<PackagedChart> {
  const folder = join(home, 'source/demo')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'Chart.yaml'), chartYaml)
  const packaged = await runHelm(helm, ['package', folder, ...flags], { home })
  assert.equal(packaged.code, 0, packaged.stderr)
  const metadata = parseChartMetadata(chartYaml)
  const filename = archiveFilename(metadata.name, metadata.version)
  const path = join(home, filename)
  return { path, filename, digest: await digestOf(path), metadata }
}

export async function digestOf(path: string): Promise<Digest> {
  return parseDigest(
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  )
}
