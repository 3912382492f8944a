import assert from 'node:assert/strict'
import { describeConnectionError } from '../../../src/publishing/connection-error.ts'

describe('describeConnectionError', () => {
  const rows: readonly (readonly [code: string, 'transient' | 'lasting', RegExp])[] = [
    ['ECONNREFUSED', 'transient', /^h:1: the connection is refused/],
    ['ECONNRESET', 'transient', /broke before a reply/],
    ['EAI_AGAIN', 'transient', /cannot be resolved just now/],
    ['ENOTFOUND', 'lasting', /there is no host of this name/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'lasting', /--ca-file/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'lasting', /--ca-file/],
    ['CERT_HAS_EXPIRED', 'lasting', /the server's certificate has expired/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'lasting', /for another name \(text\)/],
    ['EPROTO', 'lasting', /does not speak HTTPS/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'lasting', /refused the TLS handshake.*certificate/],
    ['HPE_INVALID_CONSTANT', 'lasting', /^h:1: text$/],
  ]
  for (const [code, kind, message] of rows) {
    it(`takes ${code} for ${kind}`, () => {
      const problem = describeConnectionError(Object.assign(new Error('text'), { code }), 'h:1')
      assert.equal(problem.isTransient, kind === 'transient')
      assert.match(problem.message, message)
    })
  }

  it('lets nothing through that a terminal would obey', () => {
    assert.equal(describeConnectionError(new Error('a\u001b[2J'), 'h').message, 'h: a\\u001b[2J')
  })
})
