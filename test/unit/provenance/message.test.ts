import assert from 'node:assert/strict'
import { parseDigest } from '../../../src/chart/digest.ts'
import { archiveFilename } from '../../../src/chart/filename.ts'
import { parseChartMetadata, type ChartMetadata } from '../../../src/chart/metadata.ts'
import { parseChartName } from '../../../src/chart/name.ts'
import { parseChartVersion } from '../../../src/chart/version.ts'
import { escapeText, renderClearSigned } from '../../../src/provenance/clear-signed.ts'
import {
  MOST_PROVENANCE_BYTES,
  parseProvenance,
  renderProvenanceMessage,
} from '../../../src/provenance/message.ts'

const HEX = '0123456789abcdef'.repeat(4)
const DIGEST = parseDigest(HEX)

const NAME = parseChartName('demo')
const VERSION = parseChartVersion('1.2.3')
const FILENAME = archiveFilename(NAME, VERSION)

function metadataOf(fields: Partial<ChartMetadata> = {}): ChartMetadata {
  return { apiVersion: 'v2', name: NAME, version: VERSION, ...fields }
}

function messageOf(fields: Partial<ChartMetadata> = {}): string {
  return renderProvenanceMessage({ metadata: metadataOf(fields), filename: FILENAME, digest: DIGEST })
}

function fileOf(message: string): string {
  return renderClearSigned(escapeText(message), ['SHA512'], Buffer.from([0xc2, 0x00]))
}

describe('renderProvenanceMessage', () => {
  it('writes what Helm writes: sorted metadata, a separator and the sum', () => {
    const message = messageOf({
      description: 'A Helm chart for Kubernetes',
      appVersion: '1.16.0',
      keywords: ['http', 'web server'],
      home: 'https://example.com/a?b=c',
      deprecated: true,
      annotations: { 'example.com/team': 'blue', b: '2' },
    })
    assert.equal(
      message,
      'annotations:\n  b: "2"\n  example.com/team: blue\napiVersion: v2\nappVersion: 1.16.0\ndeprecated: true\n' +
        'description: A Helm chart for Kubernetes\nhome: https://example.com/a?b=c\nkeywords:\n- http\n- web server\n' +
        `name: demo\nversion: 1.2.3\n\n...\nfiles:\n  demo-1.2.3.tgz: sha256:${HEX}`,
    )
  })

  const strings = [
    ...['1.10', '1.0', '1', '0777', '0o17', '0x1F', '1_000', '1e3', '1:30', '.5', '-1', '+1', '.inf', '.nan'],
    ...['true', 'False', 'yes', 'NO', 'on', 'Off', 'y', 'N', 'null', '~', '', '=', '<<', '2024-01-01'],
    ...[
      '2024-01-01T00:00:00Z',
      'a: b',
      'a:',
      'a #b',
      '#a',
      '- a',
      '-',
      '---',
      '...',
      '- - -',
      '? a',
      '!a',
      '&a',
    ],
    ...[
      '*a',
      '|',
      '>',
      '%a',
      '@a',
      '`a',
      '"a"',
      "'a'",
      "don't",
      '{a}',
      '[a]',
      'a, b',
      'a\\b',
      ' a',
      'a ',
      'a\t',
    ],
    ...[
      'a\nb',
      'a\n',
      '\na',
      'a\n...\nb',
      'a\r\nb',
      'a\n- b',
      'a \nb',
      'é ü 漢字 😀',
      '\u00a0a',
      'a\u2028-b',
    ],
    ...[
      'a\u0085b',
      'a\u2029...',
      '\ufeff',
      '\u007f',
      '\u0001',
      `${'long '.repeat(30)}text`,
      'x'.repeat(30_000),
    ],
  ]
  for (const text of strings) {
    it(`keeps ${JSON.stringify(text).slice(0, 40)} a string`, () => {
      const message = messageOf({ annotations: { key: text, [`k${text.slice(0, 50)}`]: 'v' } })
      const [yaml = ''] = message.split('\n...\n')
      const { annotations } = parseChartMetadata(yaml)
      assert.deepEqual(annotations, { key: text, [`k${text.slice(0, 50)}`]: 'v' })
      assert.equal(message.split('\n...\n').length, 2)
      assert.equal(parseProvenance(fileOf(message)).text, message)
    })
  }

  it('folds what would be too long a line for gpg, and nothing shorter', () => {
    const text = `${'some words '.repeat(2000)}${'\u{1f600}'.repeat(9000)}${' \t\\\u0001"\n'.repeat(3000)} `
    const message = messageOf({ annotations: { changes: text } })
    assert.ok(message.split('\n').every((line) => Buffer.byteLength(line) < 20_000))
    assert.equal(parseChartMetadata(message.split('\n...\n')[0] ?? '').annotations?.['changes'], text)
    assert.match(messageOf({ description: 'words '.repeat(300).trim() }), /^description: (words ?){300}$/m)
  })

  it('writes nested dependencies and maintainers', () => {
    const message = messageOf({
      dependencies: [{ name: 'redis', version: '^1.0', 'import-values': ['a', { child: 'c', parent: 'p' }] }],
      maintainers: [{ name: 'A', email: 'a@example.com' }],
    })
    assert.ok(
      message.startsWith(
        'apiVersion: v2\ndependencies:\n- import-values:\n  - a\n  - child: c\n    parent: p\n  name: redis\n' +
          '  version: "^1.0"\nmaintainers:\n- email: a@example.com\n  name: A\nname: demo\n',
      ),
      message,
    )
  })
})

describe('parseProvenance', () => {
  const message = messageOf()

  it('finds the name, the version and the files', () => {
    const parsed = parseProvenance(Buffer.from(fileOf(message)))
    assert.deepEqual([parsed.name, parsed.version], ['demo', '1.2.3'])
    assert.deepEqual([...parsed.files], [['demo-1.2.3.tgz', HEX]])
  })

  const accepted: Record<string, string> = {
    'JSON sections': `{"name":"demo","version":"1.2.3"}\n...\n{"files":{"demo-1.2.3.tgz":"sha256:${HEX}"}}`,
    'a third section': `${message}\n...\nattested: yes`,
    images: `${message}\nimages:\n  app: sha512:00`,
    'other fields in the metadata': message.replace('name:', 'engine: gotpl\nname:'),
    'a final line end': `${message}\n`,
    'quoted values': message.replace('name: demo', 'name: "demo"').replace(/(sha256:.*)/, "'$1'"),
  }
  for (const [what, text] of Object.entries(accepted)) {
    it(`reads ${what}`, () => {
      const parsed = parseProvenance(fileOf(text))
      assert.deepEqual([parsed.name, parsed.version], ['demo', '1.2.3'])
      assert.equal(parsed.files.get('demo-1.2.3.tgz'), DIGEST)
    })
  }

  it('finds every file of several', () => {
    const { files } = parseProvenance(fileOf(`${message}\n  other.tgz: sha256:${HEX}`))
    assert.deepEqual([...files.keys()], ['demo-1.2.3.tgz', 'other.tgz'])
  })

  const refused: [what: string, text: string, reason: RegExp][] = [
    ['one section', message.replace('\n...\n', '\n'), /two sections/],
    [
      'an empty metadata section',
      message.slice(message.indexOf('\n...\n')),
      /metadata section: name is missing/,
    ],
    ['no version', message.replace('version: 1.2.3\n', ''), /metadata section: version is missing/],
    ['a name that is a list', message.replace('name: demo', 'name: [demo]'), /name is a list/],
    ['keywords that Helm 3 cannot decode', message.replace('name:', 'keywords: web\nname:'), /keywords/],
    [
      'annotations that it cannot decode',
      message.replace('name:', 'annotations: {a: [b]}\nname:'),
      /annotations/,
    ],
    ['a home that it cannot decode', message.replace('name:', 'home: {}\nname:'), /home/],
    [
      'a deprecated that it cannot decode',
      message.replace('name:', 'deprecated: "true"\nname:'),
      /deprecated/,
    ],
    [
      'metadata that is no YAML',
      message.replace('name: demo', 'name: "demo'),
      /metadata section is not YAML/,
    ],
    ['metadata that is a list', message.replace(/^[^]*?\n\n/, '- a\n\n'), /metadata section is a list/],
    ['no files', message.replace(/files:[^]*/, ''), /lists no files/],
    ['an empty list of files', message.replace(/files:[^]*/, 'files: {}'), /lists no files/],
    ['files that are a list', message.replace(/files:[^]*/, 'files: [a]'), /files is a list/],
    ['files in two spellings', `${message}\nFiles: {}`, /has files twice/],
    ['an upper-case sum', message.replace(HEX, HEX.toUpperCase()), /not a SHA-256 digest/],
    ['a short sum', message.replace(HEX, HEX.slice(1)), /not a SHA-256 digest/],
    ['a sum without its algorithm', message.replace('sha256:', ''), /begin with sha256:/],
    [
      'a SHA-512 sum',
      message.replace('sha256:', 'sha512:'),
      /sum of "demo-1.2.3.tgz" does not begin with sha256:/,
    ],
    ['a sum with something behind it', `${message}:0`, /begin with sha256:/],
    [
      'a line end that only YAML 1.1 sees',
      `${message} # \u2028  demo-1.2.3.tgz: sha256:00`,
      /control characters/,
    ],
  ]
  for (const [what, text, reason] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseProvenance(fileOf(text)), { code: 'provenance-invalid', message: reason })
    })
  }

  it('refuses aliases that stand for more than a file may hold', () => {
    const levels = 'abcdefghij'.split('').map((name, depth, names) => {
      const content =
        depth === 0
          ? '"0123456789"'
          : Array(10)
              .fill(`*${names[depth - 1] ?? ''}`)
              .join(', ')
      return `${name}: &${name} [${content}]`
    })
    assert.throws(() => parseProvenance(fileOf(`${levels.join('\n')}\n${message}`)), {
      code: 'provenance-invalid',
    })
  })

  it('refuses bytes that are no UTF-8', () => {
    const bytes = Buffer.from(fileOf(message.replace('name: demo', 'name: d\u00e9mo')), 'latin1')
    assert.throws(() => parseProvenance(bytes), { code: 'provenance-invalid', message: /not UTF-8/ })
  })

  it('reads what a publisher may send with our signature in front, and nothing twice as large', () => {
    const file = fileOf(message)
    const long = `${'x'.repeat(MOST_PROVENANCE_BYTES)}\n${file}`
    assert.equal(parseProvenance(long).name, 'demo')
    assert.throws(() => parseProvenance(`${long}${long}`), {
      code: 'too-large',
      message: /at most 2097152 bytes/,
    })
  })
})
