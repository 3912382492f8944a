import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { readChartArchive, type ChartArchive } from '../../../src/chart/archive.ts'
import { archive, chart, chartYaml, type TarMember } from '../../support/chart-builder.ts'
import { CHART_YAML, isRefusal, refusal } from './archive-refusals.ts'

const VALUES: TarMember = { name: 'demo/values.yaml', content: 'a: 2\n' }

async function read(members: readonly TarMember[]): Promise<ChartArchive> {
  return readChartArchive(Readable.from([await archive(members)]), 'lenient')
}

describe('readChartArchive, leniently', () => {
  const accepted: readonly (readonly [string, readonly TarMember[]])[] = [
    ['a member that is there twice', [CHART_YAML, { ...VALUES, content: 'a: 1\n' }, VALUES]],
    ['Chart.yaml twice, the same', [CHART_YAML, CHART_YAML, VALUES]],
    [
      'members of the directory itself',
      [
        { name: './', type: '5' },
        { ...CHART_YAML, name: './Chart.yaml' },
        { ...VALUES, name: './values.yaml' },
      ],
    ],
    [
      'another top directory than the name',
      [
        { ...CHART_YAML, name: 'x/Chart.yaml' },
        { ...VALUES, name: 'x/values.yaml' },
      ],
    ],
    ['several top directories', [CHART_YAML, { ...VALUES, name: 'other/values.yaml' }]],
    ['paths with empty elements', [CHART_YAML, { ...VALUES, name: 'demo/.//values.yaml' }]],
    ['backslashes', [CHART_YAML, { ...VALUES, name: 'demo\\values.yaml' }]],
  ]
  for (const [what, members] of accepted) {
    it(`takes ${what} as Helm does, for the same content as in order`, async () => {
      await assert.rejects(readChartArchive(Readable.from([await archive(members)])), isRefusal)
      const { metadata, contentDigest } = await read(members)
      assert.equal(metadata.name, 'demo')
      const inOrder = await archive([CHART_YAML, VALUES])
      assert.equal(contentDigest, (await readChartArchive(Readable.from([inOrder]))).contentDigest)
    })
  }

  it('reads what is in order as the strict reading does', async () => {
    const bytes = await chart()
    assert.deepEqual(
      await readChartArchive(Readable.from([bytes]), 'lenient'),
      await readChartArchive(Readable.from([bytes])),
    )
  })

  const refused: readonly (readonly [string, string, readonly TarMember[]])[] = [
    ['an empty archive', 'has no "./Chart.yaml"', []],
    ['a path that climbs out', 'climbs out', [CHART_YAML, { name: 'demo/../../x', content: 'x' }]],
    ['an absolute path', 'absolute path', [CHART_YAML, { name: '//x', content: 'x' }]],
    ['a drive letter', 'drive letter', [CHART_YAML, { name: 'demo/c:/x', content: 'x' }]],
    ['a file at the top', 'outside of a chart directory', [CHART_YAML, { name: 'x', content: 'x' }]],
    ['Chart.yaml as a directory', 'outside of a chart', [CHART_YAML, { name: 'Chart.yaml/x', content: 'x' }]],
    ['a line feed in a path', 'control characters', [CHART_YAML, { name: 'demo/a\nb', content: 'x' }]],
    ['an overlong path', 'overlong', [CHART_YAML, { name: `demo/${'a'.repeat(1100)}`, content: 'x' }]],
    ['a symbolic link', 'a symbolic link', [CHART_YAML, { name: 'demo/x', type: '2', linkname: 'y' }]],
    [
      'two of Chart.yaml that differ',
      'two files Chart.yaml that differ',
      [CHART_YAML, { ...CHART_YAML, content: chartYaml({ version: '0.2.0' }) }],
    ],
    [
      'metadata that no index can hold',
      'not a SemVer 2 version',
      [{ ...CHART_YAML, content: chartYaml({ version: '1' }) }],
    ],
    [
      'more members than a limit',
      'more than 10000 members',
      Array.from({ length: 10_001 }, () => ({ name: 'demo/', type: '5' })),
    ],
  ]
  for (const [what, message, members] of refused) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(read(members), refusal(message))
    })
  }
})
