import { archive } from '../../support/chart-builder.ts'
import { CHART_YAML, describeRefusals, type HostileArchive } from './archive-refusals.ts'

describeRefusals('given hostile paths', hostilePaths())

function hostilePaths(): readonly HostileArchive[] {
  const file = (name: string | Buffer) => () => archive([CHART_YAML, { name, content: 'x' }])
  const paxFile = (path: string) => () => archive([CHART_YAML, { name: 'demo/a', pax: { path } }])
  return [
    ['a file beside the directory', '"other" lies outside of a chart directory', file('other')],
    ['a file in a second directory', '"other/a" lies outside of the directory "demo"', file('other/a')],
    [
      'a second empty directory',
      'lies outside of the directory "demo"',
      () => archive([CHART_YAML, { name: 'other/', type: '5' }]),
    ],
    ['a file twice', '"demo/Chart.yaml" is there twice', file('demo/Chart.yaml')],
    [
      'a directory twice',
      'is there twice',
      () => archive([{ name: 'demo/', type: '5' }, { name: 'demo', type: '5' }, CHART_YAML]),
    ],
    ['a file twice by a path with a point', 'empty element or .', file('demo/./Chart.yaml')],
    ['a file twice by a path with two slashes', 'empty element or .', file('demo//Chart.yaml')],
    ['a file whose name ends with a slash', 'empty element or .', file('demo/a/')],
    [
      'an archive made from within the directory',
      'empty element or .',
      () => archive([{ name: './', type: '5' }]),
    ],
    ['a path that begins with a point', 'empty element or .', file('./demo/a')],
    [
      'a directory that is a file',
      'both file and directory',
      () => archive([CHART_YAML, { name: 'demo/Chart.yaml/a' }]),
    ],
    [
      'a file that is a directory',
      'both file and directory',
      () => archive([{ name: 'demo/a/b' }, { name: 'demo/a' }]),
    ],
    [
      'a directory in place of a file',
      'is there twice',
      () => archive([CHART_YAML, { name: 'demo/a' }, { name: 'demo/a/', type: '5' }]),
    ],
    ['an absolute path', 'an absolute path', file('/demo/a')],
    ['a path that climbs out', 'climbs out', file('demo/../../etc/passwd')],
    ['a path that begins with two points', 'climbs out', file('../demo/a')],
    ['a path that climbs in place', 'climbs out', file('demo/templates/../a')],
    ['a name that Helm takes for climbing', 'climbs out', file('demo/..data')],
    ['a path with a backslash', 'backslash', file('demo\\..\\a')],
    ['a path with a drive letter', 'drive letter', file('demo/c:/a')],
    ['a path with control characters', 'control characters', file('demo/a\nb')],
    ['a path that is not UTF-8', 'not UTF-8', file(Buffer.from('demo/\xff', 'latin1'))],
    ['a path with NUL', 'control characters', paxFile('demo/a\0b')],
    ['a path in a pax header that climbs out', 'climbs out', paxFile('demo/../a')],
    ['an empty path', 'empty element or .', file('')],
    ['an overlong path', 'overlong path', paxFile(`demo/${'a'.repeat(1020)}`)],
    ['an overly deep path', 'overlong path', paxFile(`demo/${'a/'.repeat(63)}a`)],
  ]
}
