import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { type Preview, type PreviewedVersion } from '../mirror/preview.ts'
import { describeSync, isComplete, type SyncReport } from '../mirror/sync-report.ts'
import { type Format } from './options.ts'

/** For people: what somebody may have to look at, then how many there were. */
export function describeReport(report: SyncReport): readonly string[] {
  const { repository, upstreams, fetched, refused, held } = report
  return [
    ...upstreams.flatMap((upstream) => [
      ...(upstream.reason === undefined ? [] : [`failed ${upstream.name}: ${upstream.reason}`]),
      ...upstream.refused.map(
        ({ name, version, reason }) =>
          `left out ${named({ name, version, upstream: upstream.name })}: ${reason}`,
      ),
    ]),
    ...fetched.flatMap((one) => (one.reading === 'lenient' ? [`lenient ${named(one)}`] : [])),
    ...held.map(
      (one) =>
        `held ${named(one)}: until ${one.until === undefined ? 'it is released' : one.until.toISOString()}`,
    ),
    ...refused.map((one) => `refused ${named(one)}: ${one.reason}`),
    `${describeRepository(repository)}: ${describeSync(report)}`,
  ]
}

/** Whether nobody has to look at it. */
export function isAsAsked(report: SyncReport): boolean {
  return report.outcome === 'offline' || isComplete(report)
}

type PreviewOf = Preview & { readonly repository: RepositoryName }

export function describeRehearsal(previews: readonly PreviewOf[], format: Format): readonly string[] {
  if (format === 'json') return [JSON.stringify(previews)]
  return previews.flatMap((preview) => {
    const { repository, upstreams, versions } = preview
    const missing = versions.filter(({ state }) => state === 'missing')
    const count = (state: PreviewedVersion['state']): number =>
      versions.filter((version) => version.state === state).length
    return [
      ...describeFailures(upstreams),
      ...missing.map((version) => `would fetch ${named(version)}`),
      `${describeRepository(repository)}: ${missing.length} would be fetched, ${count('stored')} unchanged, ${count('held')} held, ${count('gone')} gone, ${count('changed')} changed`,
    ]
  })
}

export function describeFailures(upstreams: Preview['upstreams']): readonly string[] {
  return upstreams.flatMap(({ name, failure }) =>
    failure === undefined ? [] : [`failed ${name}: ${failure}`],
  )
}

export function named({
  name,
  version,
  upstream,
}: {
  readonly name: string
  readonly version: string
  readonly upstream: string
}): string {
  return `${name} ${version} (${upstream})`
}
