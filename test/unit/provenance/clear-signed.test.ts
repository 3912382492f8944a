import assert from 'node:assert/strict'
import {
  escapeText,
  parseClearSigned,
  renderClearSigned,
  signedText,
} from '../../../src/provenance/clear-signed.ts'

const PACKETS = Buffer.from('c2', 'hex')

function fileOf(text: string): string {
  return renderClearSigned(escapeText(text), ['SHA512'], PACKETS)
}

describe('renderClearSigned', () => {
  it('writes the file that Helm writes, without a final line end', () => {
    assert.equal(
      renderClearSigned(escapeText('a\n- b'), ['SHA512', 'SHA256'], PACKETS),
      '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512, SHA256\n\na\n- - b\n' +
        '-----BEGIN PGP SIGNATURE-----\n\nwg==\n=wVio\n-----END PGP SIGNATURE-----',
    )
  })

  it('escapes dashes at line starts only where a line starts for everybody', () => {
    assert.equal(escapeText('-a\n -b\nc\u2028-d'), '- -a\n -b\nc\u2028-d\n')
  })
})

describe('parseClearSigned', () => {
  const text = 'name: a\nkeywords:\n- b\n--- c\n\n...\nfiles: {}'
  const file = fileOf(text)

  it('gives back the text and the packets', () => {
    const parsed = parseClearSigned(file)
    assert.equal(parsed.text, text)
    assert.deepEqual(parsed.signatures, PACKETS)
  })

  it('leaves trailing blanks out of what is signed and in what is kept', () => {
    const parsed = parseClearSigned(fileOf('a \t\nb\u00a0\n  \nc'))
    assert.equal(parsed.text, 'a\nb\u00a0\n\nc')
    assert.equal(parsed.text, signedText('a \t\nb\u00a0\n  \nc'))
    assert.equal(parsed.escapedText, 'a \t\nb\u00a0\n  \nc\n')
  })

  it('keeps a final line end that is signed', () => {
    assert.equal(parseClearSigned(fileOf('a\n')).text, 'a\n')
  })

  const accepted: Record<string, string> = {
    'CRLF line ends': file.replaceAll('\n', '\r\n'),
    'a final line end': `${file}\n`,
    'text around the block': `hello\n${file}\nbye`,
    'no Hash header': file.replace('Hash: SHA512\n', ''),
    'a wrong Hash header': file.replace('SHA512', 'MD5'),
    'a Hash header with odd blanks': file.replace(': SHA512', ':SHA512 ,SHA3-256 '),
    'several Hash headers': file.replace('Hash: SHA512', 'Hash: SHA512, SHA1\nHash: SHA256'),
  }
  for (const [what, variant] of Object.entries(accepted)) {
    it(`reads a file with ${what}`, () => {
      assert.equal(parseClearSigned(variant).text, text)
    })
  }

  it('takes the first of two blocks, like Helm', () => {
    assert.equal(parseClearSigned(`${file}\n${fileOf('other')}`).text, text)
  })

  const refused: [what: string, variant: string, message: RegExp][] = [
    ['nothing', '', /no clear-signed block/],
    ['no block', 'name: a\n', /no clear-signed block/],
    ['a first line that goes on', file.replace('MESSAGE-----', 'MESSAGE----- '), /no clear-signed block/],
    ['a byte order mark', `\ufeff${file}`, /no clear-signed block/],
    ['an indented block', ` ${file}`, /no clear-signed block/],
    ['only its first line', '-----BEGIN PGP SIGNED MESSAGE-----', /no clear-signed block/],
    ['headers that never end', '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512', /no text/],
    ['a Comment header', file.replace('\n\n', '\nComment: x\n\n'), /only Hash may stand there/],
    ['an unknown hash', file.replace('SHA512', 'FOO'), /only Hash may stand there/],
    ['an empty Hash header', file.replace('SHA512', ''), /only Hash may stand there/],
    ['a SaltedHash header', file.replace('Hash:', 'SaltedHash:'), /only Hash may stand there/],
    ['blanks for the empty line', file.replace('\n\n', '\n  \n\n'), /only Hash may stand there/],
    ['no signature block', file.slice(0, file.indexOf('-----BEGIN PGP SIGNATURE')), /no signature/],
    ['an empty signature block', renderClearSigned('a\n', ['SHA512'], Buffer.alloc(0)), /no signature/],
    ['an unescaped dash', file.replace('- - b', '- b\n-c'), /unescaped dash/],
    ['an unescaped marker', file.replace('- - b', '-----BEGIN PGP MESSAGE-----'), /unescaped dash/],
    ['a NUL', file.replace('name', 'na\0me'), /control character/],
    ['a carriage return within a line', file.replace('name', 'na\rme'), /control character/],
    ['two carriage returns at a line end', file.replace('name: a', 'name: a\r\r'), /control character/],
    ['no end', file.replace('-----END', '-----end'), /damaged signature block/],
    ['a blank after its end', file.concat(' '), /damaged signature block/],
    ['damaged base64', file.replace('wg==', 'wg=*'), /damaged signature block/],
  ]
  for (const [what, variant, message] of refused) {
    it(`refuses a file with ${what}`, () => {
      assert.throws(() => parseClearSigned(variant), { code: 'provenance-invalid', message })
    })
  }
})
