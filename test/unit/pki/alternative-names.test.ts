import assert from 'node:assert/strict'
import { clientDnsName, emailName, serverName, uriName } from '../../../src/pki/alternative-names.ts'

const LABEL_63 = 'a'.repeat(63)
/** 253 characters in labels of at most 63. */
const LONGEST_HOST = `${LABEL_63}.${LABEL_63}.${LABEL_63}.${'a'.repeat(61)}`

const functions = { serverName, clientDnsName, emailName, uriName }

type Row = readonly [text: string, name: { readonly type: string; readonly value: string }]

const ACCEPTED: Readonly<Record<keyof typeof functions, readonly Row[]>> = {
  serverName: [
    ['localhost', { type: 'dns', value: 'localhost' }],
    ['*.charts.example', { type: 'dns', value: '*.charts.example' }],
    ['xn--bcher-kva.example', { type: 'dns', value: 'xn--bcher-kva.example' }],
    ['4you.example', { type: 'dns', value: '4you.example' }],
    [LONGEST_HOST, { type: 'dns', value: LONGEST_HOST }],
    ['192.0.2.1', { type: 'ip', value: '192.0.2.1' }],
    ['::1', { type: 'ip', value: '::1' }],
    ['2001:DB8::1', { type: 'ip', value: '2001:db8::1' }],
    ['::ffff:192.0.2.1', { type: 'ip', value: '::ffff:c000:201' }],
  ],
  clientDnsName: [['ci.example', { type: 'dns', value: 'ci.example' }]],
  emailName: [
    ['alice@example.org', { type: 'email', value: 'alice@example.org' }],
    ["o'hara+charts@Example.ORG", { type: 'email', value: "o'hara+charts@Example.ORG" }],
  ],
  uriName: [
    [
      'spiffe://trust.example/ns/ci/sa/publisher',
      { type: 'url', value: 'spiffe://trust.example/ns/ci/sa/publisher' },
    ],
    ['spiffe://a_b-1/..x/...', { type: 'url', value: 'spiffe://a_b-1/..x/...' }],
    ['https://example.org/a?b#c', { type: 'url', value: 'https://example.org/a?b#c' }],
    ['urn:example:alice', { type: 'url', value: 'urn:example:alice' }],
  ],
}

const REFUSED: Readonly<Record<keyof typeof functions, readonly string[]>> = {
  serverName: [
    '',
    '*',
    '*.',
    '*.*.example',
    'a.*.example',
    'w*.example',
    'Charts.example',
    'charts.example.',
    'a..b',
    '-a.example',
    'a-.example',
    'under_score.example',
    'büro.example',
    'a b',
    'a,DNS:b',
    'a\0.example',
    'charts.example:8443',
    'https://charts.example',
    '1.2.3.256',
    '1.2.3',
    '42',
    'fe80::1%eth0',
    '[::1]',
    `${'a'.repeat(64)}.example`,
    `a${LONGEST_HOST}`,
    `${LONGEST_HOST.slice(0, 250)}.abc`,
  ],
  clientDnsName: ['*.example', '192.0.2.1', '::1', ''],
  emailName: [
    '',
    'alice',
    '@example.org',
    'alice@',
    'alice@exa mple.org',
    'alice@example..org',
    'a b@example.org',
    'alice@bob@example.org',
    'älice@example.org',
    'alice@example.org\n',
    'Alice <alice@example.org>',
    `${'a'.repeat(65)}@example.org`,
  ],
  uriName: [
    '',
    'alice',
    '//example.org',
    '1a:b',
    'https://exa mple.org',
    'https://exämple.org',
    'https://example.org/\0',
    'https://',
    `urn:${'a'.repeat(2001)}`,
    'spiffe://trust.example',
    'spiffe://trust.example/',
    'spiffe:///path',
    'spiffe:trust.example/path',
    'SPIFFE://trust.example/path',
    'spiffe://Trust.example/path',
    'spiffe://trust.example:8443/path',
    'spiffe://user@trust.example/path',
    'spiffe://trust.example/a//b',
    'spiffe://trust.example/a/',
    'spiffe://trust.example/a/./b',
    'spiffe://trust.example/..',
    'spiffe://trust.example/a?b=c',
    'spiffe://trust.example/a#b',
    'spiffe://trust.example/%41',
    'spiffe://trust.example/ü',
    `spiffe://${'a'.repeat(256)}/path`,
    `spiffe://trust.example/${'a'.repeat(2026)}`,
  ],
}

for (const [title, parse] of Object.entries(functions)) {
  const kind = title as keyof typeof functions

  describe(kind, () => {
    for (const [text, name] of ACCEPTED[kind]) {
      it(`takes ${text.slice(0, 60)}`, () => {
        assert.deepEqual(parse(text), name)
      })
    }

    for (const text of REFUSED[kind]) {
      it(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
        assert.throws(() => parse(text), {
          code: 'request-invalid',
          message: /^not an? .*expected for example/,
        })
      })
    }
  })
}
