import { gzipSync } from 'node:zlib'
import { archive, chart, chartYaml, tarball } from '../../support/chart-builder.ts'
import { CHART_YAML, describeRefusals, type HostileArchive, MIB } from './archive-refusals.ts'

describeRefusals('given broken or ambiguous gzip', hostileGzips())
describeRefusals('given a broken or ambiguous tar', hostileTars())
describeRefusals('given content that is no chart', hostileContents())

function hostileGzips(): readonly HostileArchive[] {
  const gzipHeader = (flags: number, rest: Buffer) =>
    Buffer.concat([Buffer.of(31, 139, 8, flags, 0, 0, 0, 0, 0, 3), rest])
  return [
    ['no bytes', 'ends within its gzip header', () => Buffer.alloc(0)],
    ['plain text', 'not a gzip file', () => Buffer.from('hello')],
    ['a plain tar', 'not a gzip file', () => tarball([CHART_YAML])],
    ['another compression method', 'not a gzip file', () => Buffer.of(31, 139, 7, 0, 0, 0, 0, 0, 0, 3)],
    ['reserved gzip flags', 'unknown gzip flags', () => gzipHeader(0x20, Buffer.alloc(20))],
    [
      'an endless name in the gzip header',
      'overlong gzip header',
      () => gzipHeader(0x08, Buffer.alloc(5000, 'a')),
    ],
    ['a huge extra field', 'overlong gzip header', () => gzipHeader(0x04, Buffer.alloc(5000, 0xff))],
    ['bytes that are not deflated', 'damaged or cut off', () => gzipHeader(0, Buffer.alloc(100, 0xff))],
    [
      'zeros after the gzip member',
      'bytes after its gzip member',
      () => archive([CHART_YAML], { afterGzip: Buffer.alloc(512) }),
    ],
    [
      'bytes after the gzip member',
      'bytes after its gzip member',
      () => archive([CHART_YAML], { afterGzip: Buffer.from('x') }),
    ],
    [
      'many bytes after the gzip member',
      'bytes after its gzip member',
      () => archive([CHART_YAML], { afterGzip: Buffer.alloc(MIB) }),
    ],
    [
      'a second gzip member',
      'bytes after its gzip member',
      () => archive([CHART_YAML], { afterGzip: gzipSync('') }),
    ],
    ['an empty gzip member before', 'empty', async () => Buffer.concat([gzipSync(''), await chart()])],
    ['a tar in two gzip members', 'cut off within a member', () => inTwoMembers(tarball([CHART_YAML]))],
    ['a wrong gzip checksum', 'checksum or length is wrong', async () => changed(await chart(), -8)],
    ['a wrong gzip length', 'checksum or length is wrong', async () => changed(await chart(), -4)],
    ['a gzip trailer that is cut off', 'damaged or cut off', async () => (await chart()).subarray(0, -1)],
  ]
}

function hostileTars(): readonly HostileArchive[] {
  const tar = tarball([CHART_YAML])
  const empties = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `demo/${index}` }))
  return [
    ['an empty tar', 'the archive is empty', () => archive([])],
    ['no tar at all', 'not a tar', () => gzipSync('x'.repeat(1024))],
    ['less than a block', 'cut off within a member', () => gzipSync('x')],
    ['a tar that ends within a header', 'cut off within a member', () => gzipSync(tar.subarray(0, 100))],
    ['a tar that ends within a content', 'cut off within a member', () => gzipSync(tar.subarray(0, 520))],
    ['a tar that ends within its end marker', 'cut off within a member', () => gzipSync(tar.subarray(0, -1))],
    [
      'a member after the end marker',
      'bytes after its end marker',
      () => archive([CHART_YAML], { afterEnd: tar }),
    ],
    [
      'bytes after the end marker',
      'bytes after its end marker',
      () => archive([CHART_YAML], { afterEnd: Buffer.alloc(512, 'x') }),
    ],
    [
      'bytes after one block of zeros',
      'bytes after its end marker',
      () => archive([CHART_YAML], { endBlocks: 1, afterEnd: tar }),
    ],
    [
      'a file of more than 5 MiB',
      'is larger than 5242880 bytes',
      () => archive([CHART_YAML, { name: 'demo/a', content: Buffer.alloc(5 * MIB + 1) }]),
    ],
    [
      'a file that only claims to be large',
      'is larger than 5242880 bytes',
      () => archive([CHART_YAML, { name: 'demo/a', size: 0o77777777777 }]),
    ],
    [
      'a bomb of zeros',
      'unpacks to 100 MiB or more',
      () => gzipSync(Buffer.concat([tar, Buffer.alloc(100 * MIB)]), { level: 1 }),
    ],
    ['a bomb of empty files', 'more than 10000 members', () => archive([CHART_YAML, ...empties(10_000)])],
  ]
}

function hostileContents(): readonly HostileArchive[] {
  return [
    ['no Chart.yaml', 'has no "demo/Chart.yaml"', () => archive([{ name: 'demo/values.yaml' }])],
    [
      'Chart.yaml in lower case only',
      'has no "demo/Chart.yaml"',
      () => archive([{ ...CHART_YAML, name: 'demo/chart.yaml' }]),
    ],
    [
      'Chart.yaml further down only',
      'has no "demo/Chart.yaml"',
      () => archive([{ ...CHART_YAML, name: 'demo/demo/Chart.yaml' }]),
    ],
    [
      'a directory of another name',
      'directory is "other", and must be "demo"',
      () => chart({ directory: 'other' }),
    ],
    [
      'metadata that is not valid',
      'Chart.yaml: version is missing',
      () => chart({ chartYaml: 'name: demo' }),
    ],
    [
      'Chart.yaml that is not UTF-8',
      '"demo/Chart.yaml" is not UTF-8',
      () => chart({ chartYaml: Buffer.of(0xff) }),
    ],
    [
      'Chart.yaml in UTF-16',
      '"demo/Chart.yaml" is not UTF-8',
      () => chart({ chartYaml: Buffer.from(`\ufeff${chartYaml()}`, 'utf16le') }),
    ],
    [
      'a large Chart.yaml',
      '"demo/Chart.yaml" is larger than 262144 bytes',
      () => chart({ chartYaml: `${chartYaml()}#${' '.repeat(300_000)}` }),
    ],
    ['values that are a list', 'values.yaml must be a map', () => chart({ files: { 'values.yaml': '- a' } })],
    [
      'large values',
      '"demo/values.yaml" is larger than 1048576 bytes',
      () => chart({ files: { 'values.yaml': '#'.repeat(MIB + 1) } }),
    ],
    [
      'requirements that rename the chart',
      'requirements.yaml: name would replace',
      () => chart({ files: { 'requirements.yaml': 'name: evil' } }),
    ],
  ]
}

/** The bytes with one bit of the byte at this place another; from the end, where the place is negative. */
function changed(bytes: Buffer, place: number): Buffer {
  const copy = Buffer.from(bytes)
  const index = (place + copy.length) % copy.length
  copy.writeUInt8(copy.readUInt8(index) ^ 1, index)
  return copy
}

function inTwoMembers(tar: Buffer): Buffer {
  return Buffer.concat([gzipSync(tar.subarray(0, 520)), gzipSync(tar.subarray(520))])
}
